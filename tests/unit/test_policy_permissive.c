/* SPDX-License-Identifier: Apache-2.0 */
/* Permissive mode with strictAuthority (semantics rows 17 and 18; case host-14): who may ask is open, by which name is not. */
#include "policy_world.h"

#include "policy/needs.h"

static void begin(struct world *w, const char *traffic)
{
	world_begin(w);
	world_namespace(w, "shop", true);
	world_namespace(w, "other", true);
	world_namespace(w, "bare", false);
	world_app(w, "shop", "store",
		  "    - {name: http-a, port: 80, targetPort: 3000}\n    - {name: tcp-b, port: 90, targetPort: 3001, appProtocol: tcp}\n");
	world_app(w, "shop", "desk", "    - {port: 80, targetPort: 3000}\n");
	world_app(w, "other", "buyer", "    - {port: 80, targetPort: 4000}\n");
	world_app(w, "bare", "wild", "    - {port: 80, targetPort: 5000}\n");
	world_yamlf(w, "mesh.yaml",
		    "apiVersion: config.openservicemesh.io/v1alpha2\nkind: MeshConfig\nmetadata: {name: osm-mesh-config, namespace: "
		    "osm-system}\n"
		    "spec: {traffic: {%s}}\n",
		    traffic);
	assert_int_equal(rf_objects_check(w->objects), 0);
	world_compile(w);
}

static const struct rf_allow_value *for_all(const struct world *w, const char *dst, uint16_t port)
{
	return rf_policy_lookup(w->policy, 0, id(dst), port, IPPROTO_TCP);
}

static void names_count_in_permissive_mode(void **state)
{
	struct world w;

	(void)state;
	begin(&w, "enablePermissiveTrafficPolicyMode: true, strictAuthority: true");
	assert_int_equal(w.policy->config.permissive, RF_PERMISSIVE_NAMED);
	assert_non_null(for_all(&w, "shop/store", 3000));
	assert_int_equal(for_all(&w, "shop/store", 3000)->verdict, RF_VERDICT_L7);
	assert_null(for_all(&w, "shop/store", 3001)); /* tcp has no Host */
	assert_true(rf_policy_needs_checker(w.policy, id("other/buyer")));
	assert_int_equal(request_host(&w, "other/buyer", "shop/store", 3000, "/x", "store.shop"), RF_REASON_ALLOW_PERMISSIVE);
	assert_int_equal(request_host(&w, "other/buyer", "shop/store", 3000, "/x", "store.shop.svc.cluster.local:80"),
			 RF_REASON_ALLOW_PERMISSIVE);
	assert_int_equal(request_host(&w, "other/buyer", "shop/store", 3000, "/x", "store"), RF_REASON_AUTHORITY);
	assert_int_equal(request_host(&w, "shop/desk", "shop/store", 3000, "/x", "store"), RF_REASON_ALLOW_PERMISSIVE);
	assert_int_equal(request_host(&w, "shop/desk", "shop/store", 3000, "/x", "desk"), RF_REASON_AUTHORITY);
	assert_int_equal(request_host(&w, "other/buyer", "shop/store", 3000, "/x", "foo.example.com"), RF_REASON_AUTHORITY);
	assert_int_equal(request_host(&w, "other/buyer", "shop/store", 3000, "/x", ""), RF_REASON_AUTHORITY);
	assert_int_equal(request_host(&w, "other/buyer", "shop/store", 3001, "/x", "foo.example.com"), RF_REASON_ALLOW_PERMISSIVE);
	assert_int_equal(request_host(&w, "bare/wild", "shop/store", 3000, "/x", "store.shop"), RF_REASON_NO_RULE);
	world_end(&w);
}

static void names_do_not_count_without(void **state)
{
	struct world w;

	(void)state;
	begin(&w, "enablePermissiveTrafficPolicyMode: true, strictAuthority: false");
	assert_int_equal(w.policy->config.permissive, RF_PERMISSIVE_ON);
	assert_null(for_all(&w, "shop/store", 3000));
	assert_false(rf_policy_needs_checker(w.policy, id("other/buyer")));
	assert_int_equal(request_host(&w, "other/buyer", "shop/store", 3000, "/x", "foo.example.com"), RF_REASON_ALLOW_PERMISSIVE);
	world_end(&w);
	begin(&w, "enablePermissiveTrafficPolicyMode: false, strictAuthority: true");
	assert_int_equal(w.policy->config.permissive, RF_PERMISSIVE_OFF);
	assert_null(for_all(&w, "shop/store", 3000));
	assert_int_equal(request_host(&w, "other/buyer", "shop/store", 3000, "/x", "store.shop"), RF_REASON_NO_RULE);
	world_end(&w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(names_count_in_permissive_mode),
		cmocka_unit_test(names_do_not_count_without),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
