/* SPDX-License-Identifier: Apache-2.0 */
/* UDPRoute: semantics rows 9 and 13 for UDP. */
#include "policy_world.h"

#define SRC    "client/client"
#define DST    "shop/dns"
#define ALLOW  RF_VERDICT_ALLOW
#define CLOSED RF_VERDICT_DENY

static void udp_route(struct world *w, const char *ns, const char *name, const char *ports)
{
	world_yamlf(w, "u.yaml",
		    "apiVersion: specs.smi-spec.io/v1alpha4\nkind: UDPRoute\nmetadata: {name: %s, namespace: %s}\nspec: {matches: {ports: "
		    "%s}}\n",
		    name, ns, ports);
}

static void target(struct world *w, const char *name, const char *source, const char *rules)
{
	world_yamlf(w, "t.yaml",
		    "apiVersion: access.smi-spec.io/v1alpha3\nkind: TrafficTarget\nmetadata: {name: %s, namespace: shop}\nspec:\n"
		    "  destination: {kind: ServiceAccount, name: dns, namespace: shop}\n  sources: %s\n  rules: %s\n",
		    name, source, rules);
}

#define FROM_CLIENT "[{kind: ServiceAccount, name: client, namespace: client}]"

static void begin(struct world *w)
{
	world_begin(w);
	world_namespace(w, "shop", true);
	world_namespace(w, "client", true);
	world_namespace(w, "out", false);
	world_app(w, "shop", "dns",
		  "  - {name: tcp-dns, port: 53, targetPort: 53}\n  - {name: udp-dns, port: 53, targetPort: 53, protocol: UDP}\n");
	world_app(w, "shop", "other", "  - port: 80\n");
	world_app(w, "client", "client", "  - port: 80\n");
	udp_route(w, "shop", "dns", "[53, 5353]");
	udp_route(w, "shop", "ntp", "[123]");
	udp_route(w, "shop", "all", "[]");
	udp_route(w, "client", "elsewhere", "[53]");
	world_yaml(w, "tcp.yaml",
		   "apiVersion: specs.smi-spec.io/v1alpha4\nkind: TCPRoute\nmetadata: {name: dns, namespace: shop}\nspec: {matches: "
		   "{ports: [53]}}\n---\n"
		   "apiVersion: specs.smi-spec.io/v1alpha4\nkind: HTTPRouteGroup\nmetadata: {name: g, namespace: shop}\n"
		   "spec: {matches: [{name: a, pathRegex: .*}]}\n");
}

struct row {
	const char *what, *rules;
	enum rf_verdict udp53, udp123, udp9, tcp53;
	bool protected;
};

static const struct row rows[] = {
	{"a route", "[{kind: UDPRoute, name: dns}]", ALLOW, CLOSED, CLOSED, CLOSED, true},
	{"another route", "[{kind: UDPRoute, name: ntp}]", CLOSED, ALLOW, CLOSED, CLOSED, true},
	{"several are OR", "[{kind: UDPRoute, name: dns}, {kind: UDPRoute, name: ntp}]", ALLOW, ALLOW, CLOSED, CLOSED, true},
	{"no ports are all ports", "[{kind: UDPRoute, name: all}]", ALLOW, ALLOW, ALLOW, CLOSED, true},
	{"a missing route grants nothing and protects", "[{kind: UDPRoute, name: missing}]", CLOSED, CLOSED, CLOSED, CLOSED, true},
	{"so does one of another namespace", "[{kind: UDPRoute, name: elsewhere}]", CLOSED, CLOSED, CLOSED, CLOSED, true},
	{"a missing one takes nothing from the others", "[{kind: UDPRoute, name: missing}, {kind: UDPRoute, name: dns}]", ALLOW, CLOSED,
	 CLOSED, CLOSED, true},
	{"a TCPRoute never grants UDP", "[{kind: TCPRoute, name: dns}]", CLOSED, CLOSED, CLOSED, ALLOW, false},
	{"an HTTPRouteGroup neither", "[{kind: HTTPRouteGroup, name: g}]", CLOSED, CLOSED, CLOSED, ALLOW, false},
	{"each for its own", "[{kind: TCPRoute, name: dns}, {kind: UDPRoute, name: ntp}]", CLOSED, ALLOW, CLOSED, ALLOW, true},
	{"rules []: the target is ignored", "[]", CLOSED, CLOSED, CLOSED, CLOSED, false},
};

static void check_row(const struct row *row)
{
	struct world w;

	begin(&w);
	target(&w, "t", FROM_CLIENT, row->rules);
	world_compile(&w);
	assert_int_equal(verdict_of(&w, SRC, DST, 53, IPPROTO_UDP), row->udp53);
	assert_int_equal(verdict_of(&w, SRC, DST, 123, IPPROTO_UDP), row->udp123);
	assert_int_equal(verdict_of(&w, SRC, DST, 9, IPPROTO_UDP), row->udp9);
	assert_int_equal(verdict_of(&w, SRC, DST, 53, IPPROTO_TCP), row->tcp53);
	assert_int_equal(ident(&w, DST)->datagrams, row->protected);
	/* What no row ever opens or protects. */
	assert_int_equal(verdict_of(&w, DST, SRC, 53, IPPROTO_UDP), CLOSED);
	assert_int_equal(verdict_of(&w, SRC, "shop/other", 53, IPPROTO_UDP), CLOSED);
	assert_int_equal(verdict_of(&w, SRC, DST, 123, IPPROTO_TCP), CLOSED);
	assert_int_equal(verdict_of(&w, SRC, DST, 53, IPPROTO_SCTP), CLOSED);
	assert_int_equal(ident(&w, SRC)->datagrams, 0);
	assert_int_equal(ident(&w, "shop/other")->datagrams, 0);
	assert_int_equal(request(&w, SRC, DST, 123, "GET", "/"), RF_REASON_NO_RULE);
	world_end(&w);
}

static void test_rows(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		print_message("row %s\n", rows[i].what);
		check_row(&rows[i]);
	}
}

/* No Service has to declare the port: the number is the rule. */
static void test_port_without_a_service(void **state)
{
	struct world w;

	(void)state;
	begin(&w);
	target(&w, "t", FROM_CLIENT, "[{kind: UDPRoute, name: dns}]");
	w.objects->services_count = 0;
	world_compile(&w);
	assert_int_equal(verdict_of(&w, SRC, DST, 5353, IPPROTO_UDP), ALLOW);
	assert_false(world_warned(&w, "grants nothing"));
	world_end(&w);
}

static void test_several_targets(void **state)
{
	const struct rf_allow_value *value;
	struct world w;

	(void)state;
	begin(&w);
	target(&w, "b", FROM_CLIENT, "[{kind: UDPRoute, name: dns}]");
	target(&w, "a", FROM_CLIENT, "[{kind: UDPRoute, name: dns}]");
	target(&w, "c", "[{kind: ServiceAccount, name: other, namespace: shop}]", "[{kind: UDPRoute, name: ntp}]");
	world_compile(&w);
	assert_int_equal(w.policy->allow_count, 3); /* 53 and 5353 once, 123 */
	value = rf_policy_lookup(w.policy, id(SRC), id(DST), 53, IPPROTO_UDP);
	assert_non_null(value);
	assert_string_equal(w.policy->rules[value->rule_id].text, "TrafficTarget shop/a (t.yaml:2)");
	assert_int_equal(value->routes_id, RF_ROUTES_NONE);
	assert_int_equal(verdict_of(&w, "shop/other", DST, 123, IPPROTO_UDP), ALLOW);
	assert_int_equal(verdict_of(&w, "shop/other", DST, 53, IPPROTO_UDP), CLOSED);
	assert_int_equal(((const struct rf_routes_head *)w.policy->routes)->pair_count, 0);
	world_end(&w);
}

static void test_outside_the_mesh(void **state)
{
	struct world w;

	(void)state;
	begin(&w);
	target(&w, "t", "[{kind: ServiceAccount, name: x, namespace: out}]", "[{kind: UDPRoute, name: all}]");
	world_yaml(&w, "o.yaml",
		   "apiVersion: access.smi-spec.io/v1alpha3\nkind: TrafficTarget\nmetadata: {name: o, namespace: out}\nspec:\n"
		   "  destination: {kind: ServiceAccount, name: x, namespace: out}\n  sources: " FROM_CLIENT
		   "\n  rules: [{kind: UDPRoute, name: missing}]\n");
	world_compile(&w);
	assert_int_equal(w.policy->allow_count, 0);
	assert_int_equal(ident(&w, DST)->datagrams, 1); /* protected, and nobody of the mesh is let in */
	assert_null(ident(&w, "out/x"));
	assert_true(world_warned(&w, "source out/x is granted nothing"));
	world_end(&w);
}

static void test_taking_a_route_away_is_a_difference(void **state)
{
	struct rf_policy_diff diff;
	struct world a, b;

	(void)state;
	begin(&a);
	target(&a, "t", FROM_CLIENT, "[{kind: TCPRoute, name: dns}, {kind: UDPRoute, name: dns}]");
	world_compile(&a);
	begin(&b);
	target(&b, "t", FROM_CLIENT, "[{kind: TCPRoute, name: dns}, {kind: UDPRoute, name: ntp}]");
	world_compile(&b);
	rf_policy_diff(a.policy, b.policy, &diff);
	assert_int_equal(diff.removed, 2); /* 53 and 5353 of UDP; the TCP one stays */
	assert_int_equal(diff.added, 1);
	assert_int_equal(diff.changed, 0);
	world_end(&a);
	world_end(&b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rows),
		cmocka_unit_test(test_port_without_a_service),
		cmocka_unit_test(test_several_targets),
		cmocka_unit_test(test_outside_the_mesh),
		cmocka_unit_test(test_taking_a_route_away_is_a_difference),
	};

	return cmocka_run_group_tests_name("policy_datagrams", tests, NULL, NULL);
}
