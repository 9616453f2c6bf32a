/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which TCP ports a ServiceAccount's pods serve and of which kind, by declaration: every Service that selects one of its workloads or
 * running pods declares its targetPorts. A port that no Service declares is not served: nothing can be granted on it.
 */
#include <errno.h>
#include <stdlib.h>

#include "policy/compile.h"

struct claim {
	struct rf_served served;
	const struct rf_account *account;
	const struct rf_service *service;
	const struct rf_service_port *port;
	size_t sequence;
};

struct claims {
	struct claim *items;
	size_t count;
};

static int compare_claims(const void *pa, const void *pb)
{
	const struct claim *a = pa, *b = pb;
	int r = rf_compare_u64(a->served.account, b->served.account);

	if (!r)
		r = rf_compare_u64(a->served.port, b->served.port);
	return r;
}

static bool is_tcp(const struct rf_service_port *port)
{
	return port->kind == RF_PORT_HTTP || port->kind == RF_PORT_GRPC || port->kind == RF_PORT_TCP;
}

static int claim_ports(struct rf_compile *c, struct claims *claims, const struct rf_service *service, const struct rf_account *account)
{
	for (size_t i = 0; i < service->port_count; i++) {
		const struct rf_service_port *port = &service->ports[i];
		struct claim *claim;

		if (!is_tcp(port) || !port->target_port)
			continue;
		claim = RF_ARENA_PUSH(c->arena, claims->items, claims->count);
		if (!claim)
			return -ENOMEM;
		*claim = (struct claim){
			.served = {.account = account->id, .port = port->target_port, .l7 = port->kind != RF_PORT_TCP},
			.account = account,
			.service = service,
			.port = port,
			.sequence = claims->count,
		};
	}
	return 0;
}

static int claim_service(struct rf_compile *c, struct claims *claims, const struct rf_service *service)
{
	size_t n;
	const struct rf_subject *subjects = rf_subjects_of(c, service->meta.ns, &n);
	const struct rf_account *last = NULL;

	for (size_t i = 0; i < n; i++) {
		const struct rf_account *account;
		int r;

		if (!rf_service_selects(service, &subjects[i]))
			continue;
		account = rf_account_find(c, subjects[i].ns, subjects[i].service_account);
		if (!account || account == last) /* the pods of one Deployment stand side by side */
			continue;
		last = account;
		r = claim_ports(c, claims, service, account);
		if (r)
			return r;
	}
	return 0;
}

/* Claims are made in the order of the sorted Services; the sequence number keeps that order among equals. */
static int compare_order(const void *pa, const void *pb)
{
	const struct claim *a = pa, *b = pb;
	int r = compare_claims(a, b);

	return r ? r : rf_compare_u64(a->sequence, b->sequence);
}

static int warn_conflict(struct rf_compile *c, const struct claim *a, const struct claim *b)
{
	const struct claim *tcp = a->served.l7 ? b : a, *http = a->served.l7 ? a : b;

	return rf_diag_warning(c->diags, tcp->port->place,
			       "Service %s/%s declares port %u of ServiceAccount %s/%s as tcp, Service %s/%s as http: treated as http",
			       tcp->service->meta.ns, tcp->service->meta.name, tcp->served.port, tcp->account->ns, tcp->account->name,
			       http->service->meta.ns, http->service->meta.name);
}

static int merge(struct rf_compile *c, const struct claims *claims)
{
	for (size_t i = 0, end; i < claims->count; i = end) {
		const struct claim *first = &claims->items[i], *other = NULL;
		struct rf_served *served = RF_ARENA_PUSH(c->arena, c->served, c->served_count);

		if (!served)
			return -ENOMEM;
		*served = first->served;
		for (end = i + 1; end < claims->count && !compare_claims(first, &claims->items[end]); end++)
			if (!other && claims->items[end].served.l7 != first->served.l7)
				other = &claims->items[end];
		if (!other)
			continue;
		served->l7 = true; /* the stricter of the two: requests are checked */
		if (warn_conflict(c, first, other) < 0)
			return -ENOMEM;
	}
	return 0;
}

int rf_compile_ports(struct rf_compile *c)
{
	struct claims claims = {0};
	int r = 0;

	for (size_t i = 0; !r && i < c->services.count; i++)
		r = claim_service(c, &claims, (const struct rf_service *)c->services.items[i]);
	if (r)
		return r;
	if (claims.count)
		qsort(claims.items, claims.count, sizeof(*claims.items), compare_order);
	return merge(c, &claims);
}

const struct rf_served *rf_served_of(const struct rf_compile *c, rf_identity_t account, size_t *ret_count)
{
	size_t low = 0, high = c->served_count, end;

	while (low < high) {
		size_t mid = low + (high - low) / 2;

		if (c->served[mid].account < account)
			low = mid + 1;
		else
			high = mid;
	}
	for (end = low; end < c->served_count && c->served[end].account == account;)
		end++;
	*ret_count = end - low;
	return c->served ? c->served + low : NULL;
}
