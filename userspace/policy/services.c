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

static int compare_addr_be(const void *a, const void *b)
{
	return rf_compare_u64(ntohl(*(const uint32_t *)a), ntohl(*(const uint32_t *)b));
}

/* Equal addresses stay in the order of names: the later one gets the error. */
static int compare_cluster_ips(const void *pa, const void *pb)
{
	const struct rf_service *a = *(const struct rf_service *const *)pa, *b = *(const struct rf_service *const *)pb;
	int r = compare_addr_be(&a->cluster_ip_be, &b->cluster_ip_be);

	if (!r)
		r = strcmp(a->meta.ns, b->meta.ns);
	return r ? r : strcmp(a->meta.name, b->meta.name);
}

int rf_service_endpoints(const struct rf_compile *c, struct rf_arena *arena, const struct rf_service *service, const uint32_t **ret,
			 size_t *ret_count)
{
	size_t n, count = 0, unique = 0;
	const struct rf_subject *subjects = rf_subjects_of(c, service->meta.ns, &n);
	uint32_t *addrs = NULL;

	for (size_t i = 0; i < n; i++) {
		uint32_t *addr;

		if (!subjects[i].running || !subjects[i].addr_be || !rf_service_selects(service, &subjects[i]))
			continue;
		addr = RF_ARENA_PUSH(arena, addrs, count);
		if (!addr)
			return -ENOMEM;
		*addr = subjects[i].addr_be;
	}
	if (count)
		qsort(addrs, count, sizeof(*addrs), compare_addr_be);
	for (size_t i = 0; i < count; i++)
		if (!unique || addrs[unique - 1] != addrs[i])
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

/* Every given clusterIP is set aside before the first address is chosen, so a chosen one never is in another Service's way. */
static int reserve_given(struct rf_compile *c, struct range *range)
{
	const struct rf_service **by_addr = rf_arena_alloc(c->arena, c->services.count * sizeof(const struct rf_service *));
	size_t n = 0;

	if (!by_addr)
		return -ENOMEM;
	for (size_t i = 0; i < c->services.count; i++) {
		const struct rf_service *s = (const struct rf_service *)c->services.items[i];
		uint32_t offset = ntohl(s->cluster_ip_be) - range->net;

		if (s->headless || !s->cluster_ip_be)
			continue;
		if (offset < range->size)
			range->used[offset] = true;
		by_addr[n++] = s;
	}
	if (n)
		qsort(by_addr, n, sizeof(*by_addr), compare_cluster_ips);
	for (size_t i = 1; i < n; i++)
		if (by_addr[i - 1]->cluster_ip_be == by_addr[i]->cluster_ip_be)
			return rf_diag_error(c->diags, by_addr[i]->meta.place, "Service %s/%s has the clusterIP of Service %s/%s",
					     by_addr[i]->meta.ns, by_addr[i]->meta.name, by_addr[i - 1]->meta.ns,
					     by_addr[i - 1]->meta.name);
	return 0;
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

static int address(struct rf_compile *c, const struct rf_service *service, struct range *range, struct rf_service_address *ret)
{
	struct rf_arena *arena = c->policy->arena;

	ret->ns = rf_arena_strdup(arena, service->meta.ns);
	ret->name = rf_arena_strdup(arena, service->meta.name);
	if (!ret->ns || !ret->name)
		return -ENOMEM;
	if (!service->headless)
		ret->addr_be = service->cluster_ip_be ? service->cluster_ip_be : probe(service, range);
	if (!service->headless && !ret->addr_be)
		return rf_diag_error(c->diags, service->meta.place, "no address is left in the service range for Service %s/%s",
				     service->meta.ns, service->meta.name);
	return rf_service_endpoints(c, arena, service, &ret->endpoints_be, &ret->endpoint_count);
}

/* ---- tables ---- */

static int add_backends(struct rf_compile *c, const struct rf_service_address *a, uint16_t port, struct rf_service_value *value)
{
	struct rf_policy *p = c->policy;
	int r = rf_capacity(c, "Service backends", p->backend_count + a->endpoint_count, RF_BACKENDS_MAX);

	value->first = (uint32_t)p->backend_count;
	for (size_t i = 0; !r && i < a->endpoint_count; i++) {
		struct rf_backend *b = RF_ARENA_PUSH(p->arena, p->backends, p->backend_count);

		if (!b)
			return -ENOMEM;
		*b = (struct rf_backend){.addr_be = a->endpoints_be[i], .port = port};
		value->count++;
	}
	return r;
}

/* A Service port is in the table even if nobody serves it: then the answer is "no backend", not "no such Service". */
static int add_port(struct rf_compile *c, const struct rf_service_address *a, const struct rf_service_port *port)
{
	struct rf_policy *p = c->policy;
	size_t n = p->services_count;
	struct rf_service_key *key = RF_ARENA_PUSH(p->arena, p->services_keys, p->services_count);
	struct rf_service_value *value = RF_ARENA_PUSH(p->arena, p->services_values, n);

	if (!key || !value)
		return -ENOMEM;
	*key = (struct rf_service_key){.addr_be = a->addr_be, .port = port->port, .proto = IPPROTO_TCP};
	*value = (struct rf_service_value){0};
	return port->target_port ? add_backends(c, a, port->target_port, value) : 0;
}

static bool seen_before(const struct rf_service *service, size_t i)
{
	for (size_t j = 0; j < i; j++)
		if (service->ports[j].port == service->ports[i].port && service->ports[j].kind != RF_PORT_UDP)
			return true;
	return false;
}

static int add_ports(struct rf_compile *c, const struct rf_service_address *a, const struct rf_service *service)
{
	for (size_t i = 0; i < service->port_count; i++) {
		const struct rf_service_port *port = &service->ports[i];
		int r;

		if (port->kind == RF_PORT_UDP)
			continue;
		if (seen_before(service, i))
			r = rf_diag_warning(c->diags, port->place, "Service %s/%s declares port %u twice: the first one counts",
					    service->meta.ns, service->meta.name, port->port);
		else
			r = add_port(c, a, port);
		if (r < 0)
			return r;
	}
	return 0;
}

static int add_service(struct rf_compile *c, const struct rf_service *service, struct range *range)
{
	struct rf_policy *p = c->policy;
	struct rf_service_address *a = RF_ARENA_PUSH(p->arena, p->addresses, p->address_count);
	int r = a ? address(c, service, range, a) : -ENOMEM;

	return r || service->headless ? r : add_ports(c, a, service);
}

int rf_compile_services(struct rf_compile *c)
{
	struct range range;
	int r = range_init(c, &range);

	if (!r)
		r = reserve_given(c, &range);
	for (size_t i = 0; !r && i < c->services.count; i++)
		r = add_service(c, (const struct rf_service *)c->services.items[i], &range);
	return r;
}
