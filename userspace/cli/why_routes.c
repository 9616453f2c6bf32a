/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/why_routes.h"

#include <ringfence/routes.h>

/* The blob was validated when it was read: every offset and index in it is good. */
static const struct rf_route_grant *grant_of(const char *base, const struct rf_question *q)
{
	const struct rf_routes_head *head = (const struct rf_routes_head *)base;
	const struct rf_route_grant *grants = (const struct rf_route_grant *)(base + head->grants_off);
	const struct rf_route_pair *pairs = (const struct rf_route_pair *)(base + head->pairs_off), *any = NULL;
	const struct rf_route_egress *egresses = (const struct rf_route_egress *)(base + head->egresses_off);

	for (uint32_t i = 0; i < head->pair_count; i++) {
		if (pairs[i].src != q->src || pairs[i].dst != q->dst)
			continue;
		if (pairs[i].port == q->port)
			return pairs[i].verdict == RF_VERDICT_L7 ? &grants[pairs[i].routes_id] : NULL;
		if (!pairs[i].port && pairs[i].verdict == RF_VERDICT_L7)
			any = &pairs[i];
	}
	if (any)
		return &grants[any->routes_id];
	for (uint32_t i = 0; i < head->egress_count; i++)
		if (egresses[i].src == q->src && egresses[i].port == q->port)
			return &grants[egresses[i].routes_id];
	return NULL;
}

void rf_why_routes_each(const struct rf_why_world *world, const struct rf_why_part *part, void (*fn)(void *arg, const char *rule),
			void *arg)
{
	const char *base = world->routes;
	const struct rf_route_grant *grant = grant_of(base, &part->asked);
	const struct rf_automaton *automaton;
	const struct rf_atom_info *atoms;
	const uint64_t *granted;
	uint32_t last = 0;

	if (!grant || !grant->automaton_off)
		return;
	automaton = (const struct rf_automaton *)(base + grant->automaton_off);
	atoms = (const struct rf_atom_info *)(base + automaton->atoms_off);
	granted = (const uint64_t *)(base + grant->atoms_off);
	for (uint32_t i = 0; i < automaton->atom_count; i++) {
		char rule[RF_RULE_TEXT_MAX];

		if (!(granted[i / 64] & 1ull << (i % 64)) || atoms[i].rule_id == last ||
		    rf_datapath_rule(world->dp, atoms[i].rule_id, rule, sizeof(rule)) < 0)
			continue;
		last = atoms[i].rule_id;
		fn(arg, rule);
	}
}
