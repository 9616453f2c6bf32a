/* SPDX-License-Identifier: Apache-2.0 */
/* The deterministic automaton: subset construction from an NFA, within a budget. */
#pragma once

#include "automaton/intern.h"
#include "automaton/nfa.h"

/* Besides the caller's budget of states: words of state lists kept, and instructions looked at (about a second of work). */
#define RF_DFA_WORDS_MAX (16u * 1024 * 1024)
#define RF_DFA_WORK_MAX  50000000ull

struct rf_dfa {
	uint32_t state_count;
	uint32_t class_count;
	uint32_t start;
	uint8_t classes[256];
	uint32_t *table;       /* state_count * class_count; state 0 is dead */
	uint32_t *accept;      /* number of a list in sets, 0 = none */
	uint64_t work;         /* instructions looked at while building: at most RF_DFA_WORK_MAX and one step */
	struct rf_intern sets; /* ascending lists of atoms; number 0 is the empty list */
};

/* 0, -E2BIG (past the budget), -ENOMEM. *dfa is zeroed first and must be given to rf_dfa_done in every case. */
int rf_dfa_build(const struct rf_nfa *nfa, size_t states_max, struct rf_dfa *dfa);
void rf_dfa_done(struct rf_dfa *dfa);
