/* SPDX-License-Identifier: Apache-2.0 */
/* What holds for every tree that the readers make, for the fuzz targets of both. */
#pragma once

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "core/arena.h"
#include "objects/tree.h"

static inline void require(int truth)
{
	if (!truth)
		abort();
}

/* A plain scalar on one line, without an anchor, stands in the file as it is. */
static inline void check_scalar(const struct rf_node *node)
{
	if (node->anchor) /* an alias, also as a key: its text stands elsewhere */
		return;
	require(strlen(node->text) == node->text_len && node->count == 0);
	require(rf_node_place_at(node, node->text_len / 2).line == node->place.line);
	if (node->style == RF_SCALAR_PLAIN && !node->shared && !memchr(node->source->text + node->start, '\n', node->end - node->start) &&
	    !memchr(node->source->text + node->start, '\r', node->end - node->start))
		require(node->end - node->start == node->text_len &&
			memcmp(node->source->text + node->start, node->text, node->text_len) == 0);
}

static inline void check_node(const struct rf_node *node)
{
	size_t end = node->start;

	require(node->start <= node->end && node->end <= node->source->len && node->place.line >= 1 && node->place.column >= 1);
	if (node->anchor) { /* an alias has the content of another place */
		require(node->shared && !node->anchor->anchor && node->kind == node->anchor->kind);
		return;
	}
	if (node->kind == RF_NODE_SCALAR)
		check_scalar(node);
	for (size_t i = 0; i < node->count; i++) {
		const struct rf_node *item = node->items[i], *first = item->key ? item->key : item;

		if (node->shared) { /* some of its items may stand where they were merged from */
			require(item->place.line >= 1);
			continue;
		}
		require(item->parent == node && item->index == i && (node->kind == RF_NODE_MAPPING) == (item->key != NULL));
		require(end <= first->start && first->end <= item->end && item->end <= node->end);
		end = item->end;
		if (item->key)
			check_scalar(item->key);
		check_node(item);
	}
}

static inline void require_same(const struct rf_node *a, const struct rf_node *b)
{
	require(a->kind == b->kind && a->count == b->count);
	if (a->kind == RF_NODE_SCALAR)
		require(a->style == b->style && a->text_len == b->text_len && memcmp(a->text, b->text, a->text_len) == 0);
	for (size_t i = 0; i < a->count; i++) {
		if (a->items[i]->key)
			require_same(a->items[i]->key, b->items[i]->key);
		require_same(a->items[i], b->items[i]);
	}
}

/* A file without a tree has a message, and every message has a place in the file. */
static inline void check_diags(const struct rf_diags *diags, const struct rf_tree *tree)
{
	for (size_t i = 0; i < diags->count; i++) {
		const struct rf_diag *d = &diags->items[i];

		require(*d->text && strcmp(d->place.file, tree->source.name) == 0 && d->place.line <= tree->source.line_count + 1);
	}
}
