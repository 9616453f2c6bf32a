/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "automaton/cache.h"
#include "automaton/image.h"
#include "automaton/minimise.h"
#include "automaton/nfa.h"
#include "core/arena.h"
#include "core/cleanup.h"

#define ANY_PATH ".*"

/* Where the path patterns of all routes with one method begin. */
struct method_entry {
	const char *name; /* NULL: any token */
	uint32_t paths;   /* chain of splits, RF_NFA_NONE at first */
};

struct build {
	struct rf_arena *arena;
	struct rf_nfa nfa;
	struct method_entry *entries;
	size_t entry_count;
};

static void build_done(struct build *b)
{
	rf_arena_free(b->arena);
	rf_nfa_done(&b->nfa);
}

static bool is_token_byte(char c)
{
	return c && (((c | 0x20) >= 'a' && (c | 0x20) <= 'z') || (c >= '0' && c <= '9') || strchr("!#$%&'*+-.^_`|~", c));
}

static bool is_method(const char *name)
{
	const char *c = name;

	while (is_token_byte(*c))
		c++;
	return c > name && *c == '\0' && strcmp(name, "*") != 0;
}

int rf_pattern_check(const char *pattern, size_t len, struct rf_pattern_error *error)
{
	RF_CLEANUP(build_done) struct build b = {.arena = rf_arena_new(), .nfa.limit = RF_PATTERN_NODES_MAX};
	struct rf_node *tree;
	uint32_t start = 0;
	int r;

	if (!b.arena)
		return -ENOMEM;
	r = rf_pattern_parse(b.arena, pattern, len, false, error, &tree);
	if (r == 0)
		r = rf_nfa_emit(&b.nfa, (struct rf_nfa_inst){.op = RF_NFA_MATCH}, &start);
	if (r < 0)
		return r;
	r = rf_nfa_pattern(&b.nfa, tree, start, &start);
	if (r == -E2BIG && error) {
		error->offset = 0;
		snprintf(error->text, sizeof(error->text), "the pattern needs more than %d states once its repeats are written out",
			 RF_PATTERN_NODES_MAX);
	}
	return r;
}

static int find_entry(struct build *b, const char *name, struct method_entry **ret)
{
	struct method_entry *e;

	for (size_t i = 0; i < b->entry_count; i++) {
		e = &b->entries[i];
		if (name == e->name || (name && e->name && strcmp(name, e->name) == 0)) {
			*ret = e;
			return 0;
		}
	}
	if (name && !is_method(name))
		return -EINVAL;
	e = RF_ARENA_PUSH(b->arena, b->entries, b->entry_count);
	if (!e)
		return -ENOMEM;
	*e = (struct method_entry){.name = name, .paths = RF_NFA_NONE};
	*ret = e;
	return 0;
}

static int add_path_to_method(struct build *b, const char *name, uint32_t path)
{
	struct method_entry *e;
	int r;

	r = find_entry(b, name, &e);
	return r < 0 ? r : rf_nfa_split(&b->nfa, path, e->paths, &e->paths);
}

static int add_atom(struct build *b, const struct rf_route_atom *atom, uint32_t number)
{
	const char *pattern = atom->path_pattern && *atom->path_pattern ? atom->path_pattern : ANY_PATH;
	struct rf_node *tree;
	uint32_t path;
	int r;

	r = rf_pattern_parse(b->arena, pattern, strlen(pattern), false, NULL, &tree);
	if (r < 0)
		return r;
	b->nfa.limit = b->nfa.count + RF_PATTERN_NODES_MAX;
	r = rf_nfa_emit(&b->nfa, (struct rf_nfa_inst){.op = RF_NFA_MATCH, .alt = number}, &path);
	if (r == 0)
		r = rf_nfa_pattern(&b->nfa, tree, path, &path);
	b->nfa.limit = RF_AUTOMATON_NODES_MAX;
	if (r == 0 && atom->method_count == 0)
		r = add_path_to_method(b, NULL, path);
	for (size_t i = 0; i < atom->method_count && r == 0; i++)
		r = add_path_to_method(b, atom->methods[i], path);
	return r == 0 && b->nfa.count > RF_AUTOMATON_NODES_MAX ? -E2BIG : r;
}

/* token = 1*tchar: a loop over the token bytes, left by the space at `space`. In ranges as long as can be: each one costs every state of
 * the automaton a transition. */
static int add_any_method(struct rf_nfa *nfa, uint32_t space, uint32_t *ret)
{
	uint32_t loop, byte, all = RF_NFA_NONE;
	int r;

	r = rf_nfa_emit(nfa, (struct rf_nfa_inst){.op = RF_NFA_SPLIT, .out = space, .alt = space}, &loop);
	for (int c = 0x21, end; c < 0x7f && r == 0; c = end + 1) {
		for (end = c; is_token_byte((char)end) && is_token_byte((char)(end + 1));)
			end++;
		if (!is_token_byte((char)c))
			continue;
		r = rf_nfa_byte(nfa, (uint8_t)c, (uint8_t)end, loop, &byte);
		if (r == 0)
			r = rf_nfa_split(nfa, byte, all, &all);
	}
	if (r < 0)
		return r;
	nfa->insts[loop].out = all;
	*ret = all;
	return 0;
}

/* "METHOD " in front of the paths of one entry. */
static int add_method(struct rf_nfa *nfa, const struct method_entry *e, uint32_t *start)
{
	const struct rf_nfa_inst space = {.op = RF_NFA_BYTE, .lo = ' ', .hi = ' ', .begin = 1, .out = e->paths};
	uint32_t at;
	int r;

	r = rf_nfa_emit(nfa, space, &at);
	if (r == 0 && !e->name)
		r = add_any_method(nfa, at, &at);
	for (size_t i = e->name ? strlen(e->name) : 0; i-- > 0 && r == 0;)
		r = rf_nfa_byte(nfa, (uint8_t)e->name[i], (uint8_t)e->name[i], at, &at);
	return r < 0 ? r : rf_nfa_split(nfa, at, *start, start);
}

static int build_nfa(struct build *b, const struct rf_route_atom *atoms, size_t atom_count)
{
	int r = 0;

	b->nfa.start = RF_NFA_NONE;
	b->nfa.limit = RF_AUTOMATON_NODES_MAX;
	for (size_t i = 0; i < atom_count && r == 0; i++)
		r = add_atom(b, &atoms[i], (uint32_t)i);
	for (size_t i = 0; i < b->entry_count && r == 0; i++)
		r = add_method(&b->nfa, &b->entries[i], &b->nfa.start);
	return r;
}

static int image_of_dfa(struct rf_automaton_image *image, const struct rf_dfa *dfa, struct rf_image_parts *parts)
{
	image->head = (struct rf_automaton){.kind = RF_AUTOMATON_DFA,
					    .state_count = dfa->state_count,
					    .class_count = dfa->class_count,
					    .start = dfa->start,
					    .accept_sets = dfa->sets.count - 1};
	memcpy(image->head.classes, dfa->classes, sizeof(dfa->classes));
	parts->table = dfa->table;
	parts->table_size = (size_t)dfa->state_count * dfa->class_count * sizeof(uint32_t);
	parts->accept = dfa->accept;
	parts->accept_size = dfa->state_count * sizeof(uint32_t);
	parts->sets = &dfa->sets;
	return rf_image_lay_out(image, parts);
}

static int image_of_nfa(struct rf_automaton_image *image, const struct rf_nfa *nfa, struct rf_image_parts *parts)
{
	image->head = (struct rf_automaton){.kind = RF_AUTOMATON_NFA,
					    .state_count = nfa->count,
					    .class_count = 1,
					    .start = nfa->start,
					    .accept_sets = (uint32_t)parts->atom_count};
	parts->table = nfa->insts;
	parts->table_size = nfa->count * sizeof(*nfa->insts);
	return rf_image_lay_out(image, parts);
}

static void dfa_donep(struct rf_dfa *dfa)
{
	rf_dfa_done(dfa);
}

/* Within the budget of states, or without any. */
static int make_dfa(const struct rf_nfa *nfa, size_t states_max, struct rf_dfa *dfa)
{
	int r = rf_dfa_build(nfa, states_max, dfa);

	if (r == 0)
		r = rf_dfa_minimise(dfa);
	if (r != -E2BIG)
		return r;
	rf_dfa_done(dfa);
	return 0;
}

/* The DFA if it has states, else the NFA itself. */
static int finish(const struct rf_nfa *nfa, const struct rf_dfa *dfa, struct rf_image_parts *parts, struct rf_automaton_image **ret)
{
	RF_CLEANUP(rf_automaton_image_freep) struct rf_automaton_image *image = calloc(1, sizeof(*image));
	int r;

	if (!image)
		return -ENOMEM;
	r = dfa->state_count ? image_of_dfa(image, dfa, parts) : image_of_nfa(image, nfa, parts);
	if (r == 0)
		*ret = TAKE_PTR(image);
	return r;
}

int rf_automaton_build_with(struct rf_automaton_cache *cache, const struct rf_route_atom *atoms, size_t atom_count, size_t states_max,
			    struct rf_automaton_image **ret)
{
	RF_CLEANUP(build_done) struct build b = {.arena = rf_arena_new()};
	RF_CLEANUP(rf_conditions_done) struct rf_conditions conditions = {.arena = b.arena};
	RF_CLEANUP(dfa_donep) struct rf_dfa own = {0};
	struct rf_image_parts parts = {.atoms = atoms, .atom_count = atom_count, .conditions = &conditions};
	const struct rf_dfa *known, *dfa = &own;
	int r = 0;

	if (!b.arena)
		return -ENOMEM;
	if (atom_count > RF_ROUTE_ATOMS_MAX)
		return -E2BIG;
	known = rf_automaton_cache_find(cache, atoms, atom_count, states_max);
	if (known)
		dfa = known;
	if (!dfa->state_count)
		r = build_nfa(&b, atoms, atom_count);
	if (r == 0 && !known) {
		r = make_dfa(&b.nfa, states_max, &own);
		if (r == 0)
			dfa = rf_automaton_cache_keep(cache, atoms, atom_count, states_max, &own);
	}
	if (r == 0)
		r = rf_conditions_build(atoms, atom_count, &conditions);
	return r < 0 ? r : finish(&b.nfa, dfa, &parts, ret);
}

int rf_automaton_build(const struct rf_route_atom *atoms, size_t atom_count, size_t states_max, struct rf_automaton_image **ret)
{
	return rf_automaton_build_with(NULL, atoms, atom_count, states_max, ret);
}

/* All patterns lead to one match: which of them it was says nothing. */
static int build_text_nfa(struct build *b, const char *const *patterns, size_t count, bool ignore_case)
{
	uint32_t match = 0, at;
	int r;

	b->nfa.text = true;
	b->nfa.start = RF_NFA_NONE;
	b->nfa.limit = RF_AUTOMATON_NODES_MAX;
	r = count ? rf_nfa_emit(&b->nfa, (struct rf_nfa_inst){.op = RF_NFA_MATCH}, &match) : 0;
	for (size_t i = 0; i < count && r == 0; i++) {
		struct rf_node *tree;

		r = rf_pattern_parse(b->arena, patterns[i], strlen(patterns[i]), ignore_case, NULL, &tree);
		if (r == 0)
			r = rf_nfa_pattern(&b->nfa, tree, match, &at);
		if (r == 0)
			r = rf_nfa_split(&b->nfa, at, b->nfa.start, &b->nfa.start);
	}
	return r;
}

int rf_text_automaton_build(const char *const *patterns, size_t count, bool ignore_case, struct rf_automaton_image **ret)
{
	static const struct rf_route_atom any = {0};
	RF_CLEANUP(build_done) struct build b = {.arena = rf_arena_new()};
	RF_CLEANUP(dfa_donep) struct rf_dfa dfa = {0};
	struct rf_image_parts parts = {.atoms = &any, .atom_count = 1};
	int r;

	if (!b.arena)
		return -ENOMEM;
	r = build_text_nfa(&b, patterns, count, ignore_case);
	if (r == 0)
		r = make_dfa(&b.nfa, RF_TEXT_STATES_MAX, &dfa);
	return r < 0 ? r : finish(&b.nfa, &dfa, &parts, ret);
}
