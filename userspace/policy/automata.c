/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One automaton a destination over every route that anyone is granted there, and for each pair the bitmap of its own routes. Sources with
 * equal bitmaps, which are asked by the same names, share one grant.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "policy/authorities.h"

#define WORD_BITS 64

/* By which names one port is asked, by those of the same namespace or by the others. */
struct names {
	uint16_t port;
	bool local;
	size_t image;
	uint64_t digest;
};

struct destination {
	struct rf_pair *pairs; /* all pairs of this destination, also the plain ones */
	size_t pair_count;
	rf_atom_ref *refs; /* union, ascending; position = number of the atom in the automaton */
	size_t ref_count;
	size_t image;        /* RF_NO_IMAGE without routes */
	size_t first_grant;  /* its grants begin here */
	uint64_t digest;     /* of all its routes */
	struct names *names; /* those used so far */
	size_t name_count;
	const struct rf_pair *last; /* the pair whose grant was made or found last */
	size_t last_authority;
};

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

static int build(struct rf_compile *c, struct destination *d)
{
	struct rf_route_atom *atoms = rf_arena_alloc(c->arena, d->ref_count * sizeof(*atoms));
	int r = atoms ? 0 : -ENOMEM;

	for (size_t i = 0; !r && i < d->ref_count; i++) {
		const struct rf_atom *atom = rf_atom_find(c, d->refs[i]);

		r = rf_atom_write(c, atom->match, NULL, 0, atom->rule_id, &atoms[i]);
	}
	if (r)
		return r;
	d->digest = rf_atoms_digest(atoms, d->ref_count);
	return rf_image_add(c, atoms, d->ref_count, rf_atom_find(c, d->refs[0])->match->regex_place, "destination of this match",
			    &d->image);
}

/* ---- grants ---- */

static int make_bitmap(struct rf_compile *c, const struct destination *d, const struct rf_pair *pair, struct rf_grant *ret)
{
	const size_t words = (d->ref_count + WORD_BITS - 1) / WORD_BITS;
	uint64_t *mask = rf_arena_alloc(c->arena, words * sizeof(*mask));
	size_t own = 0;

	if (!mask || !d->refs)
		return -ENOMEM;
	/* Both ascend, and the destination's list has all of the pair's. */
	for (size_t at = 0; at < d->ref_count && own < pair->atom_count; at++) {
		if (d->refs[at] != pair->atoms[own])
			continue;
		mask[at / WORD_BITS] |= 1ULL << (at % WORD_BITS);
		own++;
	}
	ret->atoms = mask;
	ret->words = words;
	return 0;
}

/* Number of the grant that is equal, made if there is none. Grants of other destinations are never equal: they have other automata. */
static int find_grant(struct rf_compile *c, const struct destination *d, const struct rf_grant *grant, uint64_t digest)
{
	for (size_t i = d->first_grant; i < c->grant_count; i++)
		if (c->grants[i].authority == grant->authority &&
		    (!grant->words || !memcmp(c->grants[i].atoms, grant->atoms, grant->words * sizeof(uint64_t))))
			return (int)i;
	return rf_grant_add(c, grant, digest);
}

static int find_names(struct rf_compile *c, struct destination *d, const struct rf_authorities *a, const struct rf_pair *pair,
		      const struct names **ret)
{
	const bool local = rf_authorities_local(c, a, pair->src, pair->dst);
	struct names *names;

	for (size_t i = 0; i < d->name_count; i++)
		if (d->names[i].port == pair->port && d->names[i].local == local) {
			*ret = &d->names[i];
			return 0;
		}
	names = RF_ARENA_PUSH(c->arena, d->names, d->name_count);
	if (!names)
		return -ENOMEM;
	*names = (struct names){.port = pair->port, .local = local, .digest = RF_DIGEST_START};
	*ret = names;
	return rf_authorities_image(c, a, pair->dst, pair->port, local, &names->image, &names->digest);
}

/* a: NULL where strictAuthority is off. */
static int grant_pair(struct rf_compile *c, struct destination *d, const struct rf_authorities *a, struct rf_pair *pair)
{
	struct rf_grant grant = {.image = d->image, .authority = RF_NO_IMAGE};
	const struct names *names = NULL;
	uint64_t digest = d->digest;
	int r = a ? find_names(c, d, a, pair, &names) : 0;

	if (!r && names) {
		grant.authority = names->image;
		digest = rf_digest(digest, &names->digest, sizeof(names->digest));
	}
	if (!r && d->last && d->last->atoms == pair->atoms && d->last->atom_count == pair->atom_count &&
	    d->last_authority == grant.authority) {
		pair->routes_id = d->last->routes_id;
		return 0;
	}
	if (!r && d->image != RF_NO_IMAGE)
		r = make_bitmap(c, d, pair, &grant);
	if (!r)
		r = find_grant(c, d, &grant, digest);
	if (r < 0)
		return r;
	pair->routes_id = (uint32_t)r;
	d->last = pair;
	d->last_authority = grant.authority;
	return 0;
}

static int compile_destination(struct rf_compile *c, struct destination *d, const struct rf_authorities *a)
{
	int r = unite(c, d);

	d->first_grant = c->grant_count;
	if (!r && d->refs && d->ref_count)
		r = build(c, d);
	for (size_t i = 0; !r && i < d->pair_count; i++)
		if (d->pairs[i].l7)
			r = grant_pair(c, d, a, &d->pairs[i]);
	return r;
}

int rf_compile_automata(struct rf_compile *c)
{
	const bool strict = rf_objects_mesh_config(c->objects).strict_authority;
	struct rf_authorities authorities;
	int r = strict ? rf_authorities_init(c, &authorities) : 0;

	for (size_t i = 0, end; !r && i < c->pair_count; i = end) {
		struct destination d = {.pairs = &c->pairs[i], .digest = RF_DIGEST_START, .image = RF_NO_IMAGE};

		for (end = i + 1; end < c->pair_count && c->pairs[end].dst == c->pairs[i].dst;)
			end++;
		d.pair_count = end - i;
		r = compile_destination(c, &d, strict ? &authorities : NULL);
	}
	return r ? r : rf_compile_egress_routes(c);
}
