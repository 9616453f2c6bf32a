/* SPDX-License-Identifier: Apache-2.0 */
/* Checks a routes blob once, so that decide.c and run.c can follow every offset and index in it without another look. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "automaton/nfa.h"
#include "core/cleanup.h"

struct view {
	const char *base;
	uint64_t size;
};

/* count items of `item` bytes at off, NULL unless they are inside the blob and aligned. */
static const void *items(const struct view *v, uint64_t off, uint64_t count, uint64_t item)
{
	return off % 8 == 0 && off <= v->size && count <= (v->size - off) / item ? v->base + off : NULL;
}

static bool words_below(const uint32_t *words, size_t count, uint32_t limit)
{
	for (size_t i = 0; i < count; i++)
		if (words[i] >= limit)
			return false;
	return true;
}

static bool check_dfa(const struct view *v, const struct rf_automaton *a)
{
	const uint64_t cells = (uint64_t)a->state_count * a->class_count;
	const uint32_t *table = items(v, a->table_off, cells, sizeof(*table));
	const uint32_t *accept = items(v, a->accept_off, a->state_count, sizeof(*accept));

	if (!table || !accept || a->state_count == 0 || a->class_count == 0 || a->class_count > 256 || a->start >= a->state_count)
		return false;
	for (int c = 0; c < 256; c++)
		if (a->classes[c] >= a->class_count)
			return false;
	/* State 0 is dead: runs stop there. */
	return words_below(table, a->class_count, 1) && accept[0] == 0 && words_below(table, cells, a->state_count) &&
	       words_below(accept, a->state_count, a->accept_sets + 1);
}

static bool check_inst(const struct rf_automaton *a, const struct rf_nfa_inst *i)
{
	switch (i->op) {
	case RF_NFA_BYTE:
		return i->out < a->state_count && i->begin <= 1;
	case RF_NFA_SPLIT:
		return i->out < a->state_count && i->alt < a->state_count;
	case RF_NFA_ASSERT:
		return i->out < a->state_count && (i->alt & ~(uint32_t)RF_ASSERT_ALL) == 0;
	case RF_NFA_MATCH:
		return i->alt < a->accept_sets;
	default:
		return false;
	}
}

static bool check_nfa(const struct view *v, const struct rf_automaton *a)
{
	const struct rf_nfa_inst *insts = items(v, a->table_off, a->state_count, sizeof(*insts));

	if (!insts || a->state_count > RF_AUTOMATON_NODES_MAX)
		return false;
	if (a->start >= a->state_count && a->start != RF_NFA_NONE)
		return false;
	for (uint32_t i = 0; i < a->state_count; i++)
		if (!check_inst(a, &insts[i]))
			return false;
	return true;
}

static bool check_automaton(const struct view *v, uint64_t off)
{
	const struct rf_automaton *a = items(v, off, 1, sizeof(*a));

	if (!a || a->accept_sets == UINT32_MAX || !items(v, a->rules_off, (uint64_t)a->accept_sets + 1, sizeof(uint32_t)))
		return false;
	if (a->kind == RF_AUTOMATON_DFA)
		return check_dfa(v, a);
	return a->kind == RF_AUTOMATON_NFA && check_nfa(v, a);
}

static int by_value(const void *a, const void *b)
{
	const uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return (x > y) - (x < y);
}

/* Grants of one destination share its automaton: each automaton is checked once. */
static int check_automata(const struct view *v, const struct rf_route_grant *grants, uint32_t count)
{
	_cleanup_free_ uint64_t *offsets = calloc((size_t)count + 1, sizeof(*offsets));

	if (!offsets)
		return -ENOMEM;
	for (uint32_t i = 0; i < count; i++)
		offsets[i] = grants[i].automaton_off;
	qsort(offsets, count, sizeof(*offsets), by_value);
	for (uint32_t i = 0; i < count; i++)
		if (offsets[i] != 0 && (i == 0 || offsets[i] != offsets[i - 1]) && !check_automaton(v, offsets[i]))
			return -EBADMSG;
	return 0;
}

/* After check_automata. */
static bool check_bitmap(const struct view *v, const struct rf_route_grant *grant)
{
	const struct rf_automaton *a = (const struct rf_automaton *)(v->base + grant->automaton_off);
	const uint64_t *bitmap;

	if (grant->automaton_off == 0)
		return true;
	bitmap = items(v, grant->bitmap_off, (uint64_t)a->accept_sets / 64 + 1, sizeof(*bitmap));
	return bitmap && !(bitmap[0] & 1);
}

static int pair_order(const struct rf_route_pair *a, const struct rf_route_pair *b)
{
	if (a->src != b->src)
		return a->src < b->src ? -1 : 1;
	if (a->dst != b->dst)
		return a->dst < b->dst ? -1 : 1;
	return (a->port > b->port) - (a->port < b->port);
}

static bool check_pairs(const struct rf_route_pair *pairs, uint32_t count, uint32_t grant_count)
{
	for (uint32_t i = 0; i < count; i++) {
		const bool l7 = pairs[i].verdict == RF_VERDICT_L7;

		if (pairs[i].verdict > RF_VERDICT_L7 || (l7 ? pairs[i].routes_id >= grant_count : pairs[i].routes_id != RF_ROUTES_NONE))
			return false;
		if (i > 0 && pair_order(&pairs[i - 1], &pairs[i]) >= 0)
			return false;
	}
	return true;
}

int rf_routes_validate(const void *blob, size_t size)
{
	const struct rf_routes_head *head = blob;
	const struct view v = {blob, size};
	const struct rf_route_pair *pairs;
	const struct rf_route_grant *grants;
	int r;

	if (!blob || (uintptr_t)blob % 8 || size < sizeof(*head))
		return -EBADMSG;
	if (head->magic != RF_ROUTES_MAGIC || head->version != RF_ROUTES_VERSION || head->size != size || size % 8)
		return -EBADMSG;
	pairs = items(&v, head->pairs_off, head->pair_count, sizeof(*pairs));
	grants = items(&v, head->grants_off, head->grant_count, sizeof(*grants));
	if (!pairs || !grants || !check_pairs(pairs, head->pair_count, head->grant_count))
		return -EBADMSG;
	r = check_automata(&v, grants, head->grant_count);
	for (uint32_t i = 0; i < head->grant_count && r == 0; i++)
		r = check_bitmap(&v, &grants[i]) ? 0 : -EBADMSG;
	return r;
}
