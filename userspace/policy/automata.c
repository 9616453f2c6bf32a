/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One automaton a destination over every route that anyone is granted there, and for each pair the bitmap of accept sets that hold one of
 * its own routes. Sources with equal bitmaps share one grant.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "automaton/cache.h"
#include "policy/compile.h"

#define WORD_BITS 64

struct destination {
	struct rf_pair *pairs; /* all pairs of this destination, also the plain ones */
	size_t pair_count;
	rf_atom_ref *refs; /* union, ascending; position = number of the atom in the automaton */
	size_t ref_count;
	const struct rf_automaton_image *image; /* NULL without routes */
	size_t first_grant;                     /* its grants begin here */
	uint64_t digest;                        /* of all its routes */
	const struct rf_pair *last;             /* the pair whose grant was made or found last */
};

/* FNV-1a goes on from `hash`; see headers/ringfence/identity.h. */
#define DIGEST_START 0xcbf29ce484222325ULL
static uint64_t digest(uint64_t hash, const void *data, size_t len)
{
	const unsigned char *bytes = data;

	for (size_t i = 0; i < len; i++)
		hash = (hash ^ bytes[i]) * 0x100000001b3ULL;
	return hash;
}

static uint64_t digest_match(uint64_t hash, const struct rf_http_match *m)
{
	for (size_t i = 0; i < m->method_count; i++)
		hash = digest(hash, m->methods[i], strlen(m->methods[i]) + 1);
	return digest(hash, m->path_regex, strlen(m->path_regex) + 1);
}

static int unite(struct rf_compile *c, struct destination *d)
{
	const rf_atom_ref *last = NULL;

	for (size_t i = 0; i < d->pair_count; i++) {
		if (d->pairs[i].atoms == last)
			continue; /* granted by the same target as the pair before */
		last = d->pairs[i].atoms;
		for (size_t j = 0; j < d->pairs[i].atom_count; j++) {
			rf_atom_ref *ref = RF_ARENA_PUSH(c->arena, d->refs, d->ref_count);

			if (!ref)
				return -ENOMEM;
			*ref = last[j];
		}
	}
	d->ref_count = rf_atoms_sort(d->refs, d->ref_count);
	return 0;
}

static int report(struct rf_compile *c, const struct destination *d, int error)
{
	const struct rf_atom *first = rf_atom_find(c, d->refs[0]);
	int r;

	if (error == -ENOMEM)
		return error;
	r = rf_diag_error(c->diags, first->match->regex_place, "the %zu routes of the destination of this match cannot be compiled: %s",
			  d->ref_count, error == -E2BIG ? "together they are too big" : "a pathRegex is not RE2 syntax");
	return r == -ENOMEM ? r : error;
}

static int warn_nfa(struct rf_compile *c, const struct destination *d)
{
	const struct rf_atom *first = rf_atom_find(c, d->refs[0]);

	c->policy->nfa_count++;
	return rf_diag_warning(
		c->diags, first->match->regex_place,
		"the %zu routes of the destination of this match need more than %d states: they are simulated, which is slower",
		d->ref_count, RF_DFA_STATES_MAX);
}

static int build(struct rf_compile *c, struct destination *d)
{
	struct rf_route_atom *atoms = rf_arena_alloc(c->arena, d->ref_count * sizeof(*atoms));
	struct rf_automaton_image **slot = RF_ARENA_PUSH(c->arena, c->images, c->image_count);
	int r;

	if (!atoms || !slot)
		return -ENOMEM;
	for (size_t i = 0; i < d->ref_count; i++) {
		const struct rf_atom *atom = rf_atom_find(c, d->refs[i]);

		atoms[i] = (struct rf_route_atom){
			.methods = (const char *const *)atom->match->methods,
			.method_count = atom->match->method_count,
			.path_pattern = atom->match->path_regex,
			.rule_id = atom->rule_id,
		};
		d->digest = digest_match(d->digest, atom->match);
	}
	r = rf_automaton_build_with(c->input->automata, atoms, d->ref_count, RF_DFA_STATES_MAX, slot);
	if (r)
		return report(c, d, r);
	d->image = *slot;
	return d->image->head.kind == RF_AUTOMATON_NFA ? warn_nfa(c, d) : 0;
}

/* ---- grants ---- */

static uint64_t *own_atoms(struct rf_compile *c, const struct destination *d, const struct rf_pair *pair)
{
	uint64_t *mask = rf_arena_alloc(c->arena, (d->ref_count / WORD_BITS + 1) * sizeof(*mask));
	size_t own = 0;

	if (!mask || !d->refs)
		return mask;
	/* Both ascend, and the destination's list has all of the pair's. */
	for (size_t at = 0; at < d->ref_count && own < pair->atom_count; at++) {
		if (d->refs[at] != pair->atoms[own])
			continue;
		mask[at / WORD_BITS] |= 1ULL << (at % WORD_BITS);
		own++;
	}
	return mask;
}

static bool intersects(const uint64_t *a, const uint64_t *b, size_t words)
{
	for (size_t i = 0; i < words; i++)
		if (a[i] & b[i])
			return true;
	return false;
}

static int make_bitmap(struct rf_compile *c, const struct destination *d, const struct rf_pair *pair, struct rf_grant *ret)
{
	const struct rf_automaton_image *image = d->image;
	uint64_t *mask = own_atoms(c, d, pair), *bitmap;
	size_t words = image->head.accept_sets / WORD_BITS + 1;

	bitmap = rf_arena_alloc(c->arena, words * sizeof(*bitmap));
	if (!mask || !bitmap)
		return -ENOMEM;
	for (size_t set = 1; set <= image->head.accept_sets; set++)
		if (intersects(image->atoms_of_set + set * image->atom_words, mask, image->atom_words))
			bitmap[set / WORD_BITS] |= 1ULL << (set % WORD_BITS);
	*ret = (struct rf_grant){.image = image, .bitmap = bitmap, .words = words};
	return 0;
}

static int add_grant(struct rf_compile *c, const struct destination *d, const struct rf_grant *grant)
{
	struct rf_policy *p = c->policy;
	size_t n = c->grant_count;
	struct rf_grant *slot = RF_ARENA_PUSH(c->arena, c->grants, c->grant_count);
	uint64_t *number = RF_ARENA_PUSH(p->arena, p->grant_digests, p->grant_count);

	if (!slot || !number)
		return -ENOMEM;
	*slot = *grant;
	*number = digest(d->digest, grant->bitmap, grant->words * sizeof(uint64_t));
	return (int)n;
}

/* Number of the grant with this bitmap, made if there is none. Grants of other destinations are never equal: they have other automata. */
static int find_grant(struct rf_compile *c, const struct destination *d, const struct rf_grant *grant)
{
	for (size_t i = d->first_grant; i < c->grant_count; i++)
		if (!grant->words || !memcmp(c->grants[i].bitmap, grant->bitmap, grant->words * sizeof(uint64_t)))
			return (int)i;
	return add_grant(c, d, grant);
}

static int grant_pair(struct rf_compile *c, struct destination *d, struct rf_pair *pair)
{
	struct rf_grant grant = {0};
	int r = 0;

	if (d->last && d->last->atoms == pair->atoms && d->last->atom_count == pair->atom_count) {
		pair->routes_id = d->last->routes_id;
		return 0;
	}
	if (d->image)
		r = make_bitmap(c, d, pair, &grant);
	if (!r)
		r = find_grant(c, d, &grant);
	if (r < 0)
		return r;
	pair->routes_id = (uint32_t)r;
	d->last = pair;
	return 0;
}

static int compile_destination(struct rf_compile *c, struct destination *d)
{
	int r = unite(c, d);

	d->first_grant = c->grant_count;
	if (!r && d->refs && d->ref_count)
		r = build(c, d);
	for (size_t i = 0; !r && i < d->pair_count; i++)
		if (d->pairs[i].l7)
			r = grant_pair(c, d, &d->pairs[i]);
	return r;
}

int rf_compile_automata(struct rf_compile *c)
{
	int r = 0;

	for (size_t i = 0, end; !r && i < c->pair_count; i = end) {
		struct destination d = {.pairs = &c->pairs[i], .digest = DIGEST_START};

		for (end = i + 1; end < c->pair_count && c->pairs[end].dst == c->pairs[i].dst;)
			end++;
		d.pair_count = end - i;
		r = compile_destination(c, &d);
	}
	return r;
}
