/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A pattern as a tree, between the parser (parse.c) and the NFA compiler (nfa.c). Everything belongs to the arena it was parsed into.
 */
#pragma once

#include "automaton/automaton.h"
#include "automaton/runes.h"

#define RF_PATTERN_DEPTH_MAX 200 /* nested groups; bounds the recursion of parser and compiler */
#define RF_REPEAT_FOREVER    UINT32_MAX

enum rf_node_kind {
	RF_NODE_EMPTY,  /* matches "" */
	RF_NODE_RUNES,  /* one of a set; an empty set matches nothing */
	RF_NODE_CAT,    /* children in REVERSED order: the compiler works from the end */
	RF_NODE_ALT,    /* one of the children */
	RF_NODE_REPEAT, /* child, min to max times */
	RF_NODE_ASSERT, /* a place in the text, see enum rf_assert in nfa.h */
};

struct rf_node {
	enum rf_node_kind kind;
	uint32_t min;    /* REPEAT */
	uint32_t max;    /* REPEAT */
	uint32_t assert; /* ASSERT */
	uint32_t unfold; /* product of the nested repeat counts below */
	struct rf_runes runes;
	struct rf_node *child;
	struct rf_node *next; /* sibling */
};

/* Parses RE2 syntax; fold: as if it began with (?i). 0, -EINVAL or -E2BIG (both with error filled), -ENOMEM. error may be NULL. */
int rf_pattern_parse(struct rf_arena *arena, const char *pattern, size_t len, bool fold, struct rf_pattern_error *error,
		     struct rf_node **ret);
