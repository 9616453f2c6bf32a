/* SPDX-License-Identifier: Apache-2.0 */
#include "policy_world.h"

#include <errno.h>

#include "policy/hosts.h"

static const struct rf_service_value *find(const struct world *w, const struct rf_addr *addr, uint16_t port, uint8_t proto)
{
	for (size_t i = 0; i < w->policy->services_count; i++)
		if (rf_addr_equal(&w->policy->services_keys[i].addr, addr) && w->policy->services_keys[i].port == port &&
		    w->policy->services_keys[i].proto == proto)
			return &w->policy->services_values[i];
	return NULL;
}

static const struct rf_service_value *find_named(const struct world *w, const char *ns, const char *name, uint16_t port)
{
	const struct rf_service_address *a = service_address(w, ns, name);

	assert_non_null(a);
	return find(w, &a->addr4, port, IPPROTO_TCP);
}

static void test_backends_are_running_pods(void **state)
{
	const struct rf_service_value *v;
	struct world w;

	(void)state;
	world_begin(&w);
	world_app(&w, "shop", "web", "  - {port: 80, targetPort: 3000}\n");
	world_pod(&w, "shop", "web-2", "web", "web", "10.201.0.12");
	world_pod(&w, "shop", "web-1", "web", "web", "10.201.0.9");
	world_pod(&w, "shop", "db-1", "db", "db", "10.201.0.10");     /* other label */
	world_pod(&w, "other", "web-1", "web", "web", "10.201.0.11"); /* other namespace */
	world_compile(&w);
	v = find_named(&w, "shop", "web", 80);
	assert_non_null(v);
	assert_int_equal(v->count, 2);
	assert_address(&w.policy->backends[v->first].addr, "10.201.0.9");
	assert_address(&w.policy->backends[v->first + 1].addr, "10.201.0.12");
	assert_int_equal(w.policy->backends[v->first].port, 3000);
	assert_null(find_named(&w, "shop", "web", 3000));
	assert_int_equal(w.policy->services_keys[0].proto, 6);
	world_end(&w);
}

static void test_no_pod_is_an_empty_run(void **state)
{
	struct world w;

	(void)state;
	world_begin(&w);
	world_app(&w, "shop", "web", "  - port: 80\n");
	world_compile(&w);
	assert_non_null(find_named(&w, "shop", "web", 80));
	assert_int_equal(find_named(&w, "shop", "web", 80)->count, 0);
	world_end(&w);
}

static void test_service_without_selector_selects_nothing(void **state)
{
	struct world w;

	(void)state;
	world_begin(&w);
	world_yaml(&w, "s.yaml", "apiVersion: v1\nkind: Service\nmetadata: {name: s, namespace: shop}\nspec:\n  ports: [{port: 80}]\n");
	world_pod(&w, "shop", "web-1", "web", "web", "10.201.0.9");
	world_compile(&w);
	assert_int_equal(find_named(&w, "shop", "s", 80)->count, 0);
	world_end(&w);
}

static void test_given_addresses_stay(void **state)
{
	struct world w;
	const struct rf_service_address *chosen;

	(void)state;
	world_begin(&w);
	world_app(&w, "shop", "web", "  - port: 80\n");
	world_compile(&w);
	chosen = service_address(&w, "shop", "web");
	assert_int_equal(chosen->addr4.be[3] & addr("255.255.0.0"), addr("10.202.0.0"));

	/* Somebody else is given the very address that "web" had chosen: web moves one on. */
	char text[INET_ADDRSTRLEN];
	uint32_t before = ntohl(chosen->addr4.be[3]);
	inet_ntop(AF_INET, &chosen->addr4.be[3], text, sizeof(text));
	world_yamlf(
		&w, "given.yaml",
		"apiVersion: v1\nkind: Service\nmetadata: {name: given, namespace: zoo}\nspec: {clusterIP: %s, ports: [{port: 80}]}\n---\n"
		"apiVersion: v1\nkind: Service\nmetadata: {name: outside, namespace: zoo}\nspec: {clusterIP: 10.96.0.10, ports: [{port: "
		"53}]}\n",
		text);
	world_compile(&w);
	assert_int_equal(ntohl(service_address(&w, "zoo", "given")->addr4.be[3]), before);
	assert_int_equal(ntohl(service_address(&w, "shop", "web")->addr4.be[3]), before + 1);
	assert_address(&service_address(&w, "zoo", "outside")->addr4, "10.96.0.10");
	assert_non_null(find_named(&w, "zoo", "outside", 53));

	world_yamlf(&w, "twice.yaml",
		    "apiVersion: v1\nkind: Service\nmetadata: {name: twice, namespace: zoo}\nspec: {clusterIP: %s, ports: [{port: 81}]}\n",
		    text);
	assert_int_equal(world_try(&w), -EINVAL);
	assert_true(world_warned(&w, "Service zoo/twice has the clusterIP of Service zoo/given"));
	world_end(&w);
}

/* A range of 8 addresses has 5 to give: not the network, the first, the broadcast address. */
static void test_small_range(void **state)
{
	struct world w;
	struct rf_policy_input input;
	bool used[8] = {false};

	(void)state;
	world_begin(&w);
	for (int i = 0; i < 5; i++)
		world_yamlf(&w, "s.yaml",
			    "apiVersion: v1\nkind: Service\nmetadata: {name: s%d, namespace: n}\nspec: {ports: [{port: 80}]}\n", i);
	input = (struct rf_policy_input){.objects = w.objects,
					 .mesh_name = "osm",
					 .service_net_be = addr("10.9.9.8"),
					 .service_mask_be = addr("255.255.255.248"),
					 .epoch = 1};
	assert_int_equal(rf_policy_compile(&input, &w.diags, &w.policy), 0);
	for (size_t i = 0; i < w.policy->address_count; i++) {
		uint32_t offset = ntohl(w.policy->addresses[i].addr4.be[3]) - ntohl(addr("10.9.9.8"));

		assert_in_range(offset, 2, 6);
		assert_false(used[offset]);
		used[offset] = true;
	}
	world_yaml(&w, "s.yaml", "apiVersion: v1\nkind: Service\nmetadata: {name: more, namespace: n}\nspec: {ports: [{port: 80}]}\n");
	rf_policy_free(w.policy);
	w.policy = NULL;
	assert_int_equal(rf_policy_compile(&input, &w.diags, &w.policy), -EINVAL);
	assert_null(w.policy);
	assert_true(world_warned(&w, "no address is left in the service range"));
	world_end(&w);
}

static void test_udp_and_tcp_on_one_port(void **state)
{
	const struct rf_service_value *udp, *tcp;
	const struct rf_service_address *a;
	struct world w;

	(void)state;
	world_begin(&w);
	world_app(&w, "shop", "dns",
		  "  - {name: u, port: 53, targetPort: 5353, protocol: UDP}\n  - {name: t, port: 53, targetPort: 5454, protocol: TCP}\n"
		  "  - {name: s, port: 53, protocol: SCTP}\n  - {name: only, port: 54, protocol: UDP}\n");
	world_pod(&w, "shop", "dns-1", "dns", "dns", "10.201.0.9");
	world_compile(&w);
	a = service_address(&w, "shop", "dns");
	udp = find(&w, &a->addr4, 53, IPPROTO_UDP);
	tcp = find(&w, &a->addr4, 53, IPPROTO_TCP);
	assert_int_equal(udp->count, 1);
	assert_int_equal(tcp->count, 1);
	assert_int_equal(w.policy->backends[udp->first].port, 5353);
	assert_int_equal(w.policy->backends[tcp->first].port, 5454);
	assert_address(&w.policy->backends[udp->first].addr, "10.201.0.9");
	assert_int_equal(w.policy->services_count, 3);
	assert_non_null(find(&w, &a->addr4, 54, IPPROTO_UDP));
	assert_null(find(&w, &a->addr4, 54, IPPROTO_TCP));
	assert_false(world_warned(&w, "twice"));
	world_end(&w);
}

static void test_hosts(void **state)
{
	struct world w;
	char *text = NULL, *expected = NULL, ip[INET_ADDRSTRLEN];
	const struct rf_addr own = address("10.201.0.3");

	(void)state;
	world_begin(&w);
	world_app(&w, "shop", "web", "  - port: 80\n");
	world_yaml(&w, "h.yaml",
		   "apiVersion: v1\nkind: Service\nmetadata: {name: db, namespace: data}\n"
		   "spec: {clusterIP: None, selector: {app: db}, ports: [{port: 5432}]}\n");
	world_pod(&w, "data", "db-0", "db", "db", "10.201.0.7");
	world_pod(&w, "data", "db-1", "db", "db", "10.201.0.6");
	world_compile(&w);
	assert_true(rf_addr_is_none(&service_address(&w, "data", "db")->addr4));
	assert_int_equal(w.policy->services_count, 1); /* headless has no entry */
	inet_ntop(AF_INET, &service_address(&w, "shop", "web")->addr4.be[3], ip, sizeof(ip));

	assert_int_equal(rf_hosts_text(w.policy, "shop", "web-1", &own, NULL, &text), 0);
	assert_true(asprintf(&expected,
			     "127.0.0.1\tlocalhost\n10.201.0.3\tweb-1\n"
			     "10.201.0.6\tdb.data db.data.svc db.data.svc.cluster.local\n"
			     "10.201.0.7\tdb.data db.data.svc db.data.svc.cluster.local\n"
			     "%s\tweb web.shop web.shop.svc web.shop.svc.cluster.local\n",
			     ip) > 0);
	assert_string_equal(text, expected);
	free(text);
	free(expected);

	assert_int_equal(rf_hosts_text(w.policy, "data", "x", NULL, NULL, &text), 0);
	assert_non_null(strstr(text, "\tdb db.data db.data.svc "));
	assert_non_null(strstr(text, "\tweb.shop web.shop.svc "));
	free(text);
	world_end(&w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_backends_are_running_pods),
		cmocka_unit_test(test_no_pod_is_an_empty_run),
		cmocka_unit_test(test_service_without_selector_selects_nothing),
		cmocka_unit_test(test_given_addresses_stay),
		cmocka_unit_test(test_small_range),
		cmocka_unit_test(test_udp_and_tcp_on_one_port),
		cmocka_unit_test(test_hosts),
	};

	return cmocka_run_group_tests_name("policy_services", tests, NULL, NULL);
}
