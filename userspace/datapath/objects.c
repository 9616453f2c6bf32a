/* SPDX-License-Identifier: Apache-2.0 */
/* The compiled BPF objects, carried inside the binary as skeletons; only their bytes are used, so that all are handled alike. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include "ask.skel.h"
#include "connect.skel.h"
#include "sock.skel.h"
#include "sockops.skel.h"
#include "sockopt.skel.h"
#include "tc.skel.h"

#include "datapath/private.h"

static const void *object_bytes(enum rf_object_id id, size_t *size)
{
	switch (id) {
	case RF_OBJECT_ASK:
		return rf_ask_bpf__elf_bytes(size);
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

static const char *const object_names[_RF_OBJECT_MAX] = {"ask", "sock", "connect", "sockops", "sockopt", "tc"};

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

/* Sets `const volatile __u8 rf_has_set_retval` of connect.bpf.c: the first byte of its .rodata. */
static int set_retval_flag(struct bpf_object *object, bool value)
{
	struct bpf_map *map = bpf_object__find_map_by_name(object, ".rodata");
	size_t size = 0;
	__u8 byte = value;
	const void *old = map ? bpf_map__initial_value(map, &size) : NULL;

	if (!old || size != sizeof(byte))
		return -EINVAL;
	return bpf_map__set_initial_value(map, &byte, sizeof(byte));
}

static int object_load(struct rf_datapath *dp, enum rf_object_id id, bool set_retval)
{
	LIBBPF_OPTS(bpf_object_open_opts, opts, .object_name = object_names[id]);
	struct bpf_object *object;
	const void *bytes;
	size_t size = 0;
	int r;

	bytes = object_bytes(id, &size);
	object = bpf_object__open_mem(bytes, size, &opts);
	if (!object)
		return -errno;
	r = pin_maps(dp, object);
	if (r == 0 && id == RF_OBJECT_CONNECT)
		r = set_retval_flag(object, set_retval);
	if (r == 0)
		r = bpf_object__load(object);
	if (r < 0) {
		bpf_object__close(object);
		return r;
	}
	dp->objects[id] = object;
	return 0;
}

int rf_dp_objects_load(struct rf_datapath *dp)
{
	for (int id = 0; id < _RF_OBJECT_MAX; id++) {
		int r = object_load(dp, (enum rf_object_id)id, true);

		/* Probed by loading: kernels below 5.18 do not know bpf_set_retval, denied connects fail with EPERM there. */
		dp->has_set_retval = dp->has_set_retval || (r == 0 && id == RF_OBJECT_CONNECT);
		if (r < 0 && id == RF_OBJECT_CONNECT)
			r = object_load(dp, (enum rf_object_id)id, false);
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
