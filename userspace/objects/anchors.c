/* SPDX-License-Identifier: Apache-2.0 */
#include "objects/anchors.h"

#include <errno.h>
#include <string.h>

#include "objects/objects.h"

int rf_anchors_add(struct rf_anchors *a, struct rf_arena *arena, const char *name, struct rf_node *node)
{
	struct rf_anchor *slot = a->count < RF_ANCHORS_MAX ? RF_ARENA_PUSH(arena, a->items, a->count) : NULL;
	const char *copy = slot ? rf_arena_strdup(arena, name) : NULL;

	if (!slot && a->count == RF_ANCHORS_MAX)
		return -E2BIG;
	if (!slot || !copy)
		return -ENOMEM;
	*slot = (struct rf_anchor){.name = copy, .node = node};
	node->shared = true;
	return 0;
}

struct rf_node *rf_anchors_find(const struct rf_anchors *a, const char *name)
{
	for (size_t i = a->count; i > 0; i--) {
		if (strcmp(a->items[i - 1].name, name) == 0)
			return a->items[i - 1].node;
	}
	return NULL;
}

static int copy_item(struct rf_anchors *a, struct rf_arena *arena, const struct rf_node *item, size_t depth, struct rf_node *parent)
{
	struct rf_node **slot = RF_ARENA_PUSH(arena, parent->items, parent->count);
	struct rf_node *node = rf_arena_alloc(arena, sizeof(*node));

	if (!slot || !node)
		return -ENOMEM;
	*node = *item;
	node->parent = parent;
	node->index = parent->count - 1;
	*slot = node;
	return rf_anchors_copy(a, arena, item, depth, node);
}

int rf_anchors_copy(struct rf_anchors *a, struct rf_arena *arena, const struct rf_node *anchor, size_t depth, struct rf_node *alias)
{
	int r = 0;

	if (depth >= RF_DEPTH_MAX && anchor->kind != RF_NODE_SCALAR)
		return -ELOOP;
	if (++a->copied > RF_ALIAS_NODES_MAX)
		return -E2BIG;
	alias->kind = anchor->kind;
	alias->text = anchor->text;
	alias->text_len = anchor->text_len;
	alias->style = anchor->style;
	alias->flow = anchor->flow;
	alias->anchor = anchor;
	alias->shared = true;
	alias->items = NULL;
	alias->count = 0;
	for (size_t i = 0; i < anchor->count && r == 0; i++)
		r = copy_item(a, arena, anchor->items[i], depth + 1, alias);
	return r;
}

bool rf_is_merge_key(const struct rf_node *key)
{
	return key->kind == RF_NODE_SCALAR && key->style == RF_SCALAR_PLAIN && key->text && strcmp(key->text, "<<") == 0;
}

static int merge_map(struct rf_anchors *a, struct rf_arena *arena, struct rf_node *map, const struct rf_node *from, size_t depth,
		     const struct rf_node **ret_bad)
{
	int r = 0;

	if (from->kind != RF_NODE_MAPPING) {
		*ret_bad = from;
		return -EINVAL;
	}
	for (size_t i = 0; i < from->count && r == 0; i++) {
		a->looked += map->count;
		if (a->looked > RF_MERGE_LOOKS_MAX)
			return -E2BIG;
		if (!rf_node_get(map, from->items[i]->key->text))
			r = copy_item(a, arena, from->items[i], depth, map);
	}
	return r;
}

int rf_anchors_merge(struct rf_anchors *a, struct rf_arena *arena, struct rf_node *map, size_t depth, const struct rf_node **ret_bad)
{
	const struct rf_node *merge = NULL;
	size_t kept = 0;
	int r = 0;

	for (size_t i = 0; i < map->count; i++) {
		if (!merge && rf_is_merge_key(map->items[i]->key)) {
			merge = map->items[i];
			continue;
		}
		map->items[kept] = map->items[i];
		map->items[kept]->index = kept;
		kept++;
	}
	if (!merge)
		return 0;
	map->count = kept;
	map->shared = true;
	if (merge->kind != RF_NODE_SEQUENCE)
		return merge_map(a, arena, map, merge, depth, ret_bad);
	for (size_t i = 0; i < merge->count && r == 0; i++)
		r = merge_map(a, arena, map, merge->items[i], depth, ret_bad);
	return r;
}
