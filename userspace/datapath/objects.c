/* SPDX-License-Identifier: Apache-2.0 */
/* The compiled BPF objects, carried inside the binary as skeletons; only their bytes are used, so that all are handled alike. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include "ask.skel.h"
#include "connect.skel.h"
#include "forget.skel.h"
#include "sendmsg.skel.h"
#include "sock.skel.h"
#include "sockops.skel.h"
#include "sockopt.skel.h"
#include "tc.skel.h"

#include "core/cleanup.h"
#include "datapath/private.h"

static const void *object_bytes(enum rf_object_id id, size_t *size)
{
	switch (id) {
	case RF_OBJECT_ASK:
		return rf_ask_bpf__elf_bytes(size);
	case RF_OBJECT_FORGET:
		return rf_forget_bpf__elf_bytes(size);
	case RF_OBJECT_SENDMSG:
		return rf_sendmsg_bpf__elf_bytes(size);
	case RF_OBJECT_SOCK:
		return rf_sock_bpf__elf_bytes(size);
	case RF_OBJECT_CONNECT:
		return rf_connect_bpf__elf_bytes(size);
	case RF_OBJECT_SOCKOPS:
		return rf_sockops_bpf__elf_bytes(size);
	case RF_OBJECT_SOCKOPT:
		return rf_sockopt_bpf__elf_bytes(size);
	case RF_OBJECT_TC:
		return rf_tc_bpf__elf_bytes(size);
	default:
		return NULL;
	}
}

static const char *const object_names[_RF_OBJECT_MAX] = {"ask", "forget", "sock", "connect", "sendmsg", "sockops", "sockopt", "tc"};

/* Maps of the object that are not its .rodata live in dp->dir/maps: libbpf reuses a pinned one or makes and pins it. */
static int pin_maps(struct rf_datapath *dp, struct bpf_object *object)
{
	char path[sizeof(dp->dir) + 64];
	struct bpf_map *map;

	bpf_object__for_each_map(map, object)
	{
		int r;

		if (bpf_map__is_internal(map))
			continue;
		snprintf(path, sizeof(path), "%s/maps/%s", dp->dir, bpf_map__name(map));
		r = bpf_map__set_pin_path(map, path);
		if (r < 0)
			return r;
	}
	return 0;
}

static struct bpf_object *object_open(enum rf_object_id id)
{
	LIBBPF_OPTS(bpf_object_open_opts, opts, .object_name = object_names[id]);
	size_t size = 0;
	const void *bytes = object_bytes(id, &size);

	return bpf_object__open_mem(bytes, size, &opts);
}

/* What kernels may lack, the latest first: bpf_skc_to_mptcp_sock came with 5.19 (and needs CONFIG_MPTCP), bpf_set_retval with 5.18. */
struct features {
	bool mptcp;
	bool set_retval;
};
static const struct features features[] = {{true, true}, {false, true}, {false, false}};

static int object_load(struct rf_datapath *dp, enum rf_object_id id, const struct features *with)
{
	struct bpf_object *object = object_open(id);
	int r;

	if (!object)
		return -errno;
	r = pin_maps(dp, object);
	if (r == 0)
		r = rf_dp_feature(object, "rf_has_mptcp", with->mptcp);
	if (r == 0)
		r = rf_dp_feature(object, "rf_has_set_retval", with->set_retval);
	if (r == 0)
		r = bpf_object__load(object);
	if (r < 0) {
		bpf_object__close(object);
		return r;
	}
	dp->objects[id] = object;
	return 0;
}

static void object_closep(struct bpf_object **object)
{
	bpf_object__close(*object); /* NULL-safe */
}

static int each_map(struct bpf_object *object, int (*fn)(void *arg, struct bpf_object *object, struct bpf_map *map), void *arg)
{
	struct bpf_map *map;
	int r = 0;

	bpf_object__for_each_map(map, object)
	{
		if (!bpf_map__is_internal(map))
			r = fn(arg, object, map);
		if (r < 0)
			return r;
	}
	return 0;
}

int rf_dp_objects_each_map(int (*fn)(void *arg, struct bpf_object *object, struct bpf_map *map), void *arg)
{
	for (int id = 0; id < _RF_OBJECT_MAX; id++) {
		RF_CLEANUP(object_closep) struct bpf_object *object = object_open((enum rf_object_id)id);
		int r = object ? each_map(object, fn, arg) : -errno;

		if (r < 0)
			return r;
	}
	return 0;
}

/* Probed by loading, never by version. */
static int object_load_some(struct rf_datapath *dp, enum rf_object_id id)
{
	int r = -EINVAL;

	for (size_t i = 0; i < sizeof(features) / sizeof(features[0]); i++) {
		r = object_load(dp, id, &features[i]);
		if (r == 0 && id == RF_OBJECT_CONNECT) {
			dp->has_set_retval = features[i].set_retval;
			dp->has_mptcp = features[i].mptcp;
		}
		if (r == 0)
			return 0;
	}
	return r;
}

int rf_dp_objects_load(struct rf_datapath *dp)
{
	for (int id = 0; id < _RF_OBJECT_MAX; id++) {
		int r = object_load_some(dp, (enum rf_object_id)id);

		if (r < 0)
			return rf_dp_fail(dp, -r, "the kernel refused the BPF object '%s' ('ringfence check' says what is missing)",
					  object_names[id]);
	}
	dp->has_inner_btf = rf_dp_inner_btf(dp);
	return 0;
}

void rf_dp_objects_close(struct rf_datapath *dp)
{
	for (int id = 0; id < _RF_OBJECT_MAX; id++) {
		bpf_object__close(dp->objects[id]); /* NULL-safe; pins keep what is attached */
		dp->objects[id] = NULL;
	}
}

struct bpf_program *rf_dp_program(struct rf_datapath *dp, const char *name)
{
	for (int id = 0; id < _RF_OBJECT_MAX; id++) {
		struct bpf_program *program = dp->objects[id] ? bpf_object__find_program_by_name(dp->objects[id], name) : NULL;

		if (program)
			return program;
	}
	return NULL;
}
