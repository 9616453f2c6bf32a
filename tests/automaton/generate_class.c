/* SPDX-License-Identifier: Apache-2.0 */
/* Sets of characters, with characters that are in them. */
#include "generate.h"

#include <stdio.h>
#include <string.h>

#include "core/cleanup.h"

struct named {
	const char *name;
	uint32_t samples[4];
};

static const struct named posix[] = {
	{"alnum", {'a', '5', 'Z'}}, {"alpha", {'q', 'K', 's'}},  {"ascii", {'~', ' ', 'a'}}, {"blank", {'\t', ' '}},
	{"cntrl", {'\n', 0x7f, 1}}, {"digit", {'0', '9', '1'}},  {"graph", {'!', '~', 'a'}}, {"lower", {'a', 'k', 's'}},
	{"print", {' ', '~', 'b'}}, {"punct", {'/', '_', '-'}},  {"space", {' ', '\v', 9}},  {"upper", {'A', 'K', 'S'}},
	{"word", {'_', 'k', '0'}},  {"xdigit", {'f', 'A', '0'}},
};

static const struct named perl[] = {{"d", {'0', '7'}},        {"s", {' ', '\t', '\f'}}, {"w", {'_', 'k', 's', '1'}},
				    {"D", {'a', 0xe9, '\n'}}, {"S", {'/', 0x3b1}},      {"W", {'/', 0x212a, 0x17f, ' '}}};

static const struct named properties[] = {
	{"L", {'a', 0xe9, 0x3b1, 0x6f22}},
	{"M", {0x301, 0x903}},
	{"N", {'1', 0x661, 0x2164}},
	{"P", {'/', '_', '-', 0xbf}},
	{"S", {'+', '$', 0x20ac}},
	{"Z", {' ', 0xa0, 0x2028}},
	{"C", {'\n', 0x7f, 0xad}},
	{"Lu", {'K', 0xc9, 0x391, 0x410}},
	{"Ll", {'k', 0xe9, 0x3c3, 0x17f}},
	{"Lt", {0x1c5, 0x1f88}},
	{"Lm", {0x2b0, 0x3005}},
	{"Lo", {0x6f22, 0x5d0, 0xaa}},
	{"Mn", {0x301, 0x300}},
	{"Mc", {0x903}},
	{"Me", {0x20dd}},
	{"Nd", {'1', 0x661}},
	{"Nl", {0x2164, 0x3007}},
	{"No", {0xb2, 0xbd}},
	{"Pc", {'_', 0x203f}},
	{"Pd", {'-', 0x2013}},
	{"Ps", {'(', '['}},
	{"Pe", {')', ']'}},
	{"Pi", {0xab}},
	{"Pf", {0xbb}},
	{"Po", {'/', '.', '!'}},
	{"Sm", {'+', '<'}},
	{"Sc", {'$', 0x20ac}},
	{"Sk", {'^', '`'}},
	{"So", {0xa9, 0x1f600}},
	{"Zs", {' ', 0xa0}},
	{"Zl", {0x2028}},
	{"Zp", {0x2029}},
	{"Cc", {'\n', 0x85}},
	{"Cf", {0xad, 0x200d}},
	{"Co", {0xe000}},
	{"Cs", {0xd7ff}},
	{"Any", {'a', 0x10ffff, '\n'}},
	{"Latin", {'k', 0xe9, 0x212a}},
	{"Greek", {0x3b1, 0x3a3, 0x3c2}},
	{"Cyrillic", {0x430, 0x42f}},
	{"Han", {0x6f22, 0x3007}},
	{"Hebrew", {0x5d0}},
	{"Arabic", {0x627, 0x661}},
	{"Hiragana", {0x3042}},
	{"Katakana", {0x30ab}},
	{"Hangul", {0xac00}},
	{"Thai", {0xe01}},
	{"Common", {'/', '1', 0xb5}},
	{"Inherited", {0x301}},
	{"Armenian", {0x531, 0x561}},
	{"Georgian", {0x10d0, 0x1c90}},
	{"Devanagari", {0x905}},
	{"Tibetan", {0xf40}},
	{"Cn", {'a'}},
	{"greek", {0x3b1}},
	{"LC", {'a'}},
};

static void add_samples(struct gen *g, struct gen_node *node, const struct named *from, bool negated)
{
	for (size_t i = 0; i < RF_ARRAY_SIZE(from->samples); i++)
		if (negated)
			gen_sample(node, gen_rune(g));
		else if (from->samples[i])
			gen_sample(node, from->samples[i]);
}

static void put_property(struct gen *g, struct gen_node *node)
{
	/* Those at the end are refused by one or both: seldom. */
	const size_t known = RF_ARRAY_SIZE(properties) - 4;
	const struct named *p = &properties[gen_dice(g, 60) ? gen_dice(g, (unsigned)known) : gen_dice(g, RF_ARRAY_SIZE(properties))];
	const bool big = gen_dice(g, 4) == 0, caret = gen_dice(g, 6) == 0;
	char text[32];

	if (strlen(p->name) == 1 && gen_dice(g, 2))
		snprintf(text, sizeof(text), "\\%c%s", big ? 'P' : 'p', p->name);
	else
		snprintf(text, sizeof(text), "\\%c{%s%s}", big ? 'P' : 'p', caret ? "^" : "", p->name);
	gen_put(g, text);
	add_samples(g, node, p, big != (caret && strchr(text, '{')));
}

void gen_class_escape(struct gen *g, struct gen_node *node)
{
	const struct named *p = &perl[gen_dice(g, RF_ARRAY_SIZE(perl))];

	if (gen_dice(g, 3) == 0) {
		put_property(g, node);
		return;
	}
	gen_put(g, "\\");
	gen_put(g, p->name);
	add_samples(g, node, p, false);
}

static void put_posix(struct gen *g, struct gen_node *node)
{
	const struct named *p = &posix[gen_dice(g, RF_ARRAY_SIZE(posix))];
	const bool negated = gen_dice(g, 4) == 0;

	gen_put(g, negated ? "[:^" : "[:");
	gen_put(g, p->name);
	gen_put(g, ":]");
	add_samples(g, node, p, negated);
}

static void put_in_class(struct gen *g, uint32_t rune)
{
	char text[16];

	if (rune < 0x20 || rune == 0x7f || gen_dice(g, 12) == 0) {
		snprintf(text, sizeof(text), "\\x{%x}", (unsigned)rune);
		gen_put(g, text);
		return;
	}
	if (rune < 0x80 && strchr("\\]^-[", (int)rune))
		gen_put(g, "\\");
	gen_put_rune(g, rune);
}

static void put_range(struct gen *g, struct gen_node *node)
{
	static const uint32_t ends[][2] = {{'a', 'z'},     {'A', 'Z'},       {'0', '9'},       {'a', 'f'},         {'k', 's'},
					   {'J', 'T'},     {' ', '~'},       {0x3b1, 0x3c9},   {0xe0, 0xff},       {0x410, 0x44f},
					   {0, 0x10ffff},  {0x80, 0x10ffff}, {0x80, 0x7ff},    {0x7ff, 0x800},     {0xffff, 0x10000},
					   {'Z', 'a'},     {0x100, 0x17f},   {0xd000, 0xe000}, {0x4e00, 0x9fff},   {'!', '/'},
					   {0x1c4, 0x1cc}, {0x10d0, 0x10ff}, {0x1f80, 0x1faf}, {0x10000, 0x1ffff}, {'s', 0x212a}};
	const uint32_t *end = ends[gen_dice(g, RF_ARRAY_SIZE(ends))];
	uint32_t lo = end[0], hi = end[1];

	if (gen_dice(g, 3) == 0) {
		lo = gen_rune(g);
		hi = lo + gen_dice(g, 40);
	}
	if (hi > 0x10ffff)
		hi = 0x10ffff;
	put_in_class(g, lo);
	gen_put(g, "-");
	put_in_class(g, hi);
	gen_sample(node, lo);
	gen_sample(node, hi);
	gen_sample(node, lo + gen_dice(g, hi - lo + 1));
}

static void put_item(struct gen *g, struct gen_node *node)
{
	uint32_t rune;

	switch (gen_dice(g, 10)) {
	case 0:
		put_posix(g, node);
		return;
	case 1:
	case 2:
		gen_class_escape(g, node);
		return;
	case 3:
	case 4:
	case 5:
		put_range(g, node);
		return;
	default:
		rune = gen_rune(g);
		put_in_class(g, rune);
		gen_sample(node, rune);
	}
}

void gen_class(struct gen *g, struct gen_node *node)
{
	const bool negated = gen_dice(g, 4) == 0;
	const unsigned items = 1 + gen_dice(g, 3) + (gen_dice(g, 50) ? 0 : gen_dice(g, 20));

	gen_put(g, negated ? "[^" : "[");
	if (gen_dice(g, 20) == 0) {
		gen_put(g, gen_dice(g, 2) ? "]" : "-");
		gen_sample(node, g->pattern[g->len - 1] == ']' ? ']' : '-');
	}
	for (unsigned i = 0; i < items; i++)
		put_item(g, node);
	if (gen_dice(g, 20) == 0) {
		gen_put(g, "-");
		gen_sample(node, '-');
	}
	gen_put(g, "]");
	if (!negated)
		return;
	/* What is listed is now what is missing. */
	node->sample_count = 0;
	for (int i = 0; i < 4; i++)
		gen_sample(node, gen_rune(g));
}
