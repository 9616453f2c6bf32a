/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What patterns know of Unicode (unicode_data.c is written by scripts/unicode-data): all general categories, simple case folding, and the
 * scripts Latin Greek Cyrillic Armenian Hebrew Arabic Devanagari Bengali Tamil Thai Georgian Hangul Hiragana Katakana Bopomofo Han
 * Ethiopic Khmer Mongolian Common Inherited. Other scripts are refused by name.
 */
#pragma once

#include "automaton/runes.h"

struct rf_unicode_group {
	const char *name;
	uint32_t first; /* in rf_unicode_ranges */
	uint32_t count;
};

/* A run of characters that have a next one in their case orbit: c + delta, for lo, lo + stride ... hi. */
struct rf_unicode_fold {
	uint32_t lo;
	uint32_t hi;
	int32_t stride; /* 1 or 2 */
	int32_t delta;
};

extern const struct rf_unicode_group rf_unicode_groups[];
extern const size_t rf_unicode_group_count;
extern const struct rf_rune_range rf_unicode_ranges[];
extern const struct rf_unicode_fold rf_unicode_folds[];
extern const size_t rf_unicode_fold_count;

/* Adds a property: a category ("Lu"), a group of categories ("L"), a script ("Greek") or "Any". 0, -ENOENT (no such name), -ENOMEM. */
int rf_unicode_add(struct rf_arena *arena, struct rf_runes *set, const char *name, size_t len);

/* Decodes one UTF-8 sequence at text (RFC 3629: shortest form, no surrogates). Returns its length or -EILSEQ; len is at least 1. */
int rf_utf8_decode(const char *text, size_t len, uint32_t *ret);
