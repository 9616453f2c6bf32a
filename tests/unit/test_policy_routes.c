/* SPDX-License-Identifier: Apache-2.0 */
/* The routes blob, the rule texts and the limits of one revision. */
#include "policy_world.h"

#include <errno.h>

#define DST "shop/web"

static void begin(struct world *w)
{
	world_begin(w);
	world_namespace(w, "client", true);
	world_namespace(w, "shop", true);
	world_app(w, "shop", "web", "  - {name: http-web, port: 80, targetPort: 3000}\n  - {name: tcp-db, port: 5432, targetPort: 5432}\n");
}

static void group(struct world *w, const char *name, const char *regex)
{
	world_yamlf(w, "g.yaml",
		    "apiVersion: specs.smi-spec.io/v1alpha4\nkind: HTTPRouteGroup\nmetadata: {name: %s, namespace: shop}\nspec:\n"
		    "  matches:\n  - name: only\n    pathRegex: '%s'\n",
		    name, regex);
}

static void target(struct world *w, const char *name, const char *source, const char *rules)
{
	world_yamlf(w, "tt.yaml",
		    "apiVersion: access.smi-spec.io/v1alpha3\nkind: TrafficTarget\nmetadata: {name: %s, namespace: shop}\nspec:\n"
		    "  destination: {kind: ServiceAccount, name: web, namespace: shop}\n"
		    "  sources: [{kind: ServiceAccount, name: %s, namespace: client}]\n  rules: %s\n",
		    name, source, rules);
}

static const struct rf_routes_head *head(const struct world *w)
{
	return w->policy->routes;
}

static const struct rf_route_pair *pairs(const struct world *w)
{
	return (const struct rf_route_pair *)((const char *)w->policy->routes + head(w)->pairs_off);
}

static const struct rf_route_grant *grants(const struct world *w)
{
	return (const struct rf_route_grant *)((const char *)w->policy->routes + head(w)->grants_off);
}

static void test_empty(void **state)
{
	struct world w;

	(void)state;
	begin(&w);
	world_compile(&w);
	assert_int_equal(head(&w)->magic, RF_ROUTES_MAGIC);
	assert_int_equal(head(&w)->epoch, 7);
	assert_int_equal(head(&w)->pair_count, 0);
	assert_int_equal(head(&w)->size, w.policy->routes_size);
	assert_int_equal((uintptr_t)w.policy->routes % 8, 0);
	assert_int_equal(request(&w, "client/a", DST, 3000, "GET", "/"), RF_REASON_NO_RULE);
	world_end(&w);
}

static void test_pairs_repeat_the_allow_list(void **state)
{
	struct world w;

	(void)state;
	begin(&w);
	group(&w, "g", "/a");
	for (int i = 0; i < 20; i++) {
		char name[16];

		snprintf(name, sizeof(name), "s%d", i);
		target(&w, name, name, "[{kind: HTTPRouteGroup, name: g}]");
	}
	world_compile(&w);
	assert_int_equal(w.policy->allow_count, 40); /* the http and the tcp port */
	assert_int_equal(head(&w)->pair_count, 40);
	for (size_t i = 0; i < 40; i++) {
		const struct rf_route_pair *p = &pairs(&w)[i];

		assert_true(p->src == w.policy->allow_keys[i].src && p->dst == w.policy->allow_keys[i].dst);
		assert_int_equal(p->port, w.policy->allow_keys[i].port);
		assert_int_equal(p->verdict, w.policy->allow_values[i].verdict);
		assert_int_equal(p->rule_id, w.policy->allow_values[i].rule_id);
		assert_int_equal(p->routes_id, w.policy->allow_values[i].routes_id);
		assert_int_equal(p->routes_id == RF_ROUTES_NONE, p->verdict != RF_VERDICT_L7);
		assert_int_equal(w.policy->allow_values[i].hits, 0);
		if (i)
			assert_true(p[-1].src < p->src || (p[-1].src == p->src && (p[-1].dst < p->dst || p[-1].port < p->port)));
	}
	assert_int_equal(head(&w)->grant_count, 1); /* all twenty are granted the same */
	world_end(&w);
}

static void test_equal_grants_are_one(void **state)
{
	struct world w;

	(void)state;
	begin(&w);
	group(&w, "a", "/a");
	group(&w, "b", "/b");
	target(&w, "one", "x", "[{kind: HTTPRouteGroup, name: a}]");
	target(&w, "two", "y", "[{kind: HTTPRouteGroup, name: a}, {kind: HTTPRouteGroup, name: b}]");
	target(&w, "three", "z", "[{kind: HTTPRouteGroup, name: b}]");
	target(&w, "four", "z", "[{kind: HTTPRouteGroup, name: a}]");
	world_compile(&w);
	assert_int_equal(head(&w)->grant_count, 2);
	assert_int_equal(rf_policy_lookup(w.policy, id("client/y"), id(DST), 3000, IPPROTO_TCP)->routes_id,
			 rf_policy_lookup(w.policy, id("client/z"), id(DST), 3000, IPPROTO_TCP)->routes_id);
	assert_true(grants(&w)[0].automaton_off == grants(&w)[1].automaton_off); /* one automaton a destination */
	assert_int_equal(w.policy->grant_count, 2);
	assert_true(w.policy->grant_digests[0] != w.policy->grant_digests[1]);
	world_end(&w);
}

static void test_no_routes_no_automaton(void **state)
{
	struct world w;

	(void)state;
	begin(&w);
	target(&w, "t", "x", "[{kind: HTTPRouteGroup, name: missing}]");
	world_compile(&w);
	assert_int_equal(head(&w)->grant_count, 1);
	assert_int_equal(grants(&w)[0].automaton_off, 0);
	assert_int_equal(request(&w, "client/x", DST, 3000, "GET", "/"), RF_REASON_NO_ROUTE);
	world_end(&w);
}

static void test_permissive(void **state)
{
	struct world w;

	(void)state;
	begin(&w);
	world_namespace(&w, "other", true);
	world_yaml(&w, "mesh.yaml",
		   "apiVersion: config.openservicemesh.io/v1alpha2\nkind: MeshConfig\nmetadata: {name: osm-mesh-config, namespace: "
		   "osm-system}\n"
		   "spec: {traffic: {enablePermissiveTrafficPolicyMode: true}}\n");
	group(&w, "g", "/a");
	target(&w, "t", "x", "[{kind: HTTPRouteGroup, name: g}]");
	world_compile(&w);
	assert_int_equal(head(&w)->flags, RF_ROUTES_PERMISSIVE);
	assert_int_equal(w.policy->allow_count, 2); /* still there: switching the mode back needs no other objects */
	assert_int_equal(request(&w, "client/x", DST, 3000, "PUT", "/zzz"), RF_REASON_ALLOW_PERMISSIVE);
	world_end(&w);
}

/* A request's rule names the match that let it in. */
static void test_rule_of_a_request(void **state)
{
	const struct rf_request_question q = question("client/x", DST, 3000, "GET", "/b");
	struct rf_request_answer a;
	struct world w;

	(void)state;
	begin(&w);
	group(&w, "a", "/a");
	group(&w, "b", "/b");
	target(&w, "t", "x", "[{kind: HTTPRouteGroup, name: a}, {kind: HTTPRouteGroup, name: b}]");
	world_compile(&w);
	a = answer(&w, &q);
	assert_int_equal(a.reason, RF_REASON_ALLOW_L7);
	assert_in_range(a.rule_id, 1, w.policy->rule_count - 1);
	assert_string_equal(w.policy->rules[a.rule_id].text, "HTTPRouteGroup shop/b only (g.yaml:6)");
	assert_string_equal(rule_text(&w, "client/x", DST, 5432), "TrafficTarget shop/t (tt.yaml:2)");
	world_end(&w);
}

/* Whatever is too long, the end of the path and the line stay readable. */
static void test_long_rule_text(void **state)
{
	struct world w;
	char file[400], name[RF_NAME_MAX + 1];
	const char *text;

	(void)state;
	memset(file, 'f', sizeof(file));
	snprintf(file + 300, sizeof(file) - 300, "/end.yaml");
	for (size_t i = 0; i < RF_NAME_MAX; i++)
		name[i] = i % 63 == 62 ? '.' : 'n';
	name[RF_NAME_MAX] = '\0';
	begin(&w);
	group(&w, "g", "/a");
	world_yamlf(&w, file,
		    "apiVersion: access.smi-spec.io/v1alpha3\nkind: TrafficTarget\nmetadata: {name: %s, namespace: shop}\nspec:\n"
		    "  destination: {kind: ServiceAccount, name: web, namespace: shop}\n"
		    "  sources: [{kind: ServiceAccount, name: x, namespace: client}]\n  rules: [{kind: HTTPRouteGroup, name: g}]\n",
		    name);
	world_compile(&w);
	text = rule_text(&w, "client/x", DST, 3000);
	assert_in_range(strlen(text), 200, RF_RULE_TEXT_MAX - 1);
	assert_string_equal(text + strlen(text) - strlen("fff/end.yaml:2)"), "fff/end.yaml:2)");
	assert_memory_equal(text, "TrafficTarget shop/nnn", 22);
	world_end(&w);
}

/* A pattern past the state budget is simulated, and the answer does not change. */
static void test_state_budget(void **state)
{
	struct world w;

	(void)state;
	begin(&w);
	group(&w, "g", "/(a|b)*a(a|b){16}");
	target(&w, "t", "x", "[{kind: HTTPRouteGroup, name: g}]");
	world_compile(&w);
	assert_int_equal(w.policy->nfa_count, 1);
	assert_true(world_warned(&w, "they are simulated"));
	assert_int_equal(request(&w, "client/x", DST, 3000, "GET", "/bbabbbbbbbbbbbbbbbb"), RF_REASON_ALLOW_L7);
	assert_int_equal(request(&w, "client/x", DST, 3000, "GET", "/bbbbbbbbbbbbbbbbbbb"), RF_REASON_NO_ROUTE);
	world_end(&w);
}

/* ---- limits ---- */

static void test_too_many_ingress_entries(void **state)
{
	static struct rf_ingress_source sources[RF_INGRESS_MAX + 1];
	struct world w;

	(void)state;
	begin(&w);
	world_yaml(&w, "ib.yaml",
		   "apiVersion: policy.openservicemesh.io/v1alpha1\nkind: IngressBackend\nmetadata: {name: door, namespace: shop}\nspec:\n"
		   "  backends: [{name: web, port: {number: 3000, protocol: http}}]\n  sources: [{kind: IPRange, name: 10.0.0.1/32}]\n");
	for (uint32_t i = 0; i <= RF_INGRESS_MAX; i++) {
		sources[i] = w.objects->ingress_backends[0].sources[0];
		sources[i].net = rf_addr4(htonl(0x0b000000u + i));
	}
	w.objects->ingress_backends[0].sources = sources;
	w.objects->ingress_backends[0].source_count = RF_INGRESS_MAX;
	world_compile(&w);
	assert_int_equal(w.policy->ingress_count, RF_INGRESS_MAX);
	w.objects->ingress_backends[0].source_count = RF_INGRESS_MAX + 1;
	assert_int_equal(world_try(&w), -E2BIG);
	assert_null(w.policy);
	assert_true(world_warned(&w, "the policy needs 65537 ingress entries, the limit is 65536"));
	assert_int_equal(w.diags.error_count, 1);
	world_end(&w);
}

static void test_too_many_backends(void **state)
{
	static struct rf_service_port many[500];
	struct world w;

	(void)state;
	begin(&w);
	for (size_t i = 0; i < 500; i++)
		many[i] = (struct rf_service_port){
			.name = "", .port = (uint16_t)i, .target_port = 1, .kind = RF_PORT_TCP, .place = {.file = "x"}};
	for (int i = 0; i < 300; i++)
		world_yamlf(&w, "s.yaml",
			    "apiVersion: v1\nkind: Service\nmetadata: {name: s%d, namespace: shop}\nspec: {selector: {app: web}, ports: "
			    "[{port: 80}]}\n",
			    i);
	for (size_t i = 0; i < w.objects->services_count; i++) {
		w.objects->services[i].ports = many;
		w.objects->services[i].port_count = 500;
	}
	world_pod(&w, "shop", "p", "web", "web", "10.201.0.5");
	assert_int_equal(world_try(&w), -E2BIG);
	assert_true(world_warned(&w, "Service backends, the limit is 131072"));
	world_end(&w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_empty),
		cmocka_unit_test(test_pairs_repeat_the_allow_list),
		cmocka_unit_test(test_equal_grants_are_one),
		cmocka_unit_test(test_no_routes_no_automaton),
		cmocka_unit_test(test_permissive),
		cmocka_unit_test(test_rule_of_a_request),
		cmocka_unit_test(test_long_rule_text),
		cmocka_unit_test(test_state_budget),
		cmocka_unit_test(test_too_many_ingress_entries),
		cmocka_unit_test(test_too_many_backends),
	};

	return cmocka_run_group_tests_name("policy_routes", tests, NULL, NULL);
}
