/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What Egress objects allow on their http and https ports, as grants of the blob (semantics row 20): every route under the condition of the
 * object's hosts and, where it names ranges, of its addresses. Sources to which the same objects apply on the same port share one grant.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "policy/ranges.h"

struct atoms { /* of one grant */
	struct rf_route_atom *items;
	size_t count;
};

/* "*" = any; "*.example.com" = one or more labels in front; http: with and without ":port", a server name has none. */
static const char *host_pattern(struct rf_compile *c, const char *host, const struct rf_egress_grant *grant)
{
	const bool below = !strncmp(host, "*.", 2);
	char *quoted = rf_pattern_quote(c->arena, below ? host + 1 : host);

	if (!strcmp(host, "*"))
		return ".+";
	if (!quoted)
		return NULL;
	if (grant->kind == RF_EGRESS_HTTPS)
		return rf_arena_printf(c->arena, "%s%s", below ? "[^.:]+(\\.[^.:]+)*" : "", quoted);
	return rf_arena_printf(c->arena, "%s%s(:%u)?", below ? "[^.:]+(\\.[^.:]+)*" : "", quoted, grant->port);
}

static int host_condition(struct rf_compile *c, const struct rf_egress *egress, const struct rf_egress_grant *grant,
			  struct rf_route_condition *ret)
{
	const char **patterns = rf_arena_alloc(c->arena, egress->host_count * sizeof(*patterns));

	if (!patterns)
		return -ENOMEM;
	for (size_t i = 0; i < egress->host_count; i++) {
		patterns[i] = host_pattern(c, egress->hosts[i].name, grant);
		if (!patterns[i])
			return -ENOMEM;
	}
	*ret = (struct rf_route_condition){.kind = RF_COND_AUTHORITY, .patterns = patterns, .pattern_count = egress->host_count};
	return 0;
}

static struct rf_range range_of(const struct rf_prefix *prefix)
{
	struct rf_range range = {.net = prefix->net};
	uint8_t *mask = (uint8_t *)&range.mask;

	for (unsigned i = 0; i < prefix->len; i++)
		mask[i / 8] |= (uint8_t)(0x80 >> i % 8);
	return range;
}

static int address_condition(struct rf_compile *c, const struct rf_egress *egress, struct rf_route_condition *ret)
{
	struct rf_prefixes prefixes = {0};
	struct rf_range *ranges;
	int r = 0;

	for (size_t i = 0; !r && i < egress->range_count; i++)
		r = rf_prefixes_add(c, &prefixes, &egress->ranges[i].net, egress->ranges[i].prefix_len);
	ranges = r ? NULL : rf_arena_alloc(c->arena, prefixes.count * sizeof(*ranges));
	if (!ranges)
		return -ENOMEM;
	for (size_t i = 0; i < prefixes.count; i++)
		ranges[i] = range_of(&prefixes.items[i]);
	*ret = (struct rf_route_condition){.kind = RF_COND_ADDRESS, .ranges = ranges, .range_count = prefixes.count};
	return 0;
}

static int add_atom(struct rf_compile *c, struct atoms *atoms, const struct rf_http_match *match,
		    const struct rf_route_condition *conditions, size_t count, uint32_t rule_id)
{
	struct rf_route_atom *atom = RF_ARENA_PUSH(c->arena, atoms->items, atoms->count);

	return atom ? rf_atom_write(c, match, conditions, count, rule_id, atom) : -ENOMEM;
}

/* A group that is not there contributes nothing: requests find no route. It is named by the objects' own check. */
static int add_groups(struct rf_compile *c, struct atoms *atoms, const struct rf_egress *egress,
		      const struct rf_route_condition *conditions, size_t count)
{
	const uint32_t rule = rf_egress_rule(c, egress);
	int r = 0;

	for (size_t i = 0; !r && i < egress->match_count; i++) {
		const struct rf_meta *meta = rf_index_find(&c->route_groups, egress->meta.ns, egress->matches[i].name);
		const struct rf_http_route_group *group = (const struct rf_http_route_group *)meta;

		for (size_t k = 0; !r && group && k < group->match_count; k++)
			r = add_atom(c, atoms, &group->matches[k], conditions, count, rule);
	}
	return r;
}

static int add_object(struct rf_compile *c, struct atoms *atoms, const struct rf_egress_grant *grant, const struct rf_egress *egress)
{
	static const struct rf_http_match any = {0};
	struct rf_route_condition conditions[2];
	size_t n = 1;
	int r = host_condition(c, egress, grant, &conditions[0]);

	if (!r && egress->range_count)
		r = address_condition(c, egress, &conditions[n++]);
	if (r)
		return r;
	if (grant->kind == RF_EGRESS_HTTP && egress->has_route_groups)
		return add_groups(c, atoms, egress, conditions, n);
	return add_atom(c, atoms, &any, conditions, n, rf_egress_rule(c, egress));
}

static int all_granted(struct rf_compile *c, size_t count, struct rf_grant *grant)
{
	const size_t words = (count + 63) / 64;
	uint64_t *mask = rf_arena_alloc(c->arena, words * sizeof(*mask));

	if (!mask)
		return -ENOMEM;
	for (size_t i = 0; i < count; i++)
		mask[i / 64] |= 1ULL << (i % 64);
	grant->atoms = mask;
	grant->words = words;
	return 0;
}

static int make_grant(struct rf_compile *c, struct rf_egress_grant *egress)
{
	struct rf_grant grant = {.image = RF_NO_IMAGE, .authority = RF_NO_IMAGE};
	struct atoms atoms = {0};
	int r = 0;

	for (size_t i = 0; !r && i < egress->count; i++)
		r = add_object(c, &atoms, egress, egress->objects[i]);
	if (!r && atoms.count)
		r = rf_image_add(c, atoms.items, atoms.count, egress->objects[0]->meta.place, "sources of this Egress", &grant.image);
	if (!r && atoms.count)
		r = all_granted(c, atoms.count, &grant);
	if (!r)
		r = rf_grant_add(c, &grant, rf_atoms_digest(atoms.items, atoms.count));
	if (r < 0)
		return r;
	egress->routes_id = (uint32_t)r;
	return 0;
}

/* Equal: the same objects on the same port, whoever the source is. */
static int compare_contents(const struct rf_egress_grant *a, const struct rf_egress_grant *b)
{
	int r = rf_compare_u64(a->kind, b->kind);

	if (!r)
		r = rf_compare_u64(a->port, b->port);
	if (!r)
		r = rf_compare_u64(a->count, b->count);
	for (size_t i = 0; !r && i < a->count; i++)
		r = rf_compare_u64((uintptr_t)a->objects[i], (uintptr_t)b->objects[i]);
	return r;
}

/* Equal ones in the order of the list. */
static int compare_order(const void *pa, const void *pb)
{
	const struct rf_egress_grant *a = *(struct rf_egress_grant *const *)pa, *b = *(struct rf_egress_grant *const *)pb;
	const int r = compare_contents(a, b);

	return r ? r : rf_compare_u64((uintptr_t)a, (uintptr_t)b);
}

/* [i]: the first grant of the list that is equal to the grant at i. */
static int find_firsts(struct rf_compile *c, struct rf_egress_grant ***ret)
{
	const size_t n = c->egress_grant_count;
	struct rf_egress_grant **sorted = rf_arena_alloc(c->arena, n * sizeof(struct rf_egress_grant *));
	struct rf_egress_grant **first = rf_arena_alloc(c->arena, n * sizeof(struct rf_egress_grant *)), *run = NULL;

	if (!sorted || !first)
		return -ENOMEM;
	for (size_t i = 0; i < n; i++)
		sorted[i] = &c->egress_grants[i];
	if (n)
		qsort(sorted, n, sizeof(struct rf_egress_grant *), compare_order);
	for (size_t i = 0; i < n; i++) {
		if (!run || compare_contents(run, sorted[i]))
			run = sorted[i];
		first[sorted[i] - c->egress_grants] = run;
	}
	*ret = first;
	return 0;
}

/* Grants are made in the order of the list, so their numbers do not depend on where in memory an object happens to be. */
int rf_compile_egress_routes(struct rf_compile *c)
{
	struct rf_egress_grant **first = NULL;
	int r = find_firsts(c, &first);

	for (size_t i = 0; !r && i < c->egress_grant_count; i++) {
		struct rf_egress_grant *grant = &c->egress_grants[i];

		if (first[i] == grant)
			r = make_grant(c, grant);
		else
			grant->routes_id = first[i]->routes_id;
	}
	return r;
}
