/* SPDX-License-Identifier: Apache-2.0 */
/* The rows of the semantics table that decide who may connect where, and the tutorial's policy from its own files. */
#include "policy_world.h"

#define WEB_PORTS                                                                                                                          \
	"  - {name: http-web, port: 80, targetPort: 3000}\n"                                                                               \
	"  - {name: tcp-db, port: 5432, targetPort: 5432}\n"                                                                               \
	"  - {name: rpc, port: 90, targetPort: 9000, appProtocol: grpc}\n"

#define SRC    "client/client"
#define DST    "shop/web"
#define HTTP   3000
#define TCP    5432
#define GRPC   9000
#define CLOSED RF_VERDICT_DENY

static void begin(struct world *w)
{
	world_begin(w);
	world_namespace(w, "client", true);
	world_namespace(w, "shop", true);
	world_namespace(w, "out", false);
	world_app(w, "client", "client", "  - port: 80\n");
	world_app(w, "shop", "web", WEB_PORTS);
}

static void target(struct world *w, const char *name, const char *sources, const char *rules)
{
	world_yamlf(w, "tt.yaml",
		    "apiVersion: access.smi-spec.io/v1alpha3\nkind: TrafficTarget\nmetadata: {name: %s, namespace: shop}\nspec:\n"
		    "  destination: {kind: ServiceAccount, name: web, namespace: shop}\n  sources: %s\n  rules: %s\n",
		    name, sources, rules);
}

#define FROM_CLIENT "[{kind: ServiceAccount, name: client, namespace: client}]"

static void group(struct world *w, const char *name, const char *matches)
{
	world_yamlf(w, "g.yaml",
		    "apiVersion: specs.smi-spec.io/v1alpha4\nkind: HTTPRouteGroup\nmetadata: {name: %s, namespace: shop}\nspec:\n  "
		    "matches: %s\n",
		    name, matches);
}

#define TWO_ROUTES "[{name: a, pathRegex: /a, methods: [GET]}, {name: b, pathRegex: /b, methods: ['*']}]"

static void tcp_route(struct world *w, const char *name, const char *ports)
{
	world_yamlf(w, "r.yaml",
		    "apiVersion: specs.smi-spec.io/v1alpha4\nkind: TCPRoute\nmetadata: {name: %s, namespace: shop}\nspec:\n"
		    "  matches: {ports: %s}\n",
		    name, ports);
}

/* One target, its rules and what follows from them: a row of the table in targets.c. */
struct row {
	const char *what;
	const char *rules;
	enum rf_verdict http, tcp, grpc;
	enum rf_reason get_a, put_b; /* on the http port, if it is L7 */
};

static const struct row rows[] = {
	{"1: no rule at all", "[]", CLOSED, CLOSED, CLOSED, RF_REASON_NO_RULE, RF_REASON_NO_RULE},
	{"7: group, matches omitted", "[{kind: HTTPRouteGroup, name: g}]", RF_VERDICT_L7, RF_VERDICT_ALLOW, RF_VERDICT_L7,
	 RF_REASON_ALLOW_L7, RF_REASON_ALLOW_L7},
	{"2: group, one match", "[{kind: HTTPRouteGroup, name: g, matches: [a]}]", RF_VERDICT_L7, RF_VERDICT_ALLOW, RF_VERDICT_L7,
	 RF_REASON_ALLOW_L7, RF_REASON_NO_ROUTE},
	{"8: missing group", "[{kind: HTTPRouteGroup, name: missing}]", RF_VERDICT_L7, CLOSED, RF_VERDICT_L7, RF_REASON_NO_ROUTE,
	 RF_REASON_NO_ROUTE},
	{"8: unknown match only", "[{kind: HTTPRouteGroup, name: g, matches: [zzz]}]", RF_VERDICT_L7, CLOSED, RF_VERDICT_L7,
	 RF_REASON_NO_ROUTE, RF_REASON_NO_ROUTE},
	{"8: unknown match beside a known one", "[{kind: HTTPRouteGroup, name: g, matches: [zzz, a]}]", RF_VERDICT_L7, RF_VERDICT_ALLOW,
	 RF_VERDICT_L7, RF_REASON_ALLOW_L7, RF_REASON_NO_ROUTE},
	{"8: group of another namespace", "[{kind: HTTPRouteGroup, name: elsewhere}]", RF_VERDICT_L7, CLOSED, RF_VERDICT_L7,
	 RF_REASON_NO_ROUTE, RF_REASON_NO_ROUTE},
	{"6: a header condition that does not hold", "[{kind: HTTPRouteGroup, name: h}]", RF_VERDICT_L7, RF_VERDICT_ALLOW, RF_VERDICT_L7,
	 RF_REASON_NO_ROUTE, RF_REASON_NO_ROUTE},
	{"9: TCPRoute, the tcp port", "[{kind: TCPRoute, name: db}]", CLOSED, RF_VERDICT_ALLOW, CLOSED, RF_REASON_NO_RULE,
	 RF_REASON_NO_RULE},
	{"9: the Service's port is not the targetPort", "[{kind: TCPRoute, name: p80}]", CLOSED, CLOSED, CLOSED, RF_REASON_NO_RULE,
	 RF_REASON_NO_RULE},
	{"9, 10: TCPRoute, all ports", "[{kind: TCPRoute, name: all}]", RF_VERDICT_L7, RF_VERDICT_ALLOW, RF_VERDICT_L7, RF_REASON_NO_ROUTE,
	 RF_REASON_NO_ROUTE},
	{"10: TCPRoute, the http port", "[{kind: TCPRoute, name: web}]", RF_VERDICT_L7, CLOSED, CLOSED, RF_REASON_NO_ROUTE,
	 RF_REASON_NO_ROUTE},
	{"9: missing TCPRoute", "[{kind: TCPRoute, name: missing}]", CLOSED, CLOSED, CLOSED, RF_REASON_NO_RULE, RF_REASON_NO_RULE},
	{"9: two TCPRoutes", "[{kind: TCPRoute, name: db}, {kind: TCPRoute, name: web}]", RF_VERDICT_L7, RF_VERDICT_ALLOW, CLOSED,
	 RF_REASON_NO_ROUTE, RF_REASON_NO_ROUTE},
	{"12: both pass", "[{kind: TCPRoute, name: web}, {kind: HTTPRouteGroup, name: g, matches: [b]}]", RF_VERDICT_L7, CLOSED, CLOSED,
	 RF_REASON_NO_ROUTE, RF_REASON_ALLOW_L7},
	{"12: wrong port", "[{kind: TCPRoute, name: db}, {kind: HTTPRouteGroup, name: g}]", CLOSED, RF_VERDICT_ALLOW, CLOSED,
	 RF_REASON_NO_RULE, RF_REASON_NO_RULE},
	{"12: missing TCPRoute closes", "[{kind: TCPRoute, name: missing}, {kind: HTTPRouteGroup, name: g}]", CLOSED, CLOSED, CLOSED,
	 RF_REASON_NO_RULE, RF_REASON_NO_RULE},
	{"13: UDPRoute only", "[{kind: UDPRoute, name: u}]", CLOSED, CLOSED, CLOSED, RF_REASON_NO_RULE, RF_REASON_NO_RULE},
	{"13: UDPRoute beside a group", "[{kind: UDPRoute, name: u}, {kind: HTTPRouteGroup, name: g, matches: [a]}]", RF_VERDICT_L7,
	 RF_VERDICT_ALLOW, RF_VERDICT_L7, RF_REASON_ALLOW_L7, RF_REASON_NO_ROUTE},
};

static void specs(struct world *w)
{
	group(w, "g", TWO_ROUTES);
	group(w, "h", "[{name: hd, pathRegex: /a, headers: [{user-agent: curl.*}]}]");
	world_yaml(w, "else.yaml",
		   "apiVersion: specs.smi-spec.io/v1alpha4\nkind: HTTPRouteGroup\nmetadata: {name: elsewhere, namespace: client}\nspec:\n"
		   "  matches: [{name: a, pathRegex: .*}]\n---\n"
		   "apiVersion: specs.smi-spec.io/v1alpha4\nkind: UDPRoute\nmetadata: {name: u, namespace: shop}\nspec: {matches: {ports: "
		   "[3000]}}\n");
	tcp_route(w, "db", "[5432]");
	tcp_route(w, "p80", "[80]");
	tcp_route(w, "web", "[3000]");
	tcp_route(w, "all", "[]");
}

static void check_row(const struct row *row)
{
	struct world w;

	begin(&w);
	specs(&w);
	/* A list that the parser may refuse when empty is emptied here, so that the compiler's own answer is seen. */
	target(&w, "t", FROM_CLIENT, strcmp(row->rules, "[]") ? row->rules : "[{kind: HTTPRouteGroup, name: g}]");
	if (!strcmp(row->rules, "[]"))
		w.objects->targets[0].rule_count = 0;
	world_compile(&w);
	assert_int_equal(verdict(&w, SRC, DST, HTTP), row->http);
	assert_int_equal(verdict(&w, SRC, DST, TCP), row->tcp);
	assert_int_equal(verdict(&w, SRC, DST, GRPC), row->grpc);
	assert_int_equal(request(&w, SRC, DST, HTTP, "GET", "/a"), row->get_a);
	assert_int_equal(request(&w, SRC, DST, HTTP, "PUT", "/b"), row->put_b);
	/* What no row ever opens. */
	assert_int_equal(verdict(&w, SRC, DST, 80), CLOSED);
	assert_int_equal(verdict(&w, SRC, DST, 1), CLOSED);
	assert_int_equal(verdict(&w, DST, SRC, HTTP), CLOSED);
	assert_int_equal(verdict(&w, "shop/client", DST, HTTP), CLOSED);
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

static void test_empty_lists_admit_nothing(void **state)
{
	struct world w;

	(void)state;
	begin(&w);
	specs(&w);
	target(&w, "t", FROM_CLIENT, "[{kind: HTTPRouteGroup, name: g, matches: [a]}]");
	w.objects->targets[0].rules[0].match_count = 0;
	world_compile(&w);
	assert_int_equal(request(&w, SRC, DST, HTTP, "GET", "/a"), RF_REASON_NO_ROUTE);
	assert_int_equal(verdict(&w, SRC, DST, TCP), CLOSED);
	w.objects->targets[0].source_count = 0;
	world_compile(&w);
	assert_int_equal(w.policy->allow_count, 0);
	world_end(&w);
}

static void test_route_for_others(void **state)
{
	struct world w;

	(void)state;
	begin(&w);
	world_namespace(&w, "thief", true);
	world_app(&w, "thief", "thief", "  - port: 80\n");
	specs(&w);
	target(&w, "one", FROM_CLIENT, "[{kind: HTTPRouteGroup, name: g, matches: [a]}]");
	target(&w, "two", "[{kind: ServiceAccount, name: thief, namespace: thief}]", "[{kind: HTTPRouteGroup, name: g, matches: [b]}]");
	world_compile(&w);
	assert_int_equal(request(&w, SRC, DST, HTTP, "GET", "/a"), RF_REASON_ALLOW_L7);
	assert_int_equal(request(&w, SRC, DST, HTTP, "GET", "/a?x=1"), RF_REASON_ALLOW_L7);
	assert_int_equal(request(&w, SRC, DST, HTTP, "HEAD", "/a"), RF_REASON_NO_ROUTE);
	assert_int_equal(request(&w, SRC, DST, HTTP, "GET", "/b"), RF_REASON_ROUTE_OTHERS);
	assert_int_equal(request(&w, SRC, DST, HTTP, "GET", "/c"), RF_REASON_NO_ROUTE);
	assert_int_equal(request(&w, "thief/thief", DST, HTTP, "GET", "/b"), RF_REASON_ALLOW_L7);
	assert_int_equal(request(&w, "thief/thief", DST, HTTP, "GET", "/a"), RF_REASON_ROUTE_OTHERS);
	assert_string_equal(rule_text(&w, SRC, DST, HTTP), "TrafficTarget shop/one (tt.yaml:2)");
	world_end(&w);
}

/* Semantics row 14: overlapping routes in several targets are a union. */
static void test_union(void **state)
{
	struct world w;

	(void)state;
	begin(&w);
	specs(&w);
	group(&w, "wide", "[{name: w, pathRegex: /a.*, methods: ['*']}]");
	target(&w, "one", FROM_CLIENT, "[{kind: HTTPRouteGroup, name: g, matches: [a]}]");
	target(&w, "two", FROM_CLIENT, "[{kind: HTTPRouteGroup, name: g, matches: [b]}]");
	target(&w, "wide", "[{kind: ServiceAccount, name: other, namespace: client}]", "[{kind: HTTPRouteGroup, name: wide}]");
	target(&w, "empty", FROM_CLIENT, "[{kind: TCPRoute, name: web}]");
	world_compile(&w);
	assert_int_equal(request(&w, SRC, DST, HTTP, "GET", "/a"), RF_REASON_ALLOW_L7); /* also matched by the other's wide route */
	assert_int_equal(request(&w, SRC, DST, HTTP, "PUT", "/b"), RF_REASON_ALLOW_L7);
	assert_int_equal(request(&w, SRC, DST, HTTP, "PUT", "/a"), RF_REASON_ROUTE_OTHERS);
	assert_int_equal(request(&w, "client/other", DST, HTTP, "PUT", "/a"), RF_REASON_ALLOW_L7);
	world_end(&w);
}

static void test_outside_the_mesh(void **state)
{
	struct world w;

	(void)state;
	begin(&w);
	specs(&w);
	world_app(&w, "out", "web", "  - port: 80\n");
	target(&w, "t", "[{kind: ServiceAccount, name: client, namespace: out}]", "[{kind: HTTPRouteGroup, name: g}]");
	world_yaml(&w, "out.yaml",
		   "apiVersion: specs.smi-spec.io/v1alpha4\nkind: TCPRoute\nmetadata: {name: all, namespace: out}\nspec: {matches: {ports: "
		   "[]}}\n---\n"
		   "apiVersion: access.smi-spec.io/v1alpha3\nkind: TrafficTarget\nmetadata: {name: t, namespace: out}\nspec:\n"
		   "  destination: {kind: ServiceAccount, name: web, namespace: out}\n"
		   "  sources: [{kind: ServiceAccount, name: client, namespace: client}]\n  rules: [{kind: TCPRoute, name: all}]\n");
	world_compile(&w);
	assert_int_equal(w.policy->allow_count, 0);
	assert_true(world_warned(&w, "namespace out is not in the mesh: TrafficTarget out/t grants nothing"));
	assert_true(world_warned(&w, "source out/client is granted nothing"));
	world_end(&w);
}

/* The same port declared twice: per-request checks win whatever the order. */
static void test_port_kinds_conflict(void **state)
{
	struct world w;

	(void)state;
	begin(&w);
	specs(&w);
	world_yaml(&w, "again.yaml",
		   "apiVersion: v1\nkind: Service\nmetadata: {name: again, namespace: shop}\nspec:\n  selector: {app: web}\n  ports:\n"
		   "  - {name: tcp-web, port: 81, targetPort: 3000}\n  - {name: http-db, port: 82, targetPort: 5432}\n");
	target(&w, "t", FROM_CLIENT, "[{kind: TCPRoute, name: all}]");
	world_compile(&w);
	assert_int_equal(verdict(&w, SRC, DST, HTTP), RF_VERDICT_L7);
	assert_int_equal(verdict(&w, SRC, DST, TCP), RF_VERDICT_L7);
	assert_true(world_warned(&w, "Service shop/again declares port 3000 of ServiceAccount shop/web as tcp, Service shop/web as http"));
	assert_true(world_warned(&w, "Service shop/web declares port 5432 of ServiceAccount shop/web as tcp, Service shop/again as http"));
	world_end(&w);
}

/* A port is known from a running pod alone: its labels are selected, whatever no Deployment says. */
static void test_port_of_a_running_pod(void **state)
{
	struct world w;

	(void)state;
	begin(&w);
	specs(&w);
	world_pod(&w, "shop", "p", "canary", "web", "10.201.0.4");
	world_yaml(&w, "c.yaml",
		   "apiVersion: access.smi-spec.io/v1alpha3\nkind: TrafficTarget\nmetadata: {name: c, namespace: shop}\nspec:\n"
		   "  destination: {kind: ServiceAccount, name: canary, namespace: shop}\n"
		   "  sources: [{kind: ServiceAccount, name: client, namespace: client}]\n  rules: [{kind: TCPRoute, name: db}]\n");
	world_compile(&w);
	assert_int_equal(verdict(&w, SRC, "shop/canary", TCP), RF_VERDICT_ALLOW);
	assert_int_equal(verdict(&w, SRC, "shop/canary", HTTP), CLOSED);
	w.pod_count = 0;
	world_compile(&w);
	assert_int_equal(verdict(&w, SRC, "shop/canary", TCP), CLOSED);
	assert_true(world_warned(&w, "no Service selects a pod of ServiceAccount shop/canary"));
	world_end(&w);
}

static void test_service_port_is_named_in_a_warning(void **state)
{
	struct world w;

	(void)state;
	begin(&w);
	specs(&w);
	target(&w, "t", FROM_CLIENT, "[{kind: TCPRoute, name: p80}]");
	world_compile(&w);
	assert_true(world_warned(&w, "TCPRoute shop/p80: port 80 admits nothing"));
	world_end(&w);
}

/* ---- the tutorial ---- */

static void load(struct world *w, const char *dir)
{
	char path[256];

	snprintf(path, sizeof(path), "policies/bookstore/%s", dir);
	assert_int_equal(rf_objects_add_path(w->objects, path, "policies/"), 0);
	world_print(&w->objects->diags);
	assert_int_equal(w->objects->diags.error_count, 0);
}

static void join_all(struct world *w)
{
	static struct rf_pair_text joined = {.key = "openservicemesh.io/monitored-by", .value = "osm"};
	size_t n = 0;

	for (size_t i = 0; i < w->objects->namespaces_count; i++)
		if (!strncmp(w->objects->namespaces[i].meta.name, "book", 4)) {
			w->objects->namespaces[i].meta.labels = &joined;
			w->objects->namespaces[i].meta.label_count = 1;
			n++;
		}
	assert_int_equal(n, 3);
}

#define STORE    "bookstore/bookstore"
#define BUYER    "bookbuyer/bookbuyer"
#define THIEF    "bookthief/bookthief"
#define BUY(s)   request(&w, s, STORE, 3000, "GET", "/api/buy")
#define STEAL(s) request(&w, s, STORE, 3000, "GET", "/api/steal")

static void test_tutorial(void **state)
{
	struct rf_target_rule *rule;
	struct world w;

	(void)state;
	world_begin(&w);
	load(&w, "manifests");
	load(&w, "ingress");
	world_compile(&w);
	assert_int_equal(w.policy->idents_count, 0); /* no mesh yet */

	join_all(&w);
	world_compile(&w);
	assert_int_equal(w.policy->idents_count, 3);
	assert_int_equal(w.policy->allow_count, 0); /* nobody reaches bookstore */
	assert_int_equal(BUY(BUYER), RF_REASON_NO_RULE);

	load(&w, "traffic-access");
	world_compile(&w);
	assert_int_equal(verdict(&w, BUYER, STORE, 3000), RF_VERDICT_L7);
	assert_int_equal(w.policy->allow_count, 2);
	assert_int_equal(BUY(BUYER), RF_REASON_ALLOW_L7);
	assert_int_equal(STEAL(BUYER), RF_REASON_ALLOW_L7);
	assert_int_equal(BUY(THIEF), RF_REASON_ALLOW_L7);
	assert_int_equal(STEAL(THIEF), RF_REASON_ALLOW_L7);
	assert_int_equal(request(&w, BUYER, STORE, 3000, "GET", "/"), RF_REASON_NO_ROUTE);
	assert_int_equal(request(&w, BUYER, STORE, 3000, "POST", "/api/buy"), RF_REASON_NO_ROUTE);
	assert_int_equal(request(&w, STORE, "bookbuyer/bookbuyer", 4000, "GET", "/"), RF_REASON_NO_RULE);
	assert_string_equal(rule_text(&w, THIEF, STORE, 3000),
			    "TrafficTarget bookstore/bookstore (bookstore/traffic-access/traffic-target.yaml:3)");

	rule = &w.objects->targets[0].rules[0]; /* "# - steal-books" */
	assert_int_equal(rule->match_count, 2);
	assert_string_equal(rule->matches[1].name, "steal-books");
	rule->match_count = 1;
	world_compile(&w);
	assert_int_equal(STEAL(THIEF), RF_REASON_NO_ROUTE);
	assert_int_equal(STEAL(BUYER), RF_REASON_NO_ROUTE);
	assert_int_equal(BUY(THIEF), RF_REASON_ALLOW_L7);
	world_end(&w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rows),
		cmocka_unit_test(test_empty_lists_admit_nothing),
		cmocka_unit_test(test_route_for_others),
		cmocka_unit_test(test_union),
		cmocka_unit_test(test_outside_the_mesh),
		cmocka_unit_test(test_port_kinds_conflict),
		cmocka_unit_test(test_port_of_a_running_pod),
		cmocka_unit_test(test_service_port_is_named_in_a_warning),
		cmocka_unit_test(test_tutorial),
	};

	return cmocka_run_group_tests_name("policy_targets", tests, NULL, NULL);
}
