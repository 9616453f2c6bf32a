/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Anchors (&name), aliases (*name) and merge keys (<<) of YAML 1.1 (https://yaml.org/type/merge.html): a policy that kubectl applies may
 * have them. An alias becomes a copy of what it names, so whoever reads a tree never meets one. What is written once and means something in
 * several places is `shared` and cannot be edited in one of them. At most RF_ALIAS_NODES_MAX copies a file: aliases of aliases double; what
 * one small text makes others do for a long time has limits, too.
 */
#pragma once

#include "objects/tree.h"

#define RF_ALIAS_NODES_MAX 20000
#define RF_ANCHORS_MAX     1000               /* of a document: each alias looks through them */
#define RF_MERGE_LOOKS_MAX (20 * 1000 * 1000) /* keys of a file that merge keys compare */

struct rf_anchor {
	const char *name;
	struct rf_node *node;
};

struct rf_anchors {
	struct rf_anchor *items;
	size_t count;
	size_t copied, looked;
};

/* Anchors are a document's; what was copied and compared is counted for the file. */
static inline void rf_anchors_forget(struct rf_anchors *a)
{
	a->items = NULL;
	a->count = 0;
}

/* -ENOMEM, -E2BIG: RF_ANCHORS_MAX are there already. */
int rf_anchors_add(struct rf_anchors *a, struct rf_arena *arena, const char *name, struct rf_node *node);
/* The last one of that name, or NULL. */
struct rf_node *rf_anchors_find(const struct rf_anchors *a, const char *name);
/* Fills an alias (place, range, parent and key are its own) with what the anchor has. depth: levels above it. -ENOMEM, -E2BIG: too many
 * copies or comparisons, -ELOOP: nested deeper than RF_DEPTH_MAX. */
int rf_anchors_copy(struct rf_anchors *a, struct rf_arena *arena, const struct rf_node *anchor, size_t depth, struct rf_node *alias);
bool rf_is_merge_key(const struct rf_node *key);
/* Replaces the merge key of a map, if it has one, by what it brings in: keys that the map has itself win, then earlier maps of a list.
 * depth: levels above the map's values. As above; -EINVAL: the value, in *ret_bad, is not a map or a list of maps. */
int rf_anchors_merge(struct rf_anchors *a, struct rf_arena *arena, struct rf_node *map, size_t depth, const struct rf_node **ret_bad);
