/* SPDX-License-Identifier: Apache-2.0 */
#include "objects/tree.h"

#include <cjson/cJSON.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <yaml.h>

#include "core/cleanup.h"
#include "objects/anchors.h"
#include "objects/objects.h"
#include "objects/syntax.h"
#include "objects/texts.h"

struct level {
	struct rf_node *node;
	struct rf_node *key; /* a key was read, its value comes next */
};

struct parse {
	struct rf_diags *diags;
	struct rf_arena *arena; /* of the tree; what outlives it goes into that of diags */
	struct rf_tree *tree;
	struct rf_texts texts;
	struct rf_document *document; /* being read; NULL between documents */
	bool refused;                 /* the document */
	unsigned problems;
	size_t char_index, byte_offset; /* libyaml counts characters: a cursor that turns them into bytes */
	struct rf_anchors anchors;
	struct level levels[RF_DEPTH_MAX];
	size_t depth;
};

static size_t to_byte(struct parse *p, const yaml_mark_t *mark)
{
	const struct rf_source *s = &p->tree->source;

	while (p->char_index < mark->index && p->byte_offset < s->len) {
		p->byte_offset += rf_utf8_len((unsigned char)s->text[p->byte_offset]);
		p->char_index++;
	}
	while (p->char_index > mark->index) {
		do
			p->byte_offset--;
		while (((unsigned char)s->text[p->byte_offset] & 0xc0) == 0x80);
		p->char_index--;
	}
	return p->byte_offset;
}

/* A problem of the document: it is noted and the document is not used, but reading goes on for the problems behind it. -ELOOP ends the
 * parse: enough was said. */
static int refuse(struct parse *p, size_t offset, const char *text)
{
	struct rf_place place = rf_source_place(&p->tree->source, offset);
	int r = rf_diag_error(p->diags, place, "%s", text);

	p->refused = true;
	if (r == -ENOMEM || ++p->problems < RF_PROBLEMS_MAX)
		return r == -ENOMEM ? r : 0;
	r = rf_diag_error(p->diags, place, "too many problems: the rest of this file was not read");
	return r == -ENOMEM ? r : -ELOOP;
}

/* {{ .Values.name }}: to YAML a map whose key is a map. */
static bool is_template(const struct rf_node *key)
{
	return key->flow && key->parent && key->parent->flow && key->start == key->parent->start + 1;
}

static int take_key(struct parse *p, struct level *level, struct rf_node *node)
{
	level->key = node;
	if (node->kind != RF_NODE_SCALAR)
		return refuse(p, node->start,
			      is_template(node) ? "{{ }} is a template: write the value, or render it first (helm template)"
						: "a key must be a plain or quoted scalar, not a list or map");
	return 0;
}

static int attach(struct parse *p, struct rf_node *node)
{
	struct level *level;
	struct rf_node **slot;

	if (p->depth == 0) {
		p->document->root = node;
		return 0;
	}
	level = &p->levels[p->depth - 1];
	node->parent = level->node;
	if (level->node->kind == RF_NODE_MAPPING) {
		if (!level->key)
			return take_key(p, level, node);
		node->key = TAKE_PTR(level->key);
	}
	node->index = level->node->count;
	slot = RF_ARENA_PUSH(p->arena, level->node->items, level->node->count);
	if (!slot)
		return -ENOMEM;
	*slot = node;
	return 0;
}

static struct rf_node *node_new(struct parse *p, enum rf_node_kind kind, const yaml_event_t *event)
{
	struct rf_node *node = rf_arena_alloc(p->arena, sizeof(*node));

	if (!node)
		return NULL;
	node->kind = kind;
	node->source = &p->tree->source;
	node->start = to_byte(p, &event->start_mark);
	node->end = to_byte(p, &event->end_mark);
	node->place = rf_source_place(node->source, node->start);
	return node;
}

/* libyaml lets a node begin at its anchor; its text begins behind that. */
static void skip_anchor(struct rf_node *node, size_t len)
{
	const struct rf_source *s = node->source;
	size_t at = node->start + 1 + len;

	while (at < s->len && (s->text[at] == ' ' || s->text[at] == '\t'))
		at++;
	if (s->text[node->start] != '&' || at >= s->len || strchr("\r\n#", s->text[at]))
		return;                                     /* it goes on below */
	if (node->kind == RF_NODE_SCALAR && at > node->end) /* an empty text, with blanks behind its anchor */
		at = node->end;
	node->start = at;
	node->place = rf_source_place(s, at);
}

static int read_properties(struct parse *p, struct rf_node *node, const yaml_char_t *anchor, const yaml_char_t *tag)
{
	char text[96];
	int r = 0;

	if (anchor)
		r = rf_anchors_add(&p->anchors, p->arena, (const char *)anchor, node);
	if (r == -E2BIG) {
		snprintf(text, sizeof(text), "more than %d anchors (&name) in a document: write the values out", RF_ANCHORS_MAX);
		r = refuse(p, node->start, text);
	}
	if (r == 0 && anchor)
		skip_anchor(node, strlen((const char *)anchor));
	if (r == 0 && tag)
		r = refuse(p, node->start, "tags (!name) are not accepted: leave it out; a text that looks like a number is put in quotes");
	return r;
}

static enum rf_scalar_style style_of(yaml_scalar_style_t style)
{
	switch (style) {
	case YAML_SINGLE_QUOTED_SCALAR_STYLE:
		return RF_SCALAR_SINGLE;
	case YAML_DOUBLE_QUOTED_SCALAR_STYLE:
		return RF_SCALAR_DOUBLE;
	case YAML_LITERAL_SCALAR_STYLE:
	case YAML_FOLDED_SCALAR_STYLE:
		return RF_SCALAR_BLOCK;
	default:
		return RF_SCALAR_PLAIN;
	}
}

static int on_scalar(struct parse *p, const yaml_event_t *event)
{
	const char *value = (const char *)event->data.scalar.value;
	struct rf_node *node = node_new(p, RF_NODE_SCALAR, event);
	int r;

	if (!node)
		return -ENOMEM;
	node->text = rf_texts_keep(&p->texts, p->diags->arena, value, event->data.scalar.length);
	if (!node->text)
		return -ENOMEM;
	node->text_len = event->data.scalar.length;
	node->style = style_of(event->data.scalar.style);
	r = read_properties(p, node, event->data.scalar.anchor, event->data.scalar.tag);
	if (r == 0 && memchr(value, 0, node->text_len)) /* "\0" in double quotes */
		r = refuse(p, node->start, "a NUL character is not accepted in a text");
	return r < 0 ? r : attach(p, node);
}

/* What a copy could not do, in words; the document is not used. */
static int refuse_copy(struct parse *p, const struct rf_node *node, int error)
{
	char text[128];

	if (error == -E2BIG)
		snprintf(text, sizeof(text), "aliases make more than %d values of this file, or << compares too many keys: write them out",
			 RF_ALIAS_NODES_MAX);
	else if (error == -ELOOP)
		snprintf(text, sizeof(text), "with what the alias stands for this is nested deeper than %d levels", RF_DEPTH_MAX);
	else
		return error;
	return refuse(p, node->start, text);
}

static bool is_open(const struct parse *p, const struct rf_node *node)
{
	for (size_t i = 0; i < p->depth; i++) {
		if (p->levels[i].node == node)
			return true;
	}
	return false;
}

static int on_alias(struct parse *p, const yaml_event_t *event)
{
	const char *name = (const char *)event->data.alias.anchor;
	const struct rf_node *anchor = rf_anchors_find(&p->anchors, name);
	struct rf_node *node = node_new(p, RF_NODE_SCALAR, event);
	char text[320];
	int r;

	if (!node)
		return -ENOMEM;
	node->text = "";
	if (anchor && !is_open(p, anchor)) {
		r = refuse_copy(p, node, rf_anchors_copy(&p->anchors, p->arena, anchor, p->depth, node));
	} else {
		snprintf(text, sizeof(text), "*%.200s: %s", name,
			 anchor ? "stands inside of what it names" : "nothing above in this document has the anchor of that name");
		r = refuse(p, node->start, text);
	}
	return r < 0 ? r : attach(p, node);
}

static int on_open(struct parse *p, const yaml_event_t *event)
{
	bool map = event->type == YAML_MAPPING_START_EVENT;
	struct rf_node *node = node_new(p, map ? RF_NODE_MAPPING : RF_NODE_SEQUENCE, event);
	char text[64];
	int r;

	if (!node)
		return -ENOMEM;
	node->flow = map ? event->data.mapping_start.style == YAML_FLOW_MAPPING_STYLE
			 : event->data.sequence_start.style == YAML_FLOW_SEQUENCE_STYLE;
	r = map ? read_properties(p, node, event->data.mapping_start.anchor, event->data.mapping_start.tag)
		: read_properties(p, node, event->data.sequence_start.anchor, event->data.sequence_start.tag);
	if (r < 0)
		return r;
	if (p->depth == RF_DEPTH_MAX) {
		snprintf(text, sizeof(text), "nested deeper than %d levels", RF_DEPTH_MAX);
		r = refuse(p, node->start, text);
		return r < 0 ? r : -ELOOP;
	}
	r = attach(p, node);
	if (r < 0)
		return r;
	p->levels[p->depth++] = (struct level){.node = node};
	return 0;
}

static int compare_keys(const void *a, const void *b)
{
	const struct rf_node *x = *(struct rf_node *const *)a, *y = *(struct rf_node *const *)b;
	int c = strcmp(x->key->text ? x->key->text : "", y->key->text ? y->key->text : "");

	return c ? c : (x->index > y->index) - (x->index < y->index);
}

static int refuse_duplicates(struct parse *p, const struct rf_node *map)
{
	_cleanup_free_ struct rf_node **sorted = NULL;
	char text[320];

	if (map->count < 2)
		return 0;
	sorted = malloc(map->count * sizeof(*sorted));
	if (!sorted)
		return -ENOMEM;
	memcpy(sorted, map->items, map->count * sizeof(*sorted));
	qsort(sorted, map->count, sizeof(*sorted), compare_keys);
	for (size_t i = 1; i < map->count; i++) {
		const struct rf_node *first = sorted[i - 1]->key, *second = sorted[i]->key;
		int r;

		if (!first->text || !second->text || strcmp(first->text, second->text) != 0)
			continue;
		snprintf(text, sizeof(text), "duplicate key \"%.200s\": it is already on line %u", second->text, first->place.line);
		r = refuse(p, second->start, text);
		if (r < 0)
			return r;
	}
	return 0;
}

static int end_map(struct parse *p, struct rf_node *map)
{
	const struct rf_node *bad = map;
	int r = refuse_duplicates(p, map);

	if (r < 0 || p->refused)
		return r;
	r = rf_anchors_merge(&p->anchors, p->arena, map, p->depth + 1, &bad);
	return r == -EINVAL ? refuse(p, bad->start, "<< takes a map or a list of maps") : refuse_copy(p, map, r);
}

static int on_close(struct parse *p, const yaml_event_t *event)
{
	struct rf_node *node = p->depth ? p->levels[--p->depth].node : NULL;

	if (!node) /* libyaml never ends what it did not begin */
		return 0;
	if (node->flow)
		node->end = to_byte(p, &event->end_mark);
	else if (node->count > 0) /* libyaml ends a block at the next token, behind comments that are not its own */
		node->end = node->items[node->count - 1]->end;
	return node->kind == RF_NODE_MAPPING ? end_map(p, node) : 0;
}

static size_t line_end(const struct rf_source *s, size_t offset)
{
	const char *nl = memchr(s->text + offset, '\n', s->len - offset);

	return nl ? (size_t)(nl - s->text) + 1 : s->len;
}

/* The first byte of a document: behind the "---" and, where nothing but a comment follows on its line, behind the line. */
static size_t behind_marker(const struct rf_source *s, size_t offset)
{
	size_t i = offset;

	while (i < s->len && (s->text[i] == ' ' || s->text[i] == '\t' || s->text[i] == '\r'))
		i++;
	return i == s->len || s->text[i] == '\n' || s->text[i] == '#' ? line_end(s, i) : offset;
}

static int on_document(struct parse *p, const yaml_event_t *event)
{
	const struct rf_source *s = &p->tree->source;
	size_t at = to_byte(p, &event->start_mark);
	struct rf_document *previous = p->tree->count ? &p->tree->documents[p->tree->count - 1] : NULL;
	bool implicit = event->data.document_start.implicit;
	struct rf_document d = {.marker = at, .text_start = implicit ? 0 : behind_marker(s, to_byte(p, &event->end_mark))};

	if (implicit)
		d.text_start = d.marker = previous ? previous->text_end : 0;
	else if (previous && previous->text_end > at)
		previous->text_end = at;
	d.text_end = s->len;
	p->refused = false;
	rf_anchors_forget(&p->anchors);
	p->document = RF_ARENA_PUSH(p->arena, p->tree->documents, p->tree->count);
	if (!p->document)
		return -ENOMEM;
	*p->document = d;
	if (event->data.document_start.version_directive ||
	    event->data.document_start.tag_directives.start != event->data.document_start.tag_directives.end)
		return refuse(p, at, "directives (%YAML, %TAG) are not accepted");
	return 0;
}

static void on_document_end(struct parse *p, const yaml_event_t *event)
{
	struct rf_document *d = p->document;

	if (!d) /* as above */
		return;
	if (!event->data.document_end.implicit) /* "..." belongs to nobody */
		d->text_end = to_byte(p, &event->start_mark);
	if (p->refused || (d->root && rf_node_is_null(d->root)))
		d->root = NULL;
	p->document = NULL;
}

static int on_event(struct parse *p, const yaml_event_t *event)
{
	switch (event->type) {
	case YAML_DOCUMENT_START_EVENT:
		return on_document(p, event);
	case YAML_DOCUMENT_END_EVENT:
		on_document_end(p, event);
		return 0;
	case YAML_SCALAR_EVENT:
		return on_scalar(p, event);
	case YAML_ALIAS_EVENT:
		return on_alias(p, event);
	case YAML_MAPPING_START_EVENT:
	case YAML_SEQUENCE_START_EVENT:
		return on_open(p, event);
	case YAML_MAPPING_END_EVENT:
	case YAML_SEQUENCE_END_EVENT:
		return on_close(p, event);
	default:
		return 0;
	}
}

static int syntax_error(struct parse *p, const yaml_parser_t *parser)
{
	size_t at =
		parser->error == YAML_READER_ERROR ? parser->problem_offset + p->tree->source.lines[0] : to_byte(p, &parser->problem_mark);
	int r;

	if (parser->error == YAML_MEMORY_ERROR)
		return -ENOMEM;
	if (at > p->tree->source.len)
		at = p->tree->source.len;
	r = rf_diag_error(p->diags, rf_source_place(&p->tree->source, at), "YAML syntax: %s (%s%s%s)",
			  rf_syntax_advice(&p->tree->source, at, parser->problem, parser->context), parser->problem ? parser->problem : "?",
			  parser->context ? " " : "", parser->context ? parser->context : "");
	if (p->document)
		p->document->root = NULL;
	return r == -ENOMEM ? r : 0;
}

static int read_events(struct parse *p, yaml_parser_t *parser)
{
	yaml_event_type_t type;
	yaml_event_t event;
	int r;

	do {
		if (!yaml_parser_parse(parser, &event))
			return syntax_error(p, parser);
		type = event.type;
		r = on_event(p, &event);
		yaml_event_delete(&event);
		if (r < 0) {
			if (p->document)
				p->document->root = NULL;
			return r == -ELOOP ? 0 : r;
		}
	} while (type != YAML_STREAM_END_EVENT);
	return 0;
}

static int parse_yaml(struct parse *p)
{
	const struct rf_source *s = &p->tree->source;
	yaml_parser_t parser;
	int r;

	if (!yaml_parser_initialize(&parser))
		return -ENOMEM;
	yaml_parser_set_encoding(&parser, YAML_UTF8_ENCODING);
	/* libyaml takes a byte order mark for a column of the first line, and then everything else for wrongly indented. */
	p->byte_offset = s->lines[0];
	yaml_parser_set_input_string(&parser, (const unsigned char *)s->text + s->lines[0], s->len - s->lines[0]);
	r = read_events(p, &parser);
	yaml_parser_delete(&parser);
	return r;
}

/* Control characters inside strings: cJSON lets them pass, RFC 8259 section 7 does not. Valid JSON is assumed. */
static size_t raw_control(const struct rf_source *s)
{
	bool quoted = false;

	for (size_t i = 0; i < s->len; i++) {
		if (quoted && s->text[i] == '\\')
			i++;
		else if (s->text[i] == '"')
			quoted = !quoted;
		else if (quoted && (unsigned char)s->text[i] < 0x20)
			return i;
	}
	return s->len;
}

/* cJSON tells where it stopped, not why. */
static const char *json_problem(const struct rf_source *s, const char *end)
{
	cJSON *first = cJSON_ParseWithLengthOpts(s->text, s->len + 1, NULL, 0);

	cJSON_Delete(first);
	if (first)
		return "something follows the object; several objects go into files of their own, or into the items of a List";
	if (!end || (size_t)(end - s->text) >= s->len)
		return "the end is missing";
	return "expected a value, a comma or a closing bracket (JSON has no comments and no comma at the end of a list)";
}

/* 0 if the JSON parser accepts the text, -EINVAL after a diagnosis. */
static int check_json(struct rf_diags *diags, const struct rf_source *s)
{
	const char *end = NULL;
	cJSON *json = cJSON_ParseWithLengthOpts(s->text, s->len + 1, &end, 1);
	size_t at = raw_control(s);

	if (!json)
		return rf_diag_error(diags, rf_source_place(s, end ? (size_t)(end - s->text) : 0), "JSON syntax error: %s",
				     json_problem(s, end));
	cJSON_Delete(json);
	if (at < s->len)
		return rf_diag_error(diags, rf_source_place(s, at), "JSON syntax error: a control character in a string");
	return 0;
}

/* What ends a line (and a comment) for some readers only. U+0085, U+2028 and U+2029 do for YAML 1.1, and are characters like others for
 * YAML 1.2, JSON and editors; a carriage return alone does for YAML, and not for whatever counts lines. */
static size_t doubtful_line_end(const struct rf_source *s)
{
	for (size_t i = 0; i < s->len; i++) {
		const char *at = s->text + i;

		if (*at == '\r' && at[1] != '\n')
			return i;
		if (strncmp(at, "\xc2\x85", 2) == 0 || strncmp(at, "\xe2\x80\xa8", 3) == 0 || strncmp(at, "\xe2\x80\xa9", 3) == 0)
			return i;
	}
	return s->len;
}

static int refuse_line_end(struct rf_diags *diags, const struct rf_source *s, size_t at)
{
	if (s->text[at] == '\r')
		return rf_diag_error(diags, rf_source_place(s, at),
				     "a carriage return without a line feed: readers count lines differently then");
	return rf_diag_error(
		diags, rf_source_place(s, at),
		"a line separator (U+0085, U+2028 or U+2029) that some readers take for a line end: in a text write it as \"\\u2028\"");
}

/* A byte order mark that begins a line, as files have that were put together from several. libyaml passes over it, so what follows would
 * be something else when it stands alone. */
static size_t stray_mark(const struct rf_source *s)
{
	for (size_t i = s->lines[0]; i < s->len; i++)
		if ((i == s->lines[0] || s->text[i - 1] == '\n') && strncmp(s->text + i, "\xef\xbb\xbf", 3) == 0)
			return i;
	return s->len;
}

static int check_text(struct rf_diags *diags, const struct rf_source *s)
{
	size_t bad;

	if (s->len > RF_FILE_MAX)
		return rf_diag_error(diags, (struct rf_place){.file = s->name}, "larger than %d bytes", RF_FILE_MAX);
	bad = rf_source_bad_byte(s->text, s->len);
	if (bad < s->len)
		return rf_diag_error(diags, rf_source_place(s, bad), "%s",
				     s->text[bad] ? "not UTF-8: save the file in that encoding"
						  : "a NUL byte: this is no text file, or not UTF-8");
	bad = doubtful_line_end(s);
	if (bad < s->len)
		return refuse_line_end(diags, s, bad);
	bad = stray_mark(s);
	if (bad < s->len)
		return rf_diag_error(diags, rf_source_place(s, bad), "a byte order mark (U+FEFF) within the file: delete it");
	return s->json ? check_json(diags, s) : 0;
}

static void parse_done(struct parse *p)
{
	rf_texts_done(&p->texts);
}

int rf_tree_parse(struct rf_diags *diags, struct rf_arena *scratch, const char *name, const char *text, size_t len, struct rf_tree **ret)
{
	RF_CLEANUP(parse_done) struct parse p = {.diags = diags, .arena = scratch};
	int r;

	p.tree = rf_arena_alloc(p.arena, sizeof(*p.tree));
	if (!p.tree)
		return -ENOMEM;
	r = rf_source_init(&p.tree->source, p.arena, name, text, len);
	if (r < 0)
		return r;
	p.tree->source.name = rf_arena_strdup(diags->arena, name);
	if (!p.tree->source.name)
		return -ENOMEM;
	r = check_text(diags, &p.tree->source);
	if (r == 0)
		r = parse_yaml(&p);
	if (r < 0 && r != -EINVAL)
		return r;
	*ret = p.tree;
	return 0;
}
