/* SPDX-License-Identifier: Apache-2.0 */
/* Running an automaton over a text that comes in pieces, for run.c's public functions, holds.c and decide.c. */
#pragma once

#include "automaton/automaton.h"
#include "automaton/frontier.h"

struct rf_subject { /* "method SP path" */
	const char *method;
	size_t method_len;
	const char *path;
	size_t path_len;
};

struct rf_run {
	const struct rf_automaton *automaton;
	const char *base; /* what the head's offsets count from */
	uint32_t state;   /* DFA */
	/* NFA: */
	struct rf_frontier now, next; /* next: also the state with its assertions decided */
	enum rf_context context;
	size_t *work; /* set after rf_run_begin: what the run may cost, in steps; it is taken off, and at 0 nothing matches. NULL: no bound
		       */
	bool failed;  /* no memory, or a kind that is none: nothing matches */
};

/* text: of a text automaton. rf_run_done in every case. */
void rf_run_begin(struct rf_run *run, const struct rf_automaton *automaton, const void *base, bool text);
/* What rf_run_begin costs, in steps: an NFA's memory is cleared. */
size_t rf_run_begin_cost(const struct rf_automaton *automaton);
void rf_run_feed(struct rf_run *run, const char *text, size_t len);
/* The text ends here: calls fn for every accept set that is reached (DFA: at most one), in no order. */
void rf_run_end(struct rf_run *run, void (*fn)(void *arg, uint32_t set), void *arg);
/* The same for who only wants to know whether there is one. */
bool rf_run_accepts(struct rf_run *run);
void rf_run_done(struct rf_run *run);

/* Whole subjects. A method that is empty or holds a space is no method: no set is reached. work: as in struct rf_run. */
void rf_run_subject(const struct rf_automaton *automaton, const void *base, const struct rf_subject *subject, size_t *work,
		    void (*fn)(void *arg, uint32_t set), void *arg);
