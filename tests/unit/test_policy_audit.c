/* SPDX-License-Identifier: Apache-2.0 */
/* The annotation ringfence.io/audit -> flags of `idents`: it never admits anything by itself, and it is about nobody else. */
#include "policy_world.h"

static void namespace_with(struct world *w, const char *ns, const char *annotation)
{
	world_yamlf(w, "ns.yaml",
		    "apiVersion: v1\nkind: Namespace\nmetadata: {name: %s, labels: {openservicemesh.io/monitored-by: osm}, annotations: "
		    "{%s}}\n",
		    ns, annotation);
}

static void target_with(struct world *w, const char *name, const char *annotation)
{
	world_yamlf(
		w, "t.yaml",
		"apiVersion: access.smi-spec.io/v1alpha3\nkind: TrafficTarget\nmetadata: {name: %s, namespace: shop, annotations: {%s}}\n"
		"spec: {destination: {kind: ServiceAccount, name: %s, namespace: shop}, "
		"sources: [{kind: ServiceAccount, name: buyer, namespace: street}], rules: []}\n",
		name, annotation, name);
}

static void accounts(struct world *w)
{
	world_app(w, "shop", "store", "  - {port: 80}\n");
	world_app(w, "shop", "till", "  - {port: 80}\n");
	world_app(w, "street", "buyer", "  - {port: 80}\n");
}

static unsigned audit(const struct world *w, const char *account)
{
	const struct rf_ident *i = ident(w, account);

	assert_non_null(i);
	return i->audit;
}

static void of_a_namespace(void **state)
{
	struct world w;

	(void)state;
	world_begin(&w);
	namespace_with(&w, "shop", "ringfence.io/audit: enabled");
	namespace_with(&w, "street", "ringfence.io/audit: disabled");
	accounts(&w);
	world_compile(&w);
	assert_int_equal(audit(&w, "shop/store"), RF_AUDIT_TO | RF_AUDIT_FROM);
	assert_int_equal(audit(&w, "shop/till"), RF_AUDIT_TO | RF_AUDIT_FROM);
	assert_int_equal(audit(&w, "street/buyer"), 0);
	assert_int_equal(w.policy->allow_count, 0);
	world_end(&w);
}

static void of_a_target(void **state)
{
	struct world w;

	(void)state;
	world_begin(&w);
	namespace_with(&w, "shop", "");
	namespace_with(&w, "street", "");
	accounts(&w);
	target_with(&w, "store", "ringfence.io/audit: enabled");
	target_with(&w, "till", "ringfence.io/audit: disabled");
	world_compile(&w);
	assert_int_equal(audit(&w, "shop/store"), RF_AUDIT_TO);
	assert_int_equal(audit(&w, "shop/till"), 0);
	assert_int_equal(audit(&w, "street/buyer"), 0);
	assert_int_equal(w.policy->allow_count, 0);
	world_end(&w);
}

/* Who is not of the mesh has no row, so there is nothing to audit. */
static void outside_the_mesh(void **state)
{
	struct world w;

	(void)state;
	world_begin(&w);
	world_yaml(&w, "ns.yaml", "apiVersion: v1\nkind: Namespace\nmetadata: {name: shop, annotations: {ringfence.io/audit: enabled}}\n");
	namespace_with(&w, "street", "");
	accounts(&w);
	world_compile(&w);
	assert_null(ident(&w, "shop/store"));
	assert_int_equal(audit(&w, "street/buyer"), 0);
	world_end(&w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(of_a_namespace),
		cmocka_unit_test(of_a_target),
		cmocka_unit_test(outside_the_mesh),
	};

	return cmocka_run_group_tests_name("policy: audit", tests, NULL, NULL);
}
