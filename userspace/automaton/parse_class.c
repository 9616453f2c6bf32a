/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <string.h>

#include "automaton/parser.h"
#include "core/cleanup.h"

/* ASCII only, as in RE2. */
static const struct posix_class {
	const char *name;
	struct rf_rune_range ranges[4];
	size_t count;
} posix_classes[] = {
	{"alnum", {{'0', '9'}, {'A', 'Z'}, {'a', 'z'}}, 3},
	{"alpha", {{'A', 'Z'}, {'a', 'z'}}, 2},
	{"ascii", {{0, 0x7f}}, 1},
	{"blank", {{'\t', '\t'}, {' ', ' '}}, 2},
	{"cntrl", {{0, 0x1f}, {0x7f, 0x7f}}, 2},
	{"digit", {{'0', '9'}}, 1},
	{"graph", {{'!', '~'}}, 1},
	{"lower", {{'a', 'z'}}, 1},
	{"print", {{' ', '~'}}, 1},
	{"punct", {{'!', '/'}, {':', '@'}, {'[', '`'}, {'{', '~'}}, 4},
	{"space", {{'\t', '\r'}, {' ', ' '}}, 2},
	{"upper", {{'A', 'Z'}}, 1},
	{"word", {{'0', '9'}, {'A', 'Z'}, {'_', '_'}, {'a', 'z'}}, 4},
	{"xdigit", {{'0', '9'}, {'A', 'F'}, {'a', 'f'}}, 3},
};

static const struct posix_class *posix_find(const char *name, size_t len)
{
	for (size_t i = 0; i < RF_ARRAY_SIZE(posix_classes); i++)
		if (strlen(posix_classes[i].name) == len && memcmp(posix_classes[i].name, name, len) == 0)
			return &posix_classes[i];
	return NULL;
}

/* [:alpha:] or [:^alpha:] inside a class: 1 if there was one; "[:" without ":]" is two plain characters. */
static int posix_class(struct rf_parser *p, struct rf_runes *set)
{
	const char *name = p->text + p->at + 2, *end;
	const struct posix_class *found;
	struct rf_runes part = {0};
	bool negated;
	int r;

	if (!rf_parser_sees(p, "[:"))
		return 0;
	end = memmem(name, rf_parser_left(p) - 2, ":]", 2);
	if (!end)
		return 0;
	negated = name < end && *name == '^';
	name += negated;
	found = posix_find(name, (size_t)(end - name));
	if (!found)
		return rf_parser_fail(p, -EINVAL, p->at, "unknown character class [:%.*s:]", (int)(end - name < 40 ? end - name : 40),
				      name);
	p->at = (size_t)(end - p->text) + 2;
	r = rf_runes_add_all(p->arena, &part, found->ranges, found->count);
	if (r == 0)
		r = rf_parser_add_group(p, set, &part, negated);
	return r < 0 ? r : 1;
}

static int class_rune(struct rf_parser *p, uint32_t *ret)
{
	return p->text[p->at] == '\\' ? rf_parser_escape(p, ret) : rf_parser_rune(p, ret);
}

/* One character or a range. */
static int class_range(struct rf_parser *p, struct rf_runes *set)
{
	const size_t start = p->at;
	struct rf_runes part = {0};
	uint32_t lo, hi;
	int r;

	r = class_rune(p, &lo);
	if (r < 0)
		return r;
	hi = lo;
	if (rf_parser_left(p) >= 2 && p->text[p->at] == '-' && p->text[p->at + 1] != ']') {
		p->at++;
		r = class_rune(p, &hi);
		if (r < 0)
			return r;
		if (hi < lo)
			return rf_parser_fail(p, -EINVAL, start, "the range in a character class runs backwards");
	}
	r = rf_runes_add(p->arena, &part, lo, hi);
	return r < 0 ? r : rf_parser_add_group(p, set, &part, false);
}

int rf_parser_class(struct rf_parser *p, struct rf_runes *set)
{
	const size_t start = p->at++;
	const bool negated = rf_parser_sees(p, "^");
	bool first = true;
	int r;

	p->at += negated;
	while (rf_parser_left(p) && (first || p->text[p->at] != ']')) {
		first = false;
		r = posix_class(p, set);
		if (r == 0)
			r = rf_parser_class_escape(p, set);
		if (r == 0)
			r = class_range(p, set);
		if (r < 0)
			return r;
	}
	if (!rf_parser_left(p))
		return rf_parser_fail(p, -EINVAL, start, "character class without closing ]");
	p->at++;
	if (negated)
		return rf_runes_negate(p->arena, set);
	rf_runes_normalise(set);
	return 0;
}
