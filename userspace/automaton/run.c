/* SPDX-License-Identifier: Apache-2.0 */
#include "automaton/run.h"

#include <string.h>

#include "core/cleanup.h"

void rf_run_begin(struct rf_run *run, const struct rf_automaton *automaton, const void *base, bool text)
{
	const struct rf_nfa_inst *insts = (const struct rf_nfa_inst *)((const char *)base + automaton->table_off);

	*run = (struct rf_run){.automaton = automaton, .base = base, .state = automaton->start};
	run->context = text ? RF_CONTEXT_BEGIN : RF_CONTEXT_OTHER;
	if (automaton->kind == RF_AUTOMATON_DFA)
		return;
	if (automaton->kind != RF_AUTOMATON_NFA || rf_frontier_init(&run->now, insts, automaton->state_count) < 0 ||
	    rf_frontier_init(&run->next, insts, automaton->state_count) < 0)
		run->failed = true;
	else if (automaton->start != RF_NFA_NONE)
		rf_frontier_add(&run->now, automaton->start, 0);
}

#define CLEARED_A_STEP 16 /* states whose memory is cleared in the time of a step */

size_t rf_run_begin_cost(const struct rf_automaton *automaton)
{
	return automaton->kind == RF_AUTOMATON_DFA ? 1 : 1 + automaton->state_count / CLEARED_A_STEP;
}

static bool pay(struct rf_run *run, size_t cost)
{
	if (run->work)
		*run->work = *run->work > cost ? *run->work - cost : 0;
	run->failed |= run->work && !*run->work;
	return !run->failed;
}

void rf_run_done(struct rf_run *run)
{
	rf_frontier_done(&run->now);
	rf_frontier_done(&run->next);
}

static void dfa_feed(struct rf_run *run, const char *text, size_t len)
{
	const struct rf_automaton *a = run->automaton;
	const uint32_t *table = (const uint32_t *)(run->base + a->table_off);
	uint32_t state = run->state;

	for (size_t i = 0; i < len && state != 0; i++)
		state = table[(size_t)state * a->class_count + a->classes[(unsigned char)text[i]]];
	run->state = state;
}

static void swap(struct rf_run *run)
{
	const struct rf_frontier now = run->next;

	run->next = run->now;
	run->now = now;
}

/* Decides the assertions in `now` for what comes next. */
static void nfa_decide(struct rf_run *run, int next)
{
	const uint32_t holds = rf_context_holds(run->context, next);
	bool asserts = false;

	for (uint32_t i = 0; i < run->now.size && !asserts; i++)
		asserts = run->now.insts[run->now.dense[i]].op == RF_NFA_ASSERT;
	if (!asserts)
		return;
	rf_frontier_clear(&run->next);
	for (uint32_t i = 0; i < run->now.size; i++)
		rf_frontier_add(&run->next, run->now.dense[i], holds);
	swap(run);
}

static void nfa_feed(struct rf_run *run, const char *text, size_t len)
{
	/* A byte costs as much as there are states that it is shown to: up to all of them. */
	for (size_t i = 0; i < len && run->now.size > 0 && pay(run, run->now.size); i++) {
		const uint8_t byte = (uint8_t)text[i];

		nfa_decide(run, byte);
		rf_frontier_clear(&run->next);
		rf_frontier_step(&run->next, run->now.dense, run->now.size, byte);
		swap(run);
		run->context = rf_context_after(run->now.begin, byte);
	}
}

void rf_run_feed(struct rf_run *run, const char *text, size_t len)
{
	if (run->failed)
		return;
	if (run->automaton->kind == RF_AUTOMATON_DFA)
		dfa_feed(run, text, pay(run, len) ? len : 0);
	else
		nfa_feed(run, text, len);
}

void rf_run_end(struct rf_run *run, void (*fn)(void *arg, uint32_t set), void *arg)
{
	uint32_t set;

	if (run->failed)
		return;
	if (run->automaton->kind == RF_AUTOMATON_DFA) {
		set = ((const uint32_t *)(run->base + run->automaton->accept_off))[run->state];
		if (set)
			fn(arg, set);
		return;
	}
	nfa_decide(run, RF_TEXT_END);
	for (uint32_t i = 0; i < run->now.size; i++) {
		const struct rf_nfa_inst *inst = &run->now.insts[run->now.dense[i]];

		if (inst->op == RF_NFA_MATCH)
			fn(arg, inst->alt + 1);
	}
}

static void note(void *arg, uint32_t set)
{
	(void)set;
	*(bool *)arg = true;
}

bool rf_run_accepts(struct rf_run *run)
{
	bool any = false;

	rf_run_end(run, note, &any);
	return any;
}

void rf_run_subject(const struct rf_automaton *automaton, const void *base, const struct rf_subject *s, size_t *work,
		    void (*fn)(void *arg, uint32_t set), void *arg)
{
	RF_CLEANUP(rf_run_done) struct rf_run run;

	rf_run_begin(&run, automaton, base, false);
	run.work = work;
	if (s->method_len == 0 || memchr(s->method, ' ', s->method_len))
		return;
	rf_run_feed(&run, s->method, s->method_len);
	rf_run_feed(&run, " ", 1);
	rf_run_feed(&run, s->path, s->path_len);
	rf_run_end(&run, fn, arg);
}

static void lowest(void *arg, uint32_t set)
{
	uint32_t *best = arg;

	if (*best == 0 || set < *best)
		*best = set;
}

uint32_t rf_automaton_run(const void *blob, uint64_t off, const char *method, size_t method_len, const char *path, size_t path_len)
{
	const struct rf_subject subject = {method, method_len, path, path_len};
	uint32_t best = 0;

	rf_run_subject((const struct rf_automaton *)((const char *)blob + off), blob, &subject, NULL, lowest, &best);
	return best;
}

uint32_t rf_automaton_image_run(const struct rf_automaton_image *image, const char *method, size_t method_len, const char *path,
				size_t path_len)
{
	const struct rf_subject subject = {method, method_len, path, path_len};
	uint32_t best = 0;

	rf_run_subject(&image->head, image->body, &subject, NULL, lowest, &best);
	return best;
}

bool rf_text_automaton_image_run(const struct rf_automaton_image *image, const char *text, size_t len)
{
	RF_CLEANUP(rf_run_done) struct rf_run run;

	rf_run_begin(&run, &image->head, image->body, true);
	rf_run_feed(&run, text, len);
	return rf_run_accepts(&run);
}
