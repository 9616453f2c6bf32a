/* SPDX-License-Identifier: Apache-2.0 */
/* Reading nodes of a tree (tree.h); tree.c makes them. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "objects/tree.h"

struct rf_node *rf_node_get(const struct rf_node *node, const char *key)
{
	if (!node || node->kind != RF_NODE_MAPPING)
		return NULL;
	for (size_t i = 0; i < node->count; i++) {
		if (strcmp(node->items[i]->key->text, key) == 0)
			return node->items[i];
	}
	return NULL;
}

bool rf_node_is_null(const struct rf_node *node)
{
	static const char *const names[] = {"", "~", "null", "Null", "NULL"};

	if (node->kind != RF_NODE_SCALAR || node->style != RF_SCALAR_PLAIN)
		return false;
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		if (strcmp(node->text, names[i]) == 0)
			return true;
	}
	return false;
}

static size_t append(char *buffer, size_t size, size_t used, const char *text)
{
	int n = used < size ? snprintf(buffer + used, size - used, "%s", text) : 0;

	return n > 0 ? used + (size_t)n : used;
}

static size_t append_path(const struct rf_node *node, char *buffer, size_t size)
{
	size_t used;
	char index[32];

	if (!node->parent)
		return 0;
	used = append_path(node->parent, buffer, size); /* at most RF_DEPTH_MAX levels */
	if (node->key) {
		used = append(buffer, size, used, used ? "." : "");
		return append(buffer, size, used, node->key->text);
	}
	snprintf(index, sizeof(index), "[%zu]", node->index);
	return append(buffer, size, used, index);
}

const char *rf_node_path(const struct rf_node *node, char *buffer, size_t size)
{
	buffer[0] = '\0';
	append_path(node, buffer, size);
	return buffer;
}

static size_t utf8_bytes(unsigned long code)
{
	return code < 0x80 ? 1 : code < 0x800 ? 2 : code < 0x10000 ? 3 : 4;
}

/* One escape of a double-quoted scalar: bytes it takes in the source, bytes it makes in the text. */
static size_t escape_len(const char *p, size_t *ret_made)
{
	size_t digits = p[1] == 'x' ? 2 : p[1] == 'u' ? 4 : p[1] == 'U' ? 8 : 0;
	char hex[9] = {0};

	*ret_made = 1;
	if (digits) {
		memcpy(hex, p + 2, digits);
		*ret_made = utf8_bytes(strtoul(hex, NULL, 16));
	} else if (strchr("N_", p[1])) { /* U+0085, U+00A0 */
		*ret_made = 2;
	} else if (strchr("LP", p[1])) { /* U+2028, U+2029 */
		*ret_made = 3;
	}
	return 2 + digits;
}

/* Source bytes that make up the first `offset` bytes of the text. libyaml has accepted the scalar: escapes are complete. */
static size_t source_offset(const struct rf_node *node, size_t offset)
{
	const char *source = node->source->text + node->start;
	size_t at = node->style == RF_SCALAR_PLAIN ? 0 : 1, made;

	while (offset > 0) {
		size_t step = 1;

		made = 1;
		if (node->style == RF_SCALAR_DOUBLE && source[at] == '\\')
			step = escape_len(source + at, &made);
		else if (node->style == RF_SCALAR_SINGLE && source[at] == '\'')
			step = 2;
		if (made > offset)
			break;
		at += step;
		offset -= made;
	}
	return at;
}

struct rf_place rf_node_place_at(const struct rf_node *node, size_t offset)
{
	struct rf_place place = node->place;

	if (node->anchor) /* the text stands there */
		return rf_node_place_at(node->anchor, offset);
	if (node->kind != RF_NODE_SCALAR || node->style == RF_SCALAR_BLOCK || offset > node->text_len ||
	    memchr(node->source->text + node->start, '\n', node->end - node->start))
		return place;
	place.column += (unsigned)source_offset(node, offset);
	return place;
}
