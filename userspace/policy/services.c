/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Service addresses and what stands behind them. A Service keeps its spec.clusterIP; one without gets an address of the service range from
 * the hash of its name, so that the same Service has the same address after a restart and on another node. The range's network address,
 * its first address (the node's own, by habit) and its broadcast address are never given away.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "policy/compile.h"

static int compare_endpoints(const void *a, const void *b)
{
	return memcmp(a, b, sizeof(struct rf_subject_addr)); /* network byte order: as the numbers do */
}

static bool has_address(const struct rf_subject *s)
{
	return s->running && (!rf_addr_is_none(&s->addr.addr4) || !rf_addr_is_none(&s->addr.addr6));
}

int rf_service_endpoints(const struct rf_compile *c, struct rf_arena *arena, const struct rf_service *service,
			 const struct rf_subject_addr **ret, size_t *ret_count)
{
	size_t n, count = 0, unique = 0;
	const struct rf_subject *subjects = rf_subjects_of(c, service->meta.ns, &n);
	struct rf_subject_addr *addrs = NULL;

	for (size_t i = 0; i < n; i++) {
		struct rf_subject_addr *addr;

		if (!has_address(&subjects[i]) || !rf_service_selects(service, &subjects[i]))
			continue;
		addr = RF_ARENA_PUSH(arena, addrs, count);
		if (!addr)
			return -ENOMEM;
		*addr = subjects[i].addr;
	}
	if (count)
		qsort(addrs, count, sizeof(*addrs), compare_endpoints);
	for (size_t i = 0; i < count; i++)
		if (!unique || compare_endpoints(&addrs[unique - 1], &addrs[i]))
			addrs[unique++] = addrs[i];
	*ret = addrs;
	*ret_count = unique;
	return 0;
}

/* ---- addresses ---- */

/* The service range as an array of "given away", one byte an address: 64 KiB for the default /16. Larger ranges use their first 2^20. */
#define RANGE_MAX (1u << 20)
struct range {
	uint32_t net; /* host order */
	uint32_t size;
	bool *used;
};

static int range_init(struct rf_compile *c, struct range *ret)
{
	uint32_t mask = ntohl(c->input->service_mask_be);
	uint32_t size = mask ? ~mask + 1 : RANGE_MAX;

	*ret = (struct range){.net = ntohl(c->input->service_net_be) & mask, .size = size > RANGE_MAX ? RANGE_MAX : size};
	ret->used = rf_arena_alloc(c->arena, ret->size * sizeof(bool));
	return ret->used ? 0 : -ENOMEM;
}

static void reserve(struct range *range, uint32_t addr_be)
{
	uint32_t offset = ntohl(addr_be) - range->net;

	if (offset < range->size)
		range->used[offset] = true;
}

/* Every given clusterIP is set aside before the first address is chosen, so a chosen one never is in another Service's way: neither as it
 * is, nor as the IPv6 address that goes with it. */
static void reserve_given(const struct rf_compile *c, struct range *range)
{
	for (size_t i = 0; i < c->services.count; i++) {
		const struct rf_service *s = (const struct rf_service *)c->services.items[i];
		struct rf_addr embedded = rf_addr_embed(&c->input->service_net6, s->cluster_ip6.be[3]);

		if (rf_addr_is4(&s->cluster_ip4))
			reserve(range, s->cluster_ip4.be[3]);
		if (!rf_addr_is_none(&s->cluster_ip6) && rf_addr_equal(&s->cluster_ip6, &embedded))
			reserve(range, s->cluster_ip6.be[3]);
	}
}

/* Network, first and broadcast address are never given. Probing goes through the range once; 0: it is full. */
static uint32_t probe(const struct rf_service *service, struct range *range)
{
	char text[RF_IDENTITY_NAME_MAX];
	int n = snprintf(text, sizeof(text), "%s/%s", service->meta.ns, service->meta.name);
	uint64_t start;

	if (n < 0 || (size_t)n >= sizeof(text))
		return 0;
	start = rf_identity_hash(text, (unsigned)n);
	for (uint32_t i = 0; i < range->size; i++) {
		uint32_t offset = (uint32_t)((start + i) % range->size);

		if (offset < 2 || offset == range->size - 1 || range->used[offset])
			continue;
		range->used[offset] = true;
		return htonl(range->net + offset);
	}
	return 0;
}

static int warn_no_ipv6(struct rf_compile *c, const struct rf_service *s)
{
	return rf_diag_warning(c->diags, s->family_place, "Service %s/%s asks for IPv6, which this machine does not have: %s", s->meta.ns,
			       s->meta.name, s->family4 ? "it has IPv4 only" : "it has no address");
}

/* An IPv6 address is chosen by choosing an IPv4 one, also where the Service shows only the former: so no two can meet. */
static int choose(struct rf_compile *c, const struct rf_service *s, struct range *range, struct rf_service_address *ret)
{
	const struct rf_addr *net6 = &c->input->service_net6;
	bool want6 = s->family6 && !rf_addr_is_none(net6);
	struct rf_addr addr4 = s->cluster_ip4;

	if (rf_addr_is_none(&addr4) && (s->family4 || (want6 && rf_addr_is_none(&s->cluster_ip6)))) {
		uint32_t chosen = probe(s, range);

		if (!chosen)
			return rf_diag_error(
				c->diags, s->meta.place,
				"no address is left in the service range for Service %s/%s: set RINGFENCE_SERVICE_CIDR to a larger one",
				s->meta.ns, s->meta.name);
		addr4 = rf_addr4(chosen);
	}
	if (s->family4)
		ret->addr4 = addr4;
	if (want6)
		ret->addr6 = rf_addr_is_none(&s->cluster_ip6) ? rf_addr_embed(net6, addr4.be[3]) : s->cluster_ip6;
	return 0;
}

static int address(struct rf_compile *c, const struct rf_service *service, struct range *range, struct rf_service_address *ret)
{
	struct rf_arena *arena = c->policy->arena;
	int r = 0;

	ret->ns = rf_arena_strdup(arena, service->meta.ns);
	ret->name = rf_arena_strdup(arena, service->meta.name);
	if (!ret->ns || !ret->name)
		return -ENOMEM;
	ret->family4 = service->family4;
	ret->family6 = service->family6;
	if (service->family6 && rf_addr_is_none(&c->input->service_net6))
		r = warn_no_ipv6(c, service);
	if (!r && !service->headless)
		r = choose(c, service, range, ret);
	return r ? r : rf_service_endpoints(c, arena, service, &ret->endpoints, &ret->endpoint_count);
}

/* ---- no address twice ---- */

struct owner {
	struct rf_addr addr;
	size_t service; /* position in the index: in the order of names */
};

static int compare_owners(const void *pa, const void *pb)
{
	const struct owner *a = pa, *b = pb;
	int r = memcmp(&a->addr, &b->addr, sizeof(a->addr));

	return r ? r : rf_compare_u64(a->service, b->service); /* the later one gets the error */
}

static int check_distinct(struct rf_compile *c)
{
	const struct rf_policy *p = c->policy;
	struct owner *owners = rf_arena_alloc(c->arena, 2 * p->address_count * sizeof(*owners));
	size_t n = 0;

	if (!owners)
		return -ENOMEM;
	for (size_t i = 0; i < p->address_count; i++) {
		if (!rf_addr_is_none(&p->addresses[i].addr4))
			owners[n++] = (struct owner){p->addresses[i].addr4, i};
		if (!rf_addr_is_none(&p->addresses[i].addr6))
			owners[n++] = (struct owner){p->addresses[i].addr6, i};
	}
	if (n)
		qsort(owners, n, sizeof(*owners), compare_owners);
	for (size_t i = 1; i < n; i++) {
		const struct rf_meta *first = c->services.items[owners[i - 1].service], *m = c->services.items[owners[i].service];

		if (rf_addr_equal(&owners[i - 1].addr, &owners[i].addr))
			return rf_diag_error(c->diags, m->place,
					     "Service %s/%s has the clusterIP of Service %s/%s: give it another, or none and it is chosen",
					     m->ns, m->name, first->ns, first->name);
	}
	return 0;
}

/* ---- tables ---- */

/* Behind an address of one family stand the pods' addresses of that family. */
int rf_service_backends(struct rf_compile *c, size_t position, bool is4, uint16_t port, uint32_t *ret_first, uint32_t *ret_count)
{
	struct rf_policy *p = c->policy;
	const struct rf_service_address *a = &p->addresses[position];
	int r = rf_capacity(c, "Service backends", p->backend_count + a->endpoint_count, RF_BACKENDS_MAX);
	uint32_t first = (uint32_t)p->backend_count;

	for (size_t i = 0; !r && i < a->endpoint_count; i++) {
		const struct rf_addr *addr = is4 ? &a->endpoints[i].addr4 : &a->endpoints[i].addr6;
		struct rf_backend *b;

		if (rf_addr_is_none(addr))
			continue;
		b = RF_ARENA_PUSH(p->arena, p->backends, p->backend_count);
		if (!b)
			return -ENOMEM;
		*b = (struct rf_backend){.addr = *addr, .port = port};
	}
	if (r)
		return r;
	*ret_first = first;
	*ret_count = (uint32_t)p->backend_count - first;
	return 0;
}

static uint8_t protocol(const struct rf_service_port *port)
{
	return port->kind == RF_PORT_UDP ? IPPROTO_UDP : IPPROTO_TCP;
}

/* A Service port is in the table even if nobody serves it: then the answer is "no backend", not "no such Service". */
static int add_port(struct rf_compile *c, size_t position, bool is4, const struct rf_service_port *port)
{
	struct rf_policy *p = c->policy;
	const struct rf_service_address *a = &p->addresses[position];
	size_t n = p->services_count;
	struct rf_service_key *key = RF_ARENA_PUSH(p->arena, p->services_keys, p->services_count);
	struct rf_service_value *value = RF_ARENA_PUSH(p->arena, p->services_values, n);

	if (!key || !value)
		return -ENOMEM;
	*key = (struct rf_service_key){.addr = is4 ? a->addr4 : a->addr6, .port = port->port, .proto = protocol(port)};
	*value = (struct rf_service_value){0};
	return port->target_port ? rf_service_backends(c, position, is4, port->target_port, &value->first, &value->count) : 0;
}

static bool seen_before(const struct rf_service *service, size_t i)
{
	for (size_t j = 0; j < i; j++)
		if (service->ports[j].port == service->ports[i].port && protocol(&service->ports[j]) == protocol(&service->ports[i]))
			return true;
	return false;
}

static int add_families(struct rf_compile *c, size_t position, const struct rf_service_port *port)
{
	const struct rf_service_address *a = &c->policy->addresses[position];
	int r = 0;

	if (!rf_addr_is_none(&a->addr4))
		r = add_port(c, position, true, port);
	if (!r && !rf_addr_is_none(&a->addr6))
		r = add_port(c, position, false, port);
	return r;
}

static int add_ports(struct rf_compile *c, size_t position, const struct rf_service *service)
{
	for (size_t i = 0; i < service->port_count; i++) {
		const struct rf_service_port *port = &service->ports[i];
		int r;

		if (seen_before(service, i))
			r = rf_diag_warning(c->diags, port->place, "Service %s/%s declares port %u twice: the first one counts",
					    service->meta.ns, service->meta.name, port->port);
		else
			r = add_families(c, position, port);
		if (r < 0)
			return r;
	}
	return 0;
}

static int add_service(struct rf_compile *c, size_t position, struct range *range)
{
	const struct rf_service *service = (const struct rf_service *)c->services.items[position];
	struct rf_policy *p = c->policy;
	struct rf_service_address *a = RF_ARENA_PUSH(p->arena, p->addresses, p->address_count);
	int r = a ? address(c, service, range, a) : -ENOMEM;

	c->service_entries[position] = p->services_count;
	return r ? r : add_ports(c, position, service);
}

static int name_address(struct rf_policy *p, const struct rf_service_address *a, const struct rf_addr *addr)
{
	size_t n = p->service_names_count;
	struct rf_addr *key;
	struct rf_name *value;

	if (rf_addr_is_none(addr))
		return 0;
	key = RF_ARENA_PUSH(p->arena, p->service_names_keys, p->service_names_count);
	value = RF_ARENA_PUSH(p->arena, p->service_names_values, n);
	if (!key || !value)
		return -ENOMEM;
	*key = *addr;
	snprintf(value->text, sizeof(value->text), "%s/%s", a->ns, a->name);
	return 0;
}

static int name_addresses(struct rf_compile *c)
{
	struct rf_policy *p = c->policy;
	int r = 0;

	for (size_t i = 0; !r && i < p->address_count; i++) {
		r = name_address(p, &p->addresses[i], &p->addresses[i].addr4);
		if (!r)
			r = name_address(p, &p->addresses[i], &p->addresses[i].addr6);
	}
	return r;
}

int rf_compile_services(struct rf_compile *c)
{
	struct range range;
	int r = range_init(c, &range);

	c->service_entries = rf_arena_alloc(c->arena, (c->services.count + 1) * sizeof(*c->service_entries));
	if (r || !c->service_entries)
		return r ? r : -ENOMEM;
	reserve_given(c, &range);
	for (size_t i = 0; !r && i < c->services.count; i++)
		r = add_service(c, i, &range);
	c->service_entries[c->services.count] = c->policy->services_count;
	if (!r)
		r = check_distinct(c);
	return r ? r : name_addresses(c);
}
