/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where to cut a policy file's text so that a value changes and nothing else does: comments, order and style of the rest stay. Pure: a
 * node of a parsed file in, byte ranges and new text out.
 */
#pragma once

#include "core/arena.h"
#include "objects/tree.h"

struct rf_splice {
	size_t start, end; /* bytes of the old text that go */
	const char *text;  /* what comes instead */
};

enum rf_value_type { RF_VALUE_STRING, RF_VALUE_BOOL };

/* Sets the scalar at path (a NULL-terminated list of keys below root); missing maps are made. 0; -EINVAL: something on the path is a
 * list, or a text where a map is needed, or the value is a map; -ENOMEM. */
int rf_splice_set(struct rf_arena *arena, const struct rf_node *root, const char *const *path, const char *value, enum rf_value_type type,
		  struct rf_splice *ret);

/* Removes the key at path, and the maps above it that would be left empty. -ENOENT: it is not there. -EINVAL: not a key that can go. */
int rf_splice_remove(const struct rf_node *root, const char *const *path, struct rf_splice *ret);

/* The text of an object as a document of its own: an item of a block `List` is moved to the left margin. Ends with a newline. */
char *rf_splice_document(struct rf_arena *arena, const struct rf_node *root, bool in_list, size_t text_start, size_t text_end);

/* Applies splices that do not overlap. NULL without memory. */
char *rf_splice_apply(struct rf_arena *arena, const char *text, size_t len, struct rf_splice *splices, size_t count, size_t *ret_len);
