/* SPDX-License-Identifier: Apache-2.0 */
/* Shapes of files that kubectl applies, as samples of OSM and exported objects have them: accepted, and read as what they mean. */
#include "objects_world.h"

#define SERVICE                                                                                                                            \
	"apiVersion: v1\nkind: Service\nmetadata:\n  name: web\n  namespace: shop\nspec:\n  ports:\n  - port: 80\n  selector:\n    app: "  \
	"web\n"

static const char *label(const struct rf_pair_text *pairs, size_t count, const char *key)
{
	for (size_t i = 0; i < count; i++) {
		if (strcmp(pairs[i].key, key) == 0)
			return pairs[i].value;
	}
	return "(none)";
}

static void assert_one_service(const char *text)
{
	RF_CLEANUP(rf_objects_freep) struct rf_objects *o = world_checked(text);

	if (o->diags.count > 0)
		print_error("%s\nunexpected: %s\n", text, world_diag(o, 0));
	assert_int_equal(o->diags.count, 0);
	assert_int_equal(o->all_count, 1);
	assert_int_equal(o->services_count, 1);
	assert_string_equal(o->services[0].meta.name, "web");
	assert_string_equal(label(o->services[0].selector, o->services[0].selector_count, "app"), "web");
}

static void test_text(void **state)
{
	(void)state;
	assert_one_service(SERVICE);
	assert_one_service("\xef\xbb\xbf" SERVICE);
	assert_one_service("---\n---\n# nothing\n---\n" SERVICE "---\n...\n");
	assert_one_service("apiVersion: v1\r\nkind: Service\r\nmetadata:\r\n  name: web\r\nspec:\r\n  ports:\r\n  - port: 80\r\n"
			   "  selector:\r\n    app: web\r\n---\r\n");
	assert_one_service("apiVersion:\tv1\nkind: Service\t# with a tab\nmetadata: {name: web}\nspec: {ports: [{port:\t80}], selector: "
			   "{app: web}}\n");
	assert_one_service("{\"apiVersion\": \"v1\", \"kind\": \"Service\", \"metadata\": {\"name\": \"web\"},\n"
			   "\t\"spec\": {\"ports\": [{\"port\": 80}], \"selector\": {\"app\": \"web\"}}}\n");
}

static void test_nothing_but_comments(void **state)
{
	RF_CLEANUP(rf_objects_freep) struct rf_objects *o = world_checked("# kubectl says: no objects passed to apply\n---\n# or here\n");

	(void)state;
	assert_int_equal(o->diags.count, 0);
	assert_int_equal(o->all_count, 0);
}

static void test_anchors(void **state)
{
	(void)state;
	assert_one_service("apiVersion: v1\nkind: Service\nmetadata:\n  name: web\n  labels: &labels\n    app: web\nspec:\n"
			   "  ports: [{port: 80}]\n  selector: *labels\n");
	assert_one_service("apiVersion: v1\nkind: Service\nmetadata:\n  name: web\n  labels: &labels {app: web, tier: shown}\nspec:\n"
			   "  ports: [{port: 80}]\n  selector:\n    <<: *labels\n    tier: front\n");
	/* What an alias brings is judged like anything that is written there, at its place. */
	assert_error("apiVersion: v1\nkind: Service\nmetadata: {name: &n Web}\nspec: {ports: [{port: 80}], selector: {app: *n}}\n",
		     "3:21: metadata.name: \"Web\" is not a name");
	assert_error(
		"apiVersion: v1\nkind: Service\nmetadata: {name: web}\nspec:\n  ports: [{port: 80, name: &n A_B}, {port: 81, name: *n}]\n",
		"5:54: spec.ports[1]");
}

static void test_lists(void **state)
{
	RF_CLEANUP(rf_objects_freep)
	struct rf_objects *o = world_checked("apiVersion: v1\nkind: NamespaceList\nmetadata: {resourceVersion: ''}\nitems:\n"
					     "- {apiVersion: v1, kind: Namespace, metadata: {name: a}}\n"
					     "- {apiVersion: v1, kind: Namespace, metadata: {name: b}}\n---\n"
					     "apiVersion: access.smi-spec.io/v1alpha3\nkind: TrafficTargetList\nitems: []\n---\n"
					     "apiVersion: v1\nkind: List\nitems: []\n");

	(void)state;
	assert_int_equal(o->diags.count, 0);
	assert_int_equal(o->namespaces_count, 2);
	assert_true(o->all[0].in_list);
	/* a kind that only sounds like a list */
	assert_error("apiVersion: access.smi-spec.io/v1alpha3\nkind: TrafficList\nmetadata: {name: a}\nspec: {}\n", "is not a known kind");
}

static void test_exported(void **state)
{
	(void)state;
	assert_warning(
		"apiVersion: specs.smi-spec.io/v1alpha4\nkind: TCPRoute\nmetadata:\n  annotations:\n  labels:\n  clusterName: ''\n"
		"  creationTimestamp: null\n  finalizers: [a.b/c]\n  generation: 1\n  managedFields: []\n  name: r\n  namespace: shop\n"
		"  ownerReferences: []\n  resourceVersion: '1'\n  selfLink: /x\n  uid: 7c\nspec: {matches: {ports: [80]}}\nstatus: "
		"{}\n---\n"
		"apiVersion: v1\nkind: ConfigMap\nmetadata: {name: c}\ndata: {mode: 0644, on: yes}\n",
		"ConfigMap of v1 is skipped");
	/* null is nothing in metadata alone: elsewhere in an object of the mesh it is a line that somebody forgot */
	assert_error("apiVersion: specs.smi-spec.io/v1alpha4\nkind: TCPRoute\nmetadata: {name: r}\nspec: {matches: {ports: }}\n",
		     "has no value");
}

static void test_quantities(void **state)
{
	(void)state;
	assert_clean("apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: web, namespace: shop}\nspec:\n  replicas: 1\n"
		     "  strategy: {rollingUpdate: {maxSurge: 25%, maxUnavailable: 0}}\n  selector: {matchLabels: {app: web}}\n  template:\n"
		     "    metadata: {labels: {app: web}}\n    spec:\n      containers:\n      - name: web\n        image: web\n"
		     "        resources: {limits: {cpu: 500m, memory: 128Mi, ephemeral-storage: 1e3}, requests: {cpu: 0.5, memory: 64Mi}}\n"
		     "        ports: [{containerPort: 80, name: http}]\n"
		     "        livenessProbe: {httpGet: {path: /, port: http}, periodSeconds: 5}\n");
}

static void test_other_kinds_are_skipped(void **state)
{
	(void)state;
	assert_warning(
		"apiVersion: config.openservicemesh.io/v1alpha2\nkind: MeshRootCertificate\nmetadata: {name: c, namespace: osm-system}\n"
		"spec: {provider: {tresor: {}}}\n",
		"MeshRootCertificate of config.openservicemesh.io/v1alpha2 is skipped");
	assert_warning("apiVersion: config.openservicemesh.io/v1alpha1\nkind: MultiClusterService\nmetadata: {name: c}\nspec: {}\n",
		       "is skipped");
	assert_warning("apiVersion: policy.openservicemesh.io/v1alpha1\nkind: Telemetry\nmetadata: {name: c}\nspec: {}\n", "is skipped");
	assert_warning(
		"apiVersion: networking.k8s.io/v1beta1\nkind: Ingress\nmetadata: {name: i}\nspec:\n  rules:\n  - http:\n      paths:\n"
		"      - {path: /, backend: {serviceName: web, servicePort: 80}}\n",
		"Ingress of networking.k8s.io/v1beta1 is skipped: only networking.k8s.io/v1 is read");
	assert_warning("apiVersion: apiextensions.k8s.io/v1\nkind: CustomResourceDefinition\nmetadata: {name: x.y}\nspec: {}\n",
		       "is skipped");
	assert_warning("apiVersion: gateway.networking.k8s.io/v1alpha2\nkind: TCPRoute\nmetadata: {name: c}\nspec: {}\n", "is skipped");
	/* a kind that is misspelt is no other kind, and one in a wrong group of Kubernetes is not skipped */
	assert_error("apiVersion: v1\nkind: Deployment\nmetadata: {name: c}\n", "\"v1\" is not accepted for Deployment: use apps/v1");
	assert_error("apiVersion: apps/v1\nkind: Service\nmetadata: {name: c}\n", "\"apps/v1\" is not accepted for Service: use v1");
	assert_error("apiVersion: access.smi-spec.io/v1alpha3\nkind: TraficTarget\nmetadata: {name: c}\n", "did you mean TrafficTarget");
	assert_error("apiVersion: config.openservicemesh.io/v1alpha2\nkind: Telemetry\nmetadata: {name: c}\nspec: {}\n",
		     "\"Telemetry\" is not a known kind of config.openservicemesh.io: it has MeshConfig");
	assert_error("apiVersion: acess.smi-spec.io/v1alpha3\nkind: Target\nmetadata: {name: c}\nspec: {}\n",
		     "is not a known group of OSM or SMI");
}

static void test_ingress_that_is_not_served(void **state)
{
	RF_CLEANUP(rf_objects_freep)
	struct rf_objects *o =
		world_checked("apiVersion: networking.k8s.io/v1\nkind: Ingress\nmetadata: {name: i, namespace: shop}\nspec:\n  rules:\n  - "
			      "http:\n      paths:\n"
			      "      - {path: '/x(/|$)(.*)', pathType: Prefix, backend: {service: {name: web, port: {number: 80}}}}\n"
			      "      - {path: /a, pathType: Prefix, backend: {resource: {apiGroup: a.b, kind: C, name: d}}}\n"
			      "      - {path: /b, pathType: Prefix, backend: {service: {name: web, port: {number: 80}}}}\n---\n" SERVICE);

	(void)state;
	assert_int_equal(o->diags.error_count, 0);
	assert_int_equal(o->diags.count, 2);
	assert_int_equal(o->ingresses[0].path_count, 1);
	assert_string_equal(o->ingresses[0].paths[0].path, "/b");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_text),
		cmocka_unit_test(test_nothing_but_comments),
		cmocka_unit_test(test_anchors),
		cmocka_unit_test(test_lists),
		cmocka_unit_test(test_exported),
		cmocka_unit_test(test_quantities),
		cmocka_unit_test(test_other_kinds_are_skipped),
		cmocka_unit_test(test_ingress_that_is_not_served),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
