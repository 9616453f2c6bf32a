/* SPDX-License-Identifier: Apache-2.0 */
/* Writes the routes blob of headers/ringfence/routes.h and has it validated before anybody sees it. */
#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

#include "policy/compile.h"

struct layout {
	size_t pair_count;
	uint64_t idents_off;
	uint64_t pairs_off;
	uint64_t egresses_off;
	uint64_t grants_off;
	uint64_t size;
	uint64_t *automaton_off; /* of each image */
	uint64_t *atoms_off;     /* of each grant */
};

static uint64_t place(struct layout *l, uint64_t size)
{
	uint64_t at = l->size;

	l->size += (size + 7) & ~(uint64_t)7;
	return at;
}

/* The blob's pairs have no protocol: all are TCP. A UDP grant in there would be one for requests. */
static bool concerns_requests(const struct rf_allow_key *key)
{
	return key->proto == IPPROTO_TCP;
}

static int plan(struct rf_compile *c, struct layout *l)
{
	l->automaton_off = rf_arena_alloc(c->arena, c->image_count * sizeof(uint64_t));
	l->atoms_off = rf_arena_alloc(c->arena, c->grant_count * sizeof(uint64_t));
	if (!l->automaton_off || !l->atoms_off)
		return -ENOMEM;
	for (size_t i = 0; i < c->policy->allow_count; i++)
		l->pair_count += concerns_requests(&c->policy->allow_keys[i]);
	place(l, sizeof(struct rf_routes_head));
	l->idents_off = place(l, c->policy->idents_count * sizeof(struct rf_route_ident));
	l->pairs_off = place(l, l->pair_count * sizeof(struct rf_route_pair));
	l->egresses_off = place(l, c->egress_grant_count * sizeof(struct rf_route_egress));
	l->grants_off = place(l, c->grant_count * sizeof(struct rf_route_grant));
	for (size_t i = 0; i < c->image_count; i++)
		l->automaton_off[i] = place(l, rf_automaton_place_size(c->images[i]));
	for (size_t i = 0; i < c->grant_count; i++)
		l->atoms_off[i] = place(l, c->grants[i].words * sizeof(uint64_t));
	return rf_capacity(c, "bytes of routes", l->size, RF_ROUTES_MAX);
}

static void write_head(const struct rf_compile *c, const struct layout *l, char *blob)
{
	const struct rf_config *config = &c->policy->config;

	*(struct rf_routes_head *)blob = (struct rf_routes_head){
		.magic = RF_ROUTES_MAGIC,
		.version = RF_ROUTES_VERSION,
		.epoch = config->epoch,
		.flags = (config->permissive ? RF_ROUTES_PERMISSIVE : 0u) | (config->egress ? RF_ROUTES_EGRESS : 0u),
		.size = l->size,
		.idents_off = l->idents_off,
		.pairs_off = l->pairs_off,
		.egresses_off = l->egresses_off,
		.grants_off = l->grants_off,
		.ident_count = (uint32_t)c->policy->idents_count,
		.pair_count = (uint32_t)l->pair_count,
		.egress_count = (uint32_t)c->egress_grant_count,
		.grant_count = (uint32_t)c->grant_count,
	};
}

static int compare_idents(const void *a, const void *b)
{
	return rf_compare_u64(((const struct rf_route_ident *)a)->identity, ((const struct rf_route_ident *)b)->identity);
}

/* Accounts stand sorted by namespace. */
static void write_namespaces(const struct rf_compile *c, struct rf_route_ident *idents)
{
	for (size_t i = 0, ns = 0; i < c->account_count && c->policy->idents_count; i++) {
		const struct rf_route_ident wanted = {.identity = c->accounts[i].id};
		struct rf_route_ident *found = bsearch(&wanted, idents, c->policy->idents_count, sizeof(wanted), compare_idents);

		if (i && strcmp(c->accounts[i].ns, c->accounts[i - 1].ns))
			ns++;
		if (found)
			found->ns = (uint32_t)ns;
	}
}

static void write_idents(const struct rf_compile *c, const struct layout *l, char *blob)
{
	const struct rf_policy *p = c->policy;
	struct rf_route_ident *idents = (struct rf_route_ident *)(blob + l->idents_off);

	for (size_t i = 0; i < p->idents_count; i++)
		idents[i] = (struct rf_route_ident){.identity = p->idents_keys[i], .audit = p->idents_values[i].audit};
	if (p->idents_count)
		qsort(idents, p->idents_count, sizeof(*idents), compare_idents);
	write_namespaces(c, idents);
}

static void write_egresses(const struct rf_compile *c, const struct layout *l, char *blob)
{
	struct rf_route_egress *egresses = (struct rf_route_egress *)(blob + l->egresses_off);

	for (size_t i = 0; i < c->egress_grant_count; i++) {
		const struct rf_egress_grant *g = &c->egress_grants[i];

		egresses[i] = (struct rf_route_egress){
			.src = g->src, .port = g->port, .kind = (uint16_t)g->kind, .routes_id = g->routes_id, .rule_id = g->rule_id};
	}
}

static int compare_named(const void *pa, const void *pb)
{
	const struct rf_named_port *a = pa, *b = pb;
	int r = rf_compare_u64(a->dst, b->dst);

	return r ? r : rf_compare_u64(a->port, b->port);
}

static uint32_t local_id(const struct rf_compile *c, const struct rf_allow_key *key)
{
	const struct rf_named_port wanted = {.dst = key->dst, .port = key->port}, *found;

	if (key->src || !c->named_port_count)
		return 0;
	found = bsearch(&wanted, c->named_ports, c->named_port_count, sizeof(wanted), compare_named);
	return found ? found->local_id : 0;
}

static void write_pairs(const struct rf_compile *c, const struct layout *l, char *blob)
{
	struct rf_route_pair *pairs = (struct rf_route_pair *)(blob + l->pairs_off);

	for (size_t i = 0; i < c->policy->allow_count; i++) {
		const struct rf_allow_key *key = &c->policy->allow_keys[i];
		const struct rf_allow_value *value = &c->policy->allow_values[i];

		if (!concerns_requests(key))
			continue;
		*pairs++ = (struct rf_route_pair){
			.src = key->src,
			.dst = key->dst,
			.port = key->port,
			.verdict = (uint16_t)value->verdict,
			.routes_id = value->routes_id,
			.rule_id = value->rule_id,
			.local_id = local_id(c, key),
		};
	}
}

static uint64_t automaton_off(const struct layout *l, size_t image)
{
	return image == RF_NO_IMAGE ? 0 : l->automaton_off[image];
}

static void write_grants(const struct rf_compile *c, const struct layout *l, char *blob)
{
	struct rf_route_grant *grants = (struct rf_route_grant *)(blob + l->grants_off);

	for (size_t i = 0; i < c->grant_count; i++) {
		const struct rf_grant *g = &c->grants[i];

		grants[i] = (struct rf_route_grant){.automaton_off = automaton_off(l, g->image),
						    .authority_off = automaton_off(l, g->authority)};
		if (!g->words)
			continue; /* no route at all */
		grants[i].atoms_off = l->atoms_off[i];
		memcpy(blob + l->atoms_off[i], g->atoms, g->words * sizeof(uint64_t));
	}
}

static void write_automata(const struct rf_compile *c, const struct layout *l, char *blob)
{
	for (size_t i = 0; i < c->image_count; i++)
		rf_automaton_place(c->images[i], blob, l->automaton_off[i]);
}

int rf_compile_routes(struct rf_compile *c)
{
	struct layout l = {0};
	int r = plan(c, &l);
	char *blob;

	if (r)
		return r;
	blob = rf_arena_alloc(c->policy->arena, l.size);
	if (!blob)
		return -ENOMEM;
	write_head(c, &l, blob);
	write_idents(c, &l, blob);
	write_pairs(c, &l, blob);
	write_egresses(c, &l, blob);
	write_grants(c, &l, blob);
	write_automata(c, &l, blob);
	c->policy->routes = blob;
	c->policy->routes_size = l.size;
	return rf_routes_validate(blob, l.size);
}
