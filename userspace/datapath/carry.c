/* SPDX-License-Identifier: Apache-2.0 */
#include "datapath/carry.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include "core/cleanup.h"
#include "datapath/pinned_btf.h"
#include "datapath/private.h"
#include "datapath/walk.h"

struct carry {
	int from, to;
	struct bpf_map_info from_info, to_info;
	struct rf_layout_plan key, value;
	size_t copies;                 /* of a value: one, or one a CPU */
	size_t from_stride, to_stride; /* between them */
	char *to_key, *to_value;       /* room for one entry */
	int (*put)(struct carry *c);   /* stores to_key, to_value */
	struct rf_carried *carried;
};

static void carry_done(struct carry *c)
{
	free(c->to_key);
	free(c->to_value);
}

static int read_info(int fd, struct bpf_map_info *ret)
{
	__u32 len = sizeof(*ret);

	memset(ret, 0, sizeof(*ret));
	return bpf_obj_get_info_by_fd(fd, ret, &len) < 0 ? -errno : 0;
}

static int make_plans(struct carry *c, const struct rf_carry_types *types)
{
	RF_CLEANUP(rf_btf_freep) struct btf *from = NULL;
	RF_CLEANUP(rf_btf_freep) struct btf *to = NULL;
	struct rf_carry_types kernels;
	int r;

	if (!types) {
		from = c->from_info.btf_id ? btf__load_from_kernel_by_id(c->from_info.btf_id) : NULL;
		to = c->to_info.btf_id ? btf__load_from_kernel_by_id(c->to_info.btf_id) : NULL;
		kernels = (struct rf_carry_types){.from_key = {from, c->from_info.btf_key_type_id},
						  .from_value = {from, c->from_info.btf_value_type_id},
						  .to_key = {to, c->to_info.btf_key_type_id},
						  .to_value = {to, c->to_info.btf_value_type_id}};
		types = &kernels;
	}
	r = rf_layout_plan(types->from_key, types->to_key, &c->key);
	if (r == 0)
		r = rf_layout_plan(types->from_value, types->to_value, &c->value);
	if (r < 0)
		return r;
	if (!c->key.whole || rf_layout_size(types->from_key) != c->from_info.key_size ||
	    rf_layout_size(types->from_value) != c->from_info.value_size || c->key.to_size != c->to_info.key_size ||
	    c->value.to_size != c->to_info.value_size)
		return -EPROTO;
	return 0;
}

static bool is_per_cpu(__u32 type)
{
	return type == BPF_MAP_TYPE_PERCPU_ARRAY || type == BPF_MAP_TYPE_PERCPU_HASH || type == BPF_MAP_TYPE_LRU_PERCPU_HASH;
}

static int make_room(struct carry *c)
{
	bool per_cpu = is_per_cpu(c->from_info.type);
	int cpus = per_cpu ? libbpf_num_possible_cpus() : 1;

	if (cpus < 1)
		return cpus < 0 ? cpus : -EINVAL;
	c->copies = (size_t)cpus;
	c->from_stride = per_cpu ? (c->from_info.value_size + 7u) & ~7u : c->from_info.value_size;
	c->to_stride = per_cpu ? (c->to_info.value_size + 7u) & ~7u : c->to_info.value_size;
	c->to_key = calloc(1, c->to_info.key_size);
	c->to_value = calloc(c->copies, c->to_stride);
	return c->to_key && c->to_value ? 0 : -ENOMEM;
}

static int start(struct carry *c, const struct rf_carry_types *types)
{
	int r = read_info(c->from, &c->from_info);

	if (r == 0)
		r = read_info(c->to, &c->to_info);
	if (r == 0 && (c->from_info.type != c->to_info.type || c->from_info.type == BPF_MAP_TYPE_SK_STORAGE))
		r = -EPROTO;
	if (r == 0)
		r = make_plans(c, types);
	return r < 0 ? r : make_room(c);
}

static int carry_entry(struct carry *c, const void *key, const void *value)
{
	int r;

	rf_layout_apply(&c->key, key, c->to_key);
	for (size_t i = 0; i < c->copies; i++)
		rf_layout_apply(&c->value, (const char *)value + i * c->from_stride, c->to_value + i * c->to_stride);
	r = c->put(c);
	if (r == 0)
		c->carried->moved++;
	else if (r == -E2BIG || r == -ENOMEM || r == -ENOSPC) /* smaller than it was */
		c->carried->lost++;
	else if (r != -EEXIST)
		return r;
	return 0;
}

static int carry_hash(struct carry *c)
{
	RF_CLEANUP(rf_walk_done) struct rf_walk walk = {};
	int count, r = rf_walk_open(&walk, c->from);

	if (r < 0)
		return r;
	while ((count = rf_walk_next(&walk)) > 0)
		for (int i = 0; i < count; i++) {
			r = carry_entry(c, rf_walk_key(&walk, i), rf_walk_value(&walk, i));
			if (r < 0)
				return r;
		}
	return count;
}

/* Arrays, tries: nothing comes or goes in them meanwhile, so walking by key is complete. */
static int carry_others(struct carry *c)
{
	_cleanup_free_ char *key = calloc(2, c->from_info.key_size);
	_cleanup_free_ char *value = calloc(c->copies, c->from_stride);
	char *next = key ? key + c->from_info.key_size : NULL;
	bool is_array = c->from_info.type == BPF_MAP_TYPE_ARRAY || c->from_info.type == BPF_MAP_TYPE_PERCPU_ARRAY;
	void *previous = NULL;

	if (!key || !value)
		return -ENOMEM;
	for (__u32 i = 0; i < c->from_info.max_entries && bpf_map_get_next_key(c->from, previous, next) == 0; i++) {
		int r;

		if (is_array && i >= c->to_info.max_entries)
			break; /* an index that the new one does not have */
		memcpy(key, next, c->from_info.key_size);
		previous = key;
		if (bpf_map_lookup_elem(c->from, key, value) < 0)
			continue;
		r = carry_entry(c, key, value);
		if (r < 0)
			return r;
	}
	return 0;
}

static int carry(int from, int to, const struct rf_carry_types *types, int (*put)(struct carry *c), struct rf_carried *ret)
{
	RF_CLEANUP(carry_done) struct carry c = {.from = from, .to = to, .put = put, .carried = ret};
	int r = start(&c, types);

	if (r < 0)
		return r;
	return c.from_info.type == BPF_MAP_TYPE_HASH || c.from_info.type == BPF_MAP_TYPE_LRU_HASH ? carry_hash(&c) : carry_others(&c);
}

static int put_any(struct carry *c)
{
	return bpf_map_update_elem(c->to, c->to_key, c->to_value, BPF_ANY) < 0 ? -errno : 0;
}

static int put_missing(struct carry *c)
{
	return bpf_map_update_elem(c->to, c->to_key, c->to_value, BPF_NOEXIST) < 0 ? -errno : 0;
}

static int put_later_flow(struct carry *c)
{
	const struct rf_flow *flow = (const void *)c->to_value;
	struct rf_flow there;
	int r = put_missing(c);

	if (r != -EEXIST)
		return r;
	if (bpf_map_lookup_elem(c->to, c->to_key, &there) < 0)
		return errno == ENOENT ? -EEXIST : -errno;
	if (there.seen_ns >= flow->seen_ns)
		return -EEXIST;
	return bpf_map_update_elem(c->to, c->to_key, flow, BPF_EXIST) < 0 ? -errno : 0;
}

int rf_carry_map(int from, int to, const struct rf_carry_types *types, struct rf_carried *ret)
{
	return carry(from, to, types, put_any, ret);
}

int rf_carry_flows(int from, int to, struct rf_carried *ret)
{
	return carry(from, to, NULL, put_later_flow, ret);
}

int rf_carry_missing(int from, int to, struct rf_carried *ret)
{
	return carry(from, to, NULL, put_missing, ret);
}
