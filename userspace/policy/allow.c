/* SPDX-License-Identifier: Apache-2.0 */
/* The allow list in the kernel's structs, sorted by (source, destination, port, protocol). */
#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>

#include "policy/compile.h"
#include "policy/lookup.h"

struct entry {
	struct rf_allow_key key;
	struct rf_allow_value value;
};

static int compare_entries(const void *a, const void *b)
{
	return rf_allow_compare(&((const struct entry *)a)->key, &((const struct entry *)b)->key);
}

static struct entry make_entry(const struct rf_compile *c, const struct rf_pair *pair)
{
	return (struct entry){
		.key = {.src = pair->src, .dst = pair->dst, .port = pair->port, .proto = pair->proto},
		.value = {.verdict = pair->l7 ? RF_VERDICT_L7 : RF_VERDICT_ALLOW,
			  .routes_id = pair->routes_id,
			  .rule_id = c->target_rules[pair->target]},
	};
}

/* For every source: permissive mode with strictAuthority. */
static struct entry make_named(const struct rf_named_port *port)
{
	return (struct entry){
		.key = {.dst = port->dst, .port = port->port, .proto = IPPROTO_TCP},
		.value = {.verdict = RF_VERDICT_L7, .routes_id = port->routes_id},
	};
}

int rf_compile_allow(struct rf_compile *c)
{
	struct rf_policy *p = c->policy;
	size_t n = c->pair_count + c->named_port_count;
	struct entry *entries = rf_arena_alloc(c->arena, n * sizeof(*entries));

	p->allow_keys = rf_arena_alloc(p->arena, n * sizeof(*p->allow_keys));
	p->allow_values = rf_arena_alloc(p->arena, n * sizeof(*p->allow_values));
	if (!entries || !p->allow_keys || !p->allow_values)
		return -ENOMEM;
	for (size_t i = 0; i < c->pair_count; i++)
		entries[i] = make_entry(c, &c->pairs[i]);
	for (size_t i = 0; i < c->named_port_count; i++)
		entries[c->pair_count + i] = make_named(&c->named_ports[i]);
	if (n)
		qsort(entries, n, sizeof(*entries), compare_entries);
	for (size_t i = 0; i < n; i++) {
		p->allow_keys[i] = entries[i].key;
		p->allow_values[i] = entries[i].value;
	}
	p->allow_count = n;
	return 0;
}
