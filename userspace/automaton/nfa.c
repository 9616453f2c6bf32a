/* SPDX-License-Identifier: Apache-2.0 */
#include "automaton/nfa.h"

#include <errno.h>
#include <stdlib.h>

void rf_nfa_done(struct rf_nfa *nfa)
{
	free(nfa->insts);
	free(nfa->shared);
	*nfa = (struct rf_nfa){0};
}

int rf_nfa_emit(struct rf_nfa *nfa, struct rf_nfa_inst inst, uint32_t *ret)
{
	if (nfa->count >= nfa->limit)
		return -E2BIG;
	if (nfa->count == nfa->room) {
		const uint32_t room = nfa->room ? nfa->room * 2 : 256;
		struct rf_nfa_inst *grown = reallocarray(nfa->insts, room, sizeof(*grown));

		if (!grown)
			return -ENOMEM;
		nfa->insts = grown;
		nfa->room = room;
	}
	nfa->insts[nfa->count] = inst;
	*ret = nfa->count++;
	return 0;
}

int rf_nfa_split(struct rf_nfa *nfa, uint32_t out, uint32_t alt, uint32_t *ret)
{
	if (alt == RF_NFA_NONE) {
		*ret = out;
		return 0;
	}
	return rf_nfa_emit(nfa, (struct rf_nfa_inst){.op = RF_NFA_SPLIT, .out = out, .alt = alt}, ret);
}

static uint32_t *shared_slot(const struct rf_nfa *nfa, uint32_t *table, uint32_t room, struct rf_nfa_inst want)
{
	uint32_t h = (want.out * 0x9e3779b1u) ^ (((uint32_t)want.lo << 8 | want.hi) * 0x85ebca6bu);

	for (h ^= h >> 15;; h++) {
		uint32_t *slot = &table[h & (room - 1)];
		const struct rf_nfa_inst *i;

		if (*slot == RF_NFA_NONE)
			return slot;
		i = &nfa->insts[*slot];
		if (i->lo == want.lo && i->hi == want.hi && i->out == want.out)
			return slot;
	}
}

static int shared_grow(struct rf_nfa *nfa)
{
	const uint32_t room = nfa->shared_room ? nfa->shared_room * 2 : 512;
	uint32_t *table;

	if (nfa->shared_count < nfa->shared_room / 2)
		return 0;
	table = reallocarray(NULL, room, sizeof(*table));
	if (!table)
		return -ENOMEM;
	for (uint32_t i = 0; i < room; i++)
		table[i] = RF_NFA_NONE;
	for (uint32_t i = 0; i < nfa->shared_room; i++)
		if (nfa->shared[i] != RF_NFA_NONE)
			*shared_slot(nfa, table, room, nfa->insts[nfa->shared[i]]) = nfa->shared[i];
	free(nfa->shared);
	nfa->shared = table;
	nfa->shared_room = room;
	return 0;
}

int rf_nfa_byte(struct rf_nfa *nfa, uint8_t lo, uint8_t hi, uint32_t next, uint32_t *ret)
{
	const struct rf_nfa_inst inst = {.op = RF_NFA_BYTE, .lo = lo, .hi = hi, .out = next};
	uint32_t *slot;
	int r;

	r = shared_grow(nfa);
	if (r < 0)
		return r;
	slot = shared_slot(nfa, nfa->shared, nfa->shared_room, inst);
	if (*slot == RF_NFA_NONE) {
		r = rf_nfa_emit(nfa, inst, slot);
		if (r < 0)
			return r;
		nfa->shared_count++;
	}
	*ret = *slot;
	return 0;
}

/* Children are linked from the last to the first, as needed: each is compiled in front of what follows it. */
static int compile_cat(struct rf_nfa *nfa, const struct rf_node *node, uint32_t next, uint32_t *ret)
{
	int r = 0;

	for (const struct rf_node *c = node->child; c && r == 0; c = c->next)
		r = rf_nfa_pattern(nfa, c, next, &next);
	if (r == 0)
		*ret = next;
	return r;
}

static int compile_alt(struct rf_nfa *nfa, const struct rf_node *node, uint32_t next, uint32_t *ret)
{
	uint32_t all = RF_NFA_NONE, one;
	int r = 0;

	for (const struct rf_node *c = node->child; c && r == 0; c = c->next) {
		r = rf_nfa_pattern(nfa, c, next, &one);
		if (r == 0)
			r = rf_nfa_split(nfa, one, all, &all);
	}
	if (r == 0)
		*ret = all;
	return r;
}

/* child* then next; entered at the loop (once: at the child, which is child+). */
static int compile_loop(struct rf_nfa *nfa, const struct rf_node *child, bool once, uint32_t next, uint32_t *ret)
{
	uint32_t loop, body;
	int r;

	r = rf_nfa_emit(nfa, (struct rf_nfa_inst){.op = RF_NFA_SPLIT, .out = next, .alt = next}, &loop);
	if (r == 0)
		r = rf_nfa_pattern(nfa, child, loop, &body);
	if (r < 0)
		return r;
	nfa->insts[loop].out = body;
	*ret = once ? body : loop;
	return 0;
}

static int compile_repeat(struct rf_nfa *nfa, const struct rf_node *node, uint32_t next, uint32_t *ret)
{
	const uint32_t end = next;
	uint32_t must = node->min, body;
	int r = 0;

	if (node->max == RF_REPEAT_FOREVER) {
		r = compile_loop(nfa, node->child, must > 0, next, &next);
		must -= must > 0;
	} else {
		for (uint32_t i = node->min; i < node->max && r == 0; i++) {
			r = rf_nfa_pattern(nfa, node->child, next, &body);
			if (r == 0)
				r = rf_nfa_split(nfa, body, end, &next);
		}
	}
	for (uint32_t i = 0; i < must && r == 0; i++)
		r = rf_nfa_pattern(nfa, node->child, next, &next);
	if (r == 0)
		*ret = next;
	return r;
}

int rf_nfa_pattern(struct rf_nfa *nfa, const struct rf_node *node, uint32_t next, uint32_t *ret)
{
	switch (node->kind) {
	case RF_NODE_EMPTY:
		*ret = next;
		return 0;
	case RF_NODE_RUNES:
		return rf_nfa_runes(nfa, &node->runes, next, ret);
	case RF_NODE_CAT:
		return compile_cat(nfa, node, next, ret);
	case RF_NODE_ALT:
		return compile_alt(nfa, node, next, ret);
	case RF_NODE_REPEAT:
		return compile_repeat(nfa, node, next, ret);
	case RF_NODE_ASSERT:
		return rf_nfa_emit(nfa, (struct rf_nfa_inst){.op = RF_NFA_ASSERT, .out = next, .alt = node->assert}, ret);
	}
	return -EINVAL;
}
