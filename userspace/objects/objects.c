/* SPDX-License-Identifier: Apache-2.0 */
#include "objects/objects.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "core/arena.h"
#include "core/cleanup.h"
#include "objects/decode.h"
#include "objects/parts.h"
#include "objects/tree.h"

int rf_objects_new(struct rf_objects **ret)
{
	struct rf_objects *o = calloc(1, sizeof(*o));

	if (!o)
		return -ENOMEM;
	o->arena = rf_arena_new();
	if (!o->arena) {
		free(o);
		return -ENOMEM;
	}
	o->diags.arena = o->arena;
	*ret = o;
	return 0;
}

void rf_objects_free(struct rf_objects *objects)
{
	if (!objects)
		return;
	for (size_t i = 0; i < objects->part_count; i++)
		rf_part_unref(objects->parts[i]);
	rf_arena_free(objects->arena);
	free(objects);
}

static int add(struct rf_objects *objects, struct rf_arena *trees, const char *name, const char *text, size_t len)
{
	unsigned left = RF_PROBLEMS_MAX;
	struct rf_tree *tree;
	int r = rf_tree_parse(&objects->diags, trees, name, text, len, &tree);

	for (size_t i = 0; r == 0 && i < tree->count; i++) {
		struct rf_decode d = {.objects = objects,
				      .arena = objects->arena,
				      .document = &tree->documents[i],
				      .root = tree->documents[i].root,
				      .file_left = &left};

		if (d.root)
			r = rf_decode_object(&d);
	}
	return r;
}

int rf_objects_add(struct rf_objects *objects, const char *name, const char *text, size_t len)
{
	return add(objects, objects->arena, name, text, len);
}

int rf_objects_add_bare(struct rf_objects *objects, const char *name, const char *text, size_t len)
{
	struct rf_arena *trees = rf_arena_new();
	size_t before = objects->all_count;
	int r = trees ? add(objects, trees, name, text, len) : -ENOMEM;

	for (size_t i = before; i < objects->all_count; i++) {
		objects->all[i].node = NULL;
		objects->all[i].document = NULL;
	}
	rf_arena_free(trees);
	return r;
}

const char *rf_meta_label(const struct rf_meta *meta, const char *key)
{
	for (size_t i = 0; i < meta->label_count; i++) {
		if (strcmp(meta->labels[i].key, key) == 0)
			return meta->labels[i].value;
	}
	return NULL;
}

const char *rf_meta_annotation(const struct rf_meta *meta, const char *key)
{
	for (size_t i = 0; i < meta->annotation_count; i++) {
		if (strcmp(meta->annotations[i].key, key) == 0)
			return meta->annotations[i].value;
	}
	return NULL;
}

bool rf_namespace_meshed(const struct rf_meta *ns, const char *mesh_name)
{
	const char *mesh = rf_meta_label(ns, "openservicemesh.io/monitored-by");
	const char *ignore = rf_meta_label(ns, "openservicemesh.io/ignore");

	return mesh && strcmp(mesh, mesh_name) == 0 && !(ignore && strcmp(ignore, "true") == 0);
}

bool rf_objects_meshed(const struct rf_objects *objects, const char *ns, const char *mesh_name)
{
	for (size_t i = 0; i < objects->namespaces_count; i++)
		if (strcmp(objects->namespaces[i].meta.name, ns) == 0)
			return rf_namespace_meshed(&objects->namespaces[i].meta, mesh_name);
	return false;
}

struct rf_mesh_config rf_objects_mesh_config(const struct rf_objects *objects)
{
	static const struct rf_mesh_config defaults = {
		.meta = {.kind = "MeshConfig", .ns = "osm-system", .name = "osm-mesh-config", .place = {.file = ""}}};

	return objects->mesh_configs_count > 0 ? objects->mesh_configs[0] : defaults;
}
