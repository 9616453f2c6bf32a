/* SPDX-License-Identifier: Apache-2.0 */
/* TrafficSplit -> `splits` and the values of `services`; names of Service addresses. */
#include "policy_world.h"

#include <errno.h>

static void service(struct world *w, const char *name, const char *app, const char *spec)
{
	world_yamlf(w, "svc.yaml",
		    "apiVersion: v1\nkind: Service\nmetadata: {name: %s, namespace: shop}\nspec: {selector: {app: %s}, %s}\n", name, app,
		    spec);
}

static void split(struct world *w, const char *name, const char *spec)
{
	world_yamlf(w, name,
		    "apiVersion: split.smi-spec.io/v1alpha2\nkind: TrafficSplit\nmetadata: {name: %s, namespace: shop}\nspec: {%s}\n", name,
		    spec);
}

/* Root "store" (app=store), v1 and v2; v1 serves port 80 on 14001, v2 on 9000. */
static void begin(struct world *w)
{
	world_begin(w);
	world_namespace(w, "shop", true);
	service(w, "store", "store", "ports: [{port: 80, targetPort: 14001}]");
	service(w, "v1", "v1", "ports: [{port: 80, targetPort: 14001}]");
	service(w, "v2", "v2", "ports: [{name: a, port: 81, targetPort: 1}, {name: b, port: 80, targetPort: 9000}]");
	world_pod(w, "shop", "root", "root", "store", "10.201.0.9");
	world_pod(w, "shop", "v1-a", "v1", "v1", "10.201.0.2");
	world_pod(w, "shop", "v1-b", "v1", "v1", "10.201.0.3");
	world_pod(w, "shop", "v2", "v2", "v2", "10.201.0.4");
}

static const struct rf_service_value *entry(const struct world *w, const char *name, uint16_t port, uint8_t proto, bool is6)
{
	const struct rf_service_address *a = service_address(w, "shop", name);

	assert_non_null(a);
	for (size_t i = 0; i < w->policy->services_count; i++) {
		const struct rf_service_key *k = &w->policy->services_keys[i];

		if (k->port == port && k->proto == proto && rf_addr_equal(&k->addr, is6 ? &a->addr6 : &a->addr4))
			return &w->policy->services_values[i];
	}
	fail_msg("no entry for %s:%u", name, port);
	return NULL;
}

static const struct rf_service_value *root(const struct world *w)
{
	return entry(w, "store", 80, IPPROTO_TCP, false);
}

static const struct rf_split_part *part(const struct world *w, const struct rf_service_value *v, uint32_t n)
{
	assert_true(n < v->parts);
	assert_true(v->parts_first + n < w->policy->split_count);
	return &w->policy->splits[v->parts_first + n];
}

static void assert_backend(const struct world *w, const struct rf_split_part *p, uint32_t n, const char *ip, uint16_t port)
{
	assert_true(n < p->count);
	assert_true(p->first + n < w->policy->backend_count);
	assert_address(&w->policy->backends[p->first + n].addr, ip);
	assert_int_equal(w->policy->backends[p->first + n].port, port);
}

/* split-01-even, split-03-90-10: weights are relative, each backend on its own targetPort of the same Service port */
static void weights(void **state)
{
	const struct rf_service_value *v;
	struct world w;

	(void)state;
	begin(&w);
	split(&w, "s", "service: store.shop.svc.cluster.local, backends: [{service: v1, weight: 90}, {service: v2, weight: 10}]");
	world_compile(&w);
	v = root(&w);
	assert_int_equal(v->parts, 2);
	assert_int_equal(part(&w, v, 0)->until, 90);
	assert_int_equal(part(&w, v, 0)->count, 2);
	assert_backend(&w, part(&w, v, 0), 0, "10.201.0.2", 14001);
	assert_backend(&w, part(&w, v, 0), 1, "10.201.0.3", 14001);
	assert_int_equal(part(&w, v, 1)->until, 100);
	assert_int_equal(part(&w, v, 1)->count, 1);
	assert_backend(&w, part(&w, v, 1), 0, "10.201.0.4", 9000);
	/* the backends' own addresses are not split */
	assert_int_equal(entry(&w, "v1", 80, IPPROTO_TCP, false)->parts, 0);
	assert_int_equal(entry(&w, "v1", 80, IPPROTO_TCP, false)->count, 2);
	assert_int_equal(w.diags.count, 0);
	world_end(&w);
}

static void without_a_split(void **state)
{
	struct world w;

	(void)state;
	begin(&w);
	world_compile(&w);
	assert_int_equal(w.policy->split_count, 0);
	assert_int_equal(root(&w)->parts, 0);
	assert_int_equal(root(&w)->count, 1);
	world_end(&w);
}

static void weight_zero_is_not_listed(void **state)
{
	const struct rf_service_value *v;
	struct world w;

	(void)state;
	begin(&w);
	split(&w, "s", "service: store, backends: [{service: v1, weight: 0}, {service: v2, weight: 7}]");
	world_compile(&w);
	v = root(&w);
	assert_int_equal(v->parts, 1);
	assert_int_equal(part(&w, v, 0)->until, 7);
	assert_backend(&w, part(&w, v, 0), 0, "10.201.0.4", 9000);
	world_end(&w);
}

/* Not the root's own pods either. */
static void all_weights_zero_serve_nobody(void **state)
{
	struct world w;

	(void)state;
	begin(&w);
	split(&w, "s", "service: store, backends: [{service: v1, weight: 0}, {service: v2, weight: 0}]");
	world_compile(&w);
	assert_int_equal(root(&w)->parts, 0);
	assert_int_equal(root(&w)->count, 0);
	world_end(&w);
}

/* Traffic that is shifted to nobody is refused, not served by the others. */
static void missing_backends_are_parts_without_pods(void **state)
{
	const struct rf_service_value *v;
	struct world w;

	(void)state;
	begin(&w);
	service(&w, "v3", "v3", "ports: [{port: 80, targetPort: 1}]");       /* no pod runs */
	service(&w, "v4", "v1", "ports: [{port: 8080, targetPort: 14001}]"); /* not that port */
	split(&w, "s",
	      "service: store, backends: [{service: gone, weight: 1}, {service: v3, weight: 1}, {service: v4, weight: 1}, {service: v1, "
	      "weight: 1}]");
	world_compile(&w);
	v = root(&w);
	assert_int_equal(v->parts, 4);
	for (uint32_t i = 0; i < 3; i++) {
		assert_int_equal(part(&w, v, i)->count, 0);
		assert_int_equal(part(&w, v, i)->until, i + 1);
	}
	assert_int_equal(part(&w, v, 3)->count, 2);
	assert_true(world_warned(&w, "Service shop/v4 has no TCP port 80, as the root has"));
	world_end(&w);
}

/* As OSM: the first by name, with a warning. */
static void second_split_of_a_root_is_ignored(void **state)
{
	struct world w;

	(void)state;
	begin(&w);
	split(&w, "b", "service: store, backends: [{service: v2, weight: 1}]");
	split(&w, "a", "service: store.shop, backends: [{service: v1, weight: 1}]");
	world_compile(&w);
	assert_int_equal(w.policy->split_count, 1);
	assert_backend(&w, part(&w, root(&w), 0), 0, "10.201.0.2", 14001);
	assert_true(world_warned(&w, "TrafficSplit shop/b moves no traffic: a (a:2) splits Service store already"));
	world_end(&w);
}

static void root_may_be_a_backend(void **state)
{
	struct world w;

	(void)state;
	begin(&w);
	split(&w, "s", "service: store, backends: [{service: store, weight: 1}, {service: v1, weight: 1}]");
	world_compile(&w);
	assert_backend(&w, part(&w, root(&w), 0), 0, "10.201.0.9", 14001);
	world_end(&w);
}

static void each_family_and_tcp_port(void **state)
{
	const struct rf_service_value *v;
	struct world w;

	(void)state;
	begin(&w);
	service(&w, "dual", "store",
		"ipFamilyPolicy: RequireDualStack, ports: [{name: a, port: 80}, {name: b, port: 81}, {name: u, protocol: UDP, port: 80}]");
	w.pods[3].addr6 = address("fd00::4");
	split(&w, "s", "service: dual, backends: [{service: v2, weight: 1}]");
	world_compile(&w);
	v = entry(&w, "dual", 80, IPPROTO_TCP, true);
	assert_int_equal(v->parts, 1);
	assert_backend(&w, part(&w, v, 0), 0, "fd00::4", 9000);
	v = entry(&w, "dual", 81, IPPROTO_TCP, false);
	assert_backend(&w, part(&w, v, 0), 0, "10.201.0.4", 1);
	v = entry(&w, "dual", 80, IPPROTO_UDP, false); /* what is no TCP stays with the root's own pods */
	assert_int_equal(v->parts, 0);
	assert_int_equal(v->count, 1);
	world_end(&w);
}

static void warns_once_for_both_families(void **state)
{
	struct world w;
	size_t n = 0;

	(void)state;
	begin(&w);
	service(&w, "dual", "store", "ipFamilyPolicy: RequireDualStack, ports: [{port: 8080}]");
	split(&w, "s", "service: dual, backends: [{service: v1, weight: 1}]");
	world_compile(&w);
	for (size_t i = 0; i < w.diags.count; i++)
		n += !!strstr(w.diags.items[i].text, "has no TCP port 8080");
	assert_int_equal(n, 1);
	world_end(&w);
}

static void what_moves_nothing(void **state)
{
	struct world w;

	(void)state;
	begin(&w);
	service(&w, "bare", "store", "clusterIP: None, ports: [{port: 80}]");
	split(&w, "a", "service: bare, backends: [{service: v1, weight: 1}]");
	split(&w, "b", "service: gone, backends: [{service: v1, weight: 1}]");
	split(&w, "c", "service: store, backends: [{service: v1, weight: 1}], matches: [{kind: HTTPRouteGroup, name: r}]");
	world_compile(&w);
	assert_int_equal(w.policy->split_count, 0);
	assert_int_equal(root(&w)->count, 1);
	assert_true(world_warned(&w, "Service shop/bare has no address of its own"));
	world_end(&w);
}

static void service_names(void **state)
{
	const struct rf_service_address *dual;
	struct world w;
	size_t found = 0;

	(void)state;
	begin(&w);
	service(&w, "bare", "store", "clusterIP: None, ports: [{port: 80}]");
	service(&w, "dual", "store", "ipFamilyPolicy: RequireDualStack, ports: [{port: 80}]");
	world_compile(&w);
	dual = service_address(&w, "shop", "dual");
	assert_int_equal(w.policy->service_names_count, 5); /* store, v1, v2, dual twice */
	for (size_t i = 0; i < 5; i++) {
		const struct rf_addr *a = &w.policy->service_names_keys[i];

		if (rf_addr_equal(a, &dual->addr4) || rf_addr_equal(a, &dual->addr6)) {
			assert_string_equal(w.policy->service_names_values[i].text, "shop/dual");
			found++;
		}
	}
	assert_int_equal(found, 2);
	world_end(&w);
}

static void too_many(void **state)
{
	static char text[256 * 1024];
	struct world w;
	size_t n;

	(void)state;
	begin(&w);
	n = (size_t)snprintf(text, sizeof(text),
			     "apiVersion: v1\nkind: Service\nmetadata: {name: wide, namespace: shop}\nspec:\n  selector: {app: store}\n  "
			     "ipFamilyPolicy: RequireDualStack\n  ports:\n");
	for (int port = 1; port <= RF_SPLITS_MAX / RF_SPLIT_BACKENDS_MAX / 2 + 1; port++)
		n += (size_t)snprintf(text + n, sizeof(text) - n, "  - {name: p%d, port: %d}\n", port, port);
	n += (size_t)snprintf(text + n, sizeof(text) - n,
			      "---\napiVersion: split.smi-spec.io/v1alpha2\nkind: TrafficSplit\nmetadata: {name: s, namespace: "
			      "shop}\nspec:\n  service: wide\n  backends:\n");
	for (int i = 0; i < RF_SPLIT_BACKENDS_MAX; i++)
		n += (size_t)snprintf(text + n, sizeof(text) - n, "  - {service: b%d, weight: 1}\n", i);
	world_yaml(&w, "wide.yaml", text);
	assert_int_equal(world_try(&w), -E2BIG);
	assert_null(w.policy);
	assert_true(world_warned(&w, "parts of TrafficSplits, the limit is 65536"));
	world_end(&w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(weights),
		cmocka_unit_test(without_a_split),
		cmocka_unit_test(weight_zero_is_not_listed),
		cmocka_unit_test(all_weights_zero_serve_nobody),
		cmocka_unit_test(missing_backends_are_parts_without_pods),
		cmocka_unit_test(second_split_of_a_root_is_ignored),
		cmocka_unit_test(root_may_be_a_backend),
		cmocka_unit_test(each_family_and_tcp_port),
		cmocka_unit_test(warns_once_for_both_families),
		cmocka_unit_test(what_moves_nothing),
		cmocka_unit_test(service_names),
		cmocka_unit_test(too_many),
	};

	return cmocka_run_group_tests_name("policy: splits", tests, NULL, NULL);
}
