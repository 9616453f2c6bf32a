/* SPDX-License-Identifier: Apache-2.0 */
/* What a request is asked for beyond method and path: headers (semantics row 6), names (row 18), and outside the mesh hosts and addresses
 * (row 20), from objects to decisions. */
#include "policy_world.h"

#define DST "shop/web"

static void target(struct world *w, const char *source_ns, const char *group)
{
	world_yamlf(w, "tt.yaml",
		    "apiVersion: access.smi-spec.io/v1alpha3\nkind: TrafficTarget\nmetadata: {name: from-%s, namespace: shop}\nspec:\n"
		    "  destination: {kind: ServiceAccount, name: web, namespace: shop}\n"
		    "  sources: [{kind: ServiceAccount, name: x, namespace: %s}]\n  rules: [{kind: HTTPRouteGroup, name: %s}]\n",
		    source_ns, source_ns, group);
}

static void group(struct world *w, const char *ns, const char *name, const char *matches)
{
	world_yamlf(w, "g.yaml",
		    "apiVersion: specs.smi-spec.io/v1alpha4\nkind: HTTPRouteGroup\nmetadata: {name: %s, namespace: %s}\nspec:\n  "
		    "matches: %s\n",
		    name, ns, matches);
}

/* client/x and shop/x may ask shop/web, a Service on port 80 (targetPort 3000) and 81 (4000). */
static void begin(struct world *w, const char *matches)
{
	world_begin(w);
	world_namespace(w, "shop", true);
	world_namespace(w, "client", true);
	world_app(w, "shop", "web", "  - {name: http-a, port: 80, targetPort: 3000}\n  - {name: http-b, port: 81, targetPort: 4000}\n");
	group(w, "shop", "g", matches);
	target(w, "client", "g");
	target(w, "shop", "g");
}

/* ---- headers ---- */

static enum rf_reason with_field(const struct world *w, const char *path, const char *name, const char *value, const char *host)
{
	const struct rf_header_field field = {name, strlen(name), value, strlen(value)};
	struct rf_request_question q = question("client/x", DST, 3000, "GET", path);

	q.fields = &field;
	q.field_count = 1;
	q.authority = host;
	q.authority_len = strlen(host);
	return answer(w, &q).reason;
}

static void test_headers(void **state)
{
	struct world w;

	(void)state;
	begin(&w, "[{name: a, pathRegex: /a, headers: [{User-Agent: curl.*}]}, {name: b, pathRegex: /b, headers: {client-app: x|y}},"
		  " {name: h, pathRegex: /h, headers: [{Host: 'other[.].*'}]}, {name: d, pathRegex: /d},"
		  " {name: any, pathRegex: /any, headers: [{host: .*}]}, {name: two, pathRegex: /two, headers: [{x-one: .*}, {host: w}]}]");
	world_compile(&w);
	assert_int_equal(with_field(&w, "/a", "user-AGENT", "curl/8", "w"), RF_REASON_ALLOW_L7);
	assert_int_equal(with_field(&w, "/a", "user-agent", "Curl/8", "w"), RF_REASON_NO_ROUTE);
	assert_int_equal(with_field(&w, "/b", "Client-App", "y", "w"), RF_REASON_ALLOW_L7);
	assert_int_equal(with_field(&w, "/b", "Client-App", "xy", "w"), RF_REASON_NO_ROUTE);
	assert_int_equal(with_field(&w, "/b", "client-apps", "x", "w"), RF_REASON_NO_ROUTE);
	/* "host" is the authority, whatever a header line says */
	assert_int_equal(with_field(&w, "/h", "host", "w", "OTHER.name:80"), RF_REASON_ALLOW_L7);
	assert_int_equal(with_field(&w, "/h", "host", "other.name", "w"), RF_REASON_NO_ROUTE);
	assert_int_equal(with_field(&w, "/h", "host", "other.name", ""), RF_REASON_NO_ROUTE);
	assert_int_equal(with_field(&w, "/any", "host", "w", "w"), RF_REASON_ALLOW_L7);
	assert_int_equal(with_field(&w, "/any", "host", "w", ""), RF_REASON_NO_ROUTE); /* it must be there */
	/* all of them */
	assert_int_equal(with_field(&w, "/two", "x-one", "", "w"), RF_REASON_ALLOW_L7);
	assert_int_equal(with_field(&w, "/two", "x-one", "", "v"), RF_REASON_NO_ROUTE);
	assert_int_equal(with_field(&w, "/two", "x-two", "", "w"), RF_REASON_NO_ROUTE);
	assert_int_equal(request(&w, "client/x", DST, 3000, "GET", "/d"), RF_REASON_ALLOW_L7);
	world_end(&w);
}

/* A client that may ask cannot make one request cost the conditions of all routes times all it can write into a header. */
static void test_work_is_bounded(void **state)
{
	char matches[16384] = "[", value[16001];
	struct world w;
	size_t n = 1;

	(void)state;
	for (int i = 0; i < 300; i++)
		n += (size_t)snprintf(matches + n, sizeof(matches) - n, "{name: m%d, pathRegex: /x, headers: {h: a*%d}},", i, i);
	matches[n - 1] = ']';
	begin(&w, matches);
	world_compile(&w);
	memset(value, 'a', sizeof(value) - 1);
	value[sizeof(value) - 1] = '\0';
	assert_int_equal(with_field(&w, "/x", "h", value, "w"), RF_REASON_BAD_REQUEST);
	assert_int_equal(with_field(&w, "/x", "h", "aaa299", "w"), RF_REASON_ALLOW_L7);
	assert_int_equal(with_field(&w, "/x", "h", "aaa300", "w"), RF_REASON_NO_ROUTE);
	strcpy(value + 4000, "7"); /* long, but the route is found in time */
	assert_int_equal(with_field(&w, "/x", "h", value, "w"), RF_REASON_ALLOW_L7);
	assert_int_equal(with_field(&w, "/y", "h", value, "w"), RF_REASON_NO_ROUTE);
	world_end(&w);
}

/* An automaton that is none that knows one state at a time costs many times as much a byte. */
static void test_work_of_an_nfa_is_bounded(void **state)
{
	char value[16001], match[1001];
	struct world w;

	(void)state;
	begin(&w, "[{name: m, pathRegex: /x, headers: {h: '.*a.{900}'}}]");
	world_compile(&w);
	memset(value, 'a', sizeof(value) - 1);
	value[sizeof(value) - 1] = '\0';
	memset(match, 'b', sizeof(match) - 1);
	match[sizeof(match) - 1] = '\0';
	match[99] = 'a';
	assert_int_equal(with_field(&w, "/x", "h", value, "w"), RF_REASON_BAD_REQUEST);
	assert_int_equal(with_field(&w, "/x", "h", match, "w"), RF_REASON_ALLOW_L7);
	match[999] = '\0';
	assert_int_equal(with_field(&w, "/x", "h", match, "w"), RF_REASON_NO_ROUTE);
	value[200] = '\0';
	assert_int_equal(with_field(&w, "/x", "h", value, "w"), RF_REASON_NO_ROUTE);
	world_end(&w);
}

/* The same for the path. */
static void test_work_of_a_path_is_bounded(void **state)
{
	char path[8001] = "/";
	struct world w;

	(void)state;
	begin(&w, "[{name: a, pathRegex: '/.*a.{900}'}, {name: b, pathRegex: '/.*a.{800}b'}]");
	world_compile(&w);
	memset(path + 1, 'a', sizeof(path) - 2);
	assert_int_equal(request(&w, "client/x", DST, 3000, "GET", path), RF_REASON_BAD_REQUEST);
	path[902] = '\0';
	assert_int_equal(request(&w, "client/x", DST, 3000, "GET", path), RF_REASON_ALLOW_L7);
	path[901] = '\0';
	assert_int_equal(request(&w, "client/x", DST, 3000, "GET", path), RF_REASON_NO_ROUTE);
	world_end(&w);
}

static void test_headers_are_in_the_difference(void **state)
{
	static const char *const matches[] = {"[{name: a, pathRegex: /a, headers: [{k: v}]}]",
					      "[{name: a, pathRegex: /a, headers: [{k: w}]}]", "[{name: a, pathRegex: /a}]"};
	struct rf_policy_diff diff;
	struct world w[3];

	(void)state;
	for (size_t i = 0; i < 3; i++) {
		begin(&w[i], matches[i]);
		world_compile(&w[i]);
		rf_policy_diff(w[0].policy, w[i].policy, &diff);
		assert_int_equal(diff.added + diff.removed, 0);
		assert_int_equal(diff.changed, i ? 4 : 0); /* two sources, two ports */
	}
	for (size_t i = 0; i < 3; i++)
		world_end(&w[i]);
}

/* ---- names ---- */

static void strict(struct world *w)
{
	world_yaml(w, "mesh.yaml",
		   "apiVersion: config.openservicemesh.io/v1alpha2\nkind: MeshConfig\nmetadata: {name: osm-mesh-config, namespace: "
		   "osm-system}\nspec: {traffic: {strictAuthority: true}}\n");
}

static const struct {
	const char *host;
	bool from_elsewhere, from_here;
} names[] = {
	{"web.shop", true, true},
	{"web.shop:80", true, true},
	{"web.shop.svc", true, true},
	{"web.shop.svc:80", true, true},
	{"web.shop.svc.cluster.local", true, true},
	{"WEB.Shop.svc.cluster.local:80", true, true},
	{"web", false, true},
	{"web:80", false, true},
	{"web:81", false, false},        /* the Service's other port has another targetPort */
	{"web.shop:3000", false, false}, /* the targetPort is nobody's name */
	{"web.shop:81", false, false},
	{"web.shop.svc.cluster", false, false},
	{"web.shop.svc.cluster.local.", false, false},
	{"web.client", false, false},
	{"other.shop", false, false},
	{"webxshop", false, false},
	{"10.202.0.9", false, false},
	{"", false, false},
};

static void test_names(void **state)
{
	struct world w;

	(void)state;
	begin(&w, "[{name: a, pathRegex: /a}]");
	world_app(&w, "shop", "other", "  - {port: 80, targetPort: 3000}\n"); /* of other pods */
	strict(&w);
	world_compile(&w);
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		print_message("%s\n", names[i].host);
		assert_int_equal(request_host(&w, "client/x", DST, 3000, "/a", names[i].host),
				 names[i].from_elsewhere ? RF_REASON_ALLOW_L7 : RF_REASON_AUTHORITY);
		assert_int_equal(request_host(&w, "shop/x", DST, 3000, "/a", names[i].host),
				 names[i].from_here ? RF_REASON_ALLOW_L7 : RF_REASON_AUTHORITY);
	}
	assert_int_equal(request_host(&w, "client/x", DST, 4000, "/a", "web.shop:81"), RF_REASON_ALLOW_L7);
	assert_int_equal(request_host(&w, "client/x", DST, 4000, "/a", "web.shop:80"), RF_REASON_AUTHORITY);
	assert_int_equal(request_host(&w, "client/x", DST, 3000, "/b", "web.shop"), RF_REASON_NO_ROUTE);
	world_end(&w);
}

static void test_names_are_not_asked_unless_told(void **state)
{
	struct world w;

	(void)state;
	begin(&w, "[{name: a, pathRegex: /a}]");
	world_compile(&w);
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		assert_int_equal(request_host(&w, "client/x", DST, 3000, "/a", names[i].host), RF_REASON_ALLOW_L7);
	world_end(&w);
}

/* A second Service of the same pods, and a root that is split over the first. */
static void test_names_of_others_for_the_same_pods(void **state)
{
	static const char *const split =
		"apiVersion: split.smi-spec.io/v1alpha2\nkind: TrafficSplit\nmetadata: {name: s, namespace: shop}\n"
		"spec: {service: root, backends: [{service: web, weight: 1}]}\n";
	struct world w;

	(void)state;
	begin(&w, "[{name: a, pathRegex: /a}]");
	strict(&w);
	world_yaml(&w, "s.yaml",
		   "apiVersion: v1\nkind: Service\nmetadata: {name: alias, namespace: shop}\n"
		   "spec: {selector: {app: web}, ports: [{port: 8080, targetPort: 3000}]}\n---\n"
		   "apiVersion: v1\nkind: Service\nmetadata: {name: root, namespace: shop}\n"
		   "spec: {selector: {app: nobody}, ports: [{name: http-a, port: 80}, {name: http-b, port: 99}]}\n");
	world_compile(&w);
	assert_int_equal(request_host(&w, "client/x", DST, 3000, "/a", "alias.shop:8080"), RF_REASON_ALLOW_L7);
	assert_int_equal(request_host(&w, "client/x", DST, 4000, "/a", "alias.shop"), RF_REASON_AUTHORITY);
	assert_int_equal(request_host(&w, "client/x", DST, 3000, "/a", "root.shop"), RF_REASON_AUTHORITY);
	world_yaml(&w, "split.yaml", split);
	world_compile(&w);
	assert_int_equal(request_host(&w, "client/x", DST, 3000, "/a", "root.shop"), RF_REASON_ALLOW_L7);
	assert_int_equal(request_host(&w, "client/x", DST, 3000, "/a", "root.shop.svc:80"), RF_REASON_ALLOW_L7);
	assert_int_equal(request_host(&w, "shop/x", DST, 3000, "/a", "root"), RF_REASON_ALLOW_L7);
	assert_int_equal(request_host(&w, "client/x", DST, 3000, "/a", "root.shop:99"), RF_REASON_AUTHORITY); /* web has no port 99 */
	assert_int_equal(request_host(&w, "client/x", DST, 4000, "/a", "root.shop"), RF_REASON_AUTHORITY);
	world_end(&w);
}

/* ---- outside ---- */

static void egress(struct world *w, const char *name, const char *source, const char *spec)
{
	world_yamlf(w, "e.yaml",
		    "apiVersion: policy.openservicemesh.io/v1alpha1\nkind: Egress\nmetadata: {name: %s, namespace: client}\nspec:\n"
		    "  sources: [{kind: ServiceAccount, name: %s, namespace: client}]\n  %s\n",
		    name, source, spec);
}

#define HTTP       "ports: [{number: 80, protocol: http}]"
#define GROUPS(gs) "matches: [" gs "]"
#define GROUP(g)   "{apiGroup: specs.smi-spec.io/v1alpha4, kind: HTTPRouteGroup, name: " g "}"

static enum rf_reason ask_at(const struct world *w, const char *src, const char *path, const char *host, const char *addr)
{
	struct rf_request_question q = question(src, NULL, 80, "GET", path);

	q.authority = host;
	q.authority_len = strlen(host);
	q.addr = address(addr);
	return answer(w, &q).reason;
}

static void test_egress_routes(void **state)
{
	struct world w;

	(void)state;
	begin(&w, "[{name: a, pathRegex: /a}]");
	group(&w, "client", "api", "[{name: get, pathRegex: /get, methods: [GET]}, {name: key, pathRegex: /key, headers: [{k: v}]}]");
	group(&w, "shop", "elsewhere", "[{name: any, pathRegex: .*}]");
	egress(&w, "one", "x", "hosts: [one.org]\n  " HTTP "\n  " GROUPS(GROUP("api")));
	egress(&w, "two", "x", "hosts: [two.org, '*.two.org']\n  " HTTP "\n  ipAddresses: [192.0.2.0/24, '::/0']");
	egress(&w, "three", "y", "hosts: [three.org]\n  " HTTP "\n  " GROUPS(GROUP("missing") ", " GROUP("elsewhere")));
	world_compile(&w);
	assert_int_equal(ask_at(&w, "client/x", "/get", "one.org", "203.0.113.1"), RF_REASON_ALLOW_EGRESS_L7);
	assert_int_equal(ask_at(&w, "client/x", "/get", "ONE.org:80", "203.0.113.1"), RF_REASON_ALLOW_EGRESS_L7);
	assert_int_equal(ask_at(&w, "client/x", "/get", "one.org:81", "203.0.113.1"), RF_REASON_NO_ROUTE);
	assert_int_equal(ask_at(&w, "client/x", "/get", "oneXorg", "203.0.113.1"), RF_REASON_NO_ROUTE);
	assert_int_equal(ask_at(&w, "client/x", "/key", "one.org", "203.0.113.1"), RF_REASON_NO_ROUTE); /* without its header */
	assert_int_equal(ask_at(&w, "client/x", "/post", "one.org", "203.0.113.1"), RF_REASON_NO_ROUTE);
	/* each host with its own routes and addresses */
	assert_int_equal(ask_at(&w, "client/x", "/post", "two.org", "192.0.2.7"), RF_REASON_ALLOW_EGRESS_L7);
	assert_int_equal(ask_at(&w, "client/x", "/post", "a.b.two.org", "192.0.2.7"), RF_REASON_ALLOW_EGRESS_L7);
	assert_int_equal(ask_at(&w, "client/x", "/post", ".two.org", "192.0.2.7"), RF_REASON_NO_ROUTE);
	assert_int_equal(ask_at(&w, "client/x", "/post", "a..two.org", "192.0.2.7"), RF_REASON_NO_ROUTE);
	assert_int_equal(ask_at(&w, "client/x", "/post", "two.org", "2001:db8::1"), RF_REASON_ALLOW_EGRESS_L7);
	assert_int_equal(ask_at(&w, "client/x", "/post", "two.org", "203.0.113.1"), RF_REASON_NO_ROUTE); /* ::/0 is not IPv4 */
	/* groups that are not there give nothing */
	assert_int_equal(ask_at(&w, "client/y", "/get", "three.org", "192.0.2.7"), RF_REASON_NO_ROUTE);
	assert_int_equal(ask_at(&w, "client/y", "/get", "one.org", "192.0.2.7"), RF_REASON_NO_ROUTE);
	world_end(&w);
}

/* Every route asks for the host, and a host may be as long as a head. */
static void test_work_of_hosts_is_bounded(void **state)
{
	char matches[16384] = "[", host[16001];
	struct world w;
	size_t n = 1;

	(void)state;
	for (int i = 0; i < 300; i++)
		n += (size_t)snprintf(matches + n, sizeof(matches) - n, "{name: m%d, pathRegex: /get},", i);
	matches[n - 1] = ']';
	begin(&w, "[{name: a, pathRegex: /a}]");
	group(&w, "client", "api", matches);
	egress(&w, "one", "x", "hosts: ['*.one.org']\n  " HTTP "\n  " GROUPS(GROUP("api")));
	world_compile(&w);
	memset(host, 'a', sizeof(host) - 1);
	host[sizeof(host) - 1] = '\0';
	assert_int_equal(ask_at(&w, "client/x", "/get", host, "203.0.113.1"), RF_REASON_BAD_REQUEST);
	host[250] = '\0';
	assert_int_equal(ask_at(&w, "client/x", "/get", host, "203.0.113.1"), RF_REASON_NO_ROUTE);
	assert_int_equal(ask_at(&w, "client/x", "/get", "a.one.org", "203.0.113.1"), RF_REASON_ALLOW_EGRESS_L7);
	world_end(&w);
}

static void test_egress_tls(void **state)
{
	struct rf_request_question q;
	struct world w;

	(void)state;
	begin(&w, "[{name: a, pathRegex: /a}]");
	egress(&w, "tls", "x", "hosts: ['*.one.org', two.org]\n  ports: [{number: 443, protocol: https}]\n  ipAddresses: [192.0.2.0/24]");
	world_compile(&w);
	assert_true(rf_routes_tls(w.policy->routes, id("client/x"), 0, 443));
	q = question("client/x", NULL, 443, "", "");
	q.tls = true;
	q.addr = address("192.0.2.1");
	q.authority = "www.one.org";
	q.authority_len = strlen(q.authority);
	assert_int_equal(answer(&w, &q).reason, RF_REASON_ALLOW_EGRESS_L7);
	assert_string_equal(w.policy->rules[answer(&w, &q).rule_id].text, "Egress client/tls (e.yaml:2)");
	q.addr = address("192.0.3.1");
	assert_int_equal(answer(&w, &q).reason, RF_REASON_SERVER_NAME);
	q.addr = address("192.0.2.1");
	q.authority = "one.org";
	q.authority_len = strlen(q.authority);
	assert_int_equal(answer(&w, &q).reason, RF_REASON_SERVER_NAME);
	q.authority = "two.org:443"; /* no server name has a port */
	q.authority_len = strlen(q.authority);
	assert_int_equal(answer(&w, &q).reason, RF_REASON_SERVER_NAME);
	world_end(&w);
}

/* Sources of the same objects share a grant, on the same port only: the port is part of the host. */
static void test_egress_grants_are_shared(void **state)
{
	const struct rf_route_egress *e;
	const struct rf_routes_head *head;
	struct world w;

	(void)state;
	begin(&w, "[{name: a, pathRegex: /a}]");
	world_yaml(&w, "e.yaml",
		   "apiVersion: policy.openservicemesh.io/v1alpha1\nkind: Egress\nmetadata: {name: e, namespace: client}\nspec:\n"
		   "  sources: [{kind: ServiceAccount, name: x, namespace: client}, {kind: ServiceAccount, name: y, namespace: client}]\n"
		   "  hosts: [one.org]\n  ports: [{number: 80, protocol: http}, {number: 81, protocol: http}]\n");
	world_compile(&w);
	head = w.policy->routes;
	e = (const struct rf_route_egress *)((const char *)head + head->egresses_off);
	assert_int_equal(head->egress_count, 4);
	assert_int_equal(e[0].routes_id, e[2].routes_id);
	assert_int_equal(e[1].routes_id, e[3].routes_id);
	assert_int_not_equal(e[0].routes_id, e[1].routes_id);
	world_end(&w);
}

/* The blob says the same in whatever order the objects came. */
static void test_order_never_matters(void **state)
{
	static const char *const objects[] = {
		"apiVersion: policy.openservicemesh.io/v1alpha1\nkind: Egress\nmetadata: {name: a, namespace: client}\nspec:\n"
		"  sources: [{kind: ServiceAccount, name: x, namespace: client}, {kind: ServiceAccount, name: y, namespace: client}]\n"
		"  hosts: [one.org]\n  ports: [{number: 80, protocol: http}]\n",
		"apiVersion: policy.openservicemesh.io/v1alpha1\nkind: Egress\nmetadata: {name: b, namespace: client}\nspec:\n"
		"  sources: [{kind: ServiceAccount, name: y, namespace: client}, {kind: ServiceAccount, name: x, namespace: client}]\n"
		"  hosts: [two.org]\n  ports: [{number: 80, protocol: http}, {number: 443, protocol: https}]\n",
		"apiVersion: policy.openservicemesh.io/v1alpha1\nkind: Egress\nmetadata: {name: c, namespace: client}\nspec:\n"
		"  sources: [{kind: ServiceAccount, name: x, namespace: client}]\n"
		"  hosts: [three.org]\n  ports: [{number: 443, protocol: https}]\n",
		"apiVersion: v1\nkind: Service\nmetadata: {name: alias, namespace: shop}\n"
		"spec: {selector: {app: web}, ports: [{port: 8080, targetPort: 3000}]}\n",
		"apiVersion: config.openservicemesh.io/v1alpha2\nkind: MeshConfig\nmetadata: {name: osm-mesh-config, namespace: "
		"osm-system}\nspec: {traffic: {strictAuthority: true}}\n",
	};
	const size_t n = sizeof(objects) / sizeof(objects[0]);
	struct world w[2];

	(void)state;
	for (size_t k = 0; k < 2; k++) {
		begin(&w[k], "[{name: a, pathRegex: /a, headers: [{k: v}]}]");
		for (size_t i = 0; i < n; i++)
			world_yaml(&w[k], "o.yaml", objects[k ? n - 1 - i : i]);
		world_compile(&w[k]);
	}
	assert_int_equal(w[0].policy->routes_size, w[1].policy->routes_size);
	assert_memory_equal(w[0].policy->routes, w[1].policy->routes, w[0].policy->routes_size);
	world_end(&w[0]);
	world_end(&w[1]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_headers),
		cmocka_unit_test(test_work_is_bounded),
		cmocka_unit_test(test_work_of_an_nfa_is_bounded),
		cmocka_unit_test(test_work_of_a_path_is_bounded),
		cmocka_unit_test(test_headers_are_in_the_difference),
		cmocka_unit_test(test_names),
		cmocka_unit_test(test_names_are_not_asked_unless_told),
		cmocka_unit_test(test_names_of_others_for_the_same_pods),
		cmocka_unit_test(test_egress_routes),
		cmocka_unit_test(test_work_of_hosts_is_bounded),
		cmocka_unit_test(test_egress_tls),
		cmocka_unit_test(test_egress_grants_are_shared),
		cmocka_unit_test(test_order_never_matters),
	};

	return cmocka_run_group_tests_name("policy_conditions", tests, NULL, NULL);
}
