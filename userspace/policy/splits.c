/* SPDX-License-Identifier: Apache-2.0 */
/*
 * TrafficSplit: connections to the root Service's address go to the pods of its backends by weight, on the backend's own port of the same
 * number. TCP only: what OSM's sidecar does not see, UDP, it does not split either. What is not there is a part without pods, so that
 * traffic that is shifted to nobody is refused and not silently served by the others.
 */
#include <errno.h>
#include <netinet/in.h>
#include <string.h>

#include "policy/compile.h"

struct part {
	const struct rf_split_backend *backend;
	const struct rf_service *service; /* NULL: there is none of that name */
	size_t position;
};

static const struct rf_service_port *find_port(const struct rf_service *service, uint16_t port)
{
	for (size_t i = 0; i < service->port_count; i++)
		if (service->ports[i].kind != RF_PORT_UDP && service->ports[i].port == port)
			return &service->ports[i];
	return NULL;
}

static int warn_no_port(struct rf_compile *c, const struct part *part, uint16_t port)
{
	return rf_diag_warning(c->diags, part->backend->place,
			       "Service %s/%s has no TCP port %u, as the root has: connections that are shifted to it are refused",
			       part->service->meta.ns, part->service->meta.name, port);
}

/* The pods of one backend behind one port of the root; said: the other family of that port has had the warning. */
static int fill_part(struct rf_compile *c, const struct part *part, const struct rf_service_key *key, bool said, struct rf_split_part *slot)
{
	const struct rf_service_port *port = part->service ? find_port(part->service, key->port) : NULL;

	if (part->service && !port)
		return said ? 0 : warn_no_port(c, part, key->port);
	if (!port || !port->target_port)
		return 0; /* named by the objects' own check */
	return rf_service_backends(c, part->position, rf_addr_is4(&key->addr), port->target_port, &slot->first, &slot->count);
}

static int add_part(struct rf_compile *c, const struct part *part, const struct rf_service_key *key, bool said, uint32_t *until)
{
	struct rf_policy *p = c->policy;
	int r = rf_capacity(c, "parts of TrafficSplits", p->split_count + 1, RF_SPLITS_MAX);
	struct rf_split_part *slot = r ? NULL : RF_ARENA_PUSH(p->arena, p->splits, p->split_count);

	if (!slot)
		return r ? r : -ENOMEM;
	*until += part->backend->weight;
	slot->until = *until;
	return fill_part(c, part, key, said, slot);
}

static int split_entry(struct rf_compile *c, const struct part *parts, size_t count, size_t entry, bool said)
{
	const struct rf_service_key key = c->policy->services_keys[entry];
	struct rf_service_value value = {.parts_first = (uint32_t)c->policy->split_count};
	uint32_t until = 0;
	int r = 0;

	for (size_t i = 0; !r && i < count; i++) {
		if (parts[i].backend->weight)
			r = add_part(c, &parts[i], &key, said, &until);
	}
	value.parts = (uint32_t)c->policy->split_count - value.parts_first;
	c->policy->services_values[entry] = value; /* all weights 0: neither parts nor pods, so nobody is served */
	return r;
}

static int find_parts(struct rf_compile *c, const struct rf_traffic_split *split, struct part **ret)
{
	struct part *parts = rf_arena_alloc(c->arena, split->backend_count * sizeof(*parts));

	if (!parts)
		return -ENOMEM;
	for (size_t i = 0; i < split->backend_count; i++) {
		const struct rf_meta *meta = rf_index_find(&c->services, split->meta.ns, split->backends[i].service);

		parts[i] = (struct part){.backend = &split->backends[i],
					 .service = (const struct rf_service *)meta,
					 .position = meta ? rf_index_position(&c->services, meta) : 0};
	}
	*ret = parts;
	return 0;
}

static int warn_headless(struct rf_compile *c, const struct rf_traffic_split *split)
{
	return rf_diag_warning(c->diags, split->meta.place, "Service %s/%s has no address of its own: TrafficSplit %s/%s moves no traffic",
			       split->meta.ns, split->service, split->meta.ns, split->meta.name);
}

static int split_root(struct rf_compile *c, const struct rf_traffic_split *split, size_t root)
{
	const struct rf_service_key *keys = c->policy->services_keys;
	size_t first = c->service_entries[root];
	struct part *parts;
	int r = find_parts(c, split, &parts);

	if (!r && ((const struct rf_service *)c->services.items[root])->headless)
		return warn_headless(c, split);
	for (size_t i = first; !r && i < c->service_entries[root + 1]; i++) {
		bool said = i > first && keys[i - 1].port == keys[i].port && keys[i - 1].proto == IPPROTO_TCP;

		if (keys[i].proto == IPPROTO_TCP)
			r = split_entry(c, parts, split->backend_count, i, said);
	}
	return r;
}

/* As OSM: of two for one root the first is taken; the order is that of names. */
static int compile_split(struct rf_compile *c, const struct rf_traffic_split *split)
{
	const struct rf_traffic_split **roots = c->root_splits;
	const struct rf_meta *meta = rf_index_find(&c->services, split->meta.ns, split->service);
	size_t root = meta ? rf_index_position(&c->services, meta) : 0;

	if (!meta || split->has_matches)
		return 0; /* named by the objects' own check */
	if (roots[root])
		return rf_diag_warning(c->diags, split->meta.place,
				       "TrafficSplit %s/%s moves no traffic: %s (%s:%u) splits Service %s already", split->meta.ns,
				       split->meta.name, roots[root]->meta.name, roots[root]->meta.place.file, roots[root]->meta.place.line,
				       split->service);
	roots[root] = split;
	return split_root(c, split, root);
}

int rf_compile_splits(struct rf_compile *c)
{
	int r = 0;

	c->root_splits = rf_arena_alloc(c->arena, c->services.count * sizeof(const struct rf_traffic_split *));
	if (!c->root_splits)
		return -ENOMEM;
	for (size_t i = 0; !r && i < c->splits.count; i++)
		r = compile_split(c, (const struct rf_traffic_split *)c->splits.items[i]);
	return r;
}
