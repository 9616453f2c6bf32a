/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Egress -> what a ServiceAccount may reach outside the mesh (semantics row 20). First the claims: every source of every Egress on every of
 * its ports. Where a (source, port) is claimed as http or https, requests are checked there and tcp claims contribute nothing, so that no
 * tcp port opens what is checked. What is claimed opens its ranges, or any address if it names none.
 */
#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

#include "policy/lookup.h"
#include "policy/ranges.h"

struct entry {
	struct rf_egress_key key;
	struct rf_egress_value value;
};

static int compare_claims(const struct rf_egress_claim *a, const struct rf_egress_claim *b)
{
	int r = rf_compare_u64(a->src, b->src);

	return r ? r : rf_compare_u64(a->port->port, b->port->port);
}

/* Equal ones in the order of the index, and of the ports within an object. */
static int compare_order(const void *pa, const void *pb)
{
	const struct rf_egress_claim *a = pa, *b = pb;
	int r = compare_claims(a, b);

	return r ? r : rf_compare_u64(a->sequence, b->sequence);
}

static int warn_outside(struct rf_compile *c, const struct rf_egress *egress, const struct rf_account_ref *source)
{
	return rf_diag_warning(c->diags, source->place, "ServiceAccount %s/%s is not of the mesh: Egress %s/%s opens nothing for it",
			       source->ns, source->name, egress->meta.ns, egress->meta.name);
}

static int claim_ports(struct rf_compile *c, const struct rf_egress *egress, const struct rf_account_ref *source, rf_identity_t src)
{
	for (size_t i = 0; i < egress->port_count; i++) {
		struct rf_egress_claim *claim = RF_ARENA_PUSH(c->arena, c->egress_claims, c->egress_claim_count);

		if (!claim)
			return -ENOMEM;
		*claim = (struct rf_egress_claim){
			.src = src, .source = source, .egress = egress, .port = &egress->ports[i], .sequence = c->egress_claim_count};
	}
	return 0;
}

static int claim_source(struct rf_compile *c, size_t position, const struct rf_account_ref *source)
{
	const struct rf_egress *egress = (const struct rf_egress *)c->egresses.items[position];
	const struct rf_account *account = rf_account_find(c, source->ns, source->name);
	uint32_t *rule = &c->egress_rules[position];
	int r = 0;

	if (!account || !account->meshed)
		return warn_outside(c, egress, source);
	if (!*rule)
		r = rf_rule_add(c, &egress->meta, NULL, egress->meta.place, rule);
	return r ? r : claim_ports(c, egress, source, account->id);
}

static int warn_closed(struct rf_compile *c, const struct rf_egress *egress, const char *why)
{
	return rf_diag_warning(c->diags, egress->meta.place, "Egress %s/%s opens nothing: %s", egress->meta.ns, egress->meta.name, why);
}

/* OSM looks at objects of monitored namespaces only, and at none if its feature is off. */
static int claim_egress(struct rf_compile *c, size_t position)
{
	const struct rf_egress *egress = (const struct rf_egress *)c->egresses.items[position];
	int r = 0;

	if (rf_objects_mesh_config(c->objects).egress_objects_off)
		return warn_closed(c, egress, "MeshConfig has featureFlags.enableEgressPolicy: false");
	if (!rf_objects_meshed(c->objects, egress->meta.ns, c->input->mesh_name))
		return warn_closed(c, egress, "its namespace is not of the mesh");
	for (size_t i = 0; !r && i < egress->source_count; i++)
		r = claim_source(c, position, &egress->sources[i]);
	return r;
}

static int collect(struct rf_compile *c)
{
	int r = 0;

	c->egress_rules = rf_arena_alloc(c->arena, c->egresses.count * sizeof(*c->egress_rules));
	if (!c->egress_rules)
		return -ENOMEM;
	for (size_t i = 0; !r && i < c->egresses.count; i++)
		r = claim_egress(c, i);
	if (!r && c->egress_claim_count)
		qsort(c->egress_claims, c->egress_claim_count, sizeof(*c->egress_claims), compare_order);
	return r;
}

uint32_t rf_egress_rule(const struct rf_compile *c, const struct rf_egress *egress)
{
	return c->egress_rules[rf_index_position(&c->egresses, &egress->meta)];
}

/* ---- grants ---- */

static size_t run_end(const struct rf_compile *c, size_t first)
{
	size_t end = first + 1;

	while (end < c->egress_claim_count && !compare_claims(&c->egress_claims[first], &c->egress_claims[end]))
		end++;
	return end;
}

static const struct rf_egress_claim *first_of(const struct rf_compile *c, size_t first, size_t end, enum rf_egress_protocol protocol)
{
	for (size_t i = first; i < end; i++)
		if (c->egress_claims[i].port->protocol == protocol)
			return &c->egress_claims[i];
	return NULL;
}

/* What decides this (source, port) request by request, or NULL: nothing does. */
static const struct rf_egress_claim *checked(const struct rf_compile *c, size_t first, size_t end)
{
	const struct rf_egress_claim *http = first_of(c, first, end, RF_EGRESS_PROTOCOL_HTTP);

	return http ? http : first_of(c, first, end, RF_EGRESS_PROTOCOL_HTTPS);
}

static const char *protocol_name(enum rf_egress_protocol protocol)
{
	static const char *const names[] = {
		[RF_EGRESS_PROTOCOL_TCP] = "tcp", [RF_EGRESS_PROTOCOL_HTTP] = "http", [RF_EGRESS_PROTOCOL_HTTPS] = "https"};

	return names[protocol];
}

static int warn_loser(struct rf_compile *c, const struct rf_egress_claim *winner, const struct rf_egress_claim *loser)
{
	return rf_diag_warning(c->diags, loser->port->place,
			       "Egress %s/%s: port %u as %s opens nothing for %s/%s, as Egress %s/%s (%s:%u) says %s",
			       loser->egress->meta.ns, loser->egress->meta.name, loser->port->port, protocol_name(loser->port->protocol),
			       loser->source->ns, loser->source->name, winner->egress->meta.ns, winner->egress->meta.name,
			       winner->port->place.file, winner->port->place.line, protocol_name(winner->port->protocol));
}

static int warn_conflicts(struct rf_compile *c, const struct rf_egress_claim *winner, size_t first, size_t end)
{
	int r = 0;

	for (size_t i = first; !r && i < end; i++) {
		const struct rf_egress_claim *loser = &c->egress_claims[i];

		if (loser->port->protocol != winner->port->protocol && (i == first || loser[-1].port != loser->port))
			r = warn_loser(c, winner, loser);
	}
	return r;
}

static int fill_grant(struct rf_compile *c, const struct rf_egress_claim *winner, size_t first, size_t end, struct rf_egress_grant *grant)
{
	grant->objects = rf_arena_alloc(c->arena, (end - first) * sizeof(const struct rf_egress *));
	if (!grant->objects)
		return -ENOMEM;
	for (size_t i = first; i < end; i++) {
		const struct rf_egress_claim *claim = &c->egress_claims[i];

		if (claim->port->protocol != winner->port->protocol || !claim->egress->host_count)
			continue; /* without hosts: named by the decoder */
		if (!grant->count || grant->objects[grant->count - 1] != claim->egress)
			grant->objects[grant->count++] = claim->egress;
	}
	return 0;
}

static int add_grant(struct rf_compile *c, size_t first, size_t end)
{
	const struct rf_egress_claim *winner = checked(c, first, end);
	struct rf_egress_grant *grant;
	int r;

	if (!winner)
		return 0;
	grant = RF_ARENA_PUSH(c->arena, c->egress_grants, c->egress_grant_count);
	if (!grant)
		return -ENOMEM;
	*grant = (struct rf_egress_grant){
		.src = winner->src,
		.port = winner->port->port,
		.kind = winner->port->protocol == RF_EGRESS_PROTOCOL_HTTP ? RF_EGRESS_HTTP : RF_EGRESS_HTTPS,
		.rule_id = rf_egress_rule(c, winner->egress),
		.routes_id = RF_ROUTES_NONE,
	};
	r = fill_grant(c, winner, first, end, grant);
	return r ? r : warn_conflicts(c, winner, first, end);
}

int rf_compile_egress_grants(struct rf_compile *c)
{
	int r = collect(c);

	for (size_t i = 0, end; !r && i < c->egress_claim_count; i = end) {
		end = run_end(c, i);
		r = add_grant(c, i, end);
	}
	return r;
}

/* ---- the table ---- */

struct entries {
	struct entry *items;
	size_t count;
};

static struct rf_egress_key key_of(rf_identity_t src, uint16_t port, const struct rf_prefix *to)
{
	return (struct rf_egress_key){
		.prefixlen = RF_EGRESS_FIXED_BITS + to->len, .port = port, .proto = IPPROTO_TCP, .src = src, .addr = to->net};
}

static int add_entry(struct rf_compile *c, struct entries *entries, struct entry entry)
{
	int r = rf_capacity(c, "Egress entries before equal ones are merged", entries->count + 1, 4 * (size_t)RF_EGRESS_MAX);
	struct entry *slot = r ? NULL : RF_ARENA_PUSH(c->arena, entries->items, entries->count);

	if (!slot)
		return r ? r : -ENOMEM;
	*slot = entry;
	return 0;
}

/* The address ranges of an Egress; none: any address of both families. */
static int ranges_of(struct rf_compile *c, const struct rf_egress *egress, struct rf_prefixes *ret)
{
	int r = 0;

	for (size_t i = 0; !r && i < egress->range_count; i++)
		r = rf_prefixes_add(c, ret, &egress->ranges[i].net, egress->ranges[i].prefix_len);
	if (!egress->range_count) {
		if (!RF_ARENA_PUSH(c->arena, ret->items, ret->count))
			return -ENOMEM;
	}
	return r;
}

static int open_claim(struct rf_compile *c, struct entries *entries, const struct rf_egress_claim *claim)
{
	struct rf_prefixes to = {0};
	int r = ranges_of(c, claim->egress, &to);

	for (size_t i = 0; !r && i < to.count; i++)
		r = add_entry(c, entries,
			      (struct entry){.key = key_of(claim->src, claim->port->port, &to.items[i]),
					     .value = {.verdict = RF_VERDICT_ALLOW,
						       .routes_id = RF_ROUTES_NONE,
						       .rule_id = rf_egress_rule(c, claim->egress)}});
	return r;
}

/* One object without ranges lets requests go anywhere; so does a grant without any object, which answers all of them with 404. */
static bool goes_anywhere(const struct rf_egress_grant *grant)
{
	for (size_t i = 0; i < grant->count; i++)
		if (!grant->objects[i]->range_count)
			return true;
	return !grant->count;
}

static int open_checked(struct rf_compile *c, struct entries *entries, const struct rf_egress_grant *grant, const struct rf_prefix *to,
			size_t count)
{
	int r = 0;

	for (size_t i = 0; !r && i < count; i++)
		r = add_entry(
			c, entries,
			(struct entry){.key = key_of(grant->src, grant->port, &to[i]),
				       .value = {.verdict = RF_VERDICT_L7, .routes_id = grant->routes_id, .rule_id = grant->rule_id}});
	return r;
}

/* The checker asks for the address besides, object by object; here it is that not even a captured one goes elsewhere. */
static int open_grants(struct rf_compile *c, struct entries *entries)
{
	const struct rf_prefix any = {0};
	int r = 0;

	for (size_t i = 0; !r && i < c->egress_grant_count; i++) {
		const struct rf_egress_grant *grant = &c->egress_grants[i];
		struct rf_prefixes to = {0};

		if (goes_anywhere(grant)) {
			r = open_checked(c, entries, grant, &any, 1);
			continue;
		}
		for (size_t k = 0; !r && k < grant->count; k++)
			r = ranges_of(c, grant->objects[k], &to);
		if (!r)
			r = open_checked(c, entries, grant, to.items, to.count);
	}
	return r;
}

static int open_claims(struct rf_compile *c, struct entries *entries)
{
	int r = 0;

	for (size_t i = 0, end; !r && i < c->egress_claim_count; i = end) {
		end = run_end(c, i);
		if (checked(c, i, end))
			continue;
		for (size_t k = i; !r && k < end; k++)
			r = open_claim(c, entries, &c->egress_claims[k]);
	}
	return r;
}

/* Of equal entries of several objects the first object explains them. */
static int compare_entries(const void *pa, const void *pb)
{
	const struct entry *a = pa, *b = pb;
	int r = rf_egress_compare(&a->key, &b->key);

	return r ? r : rf_compare_u64(a->value.rule_id, b->value.rule_id);
}

static int write_table(struct rf_compile *c, const struct entries *entries)
{
	struct rf_policy *p = c->policy;

	if (entries->count)
		qsort(entries->items, entries->count, sizeof(*entries->items), compare_entries);
	p->egress_keys = rf_arena_alloc(p->arena, entries->count * sizeof(*p->egress_keys));
	p->egress_values = rf_arena_alloc(p->arena, entries->count * sizeof(*p->egress_values));
	if (!p->egress_keys || !p->egress_values)
		return -ENOMEM;
	for (size_t i = 0; i < entries->count; i++) {
		const struct entry *e = &entries->items[i];

		if (i && !rf_egress_compare(&e[-1].key, &e->key))
			continue;
		p->egress_keys[p->egress_count] = e->key;
		p->egress_values[p->egress_count++] = e->value;
	}
	return 0;
}

int rf_compile_egress(struct rf_compile *c)
{
	struct entries entries = {0};
	int r = open_claims(c, &entries);

	if (!r)
		r = open_grants(c, &entries);
	return r ? r : write_table(c, &entries);
}
