/* SPDX-License-Identifier: Apache-2.0 */
#include "policy_world.h"

#include <errno.h>

static const char *name(const struct world *w, const char *account)
{
	for (size_t i = 0; i < w->policy->names_count; i++)
		if (w->policy->names_keys[i] == id(account))
			return w->policy->names_values[i].text;
	return NULL;
}

static void test_every_source_of_names(void **state)
{
	struct world w;

	(void)state;
	world_begin(&w);
	world_namespace(&w, "in", true);
	world_namespace(&w, "out", false);
	world_app(&w, "in", "app", "  - port: 80\n");
	world_yaml(&w, "sa.yaml", "apiVersion: v1\nkind: ServiceAccount\nmetadata: {name: bare, namespace: in}\n");
	world_yaml(&w, "tt.yaml",
		   "apiVersion: access.smi-spec.io/v1alpha3\nkind: TrafficTarget\nmetadata: {name: t, namespace: in}\nspec:\n"
		   "  destination: {kind: ServiceAccount, name: named, namespace: in}\n"
		   "  sources: [{kind: ServiceAccount, name: other, namespace: out}]\n"
		   "  rules: [{kind: TCPRoute, name: none}]\n");
	world_pod(&w, "in", "p", "runs", "x", "10.201.0.9");
	world_compile(&w);

	static const char *const meshed[] = {"in/app", "in/bare", "in/named", "in/runs"};
	for (size_t i = 0; i < 4; i++) {
		assert_non_null(ident(&w, meshed[i]));
		assert_int_equal(ident(&w, meshed[i])->meshed, 1);
		assert_string_equal(name(&w, meshed[i]), meshed[i]);
	}
	assert_null(ident(&w, "out/other")); /* known by name, but not in the mesh */
	assert_string_equal(name(&w, "out/other"), "out/other");
	assert_int_equal(w.policy->idents_count, 4);
	assert_int_equal(w.policy->names_count, 5);
	world_end(&w);
}

static void test_ignored_namespace_is_outside(void **state)
{
	struct world w;

	(void)state;
	world_begin(&w);
	world_yaml(&w, "ns.yaml",
		   "apiVersion: v1\nkind: Namespace\nmetadata:\n  name: in\n  labels:\n    openservicemesh.io/monitored-by: osm\n"
		   "    openservicemesh.io/ignore: \"true\"\n");
	world_yaml(
		&w, "other.yaml",
		"apiVersion: v1\nkind: Namespace\nmetadata:\n  name: foreign\n  labels:\n    openservicemesh.io/monitored-by: another\n");
	world_app(&w, "in", "app", "  - port: 80\n");
	world_app(&w, "foreign", "app", "  - port: 80\n");
	world_app(&w, "nowhere", "app", "  - port: 80\n");
	world_compile(&w);
	assert_int_equal(w.policy->idents_count, 0);
	assert_int_equal(w.policy->names_count, 3);
	world_end(&w);
}

/* Two namespace names with one FNV-1a state, found by search: so are all accounts of one name in them. */
static void test_collision_is_refused(void **state)
{
	struct world w;

	(void)state;
	assert_true(id("5wfze625vcqkg/web") == id("2czta6fcj5fph/web"));
	world_begin(&w);
	world_app(&w, "5wfze625vcqkg", "web", "  - port: 80\n");
	world_app(&w, "2czta6fcj5fph", "api", "  - port: 80\n");
	world_compile(&w); /* different numbers: nothing to refuse */
	world_app(&w, "2czta6fcj5fph", "web", "  - port: 80\n");
	assert_int_equal(world_try(&w), -EEXIST);
	assert_null(w.policy);
	assert_int_equal(w.diags.error_count, 1);
	assert_true(world_warned(&w, "2czta6fcj5fph/web and 5wfze625vcqkg/web have the same number"));
	assert_string_equal(w.diags.items[w.diags.count - 1].place.file, "apps.yaml");
	world_end(&w);
}

static void test_config(void **state)
{
	struct world w;

	(void)state;
	world_begin(&w);
	world_compile(&w);
	assert_int_equal(w.policy->config.epoch, 7);
	assert_int_equal(w.policy->config.permissive, 0);
	assert_int_equal(w.policy->config.egress, 0);
	assert_int_equal(w.policy->config.service_ranges, 2);
	assert_address(&w.policy->config.service[0].net, "10.202.0.0");
	assert_address(&w.policy->config.service[0].mask, "ffff:ffff:ffff:ffff:ffff:ffff:ffff:0");
	assert_address(&w.policy->config.service[1].net, WORLD_NET6);
	assert_address(&w.policy->config.service[1].mask, "ffff:ffff:ffff:ffff:ffff:ffff::");
	assert_int_equal(w.policy->rule_count, 1);
	assert_string_equal(w.policy->rules[0].text, "none");
	world_yaml(&w, "mesh.yaml",
		   "apiVersion: config.openservicemesh.io/v1alpha2\nkind: MeshConfig\nmetadata: {name: osm-mesh-config, namespace: "
		   "osm-system}\n"
		   "spec:\n  traffic:\n    enablePermissiveTrafficPolicyMode: true\n    enableEgress: true\n");
	world_compile(&w);
	assert_int_equal(w.policy->config.permissive, 1);
	assert_int_equal(w.policy->config.egress, 1);
	assert_int_equal(((const struct rf_routes_head *)w.policy->routes)->flags, RF_ROUTES_PERMISSIVE | RF_ROUTES_EGRESS);
	world_end(&w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_every_source_of_names),
		cmocka_unit_test(test_ignored_namespace_is_outside),
		cmocka_unit_test(test_collision_is_refused),
		cmocka_unit_test(test_config),
	};

	return cmocka_run_group_tests_name("policy_identities", tests, NULL, NULL);
}
