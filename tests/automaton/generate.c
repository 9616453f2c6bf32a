/* SPDX-License-Identifier: Apache-2.0 */
#include "generate.h"

#include <stdio.h>
#include <string.h>

#include "core/cleanup.h"

/* Characters with a story: what folds beyond ASCII, both ends of every UTF-8 length, every class of ASCII, every part of a path. */
static const uint32_t runes[] = {
	'a',    'b',    'c',    'a',    'b',     'k',     'K',     's',     'S',      'i',    'I',    'z',    'Z',    '0',
	'1',    '9',    '/',    '/',    '/',     '-',     '_',     '.',     ' ',      '\t',   '\n',   '~',    '!',    '$',
	'+',    '(',    '[',    '^',    0x7f,    0x80,    0x85,    0xb5,    0x3bc,    0x39c,  0xdf,   0x1e9e, 0xe9,   0xc9,
	0x130,  0x131,  0x17f,  0x212a, 0x212b,  0xe5,    0xc5,    0x1c4,   0x1c5,    0x1c6,  0x3b8,  0x3d1,  0x398,  0x3f4,
	0x3c3,  0x3c2,  0x3a3,  0x430,  0x410,   0x5d0,   0x661,   0x7ff,   0x800,    0x6f22, 0xd7ff, 0xe000, 0xffff, 0x1e61,
	0x1e9b, 0x1e60, 0xac00, 0x301,  0x10000, 0x10400, 0x10428, 0x1f600, 0x10ffff, 0xfffd, 0x3042, 0x345,  0x399,  0x3b9,
	0x1fbe, 0x1c80, 0x432,  0x412,  0xa64b,  0x1c88,  0xa64a,  0x13a0,  0xab70,   0x2160, 0x2170, 0x1,
};

/* xorshift64*: good enough for tests, and the same everywhere. */
unsigned gen_dice(struct gen *g, unsigned sides)
{
	g->state ^= g->state >> 12;
	g->state ^= g->state << 25;
	g->state ^= g->state >> 27;
	return sides ? (unsigned)((g->state * 0x2545f4914f6cdd1dull) >> 33) % sides : 0;
}

uint32_t gen_rune(struct gen *g)
{
	return gen_dice(g, 3) ? runes[gen_dice(g, 32)] : runes[gen_dice(g, RF_ARRAY_SIZE(runes))];
}

size_t gen_utf8(uint32_t rune, char *out)
{
	const size_t n = rune < 0x80 ? 1 : rune < 0x800 ? 2 : rune < 0x10000 ? 3 : 4;
	static const unsigned char lead[] = {0, 0, 0xc0, 0xe0, 0xf0};

	for (size_t i = n - 1; i > 0; i--, rune >>= 6)
		out[i] = (char)(0x80 | (rune & 0x3f));
	out[0] = (char)(lead[n] | rune);
	return n;
}

void gen_put(struct gen *g, const char *text)
{
	const size_t n = strlen(text);

	if (g->len + n > GEN_PATTERN_MAX)
		return;
	memcpy(g->pattern + g->len, text, n + 1);
	g->len += n;
}

void gen_put_rune(struct gen *g, uint32_t rune)
{
	char text[5] = "";

	text[gen_utf8(rune, text)] = '\0';
	gen_put(g, text);
}

void gen_sample(struct gen_node *node, uint32_t rune)
{
	if (node->sample_count < GEN_SAMPLES)
		node->samples[node->sample_count++] = rune;
}

/* NULL past the limit: what is missing is then only missing from the texts. */
static struct gen_node *node_new(struct gen *g, enum gen_kind kind)
{
	struct gen_node *node;

	if (g->node_count == GEN_NODES_MAX)
		return NULL;
	node = &g->nodes[g->node_count++];
	*node = (struct gen_node){.kind = kind};
	return node;
}

static void literal(struct gen *g, struct gen_node *node)
{
	const uint32_t rune = gen_rune(g);
	char text[32];

	gen_sample(node, rune);
	switch (gen_dice(g, 16)) {
	case 0:
		snprintf(text, sizeof(text), rune < 0x100 && gen_dice(g, 2) ? "\\x%02X" : "\\x{%x}", (unsigned)rune);
		break;
	case 1:
		if (rune < 0x40) {
			snprintf(text, sizeof(text), "\\0%02o", (unsigned)rune);
			break;
		}
		/* fall through */
	default:
		text[gen_utf8(rune, text)] = '\0';
		if (rune < 0x80 && strchr("\\.+*?()|[]{}^$", (int)rune))
			gen_put(g, "\\");
	}
	gen_put(g, text);
}

static void assertion(struct gen *g)
{
	static const char *const all[] = {"^", "$", "\\A", "\\z", "\\b", "\\B", "\\b", "\\B"};

	gen_put(g, all[gen_dice(g, RF_ARRAY_SIZE(all))]);
	if (gen_dice(g, 8) == 0)
		gen_put(g, gen_dice(g, 2) ? "*" : "{0,2}");
}

static void flags(struct gen *g)
{
	static const char *const all[] = {"(?i)", "(?i)", "(?s)", "(?m)", "(?U)", "(?-i)", "(?-s)", "(?im-s)", "(?sm)", "(?-m)"};
	const char *text = all[gen_dice(g, RF_ARRAY_SIZE(all))];

	g->folds |= strchr(text, 'i') != NULL;
	gen_put(g, text);
}

/* \Q...\E: its members follow one another, so this is a sequence. */
static struct gen_node *quoted(struct gen *g)
{
	struct gen_node *all = node_new(g, GEN_CAT), **end = all ? &all->child : NULL;

	gen_put(g, "\\Q");
	for (unsigned n = gen_dice(g, 4); n > 0 && end; n--) {
		static const char special[] = ".*+[(|\\^$?{";
		const uint32_t rune = gen_dice(g, 3) ? gen_rune(g) : (uint32_t)special[gen_dice(g, sizeof(special) - 1)];

		*end = node_new(g, GEN_ATOM);
		if (!*end)
			break;
		gen_sample(*end, rune);
		gen_put_rune(g, rune);
		end = &(*end)->next;
	}
	gen_put(g, "\\E");
	return all;
}

static struct gen_node *alternatives(struct gen *g, unsigned depth);

static struct gen_node *group(struct gen *g, unsigned depth)
{
	static const char *const heads[] = {"(", "(", "(?:", "(?:", "(?i:", "(?i:", "(?s:", "(?m:", "(?U:", "(?-i:", "(?i-s:", "(?is:"};
	const unsigned which = gen_dice(g, RF_ARRAY_SIZE(heads) + 1);
	struct gen_node *inner;
	char text[24];

	if (which == RF_ARRAY_SIZE(heads)) {
		snprintf(text, sizeof(text), "(?P<n%u>", g->names++);
		gen_put(g, text);
	} else {
		gen_put(g, heads[which]);
		g->folds |= strstr(heads[which], "?i") != NULL;
	}
	inner = alternatives(g, depth);
	gen_put(g, ")");
	return inner;
}

static struct gen_node *dot_or_set(struct gen *g)
{
	struct gen_node *node = node_new(g, GEN_ATOM), spare = {0};
	struct gen_node *at = node ? node : &spare;
	const unsigned what = gen_dice(g, 12);

	if (what < 2) {
		gen_put(g, ".");
		gen_sample(at, gen_rune(g));
		gen_sample(at, gen_rune(g));
	} else if (what < 4) {
		gen_class(g, at);
	} else if (what < 6) {
		gen_class_escape(g, at);
	} else {
		literal(g, at);
	}
	return node;
}

static struct gen_node *item(struct gen *g, unsigned depth)
{
	const unsigned what = gen_dice(g, 40);

	if (what == 0)
		assertion(g);
	else if (what == 1)
		flags(g);
	if (what == 2)
		return quoted(g);
	if (depth > 0 && what >= 30)
		return group(g, depth - 1);
	return dot_or_set(g);
}

static void counts(struct gen *g, char text[24], unsigned *min, unsigned *max)
{
	const unsigned large = gen_dice(g, 400);

	*min = gen_dice(g, 4);
	if (gen_dice(g, 40) == 0)
		*min = gen_dice(g, 30);
	*max = *min + gen_dice(g, 4);
	if (large == 0)
		*max = 999 + gen_dice(g, 4);
	else if (large == 1 && *min)
		*max = *min - 1;
	switch (gen_dice(g, 3)) {
	case 0:
		*max = *min;
		snprintf(text, 24, "{%u}", *min);
		break;
	case 1:
		*max = *min + 3;
		snprintf(text, 24, "{%u,}", *min);
		break;
	default:
		snprintf(text, 24, "{%u,%u}", *min, *max);
	}
}

static struct gen_node *repeat(struct gen *g, struct gen_node *inner)
{
	static const char *const plain[] = {"*", "+", "?"};
	struct gen_node *node = node_new(g, GEN_REPEAT);
	unsigned which = gen_dice(g, 5), min = which == 1, max = which == 2 ? 1 : min + 3;
	char text[24];

	if (which < 3)
		snprintf(text, sizeof(text), "%s", plain[which]);
	else
		counts(g, text, &min, &max);
	gen_put(g, text);
	if (gen_dice(g, 6) == 0)
		gen_put(g, "?");
	if (!node)
		return inner;
	node->child = inner;
	node->min = min;
	node->max = max > min + 3 ? min + 3 : max;
	return node;
}

static struct gen_node *sequence(struct gen *g, unsigned depth)
{
	struct gen_node *all = node_new(g, GEN_CAT), **end = all ? &all->child : NULL, *one;

	for (unsigned n = gen_dice(g, 12) ? 1 + gen_dice(g, 4) : 0; n > 0 && end; n--) {
		one = item(g, depth);
		if (one && gen_dice(g, 3) == 0)
			one = repeat(g, one);
		if (!one)
			break;
		*end = one;
		end = &one->next;
	}
	return all;
}

static struct gen_node *alternatives(struct gen *g, unsigned depth)
{
	struct gen_node *all = node_new(g, GEN_ALT), **end = all ? &all->child : NULL;

	for (unsigned n = 1 + (gen_dice(g, 3) == 0) * gen_dice(g, 4); n > 0 && end; n--) {
		*end = sequence(g, depth);
		if (!*end)
			break;
		end = &(*end)->next;
		if (n > 1)
			gen_put(g, "|");
	}
	return all;
}

static const char *fragment(struct gen *g)
{
	static const char *const all[] = {
		"\\",          "(",
		")",           "[",
		"]",           "{",
		"}",           "*",
		"+",           "?",
		"|",           "^",
		"$",           ".",
		"(?",          "(?i",
		"(?i)",        "(?P<a>",
		"(?<b>",       "(?P=a)",
		"(?=",         "(?P<",
		">",           "\\p",
		"\\pX",        "\\p{",
		"\\P{^",       "[:",
		":]",          "[:^",
		"\\Q",         "\\E",
		"\\x",         "\\x{",
		"\\x{110000}", "-",
		",",           "1",
		"0",           "1000",
		"1001",        "\\1",
		"\\8",         "\\0",
		"\\07",        "\\C",
		"\\Z",         "\\z",
		"\\b",         "\\G",
		"\\R",         "\\X",
		"\\K",         "\\h",
		"\\N{U+41}",   "a",
		"b",           "/",
		"\xc3\xa9",    "\xff",
		"\xc3",        "\xed\xa0\x80",
		"[[:alpha:]]", "[a-\\d]",
		"[\\d-z]",     "&&",
		"(?i-",        "(?-)",
		"(?i-i)",      "(?ii)",
		"\\d",         "\\_",
		"\\-",         "\\ ",
		"\\e",         "\\c",
		"[[.a.]]",     "[[=a=]]",
		"#",           "(?#x)",
		"{,2}",        "{2}",
		"{2,1}",       "{1,}",
		"\\Aa",        "(?i)*",
		"a(?s)+",      "^*",
		"\\b?",        "()*",
		"(?:)+",       "(|a)*",
		"\\Q\\E*",     "(?i)(?m){2}",
		"$+?",         "(?:\\b)*",
		"(?P<n0>",     "\\p{}",
		"\\pé",        "[^",
		"[]",          "[^]",
		"x*",          "(?:",
		"(|",          "\\\xc3\xa9",
		"\\x{}",       "\\x4",
		"\\400",
	};

	return all[gen_dice(g, RF_ARRAY_SIZE(all))];
}

/* At any byte: also in the middle of a character. */
static void insert(struct gen *g, const char *text)
{
	const size_t n = strlen(text), at = gen_dice(g, (unsigned)g->len + 1);

	if (g->len + n > GEN_PATTERN_MAX)
		return;
	memmove(g->pattern + at + n, g->pattern + at, g->len - at + 1);
	memcpy(g->pattern + at, text, n);
	g->len += n;
}

static void spoil(struct gen *g)
{
	g->spoilt = true;
	for (unsigned n = 1 + gen_dice(g, 3); n > 0; n--) {
		const size_t at = gen_dice(g, (unsigned)g->len + 1), end = g->len;

		if (gen_dice(g, 3) || at == end) {
			insert(g, fragment(g));
		} else {
			memmove(g->pattern + at, g->pattern + at + 1, end - at);
			g->len--;
		}
	}
}

void gen_pattern(struct gen *g, uint64_t seed)
{
	const char *begin[] = {"^", "\\A", "(?i)", "(?m)", "(?m)^", "/", "/", "(?s)"}, *end[] = {"$", "\\z", "(?m)$", "\\b"};

	g->state = (seed + 1) * 0x9e3779b97f4a7c15ull | 1;
	for (int i = 0; i < 8; i++) /* seeds that differ little begin alike */
		gen_dice(g, 2);
	g->len = g->node_count = g->names = 0;
	g->pattern[0] = '\0';
	g->spoilt = g->folds = false;
	g->root = NULL;
	if (gen_dice(g, 25) == 0) {
		g->spoilt = true;
		for (unsigned n = 1 + gen_dice(g, 10); n > 0; n--)
			gen_put(g, fragment(g));
		return;
	}
	if (gen_dice(g, 4) == 0) {
		const char *text = begin[gen_dice(g, RF_ARRAY_SIZE(begin))];

		g->folds = strchr(text, 'i') != NULL;
		gen_put(g, text);
	}
	g->root = alternatives(g, 3);
	if (gen_dice(g, 8) == 0)
		gen_put(g, end[gen_dice(g, RF_ARRAY_SIZE(end))]);
	if (gen_dice(g, 12) == 0)
		spoil(g);
}
