/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The non-deterministic automaton over bytes (Thompson's construction): all routes of one destination in one array of instructions. The
 * array itself is the table of an RF_AUTOMATON_NFA image, so indices are relative and the layout is fixed.
 */
#pragma once

#include <assert.h>

#include "automaton/pattern.h"

enum rf_assert {                           /* what must hold between two bytes; RE2 names in the comments */
		 RF_ASSERT_TEXT_BEGIN = 1, /* \A, ^ */
		 RF_ASSERT_TEXT_END = 2,   /* \z, $ */
		 RF_ASSERT_LINE_BEGIN = 4, /* (?m)^ */
		 RF_ASSERT_LINE_END = 8,   /* (?m)$ */
		 RF_ASSERT_WORD = 16,      /* \b, ASCII as in RE2 */
		 RF_ASSERT_NOT_WORD = 32,  /* \B */
		 RF_ASSERT_ALL = 63,
};

enum rf_nfa_op {
	RF_NFA_BYTE = 1,   /* one byte from lo to hi (none if lo > hi), then out */
	RF_NFA_SPLIT = 2,  /* out or alt, for nothing */
	RF_NFA_ASSERT = 3, /* out if the assertion `alt` holds here */
	RF_NFA_MATCH = 4,  /* atom `alt` matches if the text ends here */
};

struct rf_nfa_inst {
	uint8_t op;
	uint8_t lo;
	uint8_t hi;
	uint8_t begin; /* this byte is the space before the path: the text that assertions speak of begins after it */
	uint32_t out;
	uint32_t alt;
};
static_assert(sizeof(struct rf_nfa_inst) == 12, "blob layout");

#define RF_NFA_NONE UINT32_MAX

struct rf_nfa {
	struct rf_nfa_inst *insts;
	uint32_t count;
	uint32_t room;
	uint32_t limit; /* count must not pass it */
	uint32_t start;
	bool text;        /* the text begins at once, not after a space: a text automaton */
	uint32_t *shared; /* hash of the BYTE instructions: equal ones exist once */
	uint32_t shared_room;
	uint32_t shared_count;
};

void rf_nfa_done(struct rf_nfa *nfa); /* frees what it holds */

/* All return 0, -E2BIG (limit) or -ENOMEM; *ret is the index of the first instruction of what was added. */
int rf_nfa_emit(struct rf_nfa *nfa, struct rf_nfa_inst inst, uint32_t *ret);
int rf_nfa_byte(struct rf_nfa *nfa, uint8_t lo, uint8_t hi, uint32_t next, uint32_t *ret);
int rf_nfa_split(struct rf_nfa *nfa, uint32_t out, uint32_t alt, uint32_t *ret); /* alt may be RF_NFA_NONE: *ret is out */

/* One character of the set in UTF-8, then next. */
int rf_nfa_runes(struct rf_nfa *nfa, const struct rf_runes *set, uint32_t next, uint32_t *ret);

/* The pattern, then next. */
int rf_nfa_pattern(struct rf_nfa *nfa, const struct rf_node *node, uint32_t next, uint32_t *ret);
