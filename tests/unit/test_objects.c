/* SPDX-License-Identifier: Apache-2.0 */
/* Kinds: what is read from them, what is refused and where, and the conformance cases' own verdicts (apply: accept or reject). */
#include "objects_world.h"

#include <arpa/inet.h>
#include <fcntl.h>

#include "core/json.h"
#include "objects/files.h"

#define META(name, ns) "metadata: {name: " name ", namespace: " ns "}\n"
#define TARGET         "apiVersion: access.smi-spec.io/v1alpha3\nkind: TrafficTarget\n"
#define GROUP          "apiVersion: specs.smi-spec.io/v1alpha4\nkind: HTTPRouteGroup\n"
#define BACKEND        "apiVersion: policy.openservicemesh.io/v1alpha1\nkind: IngressBackend\n"
#define CONFIG         "apiVersion: config.openservicemesh.io/v1alpha2\nkind: MeshConfig\n"
#define SERVICE        "apiVersion: v1\nkind: Service\n"
#define WEB            "{kind: ServiceAccount, name: web, namespace: shop}"

static void test_target(void **state)
{
	RF_CLEANUP(rf_objects_freep)
	struct rf_objects *o = world_add(
		NULL, "t.yaml",
		"# who\n" TARGET META(
			"web",
			"shop") "spec:\n  destination: " WEB "\n  sources: [" WEB ", {kind: ServiceAccount, "
				"name: a.b, namespace: street}]\n  rules:\n  - {kind: HTTPRouteGroup, name: r, matches: [one, two]}\n"
				"  - {kind: HTTPRouteGroup, name: all}\n  - {kind: HTTPRouteGroup, name: none, matches: []}\n"
				"  - {kind: TCPRoute, name: p}\n");
	const struct rf_traffic_target *t = o->targets;

	(void)state;
	assert_int_equal(o->diags.count, 0);
	assert_int_equal(o->targets_count, 1);
	assert_string_equal(t->meta.name, "web");
	assert_int_equal(t->meta.place.line, 3);
	assert_int_equal(t->meta.text_start, 0);
	assert_string_equal(t->destination.ns, "shop");
	assert_int_equal(t->source_count, 2);
	assert_string_equal(t->sources[1].name, "a.b");
	assert_int_equal(t->rule_count, 4);
	assert_true(t->rules[0].has_matches);
	assert_string_equal(t->rules[0].matches[1].name, "two");
	assert_false(t->rules[1].has_matches); /* absent: all matches of the group */
	assert_true(t->rules[2].has_matches);  /* empty: none */
	assert_int_equal(t->rules[2].match_count, 0);
	assert_int_equal(t->rules[3].kind, RF_RULE_TCP_ROUTE);
}

static void test_target_refused(void **state)
{
#define TARGET_WITH(spec) TARGET META("web", "shop") "spec: {" spec "}\n"
	(void)state;
	assert_error(TARGET_WITH("destination: " WEB ", sources: [{kind: ServiceAccount, name: x}], rules: []"), "namespace is required");
	assert_error(TARGET_WITH("destination: {kind: ServiceAccount, name: web, namespace: other}, sources: [], rules: []"),
		     "(shop) must match spec.destination.namespace (other)");
	assert_error(TARGET_WITH("destination: " WEB ", sources: [], rules: [{kind: TCPRoute, name: p, matches: [x]}]"),
		     "only a rule of kind");
	assert_error(TARGET_WITH("destination: " WEB ", sources: [], rules: [], extra: 1"), "spec.extra: unknown field");
	assert_error(TARGET_WITH("destination: {kind: Group, name: web, namespace: shop}, sources: [], rules: []"),
		     "must be ServiceAccount, not \"Group\"");
	assert_error(TARGET_WITH("destination: " WEB ", sources: {}, rules: []"), "spec.sources: must be a list");
	/* every item commented out: an empty value must not become "all" */
	assert_error(TARGET META("web", "shop") "spec:\n  destination: " WEB
						"\n  sources: []\n  rules:\n  - kind: HTTPRouteGroup\n    name: r\n"
						"    matches:\n    # - one\n",
		     "spec.rules[0].matches: has no value");
	assert_error("apiVersion: access.smi-spec.io/v1alpha2\nkind: TrafficTarget\n" META("a", "b"), "use access.smi-spec.io/v1alpha3");
	assert_error("apiVersion: acess.smi-spec.io/v1alpha3\nkind: TrafficTarget\n" META("a", "b"), "1:13: apiVersion: ");
	assert_error("apiVersion: access.smi-spec.io/v1alpha3\nkind: TrafficTraget\n" META("a", "b"),
		     "2:7: kind: \"TrafficTraget\" is not a known kind");
	assert_error(TARGET "metadata: {name: Web, namespace: shop}\nspec: {destination: " WEB ", sources: [], rules: []}\n",
		     "metadata.name: \"Web\" is not a name");
	assert_error(TARGET "metadata: {name: web, namespace: shop, lables: {}}\nspec: {destination: " WEB ", sources: [], rules: []}\n",
		     "3:40: metadata.lables: unknown field");
}

static void test_all_problems_of_a_file(void **state)
{
	RF_CLEANUP(rf_objects_freep)
	struct rf_objects *o =
		world_checked(TARGET META("web", "shop") "spec: {destination: " WEB ", sources: [{kind: X}], rules: 1}\n---\n" GROUP META(
			"r", "shop") "spec: {matches: [{name: m, methods: [get, PUT]}]}\n");

	(void)state;
	assert_int_equal(o->diags.error_count, 5); /* kind, two missing fields' places are one node, rules, methods */
	assert_int_equal(o->all_count, 0);
	for (size_t i = 1; i < o->diags.count; i++)
		assert_true(o->diags.items[i - 1].place.line <= o->diags.items[i].place.line);
}

static void test_group(void **state)
{
	RF_CLEANUP(rf_objects_freep)
	struct rf_objects *o =
		world_checked(GROUP META("r", "shop") "spec:\n  matches:\n  - {name: a, pathRegex: '/x', methods: [GET, PUT]}\n"
						      "  - {name: b, pathRegex: '', methods: ['*', GET]}\n"
						      "  - name: c\n    headers: [{user-agent: '.*x'}, {Host: y}]\n"
						      "  - {name: d, headers: {client-app: z}}\n");
	const struct rf_http_match *m;

	(void)state;
	assert_int_equal(o->diags.error_count, 0);
	assert_int_equal(o->diags.count, 0);
	assert_int_equal(o->route_groups_count, 1);
	m = o->route_groups[0].matches;
	assert_string_equal(m[0].path_regex, "/x");
	assert_int_equal(m[0].method_count, 2);
	assert_string_equal(m[1].path_regex, ".*");
	assert_int_equal(m[1].method_count, 0);
	assert_string_equal(m[2].path_regex, ".*");
	assert_int_equal(m[2].header_count, 2);
	assert_string_equal(m[2].headers[1].name, "Host");
	assert_string_equal(m[3].headers[0].regex, "z");
}

static void test_patterns(void **state)
{
	(void)state;
	assert_error(GROUP META("r", "s") "spec: {matches: [{name: m, pathRegex: '/a(b'}]}\n", "4:42: spec.matches[0].pathRegex: \"/a(b\"");
	assert_error(GROUP META("r", "s") "spec: {matches: [{name: m, headers: [{x: '(?=a)'}]}]}\n", "spec.matches[0].headers[0].x: ");
	assert_error(GROUP META("r", "s") "spec: {matches: [{name: m, headers: [{'a b': x}]}]}\n", "is not a header name");
	assert_error(GROUP META("r", "s") "spec: {matches: [{name: m, headers: x}]}\n", "headers: must be a list");
	assert_error(GROUP META("r", "s") "spec: {matches: [{name: m, pathRegex: 12}]}\n", "12 is not a string: put it in quotes");
}

static void test_service(void **state)
{
	RF_CLEANUP(rf_objects_freep)
	struct rf_objects *o = world_checked(SERVICE META(
		"web", "shop") "spec:\n  selector: {app: web}\n  clusterIP: 10.202.0.9\n  ports:\n"
			       "  - {name: a, port: 80, targetPort: 3000}\n  - {name: tcp-x, port: 81}\n"
			       "  - {name: tcp-y, port: 82, appProtocol: http}\n  - {name: grpc-z, port: 83}\n"
			       "  - {name: d, port: 53, protocol: UDP}\n  - {name: s, port: 84, appProtocol: tcp-server-first}\n"
			       "  - {name: n, port: 85, targetPort: web}\n---\n"
			       "apiVersion: v1\nkind: Pod\nmetadata: {name: p, namespace: shop, labels: {app: web, x: z}}\n"
			       "spec: {containers: [{name: c, ports: [{name: web, containerPort: 8080}], env: [{name: A, value: b}]}]}\n");
	const struct rf_service_port *p = o->services[0].ports;

	(void)state;
	assert_int_equal(o->diags.count, 0);
	assert_int_equal(o->services[0].cluster_ip4.be[3], htonl(0x0aca0009));
	assert_int_equal(o->services[0].port_count, 7);
	assert_int_equal(p[0].target_port, 3000);
	assert_int_equal(p[0].kind, RF_PORT_HTTP);
	assert_int_equal(p[1].kind, RF_PORT_TCP);
	assert_int_equal(p[1].target_port, 81);
	assert_int_equal(p[2].kind, RF_PORT_HTTP);
	assert_int_equal(p[3].kind, RF_PORT_GRPC);
	assert_int_equal(p[4].kind, RF_PORT_UDP);
	assert_int_equal(p[5].kind, RF_PORT_TCP);
	assert_string_equal(p[6].target_name, "web");
	assert_int_equal(p[6].target_port, 8080); /* the container's port of that name */
	assert_string_equal(o->workloads[0].service_account, "default");
	assert_string_equal(o->workloads[0].env[0].value, "b");
}

static void test_service_refused(void **state)
{
	(void)state;
	assert_error(SERVICE META("w", "s") "spec: {ports: [{port: 0}]}\n", "0 is not a whole number from 1 to 65535");
	assert_error(SERVICE META("w", "s") "spec: {ports: [{port: 1}, {port: 2}]}\n", "a name is required");
	assert_error(SERVICE META("w", "s") "spec: {ports: [{port: 1, name: a}, {port: 1, name: b}]}\n", "the port is already on line");
	assert_error(SERVICE META("w", "s") "spec: {ports: [{port: 1, targetPort: '80'}]}\n",
		     "is neither a port from 1 to 65535 (without quotes)");
	assert_error(SERVICE META("w", "s") "spec: {ports: [{port: 1, appProtocol: https}]}\n", "\"https\" is not one of");
	assert_error(SERVICE META("w", "s") "spec: {selector: {a: b}}\n", "ports is required");
	assert_clean(SERVICE META("w", "s") "spec: {clusterIP: None, whatever: [1], selector: {a: b}}\n");
	assert_warning(SERVICE META("w", "s") "spec: {ports: [{port: 1, targetPort: web}]}\n", "no container of a selected pod");
}

static void test_ingress_backend(void **state)
{
	RF_CLEANUP(rf_objects_freep)
	struct rf_objects *o = world_checked(
		BACKEND META("b", "shop") "spec:\n  backends: [{name: web, port: {number: 3000, protocol: http}}]\n  sources:\n"
					  "  - {kind: Service, name: in, namespace: edge}\n  - {kind: IPRange, name: 10.9.8.7/8}\n");
	const struct rf_ingress_backend *b = o->ingress_backends;

	(void)state;
	assert_int_equal(o->diags.error_count, 0);
	assert_int_equal(b->backends[0].port, 3000);
	assert_string_equal(b->backends[0].protocol, "http");
	assert_string_equal(b->sources[0].ns, "edge");
	assert_int_equal(b->sources[1].net.be[3], htonl(0x0a000000));
	assert_int_equal(b->sources[1].prefix_len, 96 + 8);
#define BACKEND_WITH(protocol, sources)                                                                                                    \
	BACKEND META("b", "shop") "spec: {backends: [{name: w, port: {number: 1, protocol: " protocol "}}], sources: [" sources "]}\n"
	assert_error(BACKEND_WITH("http", "{kind: AuthenticatedPrincipal, name: x}"), "would let anyone in");
	assert_error(BACKEND_WITH("http", "{kind: Service, name: x}"), "namespace is required");
	assert_error(BACKEND_WITH("tcp", "{kind: IPRange, name: 1.0.0.0/8}"), "\"tcp\" is not one of http, https");
	assert_warning(BACKEND_WITH("https", "{kind: IPRange, name: 1.0.0.0/8}"), "https is not enforced yet: it admits nothing");
}

static void test_matched_ingress_admits_nothing(void **state)
{
	RF_CLEANUP(rf_objects_freep)
	struct rf_objects *o = world_checked(BACKEND META(
		"b",
		"shop") "spec: {backends: [{name: w, port: {number: 1, protocol: http}}], sources: [{kind: IPRange, name: 1.0.0.0/8}],\n"
			" matches: [{apiGroup: specs.smi-spec.io/v1alpha4, kind: HTTPRouteGroup, name: r}]}\n");

	(void)state;
	assert_int_equal(o->diags.error_count, 0);
	assert_int_equal(o->ingress_backends[0].backend_count, 0);
}

static void test_mesh_config(void **state)
{
	RF_CLEANUP(rf_objects_freep) struct rf_objects *o = NULL;
	struct rf_mesh_config c;

	(void)state;
	o = world_checked("");
	c = rf_objects_mesh_config(o);
	assert_false(c.permissive || c.egress || c.strict_authority);
	rf_objects_free(TAKE_PTR(o));
	o = world_checked(
		CONFIG META("osm-mesh-config",
			    "osm-system") "spec:\n  traffic: {enableEgress: true, enablePermissiveTrafficPolicyMode: true}\n"
					  "  sidecar: {logLevel: error, tlsMinProtocolVersion: TLSv1_2, resources: {limits: {cpu: 1}}}\n"
					  "  observability: {osmLogLevel: info, tracing: {enable: false, port: 9411}}\n"
					  "  certificate: {serviceCertValidityDuration: 24h, certKeyBitSize: 2048}\n"
					  "  featureFlags: {enableWASMStats: true}\n");
	c = rf_objects_mesh_config(o);
	assert_int_equal(o->diags.count, 0);
	assert_true(c.permissive && c.egress && !c.strict_authority);
	assert_error(CONFIG META("a", "b") "spec: {traffic: {enableEgress: yes}}\n", "must be true or false, not \"yes\"");
	assert_error(CONFIG META("a", "b") "spec: {traffic: {enableEgress: \"true\"}}\n", "must be true or false");
	assert_error(CONFIG META("a", "b") "spec: {trafic: {}}\n", "spec.trafic: unknown field");
	assert_error(CONFIG META("a", "b") "spec: {}\n---\n" CONFIG META("c", "d") "spec: {}\n", "a second MeshConfig");
	assert_clean(CONFIG META("a", "b") "spec: {traffic: {inboundPortExclusionList: [1], strictAuthority: true}}\n");
	assert_clean(CONFIG META("a", "b") "spec: {traffic: {inboundPortExclusionList: [], strictAuthority: false}}\n");
}

static void test_not_enforced(void **state)
{
	(void)state;
	assert_warning(
		"apiVersion: policy.openservicemesh.io/v1alpha1\nkind: Retry\n" META(
			"s", "n") "spec:\n  source: " WEB "\n  destinations: [{kind: Service, name: x, namespace: y}]\n"
				  "  retryPolicy: {retryOn: '5xx,reset', perTryTimeout: 1s, numRetries: 3, retryBackoffBaseInterval: 1s}\n",
		"Retry is not enforced yet");
	assert_warning(TARGET META("web", "shop") "spec: {destination: " WEB ", sources: [], rules: [{kind: UDPRoute, name: u}]}\n",
		       "UDPRoute shop/u does not exist: this rule admits nothing");
	assert_warning("apiVersion: v1\nkind: ConfigMap\n" META("c", "n") "data: {a: b}\n", "is skipped");
	assert_error("apiVersion: v2\nkind: Service\n" META("c", "n"), "use v1");
	assert_warning("apiVersion: serving.knative.dev/v1\nkind: Service\n" META("c", "n"), "is skipped");
	assert_error("apiVersion: policy.openservicemesh.io/v1alpha1\nkind: Retry\n" META(
			     "s", "n") "spec:\n  source: " WEB "\n  destinations: []\n  retryPolicy: {retryOn: always, perTryTimeout: 1, "
				       "numRetries: -1, retryBackoffBaseInterval: 1s}\n",
		     "\"always\" is not a retry condition");
}

static void test_kubernetes_objects_are_lenient(void **state)
{
	(void)state;
	assert_clean("apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: a, labels: }\nspec:\n  strategy: {x: [1]}\n  selector: "
		     "{matchLabels: {a: b}}\n"
		     "  template: {metadata: {labels: {a: b}, creationTimestamp: null}, spec: {containers: [{name: c, image: "
		     "x}]}}\nstatus: {}\n");
	assert_error("apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: a}\nspec:\n  selector: {matchLabels: {a: b}}\n"
		     "  template: {metadata: {labels: {a: c}}, spec: {containers: [{name: c}]}}\n",
		     "has no such label");
	assert_error("apiVersion: v1\nkind: Namespace\nmetadata: {name: a.b}\n", "is not a DNS label");
	assert_error("apiVersion: v1\nkind: Namespace\nmetadata: {labels: {a: b}}\n", "metadata: name is required");
	assert_error("apiVersion: v1\nkind: Namespace\nmetadata: {name: a, labels: {a: true}}\n", "true is not a string");
}

static void test_ingress(void **state)
{
#define INGRESS(spec) "apiVersion: networking.k8s.io/v1\nkind: Ingress\n" META("i", "n") "spec: {" spec "}\n"
#define TO_WEB        "backend: {service: {name: web, port: {number: 80}}}"
	RF_CLEANUP(rf_objects_freep)
	struct rf_objects *o = world_checked(
		INGRESS("ingressClassName: nginx, rules: [{host: a.example, http: {paths: [{path: /x, pathType: Prefix, " TO_WEB
			"}, {pathType: Exact, backend: {service: {name: v, port: {name: http}}}}]}}]"));

	(void)state;
	assert_int_equal(o->diags.count, 0);
	assert_int_equal(o->ingresses[0].path_count, 2);
	assert_string_equal(o->ingresses[0].paths[0].host, "a.example");
	assert_string_equal(o->ingresses[0].paths[1].path, "/");
	assert_string_equal(o->ingresses[0].paths[1].service_port_name, "http");
	assert_string_equal(o->ingresses[0].meta.annotations[0].value, "nginx");
	assert_warning(INGRESS("rules: [{http: {paths: [{path: '/x;}', pathType: Prefix, " TO_WEB "}]}}]"),
		       "is skipped: the ingress serves");
	assert_error(INGRESS("rules: [{http: {paths: [{path: x, pathType: Prefix, " TO_WEB "}]}}]"), "it must begin with /");
	assert_error(INGRESS("rules: [{host: 'a b', http: {paths: [{pathType: Prefix, " TO_WEB "}]}}]"), "is not a host name");
	assert_error(INGRESS("rules: [{http: {paths: [{pathType: prefix, " TO_WEB "}]}}]"), "\"prefix\" is written Prefix");
}

/* What a newcomer gets wrong, and what the message has to say about it. */
static void test_messages_say_what_to_do(void **state)
{
	(void)state;
	assert_error(CONFIG META("a", "b") "spec: {traffic: {enableegress: true}}\n", "unknown field; did you mean \"enableEgress\"?");
	assert_error(CONFIG META("a", "b") "spec: {enableEgress: true}\n",
		     "spec.enableEgress: unknown field here; it belongs into \"traffic\"");
	assert_error(GROUP META("r", "s") "spec: {pathRegex: /x, matches: []}\n", "it belongs into \"matches\"");
	assert_error(GROUP META("r", "s") "spec: {matches: [], paths: []}\n", "unknown field; there are: matches");
	assert_error(GROUP META("r", "s") "spec: {matches: [{name: m, methods: GET}]}\n", "methods: must be a list: [GET]");
	assert_error(GROUP META("r", "s") "spec: {matches: [{name: m, methods: [get]}]}\n", "\"get\" is written GET");
	assert_error(GROUP META("r", "s") "spec: {matches: {name: m}}\n", "must be a list, not a map: each item begins with \"- \"");
	assert_error(GROUP META("r", "s") "spec: [m]\n", "must be a map (key: value), not a list");
	assert_error(SERVICE META("w", "s") "spec: {ports: [{port: '80'}]}\n",
		     "\"80\" is a text: a whole number from 1 to 65535 is written");
	assert_error(SERVICE META("w", "s") "spec: {ports: [{port: [80]}]}\n", "a whole number from 1 to 65535 is required, not a list");
	assert_error(SERVICE META("w", "s") "spec: {ports: [{port: 80, targetPort: my_port}]}\n", "\"my_port\" is neither a port");
	assert_error(SERVICE META("w", "s") "spec: {ports: [{port: 80}], selector: [app]}\n",
		     "must be a map of texts (key: text), not a list");
	assert_error("apiVersion: 1\nkind: Service\n", "1:13: apiVersion: a text is required");
	assert_error("just words\n", "not a single value");
}

static void test_list(void **state)
{
	static const char text[] = "apiVersion: v1\nkind: List\nitems:\n- apiVersion: v1\n  kind: Namespace\n  metadata: {name: a}\n"
				   "- {apiVersion: v1, kind: Namespace, metadata: {name: b}}\n";
	RF_CLEANUP(rf_objects_freep) struct rf_objects *o = world_checked(text);

	(void)state;
	assert_int_equal(o->diags.count, 0);
	assert_int_equal(o->namespaces_count, 2);
	assert_true(o->all[0].in_list);
	assert_memory_equal(text + o->all[1].meta.text_start, "{apiVersion", 11);
	assert_int_equal(o->all[1].meta.text_end, strlen(text) - 1);
	assert_error("apiVersion: v1\nkind: List\nitems: [{apiVersion: v1, kind: List, items: []}]\n", "a List inside a List");
	assert_error("apiVersion: v1\nkind: List\nitems: 1\n", "needs a list of items");
	assert_error("[a]\n", "an object is a map");
	assert_error("kind: Pod\n", "apiVersion is required");
}

static void test_membership(void **state)
{
	RF_CLEANUP(rf_objects_freep)
	struct rf_objects *o =
		world_checked("apiVersion: v1\nkind: Namespace\nmetadata: {name: in, labels: {openservicemesh.io/monitored-by: osm}}\n---\n"
			      "apiVersion: v1\nkind: Namespace\nmetadata: {name: not, labels: {openservicemesh.io/monitored-by: osm, "
			      "openservicemesh.io/ignore: 'true'}}\n---\n"
			      "apiVersion: v1\nkind: Namespace\nmetadata: {name: out}\n");

	(void)state;
	assert_true(rf_objects_meshed(o, "in", "osm"));
	assert_false(rf_objects_meshed(o, "in", "other"));
	assert_false(rf_objects_meshed(o, "not", "osm"));
	assert_false(rf_objects_meshed(o, "out", "osm"));
	assert_false(rf_objects_meshed(o, "nowhere", "osm"));
}

/* ---- the conformance cases ---- */

static bool has_word(const struct rf_objects *o, const char *word)
{
	for (size_t i = 0; i < o->diags.count; i++) {
		if (o->diags.items[i].is_error && strcasestr(o->diags.items[i].text, word))
			return true;
	}
	return false;
}

/* error_contains is judged by the field or value it names: quoted words, field paths, or else the whole. At least one must be named. */
static bool names_it(const struct rf_objects *o, const char *sentence)
{
	const char *p = sentence;

	if (has_word(o, sentence))
		return true;
	while (*p) {
		char word[128];
		const char *dot;
		size_t n = strcspn(p, " '`\"(),:");

		snprintf(word, sizeof(word), "%.*s", (int)n, p);
		dot = strrchr(word, '.');
		/* of a path only the last field: OSM does not write indices */
		if (n > 2 && (dot || (p > sentence && strchr("'`\"(", p[-1]))) && has_word(o, dot && dot[1] ? dot + 1 : word))
			return true;
		p += n;
		p += *p != '\0';
	}
	return false;
}

static bool accepts(const cJSON *outcomes, const char *apply)
{
	const cJSON *item;

	cJSON_ArrayForEach(item, outcomes)
	{
		if (strcmp(rf_json_text(item, "apply", ""), apply) == 0)
			return true;
	}
	return false;
}

static unsigned judge_case(const cJSON *test)
{
	RF_CLEANUP(rf_objects_freep) struct rf_objects *o = world_checked(rf_json_text(test, "manifests", ""));
	const cJSON *expect = cJSON_GetObjectItemCaseSensitive(test, "expect");
	const char *id = rf_json_text(test, "id", ""), *wanted = rf_json_text(expect, "error_contains", "");
	bool reject = strcmp(rf_json_text(expect, "apply", "accept"), "reject") == 0;

	/* semantics row 19: where OSM lets anyone in, ringfence refuses */
	if (strcmp(id, "ingress-11-principal-only-http") == 0)
		reject = true;
	if (reject && o->diags.error_count == 0 && accepts(cJSON_GetObjectItemCaseSensitive(test, "accept"), "accept"))
		return 0;
	if (reject == (o->diags.error_count > 0) && (!reject || names_it(o, wanted)))
		return 0;
	print_error("%s: expected %s (%s), got %zu errors: %s\n", id, reject ? "reject" : "accept", wanted, o->diags.error_count,
		    world_diag(o, 0));
	return 1;
}

static void test_conformance_cases(void **state)
{
	_cleanup_free_ char *text = NULL;
	_cleanup_json_ cJSON *cases = NULL;
	const cJSON *test;
	unsigned wrong = 0, seen = 0;
	size_t len;

	(void)state;
	assert_int_equal(rf_file_read(AT_FDCWD, "tests/conformance/cases.json", &text, &len), 0);
	cases = cJSON_ParseWithLength(text, len);
	assert_true(cJSON_IsArray(cases));
	cJSON_ArrayForEach(test, cases)
	{
		wrong += judge_case(test);
		seen++;
	}
	assert_true(seen > 100);
	assert_int_equal(wrong, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_target),
		cmocka_unit_test(test_target_refused),
		cmocka_unit_test(test_all_problems_of_a_file),
		cmocka_unit_test(test_group),
		cmocka_unit_test(test_patterns),
		cmocka_unit_test(test_service),
		cmocka_unit_test(test_service_refused),
		cmocka_unit_test(test_ingress_backend),
		cmocka_unit_test(test_matched_ingress_admits_nothing),
		cmocka_unit_test(test_mesh_config),
		cmocka_unit_test(test_not_enforced),
		cmocka_unit_test(test_kubernetes_objects_are_lenient),
		cmocka_unit_test(test_ingress),
		cmocka_unit_test(test_messages_say_what_to_do),
		cmocka_unit_test(test_list),
		cmocka_unit_test(test_membership),
		cmocka_unit_test(test_conformance_cases),
	};

	return cmocka_run_group_tests_name("objects", tests, NULL, NULL);
}
