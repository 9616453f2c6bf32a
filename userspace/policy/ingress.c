/* SPDX-License-Identifier: Apache-2.0 */
/*
 * IngressBackend -> which addresses outside the mesh may reach which port (semantics row 19). It is decided when the connection is made:
 * any host, path and method. https admits nothing yet, and an AuthenticatedPrincipal has no address: neither ever widens.
 */
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "policy/lookup.h"
#include "policy/ranges.h"
#include "policy/select.h"

struct entry {
	struct rf_ingress_key key;
	uint32_t rule_id;
};

struct entries {
	struct entry *items;
	size_t count;
};

static int compare_entries(const void *pa, const void *pb)
{
	const struct entry *a = pa, *b = pb;
	int r = rf_ingress_compare(&a->key, &b->key);

	return r ? r : rf_compare_u64(a->rule_id, b->rule_id);
}

static const struct rf_service *find_service(const struct rf_compile *c, const char *ns, const char *name)
{
	return (const struct rf_service *)rf_index_find(&c->services, ns, name);
}

/* Both addresses of a pod. */
static int add_pod(struct rf_compile *c, struct rf_prefixes *sources, const struct rf_subject_addr *pod)
{
	int r = rf_addr_is_none(&pod->addr4) ? 0 : rf_prefixes_add(c, sources, &pod->addr4, 128);

	return r || rf_addr_is_none(&pod->addr6) ? r : rf_prefixes_add(c, sources, &pod->addr6, 128);
}

static int warn_inactive(struct rf_compile *c, const struct rf_ingress_backend *backend, const struct rf_ingress_source *source)
{
	return rf_diag_warning(c->diags, source->place,
			       "IngressBackend %s/%s is not active: endpoints not found for service %s/%s (no running pod)",
			       backend->meta.ns, backend->meta.name, source->ns, source->name);
}

/* 1: usable, 0: there is no such Service or it has no running pod, -ENOMEM */
static int add_service_source(struct rf_compile *c, const struct rf_ingress_backend *backend, const struct rf_ingress_source *source,
			      struct rf_prefixes *sources)
{
	const struct rf_service *service = find_service(c, source->ns, source->name);
	const struct rf_subject_addr *addrs = NULL;
	size_t n = 0;
	int r = service ? rf_service_endpoints(c, c->arena, service, &addrs, &n) : 0;

	if (!r && !n)
		return service ? warn_inactive(c, backend, source) : 0; /* a missing Service is named by the objects' own check */
	for (size_t i = 0; !r && i < n; i++)
		r = add_pod(c, sources, &addrs[i]);
	return r ? r : 1;
}

/* 1: active, 0: a Service source has no endpoints, so the whole object is inactive, -ENOMEM */
static int read_sources(struct rf_compile *c, const struct rf_ingress_backend *backend, struct rf_prefixes *sources)
{
	bool active = true;

	for (size_t i = 0; i < backend->source_count; i++) {
		const struct rf_ingress_source *source = &backend->sources[i];
		int r = 1;

		switch (source->kind) {
		case RF_SOURCE_SERVICE:
			r = add_service_source(c, backend, source, sources);
			break;
		case RF_SOURCE_IP_RANGE:
			r = source->prefix_len <= 128 ? rf_prefixes_add(c, sources, &source->net, source->prefix_len) : 0;
			r = r ? r : 1;
			break;
		case RF_SOURCE_PRINCIPAL:
			break; /* names no address: admits nobody by itself */
		}
		if (r < 0)
			return r;
		active &= r > 0;
	}
	return active;
}

static int add_entries(struct rf_compile *c, struct entries *entries, const struct rf_prefixes *sources, rf_identity_t dst, uint16_t port,
		       uint32_t rule_id)
{
	for (size_t i = 0; i < sources->count; i++) {
		int r = rf_capacity(c, "ingress entries before equal ones are merged", entries->count + 1, 4 * (size_t)RF_INGRESS_MAX);
		struct entry *e = r ? NULL : RF_ARENA_PUSH(c->arena, entries->items, entries->count);

		if (!e)
			return r ? r : -ENOMEM;
		*e = (struct entry){
			.key = {.prefixlen = RF_INGRESS_FIXED_BITS + sources->items[i].len,
				.port = port,
				.proto = IPPROTO_TCP,
				.dst = dst,
				.addr = sources->items[i].net},
			.rule_id = rule_id,
		};
	}
	return 0;
}

static bool has_target_port(const struct rf_service *service, uint16_t port)
{
	for (size_t i = 0; i < service->port_count; i++)
		if (service->ports[i].kind != RF_PORT_UDP && service->ports[i].target_port == port)
			return true;
	return false;
}

/* An IngressBackend names the pods' port, and most who get that wrong have named the Service's. */
static int warn_port(struct rf_compile *c, const struct rf_service *service, const struct rf_ingress_backend *backend,
		     const struct rf_ingress_backend_entry *entry)
{
	char hint[64] = "";

	for (size_t i = 0; i < service->port_count && !*hint; i++) {
		const struct rf_service_port *port = &service->ports[i];

		if (port->kind != RF_PORT_UDP && port->port == entry->port && port->target_port)
			snprintf(hint, sizeof(hint), ", but its port: write %u", port->target_port);
	}
	return rf_diag_warning(c->diags, entry->place, "IngressBackend %s/%s opens nothing: port %u is not a targetPort of Service %s/%s%s",
			       backend->meta.ns, backend->meta.name, entry->port, backend->meta.ns, entry->service, hint);
}

/* Opens the port of every account behind the Service. */
static int open_service(struct rf_compile *c, struct entries *entries, const struct rf_prefixes *sources, const struct rf_service *service,
			uint16_t port, uint32_t rule_id)
{
	struct rf_selection selection = rf_select(c, service);
	const struct rf_account *last = NULL;
	int r = 0;

	for (const struct rf_subject *subject; !r && (subject = rf_selected(&selection));) {
		const struct rf_account *account = rf_account_find(c, subject->ns, subject->service_account);

		if (!account || !account->meshed || account == last)
			continue;
		last = account;
		r = add_entries(c, entries, sources, account->id, port, rule_id);
	}
	return r;
}

static bool protocol_admits(const struct rf_ingress_backend_entry *entry)
{
	return !strcmp(entry->protocol, "http") || !strcmp(entry->protocol, "tcp");
}

static int open_entry(struct rf_compile *c, struct entries *entries, const struct rf_prefixes *sources,
		      const struct rf_ingress_backend *backend, const struct rf_ingress_backend_entry *entry, uint32_t rule_id)
{
	const struct rf_service *service = find_service(c, backend->meta.ns, entry->service);

	if (!service || !protocol_admits(entry))
		return 0; /* named by the objects' own check */
	if (!has_target_port(service, entry->port))
		return warn_port(c, service, backend, entry);
	return open_service(c, entries, sources, service, entry->port, rule_id);
}

static int compile_backend(struct rf_compile *c, struct entries *entries, const struct rf_ingress_backend *backend)
{
	struct rf_prefixes sources = {0};
	uint32_t rule_id = 0;
	int r = read_sources(c, backend, &sources);

	if (r <= 0)
		return r;
	r = rf_rule_add(c, &backend->meta, NULL, backend->meta.place, &rule_id);
	for (size_t i = 0; !r && i < backend->backend_count; i++)
		r = open_entry(c, entries, &sources, backend, &backend->backends[i], rule_id);
	return r;
}

/* Equal entries of several objects: the first object explains them. */
static int write_table(struct rf_compile *c, struct entries *entries)
{
	struct rf_policy *p = c->policy;

	if (entries->count)
		qsort(entries->items, entries->count, sizeof(*entries->items), compare_entries);
	p->ingress_keys = rf_arena_alloc(p->arena, entries->count * sizeof(*p->ingress_keys));
	p->ingress_values = rf_arena_alloc(p->arena, entries->count * sizeof(*p->ingress_values));
	if (!p->ingress_keys || !p->ingress_values)
		return -ENOMEM;
	for (size_t i = 0; i < entries->count; i++) {
		const struct entry *e = &entries->items[i];

		if (i && !rf_ingress_compare(&e[-1].key, &e->key))
			continue;
		p->ingress_keys[p->ingress_count] = e->key;
		p->ingress_values[p->ingress_count++].rule_id = e->rule_id;
	}
	return 0;
}

int rf_compile_ingress(struct rf_compile *c)
{
	struct entries entries = {0};
	int r = 0;

	for (size_t i = 0; !r && i < c->ingress_backends.count; i++)
		r = compile_backend(c, &entries, (const struct rf_ingress_backend *)c->ingress_backends.items[i]);
	return r ? r : write_table(c, &entries);
}
