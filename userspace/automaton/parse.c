/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "automaton/nfa.h"
#include "automaton/parser.h"
#include "automaton/unicode.h"
#include "core/arena.h"

struct sequence {
	struct rf_node *cat; /* CAT being built, last item first: what a repeat operator repeats, whatever flags stand between */
};

bool rf_parser_sees(const struct rf_parser *p, const char *text)
{
	const size_t len = strlen(text);

	return rf_parser_left(p) >= len && memcmp(p->text + p->at, text, len) == 0;
}

int rf_parser_fail(const struct rf_parser *p, int err, size_t at, const char *format, ...)
{
	va_list args;

	if (p->error) {
		p->error->offset = at;
		va_start(args, format);
		vsnprintf(p->error->text, sizeof(p->error->text), format, args);
		va_end(args);
	}
	return err;
}

int rf_parser_rune(struct rf_parser *p, uint32_t *ret)
{
	const int n = rf_utf8_decode(p->text + p->at, rf_parser_left(p), ret);

	if (n < 0)
		return rf_parser_fail(p, -EINVAL, p->at, "the pattern is not valid UTF-8");
	p->at += (size_t)n;
	return 0;
}

static struct rf_node *node_new(struct rf_parser *p, enum rf_node_kind kind)
{
	struct rf_node *node = rf_arena_alloc(p->arena, sizeof(*node));

	if (node) {
		node->kind = kind;
		node->unfold = 1;
	}
	return node;
}

static void node_add(struct rf_node *list, struct rf_node *item)
{
	item->next = list->child;
	list->child = item;
	if (item->unfold > list->unfold)
		list->unfold = item->unfold;
}

static int append(struct rf_parser *p, struct sequence *s, enum rf_node_kind kind, struct rf_node **ret)
{
	struct rf_node *node = node_new(p, kind);

	if (!node)
		return -ENOMEM;
	node_add(s->cat, node);
	*ret = node;
	return 0;
}

static int append_rune(struct rf_parser *p, struct sequence *s, uint32_t rune)
{
	struct rf_runes one = {0};
	struct rf_node *node;
	int r;

	r = append(p, s, RF_NODE_RUNES, &node);
	if (r == 0)
		r = rf_runes_add(p->arena, &one, rune, rune);
	return r < 0 ? r : rf_parser_add_group(p, &node->runes, &one, false);
}

static int append_assert(struct rf_parser *p, struct sequence *s, uint32_t what, size_t length)
{
	struct rf_node *node;
	int r;

	r = append(p, s, RF_NODE_ASSERT, &node);
	if (r == 0) {
		node->assert = what;
		p->at += length;
	}
	return r;
}

static int append_dot(struct rf_parser *p, struct sequence *s)
{
	struct rf_node *node;
	int r;

	p->at++;
	r = append(p, s, RF_NODE_RUNES, &node);
	if (r == 0 && !(p->flags & RF_FLAG_DOT_ALL))
		r = rf_runes_add(p->arena, &node->runes, '\n', '\n');
	return r < 0 ? r : rf_runes_negate(p->arena, &node->runes);
}

static int append_class(struct rf_parser *p, struct sequence *s)
{
	struct rf_node *node;
	int r;

	r = append(p, s, RF_NODE_RUNES, &node);
	return r < 0 ? r : rf_parser_class(p, &node->runes);
}

/* \Q...\E: plain characters; the \E may be missing at the end. */
static int append_quoted(struct rf_parser *p, struct sequence *s)
{
	uint32_t rune;
	int r = 0;

	p->at += 2;
	while (rf_parser_left(p) && !rf_parser_sees(p, "\\E") && r == 0) {
		r = rf_parser_rune(p, &rune);
		if (r == 0)
			r = append_rune(p, s, rune);
	}
	if (rf_parser_left(p))
		p->at += 2;
	return r;
}

static int append_escape(struct rf_parser *p, struct sequence *s)
{
	struct rf_runes set = {0};
	struct rf_node *node;
	uint32_t rune;
	int r;

	if (rf_parser_sees(p, "\\Q"))
		return append_quoted(p, s);
	if (rf_parser_sees(p, "\\A"))
		return append_assert(p, s, RF_ASSERT_TEXT_BEGIN, 2);
	if (rf_parser_sees(p, "\\z"))
		return append_assert(p, s, RF_ASSERT_TEXT_END, 2);
	if (rf_parser_sees(p, "\\b"))
		return append_assert(p, s, RF_ASSERT_WORD, 2);
	if (rf_parser_sees(p, "\\B"))
		return append_assert(p, s, RF_ASSERT_NOT_WORD, 2);
	r = rf_parser_class_escape(p, &set);
	if (r < 0)
		return r;
	if (r == 0) {
		r = rf_parser_escape(p, &rune);
		return r < 0 ? r : append_rune(p, s, rune);
	}
	rf_runes_normalise(&set);
	r = append(p, s, RF_NODE_RUNES, &node);
	if (r == 0)
		node->runes = set;
	return r;
}

/* A count of {n,m}: at most 4 digits are of interest, no leading zero. */
static bool take_count(struct rf_parser *p, uint32_t *ret)
{
	const size_t start = p->at;
	uint32_t value = 0;

	while (rf_parser_left(p) && p->text[p->at] >= '0' && p->text[p->at] <= '9') {
		value = value * 10 + (uint32_t)(p->text[p->at++] - '0');
		if (value > RF_PATTERN_REPEAT_MAX)
			value = RF_PATTERN_REPEAT_MAX + 1;
	}
	*ret = value;
	return p->at > start && !(p->text[start] == '0' && p->at - start > 1);
}

/* {n}, {n,} or {n,m}; anything else leaves p alone and is a plain brace. */
static bool take_braces(struct rf_parser *p, uint32_t *min, uint32_t *max)
{
	const size_t start = p->at++;
	bool ok = take_count(p, min);

	*max = *min;
	if (ok && rf_parser_sees(p, ",")) {
		p->at++;
		*max = RF_REPEAT_FOREVER;
		if (!rf_parser_sees(p, "}"))
			ok = take_count(p, max);
	}
	if (ok && rf_parser_sees(p, "}")) {
		p->at++;
		return true;
	}
	p->at = start;
	return false;
}

/* Is p at a repeat operator? If so it is taken. */
static bool take_repeat(struct rf_parser *p, uint32_t *min, uint32_t *max)
{
	char c;

	if (!rf_parser_left(p))
		return false;
	c = p->text[p->at];
	if (c == '{')
		return take_braces(p, min, max);
	if (c != '*' && c != '+' && c != '?')
		return false;
	p->at++;
	*min = c == '+';
	*max = c == '?' ? 1 : RF_REPEAT_FOREVER;
	return true;
}

/* Wraps the last item. A '?' after the operator (non-greedy) means nothing when the whole text must match. */
static int repeat_last(struct rf_parser *p, struct sequence *s, size_t start, uint32_t min, uint32_t max)
{
	const uint32_t times = max == RF_REPEAT_FOREVER ? min : max;
	struct rf_node *item = s->cat->child, *node;

	if (!item)
		return rf_parser_fail(p, -EINVAL, start, "nothing to repeat before this operator");
	if (times > RF_PATTERN_REPEAT_MAX || item->unfold * (times ? times : 1) > RF_PATTERN_REPEAT_MAX)
		return rf_parser_fail(p, -E2BIG, start, "more than %d repeats (nested counts multiply)", RF_PATTERN_REPEAT_MAX);
	if (min > times)
		return rf_parser_fail(p, -EINVAL, start, "the repeat's least count is above its greatest");
	node = node_new(p, RF_NODE_REPEAT);
	if (!node)
		return -ENOMEM;
	s->cat->child = item->next;
	item->next = NULL;
	*node = (struct rf_node){
		.kind = RF_NODE_REPEAT, .min = min, .max = max, .child = item, .unfold = item->unfold * (times ? times : 1)};
	node_add(s->cat, node);
	if (rf_parser_sees(p, "?"))
		p->at++;
	start = p->at;
	if (take_repeat(p, &min, &max))
		return rf_parser_fail(p, -EINVAL, start, "a repeat operator directly after another; use a group");
	return 0;
}

static int parse_alternatives(struct rf_parser *p, struct rf_node **ret);

static int group_name(struct rf_parser *p, size_t start)
{
	const char *text = p->text + p->at;
	struct rf_group_name *name;
	size_t n = 0;

	while (n < rf_parser_left(p) &&
	       (text[n] == '_' || (text[n] >= '0' && text[n] <= '9') || ((text[n] | 0x20) >= 'a' && (text[n] | 0x20) <= 'z')))
		n++;
	if (n == 0 || n == rf_parser_left(p) || text[n] != '>')
		return rf_parser_fail(p, -EINVAL, start, "a group's name wants letters, digits or _, like (?P<name>...)");
	for (name = p->names; name; name = name->next)
		if (name->len == n && memcmp(name->text, text, n) == 0)
			return rf_parser_fail(p, -EINVAL, start, "two groups are called '%.*s'", (int)(n < 60 ? n : 60), text);
	name = rf_arena_alloc(p->arena, sizeof(*name));
	if (!name)
		return -ENOMEM;
	*name = (struct rf_group_name){p->names, text, n};
	p->names = name;
	p->at += n + 1;
	return 0;
}

/* After "(?": flags up to ')' (for the rest of the group, returns 1) or ':' (for a group of their own, returns 0). */
static int group_flags(struct rf_parser *p, size_t start)
{
	static const char letters[] = "imsU";
	const char *found;
	bool off = false, any = false;
	char c;

	while (rf_parser_left(p)) {
		c = p->text[p->at++];
		found = c ? strchr(letters, c) : NULL;
		if (found && off)
			p->flags &= ~(1u << (found - letters));
		else if (found)
			p->flags |= 1u << (found - letters);
		else if (c == '-' && !off)
			off = true;
		else if ((c == ':' || c == ')') && !(off && !any))
			return c == ')';
		else
			break;
		any = found != NULL;
	}
	return rf_parser_fail(p, -EINVAL, start, "unknown or unfinished (?flags); known are i, m, s and U");
}

/* What stands after '('. 0: a group follows, 1: it was only flags. */
static int group_head(struct rf_parser *p, size_t start)
{
	p->at++;
	if (!rf_parser_sees(p, "?"))
		return 0;
	if (rf_parser_sees(p, "?=") || rf_parser_sees(p, "?!") || rf_parser_sees(p, "?<=") || rf_parser_sees(p, "?<!"))
		return rf_parser_fail(p, -EINVAL, start, "look-around is not part of RE2 syntax");
	if (rf_parser_sees(p, "?P<") || rf_parser_sees(p, "?<")) {
		p->at += rf_parser_sees(p, "?<") ? 2 : 3;
		return group_name(p, start);
	}
	p->at++;
	return group_flags(p, start);
}

static int append_group(struct rf_parser *p, struct sequence *s)
{
	const unsigned flags = p->flags;
	const size_t start = p->at;
	struct rf_node *inner;
	int r;

	r = group_head(p, start);
	if (r != 0)
		return r < 0 ? r : 0;
	if (p->depth >= RF_PATTERN_DEPTH_MAX)
		return rf_parser_fail(p, -E2BIG, start, "more than %d nested groups", RF_PATTERN_DEPTH_MAX);
	p->depth++;
	r = parse_alternatives(p, &inner);
	p->depth--;
	p->flags = flags;
	if (r < 0)
		return r;
	if (!rf_parser_sees(p, ")"))
		return rf_parser_fail(p, -EINVAL, start, "group without closing )");
	p->at++;
	node_add(s->cat, inner);
	return 0;
}

static int append_item(struct rf_parser *p, struct sequence *s)
{
	const bool multi = p->flags & RF_FLAG_MULTILINE;
	const size_t start = p->at;
	uint32_t min, max, rune;
	int r;

	if (take_repeat(p, &min, &max))
		return repeat_last(p, s, start, min, max);
	switch (p->text[p->at]) {
	case '.':
		return append_dot(p, s);
	case '[':
		return append_class(p, s);
	case '(':
		return append_group(p, s);
	case '\\':
		return append_escape(p, s);
	case '^':
		return append_assert(p, s, multi ? RF_ASSERT_LINE_BEGIN : RF_ASSERT_TEXT_BEGIN, 1);
	case '$':
		return append_assert(p, s, multi ? RF_ASSERT_LINE_END : RF_ASSERT_TEXT_END, 1);
	default:
		r = rf_parser_rune(p, &rune);
		return r < 0 ? r : append_rune(p, s, rune);
	}
}

static int parse_sequence(struct rf_parser *p, struct rf_node **ret)
{
	struct sequence s = {.cat = node_new(p, RF_NODE_CAT)};
	int r;

	if (!s.cat)
		return -ENOMEM;
	while (rf_parser_left(p) && p->text[p->at] != '|' && p->text[p->at] != ')') {
		r = append_item(p, &s);
		if (r < 0)
			return r;
	}
	if (!s.cat->child)
		s.cat->kind = RF_NODE_EMPTY;
	*ret = s.cat;
	return 0;
}

static int parse_alternatives(struct rf_parser *p, struct rf_node **ret)
{
	struct rf_node *all = node_new(p, RF_NODE_ALT), *one;
	int r;

	if (!all)
		return -ENOMEM;
	for (;;) {
		r = parse_sequence(p, &one);
		if (r < 0)
			return r;
		node_add(all, one);
		if (!rf_parser_sees(p, "|"))
			break;
		p->at++;
	}
	*ret = all;
	return 0;
}

int rf_pattern_parse(struct rf_arena *arena, const char *pattern, size_t len, bool fold, struct rf_pattern_error *error,
		     struct rf_node **ret)
{
	struct rf_parser p = {.arena = arena, .text = pattern, .len = len, .flags = fold ? RF_FLAG_FOLD : 0, .error = error};
	struct rf_node *node;
	int r;

	if (len > RF_PATTERN_MAX)
		return rf_parser_fail(&p, -E2BIG, RF_PATTERN_MAX, "the pattern is longer than %d bytes", RF_PATTERN_MAX);
	r = parse_alternatives(&p, &node);
	if (r < 0)
		return r;
	if (rf_parser_left(&p))
		return rf_parser_fail(&p, -EINVAL, p.at, "closing ) without a group");
	*ret = node;
	return 0;
}
