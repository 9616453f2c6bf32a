/* SPDX-License-Identifier: Apache-2.0 */
/* What this kernel does, found out by trying on maps of our own. Nothing that is live is touched. */
#include <unistd.h>

#include <bpf/bpf.h>
#include <bpf/btf.h>
#include <bpf/libbpf.h>

#include "core/cleanup.h"
#include "datapath/private.h"

static int array(const char *name, const struct bpf_map_create_opts *opts)
{
	return bpf_map_create(BPF_MAP_TYPE_ARRAY, name, 4, sizeof(struct rf_config), 1, opts);
}

static int array_with_btf(struct bpf_object *object)
{
	const struct btf *btf = bpf_object__btf(object);
	__s32 key = btf__find_by_name(btf, "unsigned int"), value = btf__find_by_name(btf, "rf_config");
	LIBBPF_OPTS(bpf_map_create_opts, opts, .map_flags = BPF_F_INNER_MAP, .btf_fd = (__u32)bpf_object__btf_fd(object));

	if (key <= 0 || value <= 0)
		return -1;
	opts.btf_key_type_id = (__u32)key;
	opts.btf_value_type_id = (__u32)value;
	return array("rf_probe_btf", &opts);
}

/* 5.15 to 6.1 compare where a timer would be in the inner maps' values, and "no BTF" is another answer to that than "no timer": a map with
 * BTF cannot be stored where the template has none. */
bool rf_dp_inner_btf(struct rf_datapath *dp)
{
	LIBBPF_OPTS(bpf_map_create_opts, plain_opts, .map_flags = BPF_F_INNER_MAP);
	_cleanup_close_ int plain = array("rf_probe_plain", &plain_opts);
	_cleanup_close_ int typed = array_with_btf(dp->objects[RF_OBJECT_ASK]);
	LIBBPF_OPTS(bpf_map_create_opts, opts, .inner_map_fd = (__u32)plain);
	_cleanup_close_ int outer = -1;
	__u32 zero = 0;

	if (plain < 0 || typed < 0)
		return false;
	outer = bpf_map_create(BPF_MAP_TYPE_ARRAY_OF_MAPS, "rf_probe_outer", 4, 4, 1, &opts);
	return outer >= 0 && bpf_map_update_elem(outer, &zero, &typed, BPF_ANY) == 0;
}
