/* SPDX-License-Identifier: Apache-2.0 */
#include "automaton/run.h"

#include <string.h>

#include "automaton/frontier.h"
#include "core/cleanup.h"

static uint32_t dfa_over(const struct rf_automaton *a, const uint32_t *table, uint32_t state, const char *text, size_t len)
{
	for (size_t i = 0; i < len && state != 0; i++)
		state = table[(size_t)state * a->class_count + a->classes[(unsigned char)text[i]]];
	return state;
}

static uint32_t run_dfa(const struct rf_automaton *a, const char *base, const struct rf_subject *s)
{
	const uint32_t *table = (const uint32_t *)(base + a->table_off), *accept = (const uint32_t *)(base + a->accept_off);
	uint32_t state;

	state = dfa_over(a, table, a->start, s->method, s->method_len);
	state = dfa_over(a, table, state, " ", 1);
	state = dfa_over(a, table, state, s->path, s->path_len);
	return accept[state];
}

struct simulation {
	struct rf_frontier now;
	struct rf_frontier next; /* also the state with its assertions decided */
	enum rf_context context;
};

static void simulation_done(struct simulation *sim)
{
	rf_frontier_done(&sim->now);
	rf_frontier_done(&sim->next);
}

/* Decides the assertions in `now` for what comes next. */
static void nfa_decide(struct simulation *sim, int next)
{
	const uint32_t holds = rf_context_holds(sim->context, next);
	bool asserts = false;

	for (uint32_t i = 0; i < sim->now.size && !asserts; i++)
		asserts = sim->now.insts[sim->now.dense[i]].op == RF_NFA_ASSERT;
	if (!asserts)
		return;
	rf_frontier_clear(&sim->next);
	for (uint32_t i = 0; i < sim->now.size; i++)
		rf_frontier_add(&sim->next, sim->now.dense[i], holds);
	const struct rf_frontier decided = sim->next;

	sim->next = sim->now;
	sim->now = decided;
}

static void nfa_over(struct simulation *sim, const char *text, size_t len)
{
	for (size_t i = 0; i < len && sim->now.size > 0; i++) {
		const uint8_t byte = (uint8_t)text[i];

		nfa_decide(sim, byte);
		rf_frontier_clear(&sim->next);
		rf_frontier_step(&sim->next, sim->now.dense, sim->now.size, byte);
		const struct rf_frontier stepped = sim->next;

		sim->next = sim->now;
		sim->now = stepped;
		sim->context = rf_context_after(sim->now.begin, byte);
	}
}

/* The best set of those reached: a granted one, then the lowest. Set n is atom n - 1. */
static uint32_t nfa_result(const struct simulation *sim, const uint64_t *granted)
{
	uint32_t best = 0, set;
	bool best_granted = false, set_granted;

	for (uint32_t i = 0; i < sim->now.size; i++) {
		const struct rf_nfa_inst *inst = &sim->now.insts[sim->now.dense[i]];

		if (inst->op != RF_NFA_MATCH)
			continue;
		set = inst->alt + 1;
		set_granted = granted && rf_set_granted(granted, set);
		if (best == 0 || (set_granted && !best_granted) || (set_granted == best_granted && set < best)) {
			best = set;
			best_granted = set_granted;
		}
	}
	return best;
}

static uint32_t run_nfa(const struct rf_automaton *a, const char *base, const uint64_t *granted, const struct rf_subject *s)
{
	const struct rf_nfa_inst *insts = (const struct rf_nfa_inst *)(base + a->table_off);
	RF_CLEANUP(simulation_done) struct simulation sim = {.context = RF_CONTEXT_OTHER};

	if (a->start == RF_NFA_NONE)
		return 0;
	if (rf_frontier_init(&sim.now, insts, a->state_count) < 0 || rf_frontier_init(&sim.next, insts, a->state_count) < 0)
		return 0;
	rf_frontier_add(&sim.now, a->start, 0);
	nfa_over(&sim, s->method, s->method_len);
	nfa_over(&sim, " ", 1);
	nfa_over(&sim, s->path, s->path_len);
	nfa_decide(&sim, RF_TEXT_END);
	return nfa_result(&sim, granted);
}

uint32_t rf_automaton_match(const struct rf_automaton *automaton, const void *base, const uint64_t *granted, const struct rf_subject *s)
{
	if (s->method_len == 0 || memchr(s->method, ' ', s->method_len))
		return 0;
	if (automaton->kind == RF_AUTOMATON_DFA)
		return run_dfa(automaton, base, s);
	return automaton->kind == RF_AUTOMATON_NFA ? run_nfa(automaton, base, granted, s) : 0;
}

uint32_t rf_automaton_run(const void *blob, uint64_t off, const char *method, size_t method_len, const char *path, size_t path_len)
{
	const struct rf_subject subject = {method, method_len, path, path_len};

	return rf_automaton_match((const struct rf_automaton *)((const char *)blob + off), blob, NULL, &subject);
}

uint32_t rf_automaton_image_run(const struct rf_automaton_image *image, const char *method, size_t method_len, const char *path,
				size_t path_len)
{
	const struct rf_subject subject = {method, method_len, path, path_len};

	return rf_automaton_match(&image->head, image->body, NULL, &subject);
}
