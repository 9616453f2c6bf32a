/* SPDX-License-Identifier: Apache-2.0 */
/* Routes as the automaton knows them: the matches of HTTPRouteGroups. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

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

		if (!named(rule, &group->matches[i]))
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

/* The header "host" is the authority, whichever way that is sent (semantics row 6). */
static struct rf_route_condition header_condition(const struct rf_header_match *header)
{
	return (struct rf_route_condition){
		.kind = strcasecmp(header->name, "host") ? RF_COND_HEADER : RF_COND_AUTHORITY,
		.name = header->name,
		.patterns = &header->regex,
		.pattern_count = 1,
	};
}

int rf_atom_write(struct rf_compile *c, const struct rf_http_match *match, const struct rf_route_condition *more, size_t more_count,
		  uint32_t rule_id, struct rf_route_atom *ret)
{
	struct rf_route_condition *conditions = rf_arena_alloc(c->arena, (match->header_count + more_count) * sizeof(*conditions));

	if (!conditions)
		return -ENOMEM;
	for (size_t i = 0; i < match->header_count; i++)
		conditions[i] = header_condition(&match->headers[i]);
	for (size_t i = 0; i < more_count; i++)
		conditions[match->header_count + i] = more[i];
	*ret = (struct rf_route_atom){
		.methods = (const char *const *)match->methods,
		.method_count = match->method_count,
		.path_pattern = match->path_regex,
		.conditions = conditions,
		.condition_count = match->header_count + more_count,
		.rule_id = rule_id,
	};
	return 0;
}

static uint64_t digest_text(uint64_t hash, const char *text)
{
	return rf_digest(hash, text ? text : "", text ? strlen(text) + 1 : 1);
}

static uint64_t digest_condition(uint64_t hash, const struct rf_route_condition *condition)
{
	const uint32_t kind = condition->kind;

	hash = digest_text(rf_digest(hash, &kind, sizeof(kind)), condition->name);
	for (size_t i = 0; i < condition->pattern_count; i++)
		hash = digest_text(hash, condition->patterns[i]);
	return condition->range_count ? rf_digest(hash, condition->ranges, condition->range_count * sizeof(struct rf_range)) : hash;
}

uint64_t rf_atoms_digest(const struct rf_route_atom *atoms, size_t count)
{
	uint64_t hash = RF_DIGEST_START;

	for (size_t i = 0; i < count; i++) {
		for (size_t k = 0; k < atoms[i].method_count; k++)
			hash = digest_text(hash, atoms[i].methods[k]);
		hash = digest_text(hash, atoms[i].path_pattern);
		for (size_t k = 0; k < atoms[i].condition_count; k++)
			hash = digest_condition(hash, &atoms[i].conditions[k]);
	}
	return hash;
}
