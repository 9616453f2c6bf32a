/* SPDX-License-Identifier: Apache-2.0 */
#include "automaton/validate.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "automaton/nfa.h"
#include "core/cleanup.h"

/* Offsets of automata, to be looked at once each: many grants and conditions share one. */
struct offsets {
	uint64_t *items;
	size_t count, room;
};

static void offsets_done(struct offsets *o)
{
	free(o->items);
}

static int add_offset(struct offsets *o, uint64_t off)
{
	const size_t room = o->room ? o->room * 2 : 64;
	uint64_t *grown;

	if (o->count == o->room) {
		grown = reallocarray(o->items, room, sizeof(*grown));
		if (!grown)
			return -ENOMEM;
		o->items = grown;
		o->room = room;
	}
	o->items[o->count++] = off;
	return 0;
}

static int by_value(const void *a, const void *b)
{
	const uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return (x > y) - (x < y);
}

static void unique(struct offsets *o)
{
	size_t n = 0;

	if (o->count)
		qsort(o->items, o->count, sizeof(*o->items), by_value);
	for (size_t i = 0; i < o->count; i++)
		if (n == 0 || o->items[n - 1] != o->items[i])
			o->items[n++] = o->items[i];
	o->count = n;
}

static bool words_below(const uint32_t *words, size_t count, uint32_t limit)
{
	for (size_t i = 0; i < count; i++)
		if (words[i] >= limit)
			return false;
	return true;
}

static bool check_dfa(const struct rf_view *v, const struct rf_automaton *a)
{
	const uint64_t cells = (uint64_t)a->state_count * a->class_count;
	const uint32_t *table = rf_view_items(v, a->table_off, cells, sizeof(*table));
	const uint32_t *accept = rf_view_items(v, a->accept_off, a->state_count, sizeof(*accept));

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

static bool check_nfa(const struct rf_view *v, const struct rf_automaton *a)
{
	const struct rf_nfa_inst *insts = rf_view_items(v, a->table_off, a->state_count, sizeof(*insts));

	if (!insts || a->state_count > RF_AUTOMATON_NODES_MAX)
		return false;
	if (a->start >= a->state_count && a->start != RF_NFA_NONE)
		return false;
	for (uint32_t i = 0; i < a->state_count; i++)
		if (!check_inst(a, &insts[i]))
			return false;
	return true;
}

/* Runs of ascending atoms, one a set; set 0 is empty. */
static bool check_sets(const struct rf_view *v, const struct rf_automaton *a)
{
	const uint64_t heads = (uint64_t)a->accept_sets + 2;
	const uint32_t *first = rf_view_items(v, a->sets_off, heads, sizeof(*first)), *atoms;

	if (!first || first[0] != 0 || first[1] != 0 || !rf_view_items(v, a->sets_off, heads + first[a->accept_sets + 1], sizeof(*first)))
		return false;
	atoms = first + heads;
	for (uint64_t set = 1; set <= a->accept_sets; set++) {
		if (first[set + 1] < first[set] || first[set + 1] > first[a->accept_sets + 1])
			return false;
		for (uint32_t i = first[set]; i < first[set + 1]; i++)
			if (atoms[i] >= a->atom_count || (i > first[set] && atoms[i] <= atoms[i - 1]))
				return false;
	}
	return true;
}

static bool check_atoms(const struct rf_view *v, const struct rf_automaton *a)
{
	const struct rf_atom_info *atoms = rf_view_items(v, a->atoms_off, a->atom_count, sizeof(*atoms));

	for (uint32_t i = 0; atoms && i < a->atom_count; i++)
		if ((uint64_t)atoms[i].cond_first + atoms[i].cond_count > a->cond_count)
			return false;
	return atoms;
}

static bool check_name(const char *name, uint32_t len)
{
	for (uint32_t i = 0; i < len; i++)
		if (name[i] <= ' ' || name[i] >= 0x7f || name[i] == ':' || (name[i] >= 'A' && name[i] <= 'Z'))
			return false;
	return len > 0;
}

static bool check_cond(const struct rf_view *v, const struct rf_route_cond *cond)
{
	const char *name;

	switch (cond->kind) {
	case RF_COND_HEADER:
		name = rf_view_items(v, cond->at_off, cond->count, 1);
		return name && check_name(name, cond->count) && cond->automaton_off;
	case RF_COND_AUTHORITY:
		return cond->automaton_off && cond->at_off == 0 && cond->count == 0;
	case RF_COND_ADDRESS:
		return rf_view_items(v, cond->at_off, cond->count, sizeof(struct rf_range)) && cond->automaton_off == 0;
	default:
		return false;
	}
}

static int check_conds(const struct rf_view *v, const struct rf_automaton *a, struct offsets *texts)
{
	const struct rf_route_cond *conds = rf_view_items(v, a->conds_off, a->cond_count, sizeof(*conds));
	int r = conds ? 0 : -EBADMSG;

	for (uint32_t i = 0; r == 0 && i < a->cond_count; i++) {
		if (!check_cond(v, &conds[i]))
			r = -EBADMSG;
		else if (conds[i].automaton_off)
			r = add_offset(texts, conds[i].automaton_off);
	}
	return r;
}

static bool check_automaton(const struct rf_view *v, uint64_t off)
{
	const struct rf_automaton *a = rf_view_items(v, off, 1, sizeof(*a));

	if (!a || a->accept_sets >= UINT32_MAX - 1 || !check_sets(v, a) || !check_atoms(v, a))
		return false;
	if (a->kind == RF_AUTOMATON_DFA)
		return check_dfa(v, a);
	return a->kind == RF_AUTOMATON_NFA && check_nfa(v, a);
}

static int check_routes(const struct rf_view *v, struct offsets *routes, struct offsets *texts)
{
	int r = 0;

	unique(routes);
	for (size_t i = 0; r == 0 && i < routes->count; i++)
		r = check_automaton(v, routes->items[i]) ? check_conds(v, (const struct rf_automaton *)(v->base + routes->items[i]), texts)
							 : -EBADMSG;
	return r;
}

/* A text automaton has no conditions: so nothing asks itself. */
static int check_texts(const struct rf_view *v, struct offsets *texts)
{
	unique(texts);
	for (size_t i = 0; i < texts->count; i++)
		if (!check_automaton(v, texts->items[i]) || ((const struct rf_automaton *)(v->base + texts->items[i]))->cond_count)
			return -EBADMSG;
	return 0;
}

int rf_validate_automata(const struct rf_view *v, const struct rf_route_grant *grants, uint32_t count)
{
	RF_CLEANUP(offsets_done) struct offsets routes = {0};
	RF_CLEANUP(offsets_done) struct offsets texts = {0};
	int r = 0;

	for (uint32_t i = 0; r == 0 && i < count; i++) {
		if (grants[i].automaton_off)
			r = add_offset(&routes, grants[i].automaton_off);
		if (r == 0 && grants[i].authority_off)
			r = add_offset(&texts, grants[i].authority_off);
	}
	if (r == 0)
		r = check_routes(v, &routes, &texts);
	return r < 0 ? r : check_texts(v, &texts);
}
