/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A small world for the tests of the policy compiler: objects from YAML text, running pods, one compiled policy, and questions to it.
 * Every test file of the compiler includes this one; nothing here is linked twice.
 */
#pragma once

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "automaton/automaton.h"
#include "core/arena.h"
#include "objects/objects.h"
#include "policy/policy.h"

#define WORLD_PODS 64
#define WORLD_NET6 "fd00:5::"

struct world {
	struct rf_objects *objects;
	struct rf_endpoint pods[WORLD_PODS];
	struct rf_pair_text labels[WORLD_PODS];
	size_t pod_count;
	struct rf_arena *arena;
	struct rf_diags diags;
	struct rf_policy *policy;
	rf_epoch_t epoch;
	bool without_ipv6;
};

static inline uint32_t addr(const char *text)
{
	struct in_addr in;

	assert_int_equal(inet_pton(AF_INET, text, &in), 1);
	return in.s_addr;
}

/* Of either family. */
static inline struct rf_addr address(const char *text)
{
	struct rf_addr a;

	if (!strchr(text, ':'))
		return rf_addr4(addr(text));
	assert_int_equal(inet_pton(AF_INET6, text, &a), 1);
	return a;
}

static inline void assert_address(const struct rf_addr *a, const char *text)
{
	struct rf_addr wanted = address(text);

	assert_memory_equal(a, &wanted, sizeof(wanted));
}

/* As an LPM trie compares. */
static inline bool world_in_prefix(const struct rf_addr *a, const struct rf_addr *net, unsigned len)
{
	const uint8_t *x = (const uint8_t *)a, *y = (const uint8_t *)net;

	for (unsigned i = 0; i < len; i++)
		if ((x[i / 8] ^ y[i / 8]) >> (7 - i % 8) & 1)
			return false;
	return true;
}

static inline void world_begin(struct world *w)
{
	*w = (struct world){.epoch = 7};
	assert_int_equal(rf_objects_new(&w->objects), 0);
	w->arena = rf_arena_new();
	assert_non_null(w->arena);
	w->diags.arena = w->arena;
}

static inline void world_end(struct world *w)
{
	rf_policy_free(w->policy);
	rf_objects_free(w->objects);
	rf_arena_free(w->arena);
}

static inline void world_print(const struct rf_diags *d)
{
	for (size_t i = 0; i < d->count; i++)
		print_message("%s %s:%u:%u: %s\n", d->items[i].is_error ? "error" : "warning", d->items[i].place.file,
			      d->items[i].place.line, d->items[i].place.column, d->items[i].text);
}

static inline void world_yaml(struct world *w, const char *file, const char *text)
{
	assert_int_equal(rf_objects_add(w->objects, file, text, strlen(text)), 0);
	if (w->objects->diags.error_count)
		world_print(&w->objects->diags);
	assert_int_equal(w->objects->diags.error_count, 0);
}

static inline void world_yamlf(struct world *w, const char *file, const char *format, ...) __attribute__((format(printf, 3, 4)));
static inline void world_yamlf(struct world *w, const char *file, const char *format, ...)
{
	char text[32768];
	va_list ap;

	va_start(ap, format);
	assert_in_range(vsnprintf(text, sizeof(text), format, ap), 0, sizeof(text) - 1);
	va_end(ap);
	world_yaml(w, file, text);
}

static inline void world_namespace(struct world *w, const char *ns, bool meshed)
{
	world_yamlf(w, "ns.yaml", "apiVersion: v1\nkind: Namespace\nmetadata:\n  name: %s\n%s", ns,
		    meshed ? "  labels:\n    openservicemesh.io/monitored-by: osm\n" : "");
}

/* ServiceAccount, Deployment and Service, all called `name`; ports is the YAML of spec.ports' items. */
static inline void world_app(struct world *w, const char *ns, const char *name, const char *ports)
{
	world_yamlf(w, "apps.yaml",
		    "apiVersion: v1\nkind: ServiceAccount\nmetadata: {name: %s, namespace: %s}\n---\n"
		    "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: %s, namespace: %s}\n"
		    "spec:\n  selector: {matchLabels: {app: %s}}\n  template:\n    metadata: {labels: {app: %s}}\n"
		    "    spec:\n      serviceAccountName: %s\n      containers: [{name: main, image: none}]\n---\n"
		    "apiVersion: v1\nkind: Service\nmetadata: {name: %s, namespace: %s}\nspec:\n  selector: {app: %s}\n  ports:\n%s",
		    name, ns, name, ns, name, name, name, name, ns, name, ports);
}

/* A running pod with the one label app=APP. */
static inline void world_pod(struct world *w, const char *ns, const char *name, const char *account, const char *app, const char *ip)
{
	size_t i = w->pod_count++;

	assert_true(i < WORLD_PODS);
	w->labels[i] = (struct rf_pair_text){.key = "app", .value = app};
	w->pods[i] = (struct rf_endpoint){
		.ns = ns, .name = name, .service_account = account, .labels = &w->labels[i], .label_count = 1, .addr4 = rf_addr4(addr(ip))};
}

/* The same with an address of each family. */
static inline void world_pod6(struct world *w, const char *ns, const char *name, const char *account, const char *app, const char *ip,
			      const char *ip6)
{
	world_pod(w, ns, name, account, app, ip);
	w->pods[w->pod_count - 1].addr6 = address(ip6);
}

static inline int world_try(struct world *w)
{
	struct rf_policy_input input = {
		.objects = w->objects,
		.endpoints = w->pods,
		.endpoint_count = w->pod_count,
		.mesh_name = "osm",
		.service_net_be = addr("10.202.0.0"),
		.service_mask_be = addr("255.255.0.0"),
		.service_net6 = w->without_ipv6 ? (struct rf_addr){{0}} : address(WORLD_NET6),
		.epoch = w->epoch,
	};

	rf_policy_free(w->policy);
	w->policy = NULL;
	return rf_policy_compile(&input, &w->diags, &w->policy);
}

static inline void world_compile(struct world *w)
{
	int r = world_try(w);

	if (r)
		world_print(&w->diags);
	assert_int_equal(r, 0);
	assert_non_null(w->policy);
	assert_int_equal(rf_routes_validate(w->policy->routes, w->policy->routes_size), 0);
}

static inline bool world_warned(const struct world *w, const char *part)
{
	for (size_t i = 0; i < w->diags.count; i++)
		if (strstr(w->diags.items[i].text, part))
			return true;
	return false;
}

/* "namespace/name" -> number */
static inline rf_identity_t id(const char *account)
{
	return rf_identity_hash(account, (unsigned)strlen(account));
}

static inline enum rf_verdict verdict_of(const struct world *w, const char *src, const char *dst, uint16_t port, uint8_t proto)
{
	const struct rf_allow_value *value = rf_policy_lookup(w->policy, id(src), id(dst), port, proto);

	return value ? (enum rf_verdict)value->verdict : RF_VERDICT_DENY;
}

static inline enum rf_verdict verdict(const struct world *w, const char *src, const char *dst, uint16_t port)
{
	return verdict_of(w, src, dst, port, IPPROTO_TCP);
}

static inline const struct rf_ident *ident(const struct world *w, const char *account)
{
	for (size_t i = 0; i < w->policy->idents_count; i++)
		if (w->policy->idents_keys[i] == id(account))
			return &w->policy->idents_values[i];
	return NULL;
}

/* Fields that a test does not set are those of a plain request. */
static inline struct rf_request_question question(const char *src, const char *dst, uint16_t port, const char *method, const char *path)
{
	return (struct rf_request_question){
		.src = id(src),
		.dst = dst ? id(dst) : 0,
		.port = port,
		.method = method,
		.method_len = strlen(method),
		.target = path,
		.target_len = strlen(path),
	};
}

static inline struct rf_request_answer answer(const struct world *w, const struct rf_request_question *q)
{
	struct rf_request_answer answer;

	rf_routes_decide(w->policy->routes, q, &answer);
	return answer;
}

static inline enum rf_reason request(const struct world *w, const char *src, const char *dst, uint16_t port, const char *method,
				     const char *path)
{
	const struct rf_request_question q = question(src, dst, port, method, path);

	return answer(w, &q).reason;
}

/* The same with a Host. */
static inline enum rf_reason request_host(const struct world *w, const char *src, const char *dst, uint16_t port, const char *path,
					  const char *host)
{
	struct rf_request_question q = question(src, dst, port, "GET", path);

	q.authority = host;
	q.authority_len = strlen(host);
	return answer(w, &q).reason;
}

static inline const char *rule_text(const struct world *w, const char *src, const char *dst, uint16_t port)
{
	const struct rf_allow_value *value = rf_policy_lookup(w->policy, id(src), id(dst), port, IPPROTO_TCP);

	assert_non_null(value);
	assert_true(value->rule_id < w->policy->rule_count);
	return w->policy->rules[value->rule_id].text;
}

static inline const struct rf_service_address *service_address(const struct world *w, const char *ns, const char *name)
{
	for (size_t i = 0; i < w->policy->address_count; i++)
		if (!strcmp(w->policy->addresses[i].ns, ns) && !strcmp(w->policy->addresses[i].name, name))
			return &w->policy->addresses[i];
	return NULL;
}
