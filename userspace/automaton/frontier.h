/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The set of NFA instructions that are alive at one place of the text, closed over what needs no byte. Shared by the subset construction
 * (dfa.c) and the simulation of an NFA (run.c), so that both mean the same. Linear in the number of instructions, no recursion.
 */
#pragma once

#include <stdbool.h>

#include "automaton/nfa.h"

/* What assertions need to know about the byte before. */
enum rf_context {
	RF_CONTEXT_OTHER,
	RF_CONTEXT_BEGIN, /* the path starts here */
	RF_CONTEXT_WORD,  /* after [0-9A-Za-z_] */
	RF_CONTEXT_LINE,  /* after \n */
};

#define RF_TEXT_END (-1)

struct rf_frontier {
	const struct rf_nfa_inst *insts;
	uint32_t count; /* of insts */
	uint32_t *dense;
	uint32_t *sparse;
	uint32_t *stack;
	uint32_t size; /* of dense */
	bool begin;    /* the byte stepped over was the space before the path */
};

int rf_frontier_init(struct rf_frontier *f, const struct rf_nfa_inst *insts, uint32_t count); /* 0 or -ENOMEM */
void rf_frontier_done(struct rf_frontier *f);
void rf_frontier_clear(struct rf_frontier *f);

/* Adds an instruction and all that can be reached from it through splits and through assertions that `holds` (enum rf_assert) satisfies. */
void rf_frontier_add(struct rf_frontier *f, uint32_t inst, uint32_t holds);

/* Adds what `list` leads to over this byte. */
void rf_frontier_step(struct rf_frontier *f, const uint32_t *list, uint32_t count, uint8_t byte);

/* The context after a byte. begin: it was the space before the path. */
enum rf_context rf_context_after(bool begin, uint8_t byte);

/* The assertions that hold between a context and the next byte (or RF_TEXT_END). */
uint32_t rf_context_holds(enum rf_context context, int next);

bool rf_is_word(int c);
