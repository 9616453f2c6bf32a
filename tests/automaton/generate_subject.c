/* SPDX-License-Identifier: Apache-2.0 */
/* Texts for a generated pattern. */
#include "generate.h"

#include <string.h>

#include "core/cleanup.h"

struct text {
	uint32_t runes[GEN_SUBJECT_MAX / 4];
	size_t count;
};

/* Characters that fold together; a list ends with 0. */
static const uint32_t orbits[][5] = {
	{'k', 'K', 0x212a},
	{'s', 'S', 0x17f},
	{0xb5, 0x3bc, 0x39c},
	{0xdf, 0x1e9e},
	{0xe9, 0xc9},
	{0xe5, 0xc5, 0x212b},
	{0x1c4, 0x1c5, 0x1c6},
	{0x3b8, 0x3d1, 0x398, 0x3f4},
	{0x3c3, 0x3c2, 0x3a3},
	{0x430, 0x410},
	{0x432, 0x412, 0x1c80},
	{0x345, 0x399, 0x3b9, 0x1fbe},
	{0x1e61, 0x1e9b, 0x1e60},
	{0x10400, 0x10428},
	{0xa64b, 0x1c88, 0xa64a},
	{0x13a0, 0xab70},
	{0x2160, 0x2170},
	{'i', 0x130, 0x131, 'I'},
};

static uint32_t other_case(struct gen *g, uint32_t rune)
{
	for (size_t i = 0; i < RF_ARRAY_SIZE(orbits); i++)
		for (size_t k = 0; orbits[i][k]; k++)
			if (orbits[i][k] == rune) {
				const uint32_t other = orbits[i][gen_dice(g, 4)];

				return other ? other : orbits[i][0];
			}
	return (rune | 0x20) >= 'a' && (rune | 0x20) <= 'z' ? rune ^ 0x20 : rune;
}

static void add(struct text *t, uint32_t rune)
{
	if (t->count < RF_ARRAY_SIZE(t->runes))
		t->runes[t->count++] = rune;
}

static void member(struct gen *g, const struct gen_node *node, struct text *t)
{
	const struct gen_node *one = node ? node->child : NULL;
	unsigned n = 0;

	if (!node)
		return;
	switch (node->kind) {
	case GEN_ATOM:
		if (node->sample_count) {
			const uint32_t rune = node->samples[gen_dice(g, node->sample_count)];

			add(t, g->folds && gen_dice(g, 3) == 0 ? other_case(g, rune) : rune);
		}
		break;
	case GEN_CAT:
		for (; one; one = one->next)
			member(g, one, t);
		break;
	case GEN_ALT:
		for (const struct gen_node *c = one; c; c = c->next)
			n++;
		for (n = gen_dice(g, n); n > 0; n--)
			one = one->next;
		member(g, one, t);
		break;
	case GEN_REPEAT:
		for (n = node->min + gen_dice(g, node->max >= node->min ? node->max - node->min + 1 : 1); n > 0; n--)
			member(g, one, t);
		break;
	}
}

static uint32_t neighbour(struct gen *g, uint32_t rune)
{
	switch (gen_dice(g, 4)) {
	case 0:
		return rune < 0x10ffff ? rune + 1 : rune - 1;
	case 1:
		return rune ? rune - 1 : 1;
	case 2:
		return other_case(g, rune);
	default:
		return gen_rune(g);
	}
}

/* One small change. */
static void mutate(struct gen *g, struct text *t)
{
	const size_t at = gen_dice(g, (unsigned)t->count + 1);

	switch (gen_dice(g, 5)) {
	case 0: /* one more */
		if (t->count < RF_ARRAY_SIZE(t->runes)) {
			memmove(t->runes + at + 1, t->runes + at, (t->count - at) * sizeof(*t->runes));
			t->runes[at] = at > 0 && gen_dice(g, 2) ? t->runes[at - 1] : gen_rune(g);
			t->count++;
		}
		break;
	case 1: /* one less */
		if (at < t->count) {
			memmove(t->runes + at, t->runes + at + 1, (t->count - at - 1) * sizeof(*t->runes));
			t->count--;
		}
		break;
	case 2: /* swapped */
		if (at + 1 < t->count) {
			const uint32_t rune = t->runes[at];

			t->runes[at] = t->runes[at + 1];
			t->runes[at + 1] = rune;
		}
		break;
	default:
		if (at < t->count)
			t->runes[at] = neighbour(g, t->runes[at]);
	}
}

/* The plain characters of a pattern that no tree describes. */
static void from_text(struct gen *g, struct text *t)
{
	for (size_t i = 0; i < g->len; i++)
		if ((unsigned char)g->pattern[i] < 0x80 && !strchr("\\()[]{}*+?|^$", g->pattern[i]) && gen_dice(g, 4))
			add(t, (unsigned char)g->pattern[i]);
}

/* Bytes that are no UTF-8, now and then. */
static size_t break_utf8(struct gen *g, char *subject, size_t len)
{
	static const char bytes[] = "\x80\xbf\xc0\xc1\xe0\xed\xa0\xf4\x90\xf5\xff\xc3";

	subject[gen_dice(g, (unsigned)len)] = bytes[gen_dice(g, sizeof(bytes) - 1)];
	return len - (gen_dice(g, 4) == 0);
}

size_t gen_subject(struct gen *g, char subject[GEN_SUBJECT_MAX])
{
	struct text t = {.count = 0};
	size_t len = 0;

	if (g->root && gen_dice(g, 20))
		member(g, g->root, &t);
	else
		from_text(g, &t);
	for (unsigned n = gen_dice(g, 2) ? 1 + gen_dice(g, 2) : 0; n > 0; n--)
		mutate(g, &t);
	for (size_t i = 0; i < t.count; i++)
		len += gen_utf8(t.runes[i], subject + len);
	return len && gen_dice(g, 50) == 0 ? break_utf8(g, subject, len) : len;
}
