/* SPDX-License-Identifier: Apache-2.0 */
/* Egress -> the `egress` table: what opens, what is checked, what opens nothing. Cases egress-* of the conformance file, as far as they are
 * decided at the connection; the requests are decided in test_policy_routes.c. */
#include "policy_world.h"

#include <errno.h>

#define CURL "{kind: ServiceAccount, name: curl, namespace: curl}"

static void egress(struct world *w, const char *name, const char *spec)
{
	world_yamlf(w, name,
		    "apiVersion: policy.openservicemesh.io/v1alpha1\nkind: Egress\nmetadata: {name: %s, namespace: curl}\nspec: {%s}\n",
		    name, spec);
}

static void begin(struct world *w)
{
	world_begin(w);
	world_namespace(w, "curl", true);
	world_yaml(w, "sa.yaml", "apiVersion: v1\nkind: ServiceAccount\nmetadata: {name: curl, namespace: curl}\n");
}

/* As the kernel looks it up: the longest prefix is final. */
static const struct rf_egress_value *look(const struct world *w, const char *src, const char *to, uint16_t port)
{
	const struct rf_egress_value *best = NULL;
	const struct rf_addr a = address(to);
	uint32_t best_len = 0;

	for (size_t i = 0; i < w->policy->egress_count; i++) {
		const struct rf_egress_key *k = &w->policy->egress_keys[i];

		if (k->src != id(src) || k->port != port || k->proto != IPPROTO_TCP || k->prefixlen < RF_EGRESS_FIXED_BITS ||
		    !world_in_prefix(&a, &k->addr, k->prefixlen - RF_EGRESS_FIXED_BITS))
			continue;
		if (!best || k->prefixlen > best_len) {
			best = &w->policy->egress_values[i];
			best_len = k->prefixlen;
		}
	}
	return best;
}

static enum rf_verdict opens(const struct world *w, const char *src, const char *to, uint16_t port)
{
	const struct rf_egress_value *v = look(w, src, to, port);

	return v ? (enum rf_verdict)v->verdict : RF_VERDICT_DENY;
}

/* egress-12-tcp-port: port only, hosts ignored, both families */
static void tcp_without_ranges_is_any_address(void **state)
{
	struct world w;

	(void)state;
	begin(&w);
	egress(&w, "e",
	       "sources: [" CURL
	       "], hosts: [ignored.example], ports: [{number: 443, protocol: tcp}, {number: 25, protocol: tcp-server-first}]");
	world_compile(&w);
	assert_int_equal(w.policy->egress_count, 2); /* one entry a port */
	assert_int_equal(opens(&w, "curl/curl", "203.0.113.5", 443), RF_VERDICT_ALLOW);
	assert_int_equal(opens(&w, "curl/curl", "2001:db8::1", 443), RF_VERDICT_ALLOW);
	assert_int_equal(opens(&w, "curl/curl", "203.0.113.5", 25), RF_VERDICT_ALLOW);
	assert_int_equal(opens(&w, "curl/curl", "203.0.113.5", 80), RF_VERDICT_DENY);
	assert_int_equal(look(&w, "curl/curl", "203.0.113.5", 443)->routes_id, RF_ROUTES_NONE);
	assert_non_null(strstr(w.policy->rules[look(&w, "curl/curl", "203.0.113.5", 443)->rule_id].text, "Egress curl/e (e:2)"));
	assert_int_equal(w.diags.count, 0);
	world_end(&w);
}

static void ranges_are_all_that_opens(void **state)
{
	struct world w;

	(void)state;
	begin(&w);
	egress(&w, "e",
	       "sources: [" CURL "], ipAddresses: [10.0.0.0/8, 10.1.0.0/16, 'fd00:7::/32'], ports: [{number: 5432, protocol: tcp}]");
	world_compile(&w);
	assert_int_equal(opens(&w, "curl/curl", "10.9.9.9", 5432), RF_VERDICT_ALLOW);
	assert_int_equal(opens(&w, "curl/curl", "11.0.0.1", 5432), RF_VERDICT_DENY);
	assert_int_equal(opens(&w, "curl/curl", "fd00:7::1", 5432), RF_VERDICT_ALLOW);
	assert_int_equal(opens(&w, "curl/curl", "fd00:8::1", 5432), RF_VERDICT_DENY);
	world_end(&w);
}

/* ::/0 speaks of IPv6 only, 0.0.0.0/0 of IPv4 only */
static void all_of_one_family_is_not_the_other(void **state)
{
	struct world w;

	(void)state;
	begin(&w);
	egress(&w, "e6", "sources: [" CURL "], ipAddresses: ['::/0'], ports: [{number: 1, protocol: tcp}]");
	egress(&w, "e4", "sources: [" CURL "], ipAddresses: [0.0.0.0/0], ports: [{number: 2, protocol: tcp}]");
	world_compile(&w);
	assert_int_equal(opens(&w, "curl/curl", "2001:db8::1", 1), RF_VERDICT_ALLOW);
	assert_int_equal(opens(&w, "curl/curl", "::1", 1), RF_VERDICT_ALLOW);
	assert_int_equal(opens(&w, "curl/curl", "10.9.9.9", 1), RF_VERDICT_DENY);
	assert_int_equal(opens(&w, "curl/curl", "10.9.9.9", 2), RF_VERDICT_ALLOW);
	assert_int_equal(opens(&w, "curl/curl", "2001:db8::1", 2), RF_VERDICT_DENY);
	world_end(&w);
}

/* egress-15-other-sa, and who is not of the mesh */
static void only_who_is_named(void **state)
{
	struct world w;

	(void)state;
	begin(&w);
	world_namespace(&w, "out", false);
	egress(&w, "e",
	       "sources: [{kind: ServiceAccount, name: other, namespace: curl}, {kind: ServiceAccount, name: x, namespace: out}], "
	       "ports: [{number: 80, protocol: tcp}]");
	world_compile(&w);
	assert_int_equal(opens(&w, "curl/curl", "203.0.113.5", 80), RF_VERDICT_DENY);
	assert_int_equal(opens(&w, "curl/other", "203.0.113.5", 80), RF_VERDICT_ALLOW); /* nothing else names it, and it has a number */
	assert_int_equal(opens(&w, "out/x", "203.0.113.5", 80), RF_VERDICT_DENY);
	assert_true(world_warned(&w, "ServiceAccount out/x is not of the mesh: Egress curl/e opens nothing for it"));
	world_end(&w);
}

static void object_of_a_namespace_outside_opens_nothing(void **state)
{
	struct world w;

	(void)state;
	begin(&w);
	world_namespace(&w, "out", false);
	world_yaml(&w, "e.yaml",
		   "apiVersion: policy.openservicemesh.io/v1alpha1\nkind: Egress\nmetadata: {name: e, namespace: out}\n"
		   "spec: {sources: [" CURL "], ports: [{number: 80, protocol: tcp}]}\n");
	world_compile(&w);
	assert_int_equal(w.policy->egress_count, 0);
	assert_true(world_warned(&w, "Egress out/e opens nothing: its namespace is not of the mesh"));
	world_end(&w);
}

static void feature_that_is_off_opens_nothing(void **state)
{
	struct world w;

	(void)state;
	begin(&w);
	egress(&w, "e", "sources: [" CURL "], hosts: [a.org], ports: [{number: 25, protocol: tcp}, {number: 80, protocol: http}]");
	world_yaml(&w, "mesh.yaml",
		   "apiVersion: config.openservicemesh.io/v1alpha2\nkind: MeshConfig\nmetadata: {name: m, namespace: n}\n"
		   "spec: {featureFlags: {enableEgressPolicy: false}}\n");
	world_compile(&w);
	assert_int_equal(w.policy->egress_count, 0);
	assert_int_equal(request_host(&w, "curl/curl", NULL, 80, "/", "a.org"), RF_REASON_NO_EGRESS);
	assert_true(world_warned(&w, "Egress curl/e opens nothing: MeshConfig has featureFlags.enableEgressPolicy: false"));
	world_end(&w);
}

/* No tcp port of another object opens what is checked; both places are named. */
static void checked_port_is_one_entry(void **state)
{
	const struct rf_egress_value *v;
	struct world w;

	(void)state;
	begin(&w);
	egress(&w, "a-tcp", "sources: [" CURL "], ipAddresses: [10.0.0.0/8], ports: [{number: 80, protocol: tcp}]");
	egress(&w, "b-http", "sources: [" CURL "], hosts: [httpbin.org], ports: [{number: 80, protocol: http}]");
	egress(&w, "c-tcp", "sources: [" CURL "], ports: [{number: 81, protocol: tcp}]");
	world_compile(&w);
	assert_int_equal(w.policy->egress_count, 2);
	v = look(&w, "curl/curl", "10.9.9.9", 80);
	assert_non_null(v);
	assert_int_equal(v->verdict, RF_VERDICT_L7);
	assert_true(v->routes_id != RF_ROUTES_NONE);
	assert_int_equal(opens(&w, "curl/curl", "2001:db8::1", 80), RF_VERDICT_L7);
	assert_int_equal(opens(&w, "curl/curl", "10.9.9.9", 81), RF_VERDICT_ALLOW);
	assert_true(world_warned(
		&w, "Egress curl/a-tcp: port 80 as tcp opens nothing for curl/curl, as Egress curl/b-http (b-http:4) says http"));
	assert_non_null(strstr(w.policy->rules[v->rule_id].text, "Egress curl/b-http"));
	world_end(&w);
}

/* Where every object names ranges nothing else is opened, not even for the checker. */
static void checked_port_keeps_to_its_ranges(void **state)
{
	struct world w;

	(void)state;
	begin(&w);
	egress(&w, "a", "sources: [" CURL "], hosts: [a.org], ipAddresses: [10.0.0.0/8], ports: [{number: 80, protocol: http}]");
	egress(&w, "b", "sources: [" CURL "], hosts: [b.org], ipAddresses: ['fd00:7::/32'], ports: [{number: 80, protocol: http}]");
	egress(&w, "t", "sources: [" CURL "], ports: [{number: 80, protocol: tcp}]");
	egress(&w, "c", "sources: [" CURL "], hosts: [c.org], ipAddresses: [10.0.0.0/8], ports: [{number: 81, protocol: http}]");
	egress(&w, "d", "sources: [" CURL "], hosts: [d.org], ports: [{number: 81, protocol: http}]");
	world_compile(&w);
	assert_int_equal(opens(&w, "curl/curl", "10.9.9.9", 80), RF_VERDICT_L7);
	assert_int_equal(opens(&w, "curl/curl", "fd00:7::1", 80), RF_VERDICT_L7);
	assert_int_equal(opens(&w, "curl/curl", "11.0.0.1", 80), RF_VERDICT_DENY);
	assert_int_equal(opens(&w, "curl/curl", "fd00:8::1", 80), RF_VERDICT_DENY);
	assert_int_equal(look(&w, "curl/curl", "10.9.9.9", 80)->routes_id, look(&w, "curl/curl", "fd00:7::1", 80)->routes_id);
	assert_int_equal(opens(&w, "curl/curl", "11.0.0.1", 81), RF_VERDICT_L7);
	assert_int_equal(w.policy->egress_count, 3);
	world_end(&w);
}

static void http_wins_over_https(void **state)
{
	struct world w;

	(void)state;
	begin(&w);
	egress(&w, "a", "sources: [" CURL "], hosts: [a.org], ports: [{number: 443, protocol: https}]");
	egress(&w, "b", "sources: [" CURL "], hosts: [b.org], ports: [{number: 443, protocol: http}]");
	world_compile(&w);
	assert_int_equal(w.policy->egress_count, 1);
	assert_int_equal(opens(&w, "curl/curl", "203.0.113.5", 443), RF_VERDICT_L7);
	assert_true(world_warned(&w, "Egress curl/a: port 443 as https opens nothing for curl/curl, as Egress curl/b (b:4) says http"));
	assert_int_equal(request_host(&w, "curl/curl", NULL, 443, "/", "b.org"), RF_REASON_ALLOW_EGRESS_L7);
	assert_int_equal(request_host(&w, "curl/curl", NULL, 443, "/", "a.org"), RF_REASON_NO_ROUTE);
	world_end(&w);
}

/* The port is closed to tcp all the same: who wrote http meant requests to be checked. */
static void http_without_hosts_admits_nothing(void **state)
{
	struct world w;

	(void)state;
	begin(&w);
	egress(&w, "a", "sources: [" CURL "], ports: [{number: 80, protocol: http}]");
	egress(&w, "b", "sources: [" CURL "], ports: [{number: 80, protocol: tcp}]");
	world_compile(&w);
	assert_int_equal(opens(&w, "curl/curl", "203.0.113.5", 80), RF_VERDICT_L7);
	assert_int_equal(request_host(&w, "curl/curl", NULL, 80, "/", "a.org"), RF_REASON_NO_ROUTE);
	world_end(&w);
}

/* egress-03-http-host, egress-04-http-other-host: two objects for one port are a union */
static void hosts_of_all_objects_count(void **state)
{
	struct world w;

	(void)state;
	begin(&w);
	egress(&w, "a", "sources: [" CURL "], hosts: [httpbin.org], ports: [{number: 80, protocol: http}]");
	egress(&w, "b", "sources: [" CURL "], hosts: ['*.example.com'], ports: [{number: 80, protocol: http}]");
	world_compile(&w);
	assert_int_equal(request_host(&w, "curl/curl", NULL, 80, "/status/200", "httpbin.org"), RF_REASON_ALLOW_EGRESS_L7);
	assert_int_equal(request_host(&w, "curl/curl", NULL, 80, "/", "www.example.com"), RF_REASON_ALLOW_EGRESS_L7);
	assert_int_equal(request_host(&w, "curl/curl", NULL, 80, "/", "example.com"), RF_REASON_NO_ROUTE);
	assert_int_equal(request_host(&w, "curl/curl", NULL, 81, "/", "httpbin.org"), RF_REASON_NO_EGRESS);
	world_end(&w);
}

static void equal_entries_are_one(void **state)
{
	struct rf_policy_diff diff;
	struct world a, b;

	(void)state;
	begin(&a);
	egress(&a, "one", "sources: [" CURL ", " CURL "], ipAddresses: [10.0.0.0/8], ports: [{number: 25, protocol: tcp}]");
	egress(&a, "two", "sources: [" CURL "], ipAddresses: [10.0.0.0/8], ports: [{number: 25, protocol: tcp}]");
	world_compile(&a);
	assert_int_equal(a.policy->egress_count, 1);
	assert_non_null(strstr(a.policy->rules[a.policy->egress_values[0].rule_id].text, "curl/one"));
	/* the same in another order of the files, and by one object alone */
	begin(&b);
	egress(&b, "two", "sources: [" CURL "], ipAddresses: [10.0.0.0/8], ports: [{number: 25, protocol: tcp}]");
	world_compile(&b);
	rf_policy_diff(a.policy, b.policy, &diff);
	assert_int_equal(diff.added + diff.removed + diff.changed, 0);
	world_end(&b);
	begin(&b);
	egress(&b, "two", "sources: [" CURL "], ipAddresses: [10.0.0.0/9], ports: [{number: 25, protocol: tcp}]");
	world_compile(&b);
	rf_policy_diff(a.policy, b.policy, &diff);
	assert_int_equal(diff.added, 1);
	assert_int_equal(diff.removed, 1);
	world_end(&b);
	begin(&b);
	egress(&b, "two", "sources: [" CURL "], hosts: [x.org], ipAddresses: [10.0.0.0/8], ports: [{number: 25, protocol: http}]");
	world_compile(&b);
	rf_policy_diff(NULL, b.policy, &diff);
	assert_int_equal(diff.added, 1);
	world_end(&b);
	world_end(&a);
}

static void changed_hosts_are_a_change(void **state)
{
	struct rf_policy_diff diff;
	struct world a, b;

	(void)state;
	begin(&a);
	egress(&a, "e", "sources: [" CURL "], hosts: [a.org], ports: [{number: 80, protocol: http}]");
	world_compile(&a);
	begin(&b);
	egress(&b, "e", "sources: [" CURL "], hosts: [b.org], ports: [{number: 80, protocol: http}]");
	world_compile(&b);
	rf_policy_diff(a.policy, b.policy, &diff);
	assert_int_equal(diff.changed, 1);
	assert_int_equal(diff.added + diff.removed, 0);
	world_end(&a);
	world_end(&b);
}

static void too_many(void **state)
{
	static char text[1024 * 1024];
	struct world w;
	size_t n;

	(void)state;
	begin(&w);
	n = (size_t)snprintf(
		text, sizeof(text),
		"apiVersion: policy.openservicemesh.io/v1alpha1\nkind: Egress\nmetadata: {name: e, namespace: curl}\nspec:\n  sources:\n");
	for (int i = 0; i < 17; i++)
		n += (size_t)snprintf(text + n, sizeof(text) - n, "  - {kind: ServiceAccount, name: a%d, namespace: curl}\n", i);
	n += (size_t)snprintf(text + n, sizeof(text) - n, "  ports:\n");
	for (int port = 1; port <= RF_EGRESS_MAX / 16; port++)
		n += (size_t)snprintf(text + n, sizeof(text) - n, "  - {number: %d, protocol: tcp}\n", port);
	world_yaml(&w, "e.yaml", text);
	assert_int_equal(world_try(&w), -E2BIG);
	assert_null(w.policy);
	assert_true(world_warned(&w, "the policy needs 69632 Egress entries, the limit is 65536"));
	world_end(&w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(tcp_without_ranges_is_any_address),
		cmocka_unit_test(ranges_are_all_that_opens),
		cmocka_unit_test(all_of_one_family_is_not_the_other),
		cmocka_unit_test(only_who_is_named),
		cmocka_unit_test(object_of_a_namespace_outside_opens_nothing),
		cmocka_unit_test(feature_that_is_off_opens_nothing),
		cmocka_unit_test(checked_port_is_one_entry),
		cmocka_unit_test(checked_port_keeps_to_its_ranges),
		cmocka_unit_test(http_wins_over_https),
		cmocka_unit_test(http_without_hosts_admits_nothing),
		cmocka_unit_test(hosts_of_all_objects_count),
		cmocka_unit_test(equal_entries_are_one),
		cmocka_unit_test(changed_hosts_are_a_change),
		cmocka_unit_test(too_many),
	};

	return cmocka_run_group_tests_name("policy: egress", tests, NULL, NULL);
}
