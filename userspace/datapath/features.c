/* SPDX-License-Identifier: Apache-2.0 */
/* What a BPF object may use of the kernel: `const volatile __u8 rf_has_*` in its read-only data, set before it is loaded. */
#include <errno.h>
#include <string.h>

#include <bpf/btf.h>
#include <bpf/libbpf.h>

#include "datapath/private.h"

/* Offset of a variable in the object's .rodata, or -ENOENT. libbpf has filled the offsets in when it opened the object. */
static int flag_offset(struct bpf_object *object, const char *name)
{
	const struct btf *btf = bpf_object__btf(object);
	int id = btf ? btf__find_by_name_kind(btf, ".rodata", BTF_KIND_DATASEC) : -ENOENT;
	const struct btf_type *section = id > 0 ? btf__type_by_id(btf, (__u32)id) : NULL;

	for (__u16 i = 0; section && i < btf_vlen(section); i++) {
		const struct btf_var_secinfo *var = btf_var_secinfos(section) + i;
		const struct btf_type *type = btf__type_by_id(btf, var->type);

		if (strcmp(btf__name_by_offset(btf, type->name_off), name) == 0)
			return var->size == 1 ? (int)var->offset : -EINVAL;
	}
	return -ENOENT;
}

int rf_dp_feature(struct bpf_object *object, const char *name, bool value)
{
	struct bpf_map *map = bpf_object__find_map_by_name(object, ".rodata");
	int offset = flag_offset(object, name);
	const void *old;
	char bytes[64];
	size_t size = 0;

	if (offset < 0)
		return offset == -ENOENT ? 0 : offset;
	old = map ? bpf_map__initial_value(map, &size) : NULL;
	if (!old || size > sizeof(bytes) || (size_t)offset >= size)
		return -EINVAL;
	memcpy(bytes, old, size);
	bytes[offset] = value;
	return bpf_map__set_initial_value(map, bytes, size);
}
