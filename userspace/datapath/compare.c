/* SPDX-License-Identifier: Apache-2.0 */
#include "datapath/compare.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <bpf/bpf.h>
#include <bpf/btf.h>
#include <bpf/libbpf.h>

#include "core/cleanup.h"
#include "datapath/layout.h"
#include "datapath/pinned_btf.h"

/* Addresses had four bytes before: none of the keys can be converted. */
#define OLDEST_CONVERTIBLE 2

bool rf_layout_is_convertible(__u32 version)
{
	return version >= OLDEST_CONVERTIBLE && version <= RF_LAYOUT_VERSION;
}

/* epoch and layout stand first in every layout, whatever follows. */
static int read_control(const char *dir, struct rf_control *ret)
{
	_cleanup_close_ int fd = rf_dp_pinned(dir, "maps", "control");
	union {
		struct rf_control control;
		char room[512]; /* another layout's may be longer */
	} value = {};
	struct bpf_map_info info = {};
	__u32 len = sizeof(info), zero = 0;

	if (fd < 0)
		return fd;
	if (bpf_obj_get_info_by_fd(fd, &info, &len) < 0)
		return -errno;
	if (info.value_size > sizeof(value))
		return -EPROTO;
	if (bpf_map_lookup_elem(fd, &zero, &value) < 0)
		return -errno;
	*ret = value.control;
	return 0;
}

__u32 rf_layout_version_of(const char *dir)
{
	struct rf_control control = {};

	return read_control(dir, &control) < 0 ? 0 : control.layout;
}

struct comparing {
	const char *dir;
	struct btf *old_ask; /* types of the revision's tables */
	struct rf_comparison *result;
};

static bool same_type(struct rf_layout old, struct rf_layout new)
{
	uint64_t h = rf_layout_hash(old);

	return h && h == rf_layout_hash(new);
}

static bool same_shape(const struct bpf_map_info *info, const struct bpf_map *map)
{
	return info->type == bpf_map__type(map) && info->key_size == bpf_map__key_size(map) &&
	       info->value_size == bpf_map__value_size(map) && info->max_entries == bpf_map__max_entries(map) &&
	       info->map_flags == bpf_map__map_flags(map);
}

static const struct rf_table_spec *find_spec(const char *name)
{
	for (int i = 0; i < _RF_TABLE_MAX; i++)
		if (!strcmp(rf_table_names[i], name))
			return &rf_table_specs[i];
	return NULL;
}

/* An array of maps says nothing about its inner maps' types; the pinned program rf_ask keeps them all. */
static bool same_table(const struct comparing *c, struct bpf_object *object, const char *name)
{
	const struct rf_table_spec *s = find_spec(name);
	struct rf_layout old_key, old_value, new_key, new_value;
	const struct btf *new = bpf_object__btf(object);

	if (!s || !c->old_ask)
		return false;
	old_key = rf_layout_named(c->old_ask, s->key_type);
	old_value = rf_layout_named(c->old_ask, s->value_type);
	new_key = rf_layout_named(new, s->key_type);
	new_value = rf_layout_named(new, s->value_type);
	/* Only the object "ask" has the types whole. */
	if (!new_value.type || !rf_layout_hash(new_value))
		return rf_layout_size(old_key) == s->key_size && rf_layout_size(old_value) == s->value_size;
	return same_type(old_key, new_key) && same_type(old_value, new_value);
}

/* A map that the kernel keeps no types of (ring buffers) has only its shape. */
static bool same_entries(const struct bpf_map_info *info, struct bpf_object *object, const struct bpf_map *map)
{
	RF_CLEANUP(rf_btf_freep) struct btf *old = info->btf_id ? btf__load_from_kernel_by_id(info->btf_id) : NULL;
	const struct btf *new = bpf_object__btf(object);

	if (!info->btf_id || !bpf_map__btf_value_type_id(map))
		return true;
	return same_type((struct rf_layout){old, info->btf_key_type_id}, (struct rf_layout){new, bpf_map__btf_key_type_id(map)}) &&
	       same_type((struct rf_layout){old, info->btf_value_type_id}, (struct rf_layout){new, bpf_map__btf_value_type_id(map)});
}

/* What a socket carries cannot be taken along from outside; it keeps its meaning whatever the version says. */
static bool same_version(const struct comparing *c, const struct bpf_map *map)
{
	return bpf_map__type(map) == BPF_MAP_TYPE_SK_STORAGE || c->result->version == RF_LAYOUT_VERSION;
}

static struct rf_compared_map *find_result(struct rf_comparison *result, const char *name)
{
	for (size_t i = 0; i < result->count; i++)
		if (!strcmp(result->maps[i].name, name))
			return &result->maps[i];
	return NULL;
}

static int compare_map(void *arg, struct bpf_object *object, struct bpf_map *map)
{
	struct comparing *c = arg;
	_cleanup_close_ int fd = rf_dp_pinned(c->dir, "maps", bpf_map__name(map));
	struct rf_compared_map *m = find_result(c->result, bpf_map__name(map));
	struct bpf_map_info info = {};
	__u32 len = sizeof(info);
	bool same;

	if (fd == -ENOENT)
		return 0; /* a map that only this version has: made when the objects are loaded */
	if (fd < 0)
		return fd;
	if (bpf_obj_get_info_by_fd(fd, &info, &len) < 0)
		return -errno;
	same = same_version(c, map) && same_shape(&info, map) &&
	       (info.type == BPF_MAP_TYPE_ARRAY_OF_MAPS ? same_table(c, object, bpf_map__name(map)) : same_entries(&info, object, map));
	if (!m) {
		if (c->result->count == RF_COMPARED_MAX)
			return -E2BIG;
		m = &c->result->maps[c->result->count++];
		snprintf(m->name, sizeof(m->name), "%s", bpf_map__name(map));
		m->same = true;
	}
	m->same = m->same && same;
	c->result->differs = c->result->differs || !same;
	return 0;
}

int rf_compare_layouts(struct rf_datapath *dp, const char *dir, struct rf_comparison *ret)
{
	RF_CLEANUP(rf_btf_freep) struct btf *old_ask = rf_btf_of_program(dir, "rf_ask");
	struct rf_comparison result = {};
	struct comparing c = {.dir = dir, .old_ask = old_ask, .result = &result};
	struct rf_control control = {};
	int r = read_control(dir, &control);

	if (r < 0)
		return rf_dp_fail(dp, -r, "cannot read '%s/maps/control' ('ringfence uninstall' removes the remains)", dir);
	result.version = control.layout;
	result.epoch = control.epoch;
	r = rf_dp_objects_each_map(compare_map, &c);
	if (r < 0)
		return rf_dp_fail(dp, -r, "cannot compare the maps in '%s' with this version's", dir);
	/* An uninstall that was killed leaves maps without the program that knows their types, and perhaps not all of them. */
	result.differs = result.differs || (!old_ask && result.epoch);
	result.convertible = old_ask && rf_layout_is_convertible(result.version);
	*ret = result;
	return 0;
}
