/* SPDX-License-Identifier: Apache-2.0 */
/* Exclusion lists -> the `exclusions` table: MeshConfig's, those of Deployments and Pods, and a running pod's own. */
#include "policy_world.h"

#include <errno.h>

#define OUT_PORTS  "openservicemesh.io/outbound-port-exclusion-list"
#define OUT_RANGES "openservicemesh.io/outbound-ip-range-exclusion-list"
#define IN_PORTS   "openservicemesh.io/inbound-port-exclusion-list"

static void mesh(struct world *w, const char *traffic)
{
	world_yamlf(w, "mesh.yaml",
		    "apiVersion: config.openservicemesh.io/v1alpha2\nkind: MeshConfig\nmetadata: {name: osm-mesh-config, namespace: "
		    "osm-system}\n"
		    "spec: {traffic: {%s}}\n",
		    traffic);
}

static void deployment(struct world *w, const char *name, const char *annotations)
{
	world_yamlf(w, "d.yaml",
		    "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: %s, namespace: shop}\nspec:\n  selector: {}\n  template:\n"
		    "    metadata: {annotations: {%s}}\n    spec: {containers: [{name: c, image: x}]}\n",
		    name, annotations);
}

static void pod_object(struct world *w, const char *name, const char *annotations)
{
	world_yamlf(w, "p.yaml",
		    "apiVersion: v1\nkind: Pod\nmetadata: {name: %s, namespace: shop, annotations: {%s}}\nspec: {containers: [{name: c, "
		    "image: x}]}\n",
		    name, annotations);
}

static void begin(struct world *w)
{
	world_begin(w);
	world_namespace(w, "shop", true);
}

static struct rf_endpoint *run(struct world *w, const char *name, const char *of, const char *ip)
{
	world_pod(w, "shop", name, "default", "a", ip);
	w->pods[w->pod_count - 1].deployment = of;
	return &w->pods[w->pod_count - 1];
}

/* The rule's text, or NULL: not excluded. pod NULL: MeshConfig's. As the kernel looks it up: to a port, or to an address. */
static const char *excluded(const struct world *w, unsigned kind, const char *pod, uint16_t port, const char *to)
{
	const struct rf_addr none = {{0}}, of = pod ? address(pod) : none, a = to ? address(to) : none;
	unsigned bit = pod ? RF_EXCLUDES_PODS(kind) : RF_EXCLUDES_MESH(kind);

	for (size_t i = 0; i < w->policy->exclusions_count; i++) {
		const struct rf_exclusion_key *k = &w->policy->exclusions_keys[i];

		if (k->kind != kind || k->port != port || !rf_addr_equal(&k->pod, &of) || k->prefixlen < RF_EXCLUSION_FIXED_BITS ||
		    !world_in_prefix(&a, &k->addr, k->prefixlen - RF_EXCLUSION_FIXED_BITS))
			continue;
		assert_true(w->policy->config.exclusions & bit); /* else no program would look */
		return w->policy->rules[w->policy->exclusions_values[i].rule_id].text;
	}
	return NULL;
}

/* excl-05-outbound-excl-to-mesh: what MeshConfig says is every pod's */
static void mesh_lists(void **state)
{
	struct world w;

	(void)state;
	begin(&w);
	mesh(&w,
	     "outboundPortExclusionList: [80, 80], inboundPortExclusionList: [3000], outboundIPRangeExclusionList: [10.1.0.0/16, '::/0']");
	world_compile(&w);
	assert_string_equal(excluded(&w, RF_EXCLUSION_PORT_OUT, NULL, 80, NULL),
			    "MeshConfig osm-system/osm-mesh-config outboundPortExclusionList (mesh.yaml:4)");
	assert_null(excluded(&w, RF_EXCLUSION_PORT_OUT, NULL, 3000, NULL));
	assert_null(excluded(&w, RF_EXCLUSION_PORT_IN, NULL, 80, NULL));
	assert_non_null(strstr(excluded(&w, RF_EXCLUSION_PORT_IN, NULL, 3000, NULL), "inboundPortExclusionList"));
	assert_non_null(strstr(excluded(&w, RF_EXCLUSION_RANGE_OUT, NULL, 0, "10.1.2.3"), "outboundIPRangeExclusionList"));
	assert_null(excluded(&w, RF_EXCLUSION_RANGE_OUT, NULL, 0, "10.2.2.3")); /* ::/0 holds no IPv4 */
	assert_non_null(excluded(&w, RF_EXCLUSION_RANGE_OUT, NULL, 0, "2001:db8::1"));
	assert_int_equal(w.policy->config.exclusions, RF_EXCLUDES_MESH(RF_EXCLUSION_PORT_OUT) | RF_EXCLUDES_MESH(RF_EXCLUSION_PORT_IN) |
							      RF_EXCLUDES_MESH(RF_EXCLUSION_RANGE_OUT));
	world_end(&w);
}

static void nothing_is_nothing(void **state)
{
	struct world w;

	(void)state;
	begin(&w);
	deployment(&w, "store", IN_PORTS ": '3000'"); /* but none of its pods runs */
	run(&w, "other", "", "10.201.0.9");
	world_compile(&w);
	assert_int_equal(w.policy->exclusions_count, 0);
	assert_int_equal(w.policy->config.exclusions, 0);
	world_end(&w);
}

/* excl-06-inbound-port: each running pod of the Deployment, in both families, and nobody else */
static void deployments_pods(void **state)
{
	struct world w;

	(void)state;
	begin(&w);
	deployment(&w, "store", IN_PORTS ": '3000', " OUT_PORTS ": '25,26', " OUT_RANGES ": '192.0.2.0/24'");
	run(&w, "store-1", "shop/store", "10.201.0.2")->addr6 = address("fd00::2");
	run(&w, "store-2", "shop/store", "10.201.0.3");
	run(&w, "store", "", "10.201.0.4");         /* a pod of that name is not of that Deployment */
	run(&w, "lost", "shop/gone", "10.201.0.5"); /* its Deployment is not there any more */
	world_compile(&w);
	assert_non_null(strstr(excluded(&w, RF_EXCLUSION_PORT_IN, "10.201.0.2", 3000, NULL),
			       "Deployment shop/store inbound-port-exclusion-list (d.yaml:"));
	assert_non_null(excluded(&w, RF_EXCLUSION_PORT_IN, "fd00::2", 3000, NULL));
	assert_non_null(excluded(&w, RF_EXCLUSION_PORT_IN, "10.201.0.3", 3000, NULL));
	assert_null(excluded(&w, RF_EXCLUSION_PORT_IN, "10.201.0.4", 3000, NULL));
	assert_null(excluded(&w, RF_EXCLUSION_PORT_IN, "10.201.0.5", 3000, NULL));
	assert_null(excluded(&w, RF_EXCLUSION_PORT_IN, NULL, 3000, NULL));
	assert_non_null(excluded(&w, RF_EXCLUSION_PORT_OUT, "10.201.0.3", 26, NULL));
	assert_non_null(excluded(&w, RF_EXCLUSION_RANGE_OUT, "10.201.0.3", 0, "192.0.2.77"));
	assert_null(excluded(&w, RF_EXCLUSION_RANGE_OUT, "10.201.0.3", 0, "192.0.3.77"));
	assert_int_equal(w.policy->config.exclusions & 0x7, 0);
	assert_int_equal(w.policy->rule_count, 1 + 3); /* both pods share the Deployment's */
	world_end(&w);
}

static void pod_objects_pod(void **state)
{
	struct world w;

	(void)state;
	begin(&w);
	pod_object(&w, "store", OUT_PORTS ": '25'");
	deployment(&w, "store", OUT_PORTS ": '26'");
	run(&w, "store", "", "10.201.0.2");
	world_compile(&w);
	assert_non_null(strstr(excluded(&w, RF_EXCLUSION_PORT_OUT, "10.201.0.2", 25, NULL), "Pod shop/store"));
	assert_null(excluded(&w, RF_EXCLUSION_PORT_OUT, "10.201.0.2", 26, NULL));
	world_end(&w);
}

/* A pod's own annotation stands in the place of the Deployment's of the same key; others stay. */
static void own_lists_win(void **state)
{
	static const struct rf_pair_text own[] = {{.key = OUT_PORTS, .value = "7"}, {.key = "unrelated", .value = "x"}};
	struct rf_endpoint *pod;
	struct world w;

	(void)state;
	begin(&w);
	deployment(&w, "store", IN_PORTS ": '3000', " OUT_PORTS ": '25'");
	run(&w, "plain", "shop/store", "10.201.0.3");
	pod = run(&w, "store", "shop/store", "10.201.0.2");
	pod->annotations = own;
	pod->annotation_count = 2;
	world_compile(&w);
	assert_string_equal(excluded(&w, RF_EXCLUSION_PORT_OUT, "10.201.0.2", 7, NULL),
			    "Pod shop/store outbound-port-exclusion-list (annotation)");
	assert_null(excluded(&w, RF_EXCLUSION_PORT_OUT, "10.201.0.2", 25, NULL));
	assert_non_null(excluded(&w, RF_EXCLUSION_PORT_IN, "10.201.0.2", 3000, NULL));
	assert_non_null(excluded(&w, RF_EXCLUSION_PORT_OUT, "10.201.0.3", 25, NULL));
	assert_null(excluded(&w, RF_EXCLUSION_PORT_OUT, "10.201.0.3", 7, NULL));
	world_end(&w);
}

/* Nothing lets such a pod in; should a record on disk say so, it is no reason to have no policy, and it opens nothing. */
static void bad_own_list_excludes_nothing(void **state)
{
	static const struct rf_pair_text own[] = {{.key = OUT_PORTS, .value = "7,x"}, {.key = IN_PORTS, .value = "9"}};
	struct rf_endpoint *pod;
	struct world w;

	(void)state;
	begin(&w);
	deployment(&w, "store", OUT_PORTS ": '25'");
	pod = run(&w, "store", "shop/store", "10.201.0.2");
	pod->annotations = own;
	pod->annotation_count = 2;
	world_compile(&w);
	assert_int_equal(w.policy->exclusions_count, 0);
	assert_true(world_warned(&w, "pod shop/store: Invalid port value 'x'"));
	world_end(&w);
}

static void order_does_not_matter(void **state)
{
	struct world a, b;

	(void)state;
	for (int turn = 0; turn < 2; turn++) {
		struct world *w = turn ? &b : &a;

		begin(w);
		if (!turn)
			deployment(w, "x", OUT_PORTS ": '1,2'");
		deployment(w, "y", OUT_PORTS ": '2,1'");
		if (turn)
			deployment(w, "x", OUT_PORTS ": '1,2'");
		run(w, turn ? "py" : "px", turn ? "shop/y" : "shop/x", turn ? "10.201.0.3" : "10.201.0.2");
		run(w, turn ? "px" : "py", turn ? "shop/x" : "shop/y", turn ? "10.201.0.2" : "10.201.0.3");
		world_compile(w);
	}
	assert_int_equal(a.policy->exclusions_count, 4);
	assert_int_equal(b.policy->exclusions_count, 4);
	assert_memory_equal(a.policy->exclusions_keys, b.policy->exclusions_keys, 4 * sizeof(*a.policy->exclusions_keys));
	assert_memory_equal(a.policy->exclusions_values, b.policy->exclusions_values, 4 * sizeof(*a.policy->exclusions_values));
	world_end(&a);
	world_end(&b);
}

/* A revision that would not fit is refused before the kernel hears of it. */
static void too_many(void **state)
{
	static char text[1024 * 1024];
	struct world w;
	size_t n;

	(void)state;
	begin(&w);
	n = (size_t)snprintf(
		text, sizeof(text),
		"apiVersion: config.openservicemesh.io/v1alpha2\nkind: MeshConfig\nmetadata: {name: m, namespace: n}\nspec:\n  traffic:\n");
	for (int list = 0; list < 2; list++) {
		n += (size_t)snprintf(text + n, sizeof(text) - n, "    %s: [1",
				      list ? "inboundPortExclusionList" : "outboundPortExclusionList");
		for (unsigned port = 2; port <= RF_EXCLUSIONS_MAX / 2 + 1; port++)
			n += (size_t)snprintf(text + n, sizeof(text) - n, ",%u", port);
		n += (size_t)snprintf(text + n, sizeof(text) - n, "]\n");
	}
	world_yaml(&w, "mesh.yaml", text);
	assert_int_equal(world_try(&w), -E2BIG);
	assert_null(w.policy);
	assert_true(world_warned(&w, "the policy needs 65538 exclusions, the limit is 65536"));
	world_end(&w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(mesh_lists),
		cmocka_unit_test(nothing_is_nothing),
		cmocka_unit_test(deployments_pods),
		cmocka_unit_test(pod_objects_pod),
		cmocka_unit_test(own_lists_win),
		cmocka_unit_test(bad_own_list_excludes_nothing),
		cmocka_unit_test(order_does_not_matter),
		cmocka_unit_test(too_many),
	};

	return cmocka_run_group_tests_name("policy: exclusions", tests, NULL, NULL);
}
