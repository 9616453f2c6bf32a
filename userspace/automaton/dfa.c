/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A DFA state is the sorted list of NFA instructions that wait for a byte, match, or assert something, and the context that the
 * assertions will need (the byte before). Assertions are decided when the next byte is known, so they cost nothing where there are none.
 */
#include "automaton/dfa.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "automaton/frontier.h"
#include "core/cleanup.h"

struct builder {
	const struct rf_nfa *nfa;
	struct rf_dfa *dfa;
	size_t states_max;
	struct rf_intern states;  /* lists with the context as last word */
	struct rf_intern kernels; /* where a step leads before it is closed over; with the context as last word */
	uint32_t *kernel_state;   /* state of each kernel */
	uint32_t kernel_room;
	struct rf_frontier here;  /* the state with its assertions decided */
	struct rf_frontier there; /* after the byte */
	uint32_t *list;
	uint8_t sample[256]; /* a byte of each class */
	size_t table_room;
};

static int by_number(const void *a, const void *b)
{
	const uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

	return (x > y) - (x < y);
}

static void builder_done(struct builder *b)
{
	rf_intern_done(&b->states);
	rf_intern_done(&b->kernels);
	free(b->kernel_state);
	rf_frontier_done(&b->here);
	rf_frontier_done(&b->there);
	free(b->list);
}

/* Bytes that no instruction and no assertion tells apart are one class. */
static void find_classes(struct builder *b)
{
	bool cut[257] = {false}, asserts = false;
	uint32_t n = 0;

	for (uint32_t i = 0; i < b->nfa->count; i++) {
		const struct rf_nfa_inst *inst = &b->nfa->insts[i];

		asserts |= inst->op == RF_NFA_ASSERT;
		if (inst->op == RF_NFA_BYTE && inst->lo <= inst->hi)
			cut[inst->lo] = cut[inst->hi + 1] = true;
	}
	for (int c = 1; asserts && c < 256; c++)
		cut[c] |= rf_is_word(c) != rf_is_word(c - 1) || c == '\n' || c == '\n' + 1;
	for (int c = 0; c < 256; c++) {
		if (c == 0 || cut[c])
			b->sample[n++] = (uint8_t)c;
		b->dfa->classes[c] = (uint8_t)(n - 1);
	}
	b->dfa->class_count = n;
}

/* The state number of a frontier. */
static int state_of(struct builder *b, const struct rf_frontier *f, enum rf_context context, uint32_t *ret)
{
	bool asserts = false;
	uint32_t n = 0;
	int r;

	for (uint32_t i = 0; i < f->size; i++) {
		const uint8_t op = f->insts[f->dense[i]].op;

		if (op != RF_NFA_SPLIT)
			b->list[n++] = f->dense[i];
		asserts |= op == RF_NFA_ASSERT;
	}
	qsort(b->list, n, sizeof(*b->list), by_number);
	b->list[n++] = asserts ? context : RF_CONTEXT_OTHER;
	r = rf_intern(&b->states, b->list, n, ret);
	if (r < 0)
		return r;
	return b->states.count > b->states_max || b->states.used + b->kernels.used > RF_DFA_WORDS_MAX ? -E2BIG : 0;
}

static bool has_asserts(const struct builder *b, const uint32_t *list, uint32_t len)
{
	for (uint32_t i = 0; i < len; i++)
		if (b->nfa->insts[list[i]].op == RF_NFA_ASSERT)
			return true;
	return false;
}

/* Decides the state's assertions for what comes next; the list is then that of `here`. */
static const uint32_t *decide(struct builder *b, const uint32_t *list, uint32_t *len, int next)
{
	const uint32_t holds = rf_context_holds(list[*len], next);

	rf_frontier_clear(&b->here);
	for (uint32_t i = 0; i < *len; i++)
		rf_frontier_add(&b->here, list[i], holds);
	*len = b->here.size;
	return b->here.dense;
}

static int set_accept(struct builder *b, uint32_t state, const uint32_t *list, uint32_t len)
{
	uint32_t n = 0;

	for (uint32_t i = 0; i < len; i++)
		if (b->nfa->insts[list[i]].op == RF_NFA_MATCH)
			b->list[n++] = b->nfa->insts[list[i]].alt;
	qsort(b->list, n, sizeof(*b->list), by_number);
	return rf_intern(&b->dfa->sets, b->list, n, &b->dfa->accept[state]);
}

static int grow_table(struct builder *b)
{
	const size_t room = b->table_room ? b->table_room * 2 : 64;
	uint32_t *table, *accept;

	if (b->dfa->state_count < b->table_room)
		return 0;
	table = reallocarray(b->dfa->table, room, b->dfa->class_count * sizeof(*table));
	if (!table)
		return -ENOMEM;
	b->dfa->table = table;
	accept = reallocarray(b->dfa->accept, room, sizeof(*accept));
	if (!accept)
		return -ENOMEM;
	b->dfa->accept = accept;
	b->table_room = room;
	return 0;
}

/* What `list` leads to over this byte, sorted, each once; in b->list. */
static uint32_t find_kernel(struct builder *b, const uint32_t *list, uint32_t len, uint8_t byte)
{
	uint32_t n = 0, unique = 0;
	bool begin = false;

	for (uint32_t k = 0; k < len; k++) {
		const struct rf_nfa_inst *i = &b->nfa->insts[list[k]];

		if (i->op != RF_NFA_BYTE || byte < i->lo || byte > i->hi)
			continue;
		begin |= i->begin;
		b->list[n++] = i->out;
	}
	if (n > 1)
		qsort(b->list, n, sizeof(*b->list), by_number);
	for (uint32_t k = 0; k < n; k++)
		if (k == 0 || b->list[k] != b->list[unique - 1])
			b->list[unique++] = b->list[k];
	b->list[unique++] = rf_context_after(begin, byte);
	b->dfa->work += len + n;
	return unique;
}

/* Closing over a kernel is the dear part (a Unicode class is thousands of instructions), and few kernels serve most transitions. */
static int close_kernel(struct builder *b, uint32_t kernel)
{
	const uint32_t *list;
	uint32_t len;

	if (kernel >= b->kernel_room) {
		const uint32_t room = b->kernel_room ? b->kernel_room * 2 : 256;
		uint32_t *grown = reallocarray(b->kernel_state, room, sizeof(*grown));

		if (!grown)
			return -ENOMEM;
		b->kernel_state = grown;
		b->kernel_room = room;
	}
	list = rf_intern_get(&b->kernels, kernel, &len);
	len--;
	rf_frontier_clear(&b->there);
	for (uint32_t i = 0; i < len; i++)
		rf_frontier_add(&b->there, list[i], 0);
	b->dfa->work += 8 * (uint64_t)b->there.size;
	return state_of(b, &b->there, list[len], &b->kernel_state[kernel]);
}

static int add_transition(struct builder *b, uint32_t state, uint32_t class)
{
	const uint8_t byte = b->sample[class];
	const uint32_t *list;
	uint32_t len, kernel, known = b->kernels.count;
	int r;

	list = rf_intern_get(&b->states, state, &len);
	len--; /* the context */
	if (has_asserts(b, list, len)) {
		list = decide(b, list, &len, byte);
		b->dfa->work += len;
	}
	len = find_kernel(b, list, len, byte);
	r = rf_intern(&b->kernels, b->list, len, &kernel);
	if (r == 0 && kernel == known)
		r = close_kernel(b, kernel);
	if (r == 0)
		b->dfa->table[(size_t)state * b->dfa->class_count + class] = b->kernel_state[kernel];
	return r;
}

static int add_state(struct builder *b, uint32_t state)
{
	const uint32_t *list;
	uint32_t len;
	int r;

	r = grow_table(b);
	if (r < 0)
		return r;
	list = rf_intern_get(&b->states, state, &len);
	len--;
	if (has_asserts(b, list, len))
		list = decide(b, list, &len, RF_TEXT_END);
	r = set_accept(b, state, list, len);
	for (uint32_t class = 0; class < b->dfa->class_count && r == 0; class ++)
		r = b->dfa->work > RF_DFA_WORK_MAX ? -E2BIG : add_transition(b, state, class);
	b->dfa->state_count++;
	return r;
}

/* The dead state and the empty set come first and so are number 0. */
static int add_first(struct builder *b)
{
	uint32_t zero;
	int r;

	r = rf_intern(&b->dfa->sets, b->list, 0, &zero);
	if (r == 0)
		r = state_of(b, &b->there, RF_CONTEXT_OTHER, &zero);
	if (r < 0)
		return r;
	if (b->nfa->start != RF_NFA_NONE)
		rf_frontier_add(&b->there, b->nfa->start, 0);
	return state_of(b, &b->there, RF_CONTEXT_OTHER, &b->dfa->start);
}

int rf_dfa_build(const struct rf_nfa *nfa, size_t states_max, struct rf_dfa *dfa)
{
	RF_CLEANUP(builder_done) struct builder b = {.nfa = nfa, .dfa = dfa, .states_max = states_max};
	int r;

	*dfa = (struct rf_dfa){0};
	find_classes(&b);
	b.list = calloc(nfa->count + 1, sizeof(*b.list));
	if (!b.list)
		return -ENOMEM;
	r = rf_frontier_init(&b.here, nfa->insts, nfa->count);
	if (r == 0)
		r = rf_frontier_init(&b.there, nfa->insts, nfa->count);
	if (r == 0)
		r = add_first(&b);
	for (uint32_t state = 0; r == 0 && state < b.states.count; state++)
		r = add_state(&b, state);
	return r;
}

void rf_dfa_done(struct rf_dfa *dfa)
{
	free(dfa->table);
	free(dfa->accept);
	rf_intern_done(&dfa->sets);
	*dfa = (struct rf_dfa){0};
}
