/* SPDX-License-Identifier: Apache-2.0 */
#include "objects/splice.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "objects/scalar.h"

#define SAFE_CHARS "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._/-"

static char *quoted(struct rf_arena *arena, const char *value, char quote)
{
	char *text = rf_arena_alloc(arena, 2 * strlen(value) + 3), *p = text;

	if (!text)
		return NULL;
	*p++ = quote;
	for (; *value; value++) {
		if (quote == '"' ? *value == '"' || *value == '\\' : *value == '\'')
			*p++ = quote == '"' ? '\\' : '\'';
		*p++ = *value;
	}
	*p = quote;
	return text;
}

/* Does this text, written plain, come back as a string? Asked of the reader itself. */
static bool plain_is_string(const char *value)
{
	struct rf_node node = {.kind = RF_NODE_SCALAR, .style = RF_SCALAR_PLAIN, .text = value, .text_len = strlen(value)};
	const char *text;

	return *value && strspn(value, SAFE_CHARS) == strlen(value) && !strchr("-.", *value) && rf_scalar_string(&node, &text) == 0;
}

static const char *render(struct rf_arena *arena, const struct rf_source *source, const char *value, enum rf_value_type type)
{
	if (type == RF_VALUE_BOOL || (!source->json && plain_is_string(value)))
		return value;
	return quoted(arena, value, '"');
}

static size_t line_start(const struct rf_source *s, size_t offset)
{
	while (offset > 0 && s->text[offset - 1] != '\n')
		offset--;
	return offset;
}

/* Behind the line on which something ends; a block scalar ends behind its line already. */
static size_t line_end(const struct rf_source *s, size_t offset)
{
	const char *nl;

	if (offset > 0 && s->text[offset - 1] == '\n')
		return offset;
	nl = memchr(s->text + offset, '\n', s->len - offset);
	return nl ? (size_t)(nl - s->text) + 1 : s->len;
}

/* "a: {b: {c: value}}" */
static const char *flow_pairs(struct rf_arena *arena, const struct rf_source *s, const char *const *path, const char *value,
			      enum rf_value_type type)
{
	const char *key = render(arena, s, path[0], RF_VALUE_STRING), *inner;

	if (!path[1]) {
		inner = render(arena, s, value, type);
		return key && inner ? rf_arena_printf(arena, "%s: %s", key, inner) : NULL;
	}
	inner = flow_pairs(arena, s, path + 1, value, type);
	return key && inner ? rf_arena_printf(arena, "%s: {%s}", key, inner) : NULL;
}

/* "a:\n  b:\n    c: value\n", all moved right by indent */
static const char *block_pairs(struct rf_arena *arena, const struct rf_source *s, const char *const *path, const char *value,
			       enum rf_value_type type, unsigned indent)
{
	const char *key = render(arena, s, path[0], RF_VALUE_STRING), *inner;

	if (!path[1]) {
		inner = render(arena, s, value, type);
		return key && inner ? rf_arena_printf(arena, "%*s%s: %s\n", (int)indent, "", key, inner) : NULL;
	}
	inner = block_pairs(arena, s, path + 1, value, type, indent + 2);
	return key && inner ? rf_arena_printf(arena, "%*s%s:\n%s", (int)indent, "", key, inner) : NULL;
}

static int replace_scalar(struct rf_arena *arena, const struct rf_node *node, const char *value, enum rf_value_type type,
			  struct rf_splice *ret)
{
	const char *text;

	if (node->kind != RF_NODE_SCALAR || node->style == RF_SCALAR_BLOCK)
		return -EINVAL;
	if (type == RF_VALUE_STRING && node->style == RF_SCALAR_SINGLE)
		text = quoted(arena, value, '\'');
	else if (type == RF_VALUE_STRING && node->style == RF_SCALAR_DOUBLE)
		text = quoted(arena, value, '"');
	else
		text = render(arena, node->source, value, type);
	if (text && node->start == node->end) /* "key:" with nothing behind it */
		text = rf_arena_printf(arena, " %s", text);
	*ret = (struct rf_splice){.start = node->start, .end = node->end, .text = text};
	return text ? 0 : -ENOMEM;
}

static int insert_flow(struct rf_arena *arena, const struct rf_node *map, const char *pairs, struct rf_splice *ret)
{
	size_t at = map->count ? map->items[map->count - 1]->end : map->start + 1;

	ret->start = ret->end = at;
	ret->text = map->count ? rf_arena_printf(arena, ", %s", pairs) : pairs;
	return ret->text ? 0 : -ENOMEM;
}

static int insert_lines(struct rf_arena *arena, const struct rf_source *s, size_t at, const char *lines, struct rf_splice *ret)
{
	ret->start = ret->end = at;
	ret->text = at > 0 && s->text[at - 1] != '\n' ? rf_arena_printf(arena, "\n%s", lines) : lines;
	return ret->text ? 0 : -ENOMEM;
}

/* "labels:" with nothing, null, or {} behind it in a block map. */
static int fill_null(struct rf_arena *arena, const struct rf_node *node, const char *const *path, const char *value,
		     enum rf_value_type type, struct rf_splice *ret)
{
	const struct rf_source *s = node->source;
	const char *text;

	if (!node->parent->flow && node->start == node->end && node->key) {
		text = block_pairs(arena, s, path, value, type, node->key->place.column - 1 + 2);
		return text ? insert_lines(arena, s, line_end(s, node->end), text, ret) : -ENOMEM;
	}
	text = flow_pairs(arena, s, path, value, type);
	text = text ? rf_arena_printf(arena, "%s{%s}", node->start == node->end ? " " : "", text) : NULL;
	*ret = (struct rf_splice){.start = node->start, .end = node->end, .text = text};
	return text ? 0 : -ENOMEM;
}

static int insert(struct rf_arena *arena, const struct rf_node *map, const char *const *path, const char *value, enum rf_value_type type,
		  struct rf_splice *ret)
{
	const struct rf_source *s = map->source;
	const char *text;

	if (map->flow) {
		text = flow_pairs(arena, s, path, value, type);
		return text ? insert_flow(arena, map, text, ret) : -ENOMEM;
	}
	text = block_pairs(arena, s, path, value, type, map->items[0]->key->place.column - 1);
	return text ? insert_lines(arena, s, line_end(s, map->end), text, ret) : -ENOMEM;
}

int rf_splice_set(struct rf_arena *arena, const struct rf_node *root, const char *const *path, const char *value, enum rf_value_type type,
		  struct rf_splice *ret)
{
	struct rf_splice splice = {0};
	const struct rf_node *node = root;
	int r;

	for (const struct rf_node *child; *path && (child = rf_node_get(node, *path)); path++) {
		if (node->shared)
			return -EINVAL;
		node = child;
	}
	if (node->shared)
		return -EINVAL;
	if (!*path)
		r = replace_scalar(arena, node, value, type, &splice);
	else if (node->kind == RF_NODE_MAPPING)
		r = insert(arena, node, path, value, type, &splice);
	else
		r = rf_node_is_null(node) && node->parent ? fill_null(arena, node, path, value, type, &splice) : -EINVAL;
	if (r < 0)
		return r;
	*ret = splice;
	return 0;
}

static int remove_flow(const struct rf_node *map, const struct rf_node *node, struct rf_splice *ret)
{
	*ret = (struct rf_splice){.text = ""};
	if (map->count == 1) {
		ret->start = map->start + 1;
		ret->end = map->end - 1;
	} else if (node->index + 1 < map->count) {
		ret->start = node->key->start;
		ret->end = map->items[node->index + 1]->key->start;
	} else {
		ret->start = map->items[node->index - 1]->end;
		ret->end = node->end;
	}
	return 0;
}

static int remove_block(const struct rf_node *map, const struct rf_node *node, struct rf_splice *ret)
{
	const struct rf_source *s = node->source;
	size_t start = line_start(s, node->key->start);

	if (strspn(s->text + start, " ") == node->key->start - start) {
		*ret = (struct rf_splice){.start = start, .end = line_end(s, node->end), .text = ""};
		return 0;
	}
	if (node->index + 1 == map->count) /* behind a "- " or a "---": nothing would be left of the line */
		return -EINVAL;
	*ret = (struct rf_splice){.start = node->key->start, .end = map->items[node->index + 1]->key->start, .text = ""};
	return 0;
}

int rf_splice_remove(const struct rf_node *root, const char *const *path, struct rf_splice *ret)
{
	const struct rf_node *node = root;
	bool shared = false;

	for (; *path; path++) {
		shared |= node->shared;
		node = rf_node_get(node, *path);
		if (!node)
			return -ENOENT;
	}
	if (shared || node->shared)
		return -EINVAL;
	while (node->parent && node->parent != root && node->parent->count == 1 && node->parent->key)
		node = node->parent;
	if (!node->key || !node->parent)
		return -EINVAL;
	return node->parent->flow ? remove_flow(node->parent, node, ret) : remove_block(node->parent, node, ret);
}

static char *dedent(struct rf_arena *arena, const char *text, size_t len, size_t indent)
{
	char *copy = rf_arena_alloc(arena, len + 2), *p = copy;

	if (!copy)
		return NULL;
	for (size_t i = 0; i < len;) {
		*p++ = text[i];
		if (text[i++] != '\n')
			continue;
		for (size_t k = 0; k < indent && i < len && text[i] == ' '; k++)
			i++;
	}
	*p = '\n';
	return copy;
}

char *rf_splice_document(struct rf_arena *arena, const struct rf_node *root, bool in_list, size_t text_start, size_t text_end)
{
	const struct rf_source *s = root->source;

	if (in_list)
		return dedent(arena, s->text + text_start, text_end - text_start, root->flow ? 0 : root->place.column - 1);
	if (text_end - text_start >= 3 && memcmp(s->text + text_start, "\xef\xbb\xbf", 3) == 0)
		text_start += 3;
	while (text_start < text_end && strchr("\r\n", s->text[text_start]))
		text_start++;
	while (text_end > text_start && strchr(" \t\r\n", s->text[text_end - 1]))
		text_end--;
	return rf_arena_printf(arena, "%.*s\n", (int)(text_end - text_start), s->text + text_start);
}

static int compare_splices(const void *a, const void *b)
{
	const struct rf_splice *x = a, *y = b;

	return (x->start > y->start) - (x->start < y->start);
}

char *rf_splice_apply(struct rf_arena *arena, const char *text, size_t len, struct rf_splice *splices, size_t count, size_t *ret_len)
{
	size_t size = len, at = 0;
	char *result, *p;

	if (count)
		qsort(splices, count, sizeof(*splices), compare_splices);
	for (size_t i = 0; i < count; i++)
		size += strlen(splices[i].text);
	result = p = rf_arena_alloc(arena, size + 1);
	if (!result)
		return NULL;
	for (size_t i = 0; i <= count; i++) {
		size_t end = i < count ? splices[i].start : len, n = i < count ? strlen(splices[i].text) : 0;

		memcpy(p, text + at, end - at);
		p += end - at;
		if (i < count) {
			memcpy(p, splices[i].text, n);
			p += n;
			at = splices[i].end;
		}
	}
	*ret_len = (size_t)(p - result);
	return result;
}
