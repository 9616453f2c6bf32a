/* SPDX-License-Identifier: Apache-2.0 */
/*
 * TrafficTarget -> who may connect where. The port's kind alone decides between plain and per-request: on an http or grpc port everything
 * granted is L7, on a tcp port everything granted is plain. So no target can widen what another one checks per request.
 *
 *	rules of the target	on a tcp port			on an http port
 *	HTTPRouteGroup only	allowed if a route exists	L7 with its routes (none found: 404 for everything)
 *	TCPRoute only		allowed if it has the port	L7 without routes if it has the port
 *	both			allowed if both allow		L7 with the routes if the TCPRoute has the port
 *	none, or UDPRoute only	nothing				nothing
 *
 * UDPRoutes stand beside all that: they grant their ports for UDP, whatever else the target says, and never anything for TCP. No Service
 * has to declare a UDP port: without a kind to look up, the number alone is the rule.
 */
#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

#include "policy/compile.h"

#define PAIRS_RAW_MAX (4 * (size_t)RF_ALLOW_MAX) /* before targets that grant the same pair are merged */

struct terms { /* of one target */
	const struct rf_traffic_target *target;
	uint32_t position;
	const struct rf_account *dst;
	bool has_http;
	bool has_tcp;
	bool tcp_all;
	rf_atom_ref *atoms;
	size_t atom_count;
};

static const struct rf_port_route *tcp_route(const struct rf_compile *c, const struct terms *t, const struct rf_target_rule *rule)
{
	return (const struct rf_port_route *)rf_index_find(&c->tcp_routes, t->target->meta.ns, rule->name);
}

static int read_terms(struct rf_compile *c, struct terms *t)
{
	for (size_t i = 0; i < t->target->rule_count; i++) {
		const struct rf_target_rule *rule = &t->target->rules[i];
		const struct rf_port_route *route;
		int r = 0;

		switch (rule->kind) {
		case RF_RULE_HTTP_ROUTE_GROUP:
			t->has_http = true;
			r = rf_atoms_of_rule(c, t->target, rule, &t->atoms, &t->atom_count);
			break;
		case RF_RULE_TCP_ROUTE:
			t->has_tcp = true;
			route = tcp_route(c, t, rule);
			t->tcp_all |= route && !route->port_count;
			break;
		case RF_RULE_UDP_ROUTE:
			break; /* grant_datagrams */
		}
		if (r)
			return r;
	}
	t->atom_count = rf_atoms_sort(t->atoms, t->atom_count);
	return 0;
}

static bool route_has(const struct rf_port_route *route, uint16_t port)
{
	for (size_t i = 0; i < route->port_count; i++)
		if (route->ports[i] == port)
			return true;
	return false;
}

/* A TCPRoute that does not exist names no port. */
static bool tcp_names(const struct rf_compile *c, const struct terms *t, uint16_t port)
{
	if (t->tcp_all)
		return true;
	for (size_t i = 0; i < t->target->rule_count; i++) {
		const struct rf_target_rule *rule = &t->target->rules[i];
		const struct rf_port_route *route = rule->kind == RF_RULE_TCP_ROUTE ? tcp_route(c, t, rule) : NULL;

		if (route && route_has(route, port))
			return true;
	}
	return false;
}

static bool grants_port(const struct rf_compile *c, const struct terms *t, const struct rf_served *served)
{
	if (!t->has_http && !t->has_tcp)
		return false;
	if (t->has_tcp && !tcp_names(c, t, served->port))
		return false;
	return served->l7 || !t->has_http || t->atom_count;
}

/* Gives what there is to give to every source of the target. */
static int grant_sources(struct rf_compile *c, const struct terms *t, const struct rf_pair *what)
{
	for (size_t i = 0; i < t->target->source_count; i++) {
		const struct rf_account *src = rf_account_find(c, t->target->sources[i].ns, t->target->sources[i].name);
		struct rf_pair *pair;
		int r = rf_capacity(c, "(source, destination, port) grants of all TrafficTargets", c->pair_count + 1, PAIRS_RAW_MAX);

		if (r)
			return r;
		if (!src || !src->meshed)
			continue;
		pair = RF_ARENA_PUSH(c->arena, c->pairs, c->pair_count);
		if (!pair)
			return -ENOMEM;
		*pair = *what;
		pair->src = src->id;
	}
	return 0;
}

static int grant_served(struct rf_compile *c, const struct terms *t, const struct rf_served *served)
{
	const struct rf_pair what = {
		.dst = t->dst->id,
		.port = served->port,
		.proto = IPPROTO_TCP,
		.l7 = served->l7,
		.target = t->position,
		.atoms = served->l7 ? t->atoms : NULL,
		.atom_count = served->l7 ? t->atom_count : 0,
		.routes_id = RF_ROUTES_NONE,
	};

	return grant_sources(c, t, &what);
}

/* One UDPRoute; without ports it grants all of them, which is port 0. */
static int grant_udp_route(struct rf_compile *c, const struct terms *t, const struct rf_port_route *route)
{
	struct rf_pair what = {.dst = t->dst->id, .proto = IPPROTO_UDP, .target = t->position, .routes_id = RF_ROUTES_NONE};
	int r = 0;

	if (!route->port_count)
		return grant_sources(c, t, &what);
	for (size_t i = 0; !r && i < route->port_count; i++) {
		what.port = route->ports[i];
		r = grant_sources(c, t, &what);
	}
	return r;
}

static int grant_datagrams(struct rf_compile *c, const struct terms *t)
{
	int r = 0;

	for (size_t i = 0; !r && i < t->target->rule_count; i++) {
		const struct rf_target_rule *rule = &t->target->rules[i];
		const struct rf_port_route *route = NULL;

		if (rule->kind == RF_RULE_UDP_ROUTE)
			route = (const struct rf_port_route *)rf_index_find(&c->udp_routes, t->target->meta.ns, rule->name);
		if (route)
			r = grant_udp_route(c, t, route);
	}
	return r;
}

static bool serves(const struct rf_served *served, size_t count, uint16_t port)
{
	for (size_t i = 0; i < count; i++)
		if (served[i].port == port)
			return true;
	return false;
}

/* The usual slip: a TCPRoute that names the Service's port instead of the targetPort. */
static int warn_ports(struct rf_compile *c, const struct terms *t, const struct rf_served *served, size_t count)
{
	int r = 0;

	for (size_t i = 0; !r && i < t->target->rule_count; i++) {
		const struct rf_target_rule *rule = &t->target->rules[i];
		const struct rf_port_route *route = rule->kind == RF_RULE_TCP_ROUTE ? tcp_route(c, t, rule) : NULL;

		for (size_t j = 0; !r && route && j < route->port_count; j++)
			if (!serves(served, count, route->ports[j]))
				r = rf_diag_warning(
					c->diags, rule->place,
					"TCPRoute %s/%s: port %u admits nothing: no Service has it as a targetPort of ServiceAccount "
					"%s/%s",
					route->meta.ns, route->meta.name, route->ports[j], t->dst->ns, t->dst->name);
	}
	return r;
}

static int warn_members(struct rf_compile *c, const struct terms *t)
{
	const struct rf_account_ref *d = &t->target->destination;
	int r = 0;

	if (!t->dst->meshed)
		return rf_diag_warning(c->diags, d->place, "namespace %s is not in the mesh: TrafficTarget %s/%s grants nothing", d->ns,
				       t->target->meta.ns, t->target->meta.name);
	for (size_t i = 0; !r && i < t->target->source_count; i++) {
		const struct rf_account_ref *s = &t->target->sources[i];
		const struct rf_account *src = rf_account_find(c, s->ns, s->name);

		if (!src || !src->meshed)
			r = rf_diag_warning(c->diags, s->place, "namespace %s is not in the mesh: source %s/%s is granted nothing", s->ns,
					    s->ns, s->name);
	}
	return r;
}

static int compile_target(struct rf_compile *c, struct terms *t)
{
	size_t count;
	const struct rf_served *served = rf_served_of(c, t->dst->id, &count);
	int r = read_terms(c, t);

	if (!r)
		r = warn_members(c, t);
	if (r || !t->dst->meshed)
		return r;
	if (!count && (t->has_http || t->has_tcp))
		r = rf_diag_warning(c->diags, t->target->destination.place,
				    "TrafficTarget %s/%s grants nothing: no Service selects a pod of ServiceAccount %s/%s",
				    t->target->meta.ns, t->target->meta.name, t->dst->ns, t->dst->name);
	else
		r = warn_ports(c, t, served, count);
	for (size_t i = 0; !r && i < count; i++)
		if (grants_port(c, t, &served[i]))
			r = grant_served(c, t, &served[i]);
	return r ? r : grant_datagrams(c, t);
}

/* ---- several targets, one pair ---- */

static int compare_pairs(const void *pa, const void *pb)
{
	const struct rf_pair *a = pa, *b = pb;
	int r = rf_compare_u64(a->dst, b->dst);

	if (!r)
		r = rf_compare_u64(a->src, b->src);
	if (!r)
		r = rf_compare_u64(a->port, b->port);
	return r ? r : rf_compare_u64(a->proto, b->proto);
}

static int compare_grants(const void *pa, const void *pb)
{
	const struct rf_pair *a = pa, *b = pb;
	int r = compare_pairs(a, b);

	return r ? r : rf_compare_u64(a->target, b->target);
}

/* Routes of [first, end), which are one pair granted by several targets: their union (semantics row 14). */
static int unite(struct rf_compile *c, struct rf_pair *to, const struct rf_pair *first, const struct rf_pair *end)
{
	size_t total = 0, n = 0;
	rf_atom_ref *refs;

	*to = *first; /* `to` never stands behind `first`, and first is read before it is overwritten */
	if (end - first == 1)
		return 0;
	for (const struct rf_pair *p = first; p < end; p++)
		total += p->atom_count;
	refs = rf_arena_alloc(c->arena, total * sizeof(*refs));
	if (!refs)
		return -ENOMEM;
	for (const struct rf_pair *p = first; p < end; p++) {
		if (p->atom_count)
			memcpy(refs + n, p->atoms, p->atom_count * sizeof(*refs));
		n += p->atom_count;
	}
	to->atoms = refs;
	to->atom_count = rf_atoms_sort(refs, n);
	return 0;
}

static int merge(struct rf_compile *c)
{
	struct rf_pair *p = c->pairs, *end, *next;
	size_t n = 0;
	int r = 0;

	if (!c->pair_count)
		return 0;
	end = p + c->pair_count;
	qsort(p, c->pair_count, sizeof(*p), compare_grants);
	for (; !r && p < end; p = next) {
		for (next = p + 1; next < end && !compare_pairs(p, next);)
			next++;
		r = unite(c, &c->pairs[n++], p, next);
	}
	c->pair_count = n;
	return r ? r : rf_capacity(c, "allow list entries", n, RF_ALLOW_MAX);
}

static int give_rules(struct rf_compile *c)
{
	bool *used = rf_arena_alloc(c->arena, c->targets.count * sizeof(*used));
	int r = 0;

	c->target_rules = rf_arena_alloc(c->arena, c->targets.count * sizeof(*c->target_rules));
	if (!used || !c->target_rules)
		return -ENOMEM;
	for (size_t i = 0; i < c->pair_count; i++)
		used[c->pairs[i].target] = true;
	for (size_t i = 0; !r && i < c->targets.count; i++)
		if (used[i])
			r = rf_rule_add(c, c->targets.items[i], NULL, c->targets.items[i]->place, &c->target_rules[i]);
	return r;
}

int rf_compile_targets(struct rf_compile *c)
{
	int r = 0;

	for (size_t i = 0; !r && i < c->targets.count; i++) {
		struct terms t = {.target = (const struct rf_traffic_target *)c->targets.items[i], .position = (uint32_t)i};

		t.dst = rf_account_find(c, t.target->destination.ns, t.target->destination.name);
		/* A policy speaks only for its own namespace; the objects' check refuses the others with their place. */
		if (!t.dst || strcmp(t.dst->ns, t.target->meta.ns))
			continue;
		r = compile_target(c, &t);
	}
	if (!r)
		r = merge(c);
	return r ? r : give_rules(c);
}
