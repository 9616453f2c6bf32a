/* SPDX-License-Identifier: Apache-2.0 */
#include "policy_world.h"

#define SHOP "shop/web"

static void begin(struct world *w)
{
	world_begin(w);
	world_namespace(w, "shop", true);
	world_namespace(w, "out", false);
	world_app(w, "shop", "web", "  - {port: 80, targetPort: 3000}\n");
	world_app(w, "out", "web", "  - {port: 80, targetPort: 3000}\n");
	world_app(w, "out", "nginx", "  - port: 80\n");
}

static void backend(struct world *w, const char *ns, const char *protocol, unsigned port, const char *sources)
{
	world_yamlf(w, "ib.yaml",
		    "apiVersion: policy.openservicemesh.io/v1alpha1\nkind: IngressBackend\nmetadata: {name: door, namespace: %s}\nspec:\n"
		    "  backends: [{name: web, port: {number: %u, protocol: %s}}]\n  sources: %s\n",
		    ns, port, protocol, sources);
}

/* The trie's answer, the slow way: the longest prefix that holds the address. */
static const struct rf_ingress_value *admits(const struct world *w, const char *src, const char *dst, uint16_t port)
{
	const struct rf_ingress_value *best = NULL;
	unsigned best_len = 0;

	for (size_t i = 0; i < w->policy->ingress_count; i++) {
		const struct rf_ingress_key *k = &w->policy->ingress_keys[i];
		unsigned len = k->prefixlen - RF_INGRESS_FIXED_BITS;
		struct rf_addr a = address(src);

		assert_in_range(k->prefixlen, RF_INGRESS_FIXED_BITS, RF_INGRESS_FIXED_BITS + 128);
		for (unsigned n = len; n < 128; n++)
			assert_int_equal(((const uint8_t *)&k->addr)[n / 8] >> (7 - n % 8) & 1, 0);
		assert_int_equal(k->proto, 6);
		if (k->dst != id(dst) || k->port != port || !world_in_prefix(&a, &k->addr, len) || (best && len < best_len))
			continue;
		best = &w->policy->ingress_values[i];
		best_len = len;
	}
	return best;
}

#define FROM_NGINX "[{kind: Service, name: nginx, namespace: out}]"

static void test_service_source(void **state)
{
	const struct rf_ingress_value *value;
	struct world w;

	(void)state;
	begin(&w);
	backend(&w, "shop", "http", 3000, FROM_NGINX);
	world_pod(&w, "out", "nginx-1", "nginx", "nginx", "10.201.0.5");
	world_pod(&w, "out", "nginx-2", "nginx", "nginx", "10.201.0.6");
	world_pod(&w, "out", "other", "other", "other", "10.201.0.7");
	world_compile(&w);
	value = admits(&w, "10.201.0.5", SHOP, 3000);
	assert_non_null(value);
	assert_string_equal(w.policy->rules[value->rule_id].text, "IngressBackend shop/door (ib.yaml:2)");
	assert_non_null(admits(&w, "10.201.0.6", SHOP, 3000));
	assert_null(admits(&w, "10.201.0.7", SHOP, 3000));
	assert_null(admits(&w, "10.201.0.5", SHOP, 80)); /* targetPort, not the Service's port */
	assert_null(admits(&w, "10.201.0.5", "out/web", 3000));
	assert_int_equal(w.policy->allow_count, 0);
	world_end(&w);
}

static void test_ip_range(void **state)
{
	struct world w;

	(void)state;
	begin(&w);
	backend(&w, "shop", "http", 3000, "[{kind: IPRange, name: 10.0.0.0/8}, {kind: IPRange, name: 192.168.1.5/32}]");
	world_compile(&w);
	assert_non_null(admits(&w, "10.9.8.7", SHOP, 3000));
	assert_non_null(admits(&w, "192.168.1.5", SHOP, 3000));
	assert_null(admits(&w, "192.168.1.6", SHOP, 3000));
	assert_null(admits(&w, "11.0.0.1", SHOP, 3000));
	world_end(&w);
}

static void test_everybody(void **state)
{
	struct world w;

	(void)state;
	begin(&w);
	backend(&w, "shop", "http", 3000, "[{kind: IPRange, name: 0.0.0.0/0}]");
	world_compile(&w);
	assert_int_equal(w.policy->ingress_count, 1);
	assert_int_equal(w.policy->ingress_keys[0].prefixlen, RF_INGRESS_FIXED_BITS + 96);
	assert_non_null(admits(&w, "8.8.8.8", SHOP, 3000));
	assert_null(admits(&w, "2001:db8::1", SHOP, 3000));
	world_end(&w);
}

static void test_ipv6_range(void **state)
{
	struct world w;

	(void)state;
	begin(&w);
	backend(&w, "shop", "http", 3000, "[{kind: IPRange, name: '2001:db8:7::9/48'}, {kind: IPRange, name: 'fd00::5/128'}]");
	world_compile(&w);
	assert_int_equal(w.policy->ingress_count, 2);
	assert_non_null(admits(&w, "2001:db8:7:8::1", SHOP, 3000));
	assert_null(admits(&w, "2001:db8:8::1", SHOP, 3000));
	assert_non_null(admits(&w, "fd00::5", SHOP, 3000));
	assert_null(admits(&w, "fd00::6", SHOP, 3000));
	assert_null(admits(&w, "10.0.0.1", SHOP, 3000));
	world_end(&w);
}

/* IPv4 addresses lie inside ::/0 in the table's form; who writes ::/0 has not opened the door for them. */
static void test_all_of_ipv6_is_not_ipv4(void **state)
{
	static const char *const ranges[] = {"::/0", "::/1", "::/64", "::/80", "::fffe:0:0/95"};
	static const char *const inside[] = {"2001:db8::1", "7fff::1", "::1:0:0:1", "::fffe:0:1", "::fffe:1.2.3.4"};
	struct world w;

	(void)state;
	for (size_t i = 0; i < 5; i++) {
		char sources[64];

		begin(&w);
		snprintf(sources, sizeof(sources), "[{kind: IPRange, name: '%s'}]", ranges[i]);
		backend(&w, "shop", "http", 3000, sources);
		world_compile(&w);
		assert_non_null(admits(&w, inside[i], SHOP, 3000));
		assert_null(admits(&w, "1.2.3.4", SHOP, 3000));
		assert_null(admits(&w, "0.0.0.0", SHOP, 3000));
		assert_null(admits(&w, "255.255.255.255", SHOP, 3000));
		assert_int_equal(!admits(&w, "8000::1", SHOP, 3000), i > 0);
		world_end(&w);
	}
	begin(&w); /* but this is IPv4, in other words */
	backend(&w, "shop", "http", 3000, "[{kind: IPRange, name: '::ffff:10.0.0.0/104'}]");
	world_compile(&w);
	assert_non_null(admits(&w, "10.2.3.4", SHOP, 3000));
	assert_null(admits(&w, "11.2.3.4", SHOP, 3000));
	world_end(&w);
}

static void test_service_source_of_both_families(void **state)
{
	struct world w;

	(void)state;
	begin(&w);
	backend(&w, "shop", "http", 3000, FROM_NGINX);
	world_pod6(&w, "out", "nginx-1", "nginx", "nginx", "10.201.0.5", "fd00:1::5");
	world_pod(&w, "out", "nginx-2", "nginx", "nginx", "10.201.0.6");
	world_compile(&w);
	assert_int_equal(w.policy->ingress_count, 3);
	assert_non_null(admits(&w, "10.201.0.5", SHOP, 3000));
	assert_non_null(admits(&w, "fd00:1::5", SHOP, 3000));
	assert_non_null(admits(&w, "10.201.0.6", SHOP, 3000));
	assert_null(admits(&w, "fd00:1::6", SHOP, 3000));
	assert_null(admits(&w, "::", SHOP, 3000)); /* the address that nginx-2 does not have */
	world_end(&w);
}

/* Semantics row 19: a Service source without endpoints switches the whole object off, its IP ranges too. */
static void test_service_without_endpoints(void **state)
{
	struct world w;

	(void)state;
	begin(&w);
	backend(&w, "shop", "http", 3000, "[{kind: Service, name: missing, namespace: out}, {kind: IPRange, name: 10.0.0.0/8}]");
	world_compile(&w);
	assert_int_equal(w.policy->ingress_count, 0);
	world_end(&w);

	begin(&w);
	backend(&w, "shop", "http", 3000, FROM_NGINX);
	world_compile(&w);
	assert_int_equal(w.policy->ingress_count, 0);
	assert_true(world_warned(&w, "endpoints not found for service out/nginx (no running pod)"));
	world_end(&w);
}

static void test_nothing_opens(const char *ns, const char *protocol, unsigned port, const char *warning)
{
	struct world w;

	begin(&w);
	backend(&w, ns, protocol, port, "[{kind: IPRange, name: 10.0.0.0/8}]");
	world_compile(&w);
	assert_int_equal(w.policy->ingress_count, 0);
	if (warning)
		assert_true(world_warned(&w, warning));
	world_end(&w);
}

static void test_closed_doors(void **state)
{
	(void)state;
	test_nothing_opens("shop", "http", 80, "port 80 is not a targetPort of Service shop/web, but its port: write 3000");
	test_nothing_opens("shop", "https", 3000, NULL);
	test_nothing_opens("out", "http", 3000, NULL);       /* not in the mesh: ringfence does not stand in its way, and lists nothing */
	test_nothing_opens("elsewhere", "http", 3000, NULL); /* its own namespace has no such Service */
}

static void test_principal_admits_nobody(void **state)
{
	struct world w;

	(void)state;
	begin(&w);
	backend(&w, "shop", "http", 3000, "[{kind: IPRange, name: 10.0.0.0/8}, {kind: AuthenticatedPrincipal, name: x.y.cluster.local}]");
	world_compile(&w);
	assert_int_equal(w.policy->ingress_count, 1);
	assert_null(admits(&w, "11.0.0.1", SHOP, 3000));
	world_end(&w);
}

/* Two objects open the same door: one entry, explained by the first in order of names. */
static void test_equal_entries_merge(void **state)
{
	struct world w;

	(void)state;
	begin(&w);
	backend(&w, "shop", "http", 3000, "[{kind: IPRange, name: 10.0.0.0/8}, {kind: IPRange, name: 10.0.0.0/8}]");
	world_yaml(
		&w, "again.yaml",
		"apiVersion: policy.openservicemesh.io/v1alpha1\nkind: IngressBackend\nmetadata: {name: another, namespace: shop}\nspec:\n"
		"  backends: [{name: web, port: {number: 3000, protocol: http}}]\n  sources: [{kind: IPRange, name: 10.0.0.0/8}]\n");
	world_compile(&w);
	assert_int_equal(w.policy->ingress_count, 1);
	assert_string_equal(w.policy->rules[w.policy->ingress_values[0].rule_id].text, "IngressBackend shop/another (again.yaml:2)");
	world_end(&w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_service_source),
		cmocka_unit_test(test_ip_range),
		cmocka_unit_test(test_everybody),
		cmocka_unit_test(test_service_without_endpoints),
		cmocka_unit_test(test_closed_doors),
		cmocka_unit_test(test_principal_admits_nobody),
		cmocka_unit_test(test_equal_entries_merge),
		cmocka_unit_test(test_ipv6_range),
		cmocka_unit_test(test_all_of_ipv6_is_not_ipv4),
		cmocka_unit_test(test_service_source_of_both_families),
	};

	return cmocka_run_group_tests_name("policy_ingress", tests, NULL, NULL);
}
