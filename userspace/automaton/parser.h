/* SPDX-License-Identifier: Apache-2.0 */
/* Private to the pattern parser: its state, shared by parse.c (structure), parse_class.c ([...]) and parse_escape.c (\...). */
#pragma once

#include "automaton/pattern.h"

enum rf_pattern_flag {
	RF_FLAG_FOLD = 1,      /* i */
	RF_FLAG_MULTILINE = 2, /* m */
	RF_FLAG_DOT_ALL = 4,   /* s */
	RF_FLAG_UNGREEDY = 8,  /* U: no meaning for a full match */
};

struct rf_parser {
	struct rf_arena *arena;
	const char *text;
	size_t len;
	size_t at;
	unsigned flags; /* enum rf_pattern_flag */
	unsigned depth;
	size_t ranges;               /* of all classes so far, bounds time and memory */
	struct rf_group_name *names; /* of groups, to refuse duplicates */
	struct rf_pattern_error *error;
};

struct rf_group_name {
	struct rf_group_name *next;
	const char *text;
	size_t len;
};

static inline size_t rf_parser_left(const struct rf_parser *p)
{
	return p->len - p->at;
}

/* Does the rest start with this text? */
bool rf_parser_sees(const struct rf_parser *p, const char *text);

/* Fills the error for the byte at `at` and returns err (negative). */
int rf_parser_fail(const struct rf_parser *p, int err, size_t at, const char *format, ...) __attribute__((format(printf, 4, 5)));

/* Takes one character. */
int rf_parser_rune(struct rf_parser *p, uint32_t *ret);

/* An escape that stands for one character (\n, \., \x{263a}, \012); p is at the backslash. */
int rf_parser_escape(struct rf_parser *p, uint32_t *ret);

/* \d \S \w \pL \P{Greek} ...: adds to set and returns 1; 0 if p is not at such an escape; negative on error. */
int rf_parser_class_escape(struct rf_parser *p, struct rf_runes *set);

/* [...]; p is at the bracket. The result is normalised. */
int rf_parser_class(struct rf_parser *p, struct rf_runes *set);

/* Adds set `part`, folded if flags say so, or everything but it. part is used up. */
int rf_parser_add_group(struct rf_parser *p, struct rf_runes *set, struct rf_runes *part, bool negated);
