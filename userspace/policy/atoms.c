/* SPDX-License-Identifier: Apache-2.0 */
/* Routes as the automaton knows them: the matches of HTTPRouteGroups. A match with header conditions cannot be decided yet: it is left out.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "policy/compile.h"

static int compare_refs(const void *a, const void *b)
{
	return rf_compare_u64(*(const rf_atom_ref *)a, *(const rf_atom_ref *)b);
}

size_t rf_atoms_sort(rf_atom_ref *refs, size_t count)
{
	size_t n = 0;

	if (count)
		qsort(refs, count, sizeof(*refs), compare_refs);
	for (size_t i = 0; i < count; i++)
		if (!n || refs[n - 1] != refs[i])
			refs[n++] = refs[i];
	return n;
}

static bool named(const struct rf_target_rule *rule, const struct rf_http_match *match)
{
	if (!rule->has_matches)
		return true; /* semantics row 7: the whole group */
	for (size_t i = 0; i < rule->match_count; i++)
		if (!strcmp(rule->matches[i].name, match->name))
			return true;
	return false;
}

int rf_atoms_of_rule(struct rf_compile *c, const struct rf_traffic_target *target, const struct rf_target_rule *rule, rf_atom_ref **refs,
		     size_t *count)
{
	const struct rf_meta *meta = rf_index_find(&c->route_groups, target->meta.ns, rule->name);
	const struct rf_http_route_group *group = (const struct rf_http_route_group *)meta;
	uint64_t base;

	if (!group)
		return 0;
	base = (uint64_t)rf_index_position(&c->route_groups, meta) << 32;
	for (size_t i = 0; i < group->match_count; i++) {
		rf_atom_ref *ref;

		if (group->matches[i].header_count || !named(rule, &group->matches[i]))
			continue;
		ref = RF_ARENA_PUSH(c->arena, *refs, *count);
		if (!ref)
			return -ENOMEM;
		*ref = base | i;
	}
	return 0;
}

static int add(struct rf_compile *c, rf_atom_ref ref)
{
	struct rf_atom *atom = RF_ARENA_PUSH(c->arena, c->atoms, c->atom_count);
	const struct rf_http_route_group *group = (const struct rf_http_route_group *)c->route_groups.items[ref >> 32];
	const struct rf_http_match *match = &group->matches[(uint32_t)ref];

	if (!atom)
		return -ENOMEM;
	*atom = (struct rf_atom){.ref = ref, .group = group, .match = match};
	return rf_rule_add(c, &group->meta, match->name, match->place, &atom->rule_id);
}

/* Neighbours in the sorted list mostly share one array of refs: that one is copied once. */
static int collect(struct rf_compile *c, rf_atom_ref **ret, size_t *ret_count)
{
	rf_atom_ref *all = NULL;
	size_t n = 0;
	const rf_atom_ref *last = NULL;

	for (size_t i = 0; i < c->pair_count; i++) {
		if (c->pairs[i].atoms == last)
			continue;
		last = c->pairs[i].atoms;
		for (size_t j = 0; j < c->pairs[i].atom_count; j++) {
			rf_atom_ref *ref = RF_ARENA_PUSH(c->arena, all, n);

			if (!ref)
				return -ENOMEM;
			*ref = last[j];
		}
	}
	*ret = all;
	*ret_count = rf_atoms_sort(all, n);
	return 0;
}

int rf_compile_atoms(struct rf_compile *c)
{
	rf_atom_ref *refs = NULL;
	size_t n = 0;
	int r = collect(c, &refs, &n);

	for (size_t i = 0; !r && refs && i < n; i++)
		r = add(c, refs[i]);
	return r;
}

static int compare_atom(const void *key, const void *item)
{
	return rf_compare_u64(*(const rf_atom_ref *)key, ((const struct rf_atom *)item)->ref);
}

const struct rf_atom *rf_atom_find(const struct rf_compile *c, rf_atom_ref ref)
{
	return c->atom_count ? bsearch(&ref, c->atoms, c->atom_count, sizeof(*c->atoms), compare_atom) : NULL;
}
