/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Any bytes as a policy file: parsed, checked, and every object edited. The first byte chooses YAML (even) or JSON (odd). Beside memory
 * errors it looks for ranges that lie and for edits that the parser reads otherwise than they were meant.
 */
#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "core/cleanup.h"
#include "objects/objects.h"
#include "objects/splice.h"
#include "objects/tree.h"

static const char *const label_path[] = {"metadata", "labels", "fuzz.example/key", NULL};

static void require(int truth)
{
	if (!truth)
		abort();
}

static void check_node(const struct rf_node *node)
{
	const struct rf_node *there = node;

	while (there->anchor) /* the text of an alias stands at its anchor */
		there = there->anchor;
	require(node->start <= node->end && node->end <= node->source->len);
	require(node->place.line >= 1 && node->place.column >= 1);
	require(rf_node_place_at(node, node->text_len / 2).line == there->place.line);
	for (size_t i = 0; i < node->count; i++) {
		require(node->items[i]->parent == node && node->items[i]->index == i);
		check_node(node->items[i]);
	}
}

static const struct rf_object_ref *find_same(const struct rf_objects *o, const struct rf_meta *m)
{
	for (size_t i = 0; i < o->all_count; i++) {
		const struct rf_meta *x = &o->all[i].meta;

		if (strcmp(x->kind, m->kind) == 0 && strcmp(x->ns, m->ns) == 0 && strcmp(x->name, m->name) == 0)
			return &o->all[i];
	}
	return NULL;
}

/* A label that was set is read back, and nothing else has changed kind or number; a removed one is gone. */
static void edit_object(const struct rf_objects *o, const struct rf_object_ref *ref)
{
	RF_CLEANUP(rf_objects_freep) struct rf_objects *after = NULL;
	const struct rf_source *s = ref->node->source;
	const struct rf_object_ref *again;
	struct rf_splice splice;
	const char *value;
	size_t len;
	char *text;

	if (rf_splice_set(o->arena, ref->node, label_path, "some-value", RF_VALUE_STRING, &splice) < 0)
		return;
	require(splice.start <= splice.end && splice.end <= s->len);
	text = rf_splice_apply(o->arena, s->text, s->len, &splice, 1, &len);
	require(text && rf_objects_new(&after) == 0 && rf_objects_add(after, s->name, text, len) == 0);
	again = find_same(after, &ref->meta);
	if (!again || after->all_count != o->all_count) /* an edit refuses itself then (edit.c: verify) */
		return;
	value = rf_meta_label(&again->meta, label_path[2]);
	if (!value || strcmp(value, "some-value") != 0)
		return;
	if (rf_splice_remove(again->node, label_path, &splice) == 0)
		require(splice.start <= splice.end && splice.end <= len);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	RF_CLEANUP(rf_objects_freep) struct rf_objects *o = NULL;
	size_t objects;

	if (size < 1)
		return 0;
	require(rf_objects_new(&o) == 0);
	require(rf_objects_add(o, data[0] % 2 ? "fuzz.json" : "fuzz.yaml", (const char *)data + 1, size - 1) == 0);
	objects = o->all_count;
	require(rf_objects_check(o) == 0 && o->all_count == objects);
	for (size_t i = 0; i < objects && i < 8; i++) {
		const struct rf_meta *m = &o->all[i].meta;

		require(m->text_start <= m->text_end && m->text_end <= size - 1 && *m->name);
		check_node(o->all[i].node);
		require(rf_splice_document(o->arena, o->all[i].node, o->all[i].in_list, m->text_start, m->text_end) != NULL);
		edit_object(o, &o->all[i]);
	}
	return 0;
}
