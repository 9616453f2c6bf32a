/* SPDX-License-Identifier: Apache-2.0 */
/* Which families and addresses a Service asks for, and every way to ask for something that contradicts itself. */
#include "objects_world.h"

#include <arpa/inet.h>

#define SERVICE(spec)                                                                                                                      \
	"apiVersion: v1\nkind: Service\nmetadata: {name: web, namespace: shop}\nspec:\n  ports: [{port: 80}]\n  selector: {a: b}\n" spec

struct expected {
	const char *spec;
	bool family4, family6;
	enum rf_family_policy policy;
	const char *ip4, *ip6; /* NULL: to be assigned */
};

static const struct expected cases[] = {
	{"", true, false, RF_FAMILY_SINGLE, NULL, NULL},
	{"  ipFamilyPolicy: SingleStack\n", true, false, RF_FAMILY_SINGLE, NULL, NULL},
	{"  ipFamilies: [IPv4]\n", true, false, RF_FAMILY_SINGLE, NULL, NULL},
	{"  ipFamilies: [IPv6]\n", false, true, RF_FAMILY_SINGLE, NULL, NULL},
	{"  ipFamilyPolicy: PreferDualStack\n", true, true, RF_FAMILY_PREFER_DUAL, NULL, NULL},
	{"  ipFamilyPolicy: RequireDualStack\n", true, true, RF_FAMILY_REQUIRE_DUAL, NULL, NULL},
	{"  ipFamilyPolicy: PreferDualStack\n  ipFamilies: [IPv6]\n", true, true, RF_FAMILY_PREFER_DUAL, NULL, NULL},
	{"  ipFamilies: [IPv6, IPv4]\n", true, true, RF_FAMILY_REQUIRE_DUAL, NULL, NULL},
	{"  clusterIP: 10.1.2.3\n", true, false, RF_FAMILY_SINGLE, "10.1.2.3", NULL},
	{"  clusterIP: fd00::3\n", false, true, RF_FAMILY_SINGLE, NULL, "fd00::3"},
	{"  clusterIP: fd00::3\n  ipFamilyPolicy: PreferDualStack\n", true, true, RF_FAMILY_PREFER_DUAL, NULL, "fd00::3"},
	{"  clusterIPs: [10.1.2.3]\n", true, false, RF_FAMILY_SINGLE, "10.1.2.3", NULL},
	{"  clusterIP: 10.1.2.3\n  clusterIPs: [10.1.2.3, 'fd00::3']\n", true, true, RF_FAMILY_REQUIRE_DUAL, "10.1.2.3", "fd00::3"},
	{"  clusterIPs: ['fd00::3', 10.1.2.3]\n  ipFamilies: [IPv6, IPv4]\n  ipFamilyPolicy: PreferDualStack\n", true, true,
	 RF_FAMILY_PREFER_DUAL, "10.1.2.3", "fd00::3"},
	{"  clusterIP: ''\n", true, false, RF_FAMILY_SINGLE, NULL, NULL},
	{"  clusterIP: '::ffff:10.1.2.3'\n", true, false, RF_FAMILY_SINGLE, "10.1.2.3", NULL}, /* is that IPv4 address */
};

static void check_address(const struct rf_addr *a, const char *text)
{
	struct in_addr in;
	struct rf_addr want = {{0}};

	if (text && !strchr(text, ':')) {
		assert_int_equal(inet_pton(AF_INET, text, &in), 1);
		want = rf_addr4(in.s_addr);
	} else if (text) {
		assert_int_equal(inet_pton(AF_INET6, text, &want), 1);
	}
	assert_memory_equal(a, &want, sizeof(want));
}

static void test_families(void **state)
{
	(void)state;
	for (size_t i = 0; i < RF_ARRAY_SIZE(cases); i++) {
		RF_CLEANUP(rf_objects_freep) struct rf_objects *o = NULL;
		const struct rf_service *s;
		char text[1024];

		snprintf(text, sizeof(text), "%s%s", SERVICE(""), cases[i].spec);
		print_message("%s", cases[i].spec);
		o = world_checked(text);
		assert_string_equal(world_diag(o, 0), "");
		assert_int_equal(o->services_count, 1);
		s = &o->services[0];
		assert_false(s->headless);
		assert_int_equal(s->family4, cases[i].family4);
		assert_int_equal(s->family6, cases[i].family6);
		assert_int_equal(s->family_policy, cases[i].policy);
		check_address(&s->cluster_ip4, cases[i].ip4);
		check_address(&s->cluster_ip6, cases[i].ip6);
	}
}

static void test_headless(void **state)
{
	RF_CLEANUP(rf_objects_freep) struct rf_objects *a = world_checked(SERVICE("  clusterIP: None\n"));
	RF_CLEANUP(rf_objects_freep)
	struct rf_objects *b = world_checked(SERVICE("  clusterIPs: [None]\n  ipFamilyPolicy: PreferDualStack\n"));

	(void)state;
	assert_int_equal(a->diags.count + b->diags.count, 0);
	assert_true(a->services[0].headless && a->services[0].family4 && !a->services[0].family6);
	assert_true(b->services[0].headless && b->services[0].family4 && b->services[0].family6);
}

static void test_refused(void **state)
{
	(void)state;
	assert_error(SERVICE("  clusterIP: fd00::x\n"), "clusterIP: \"fd00::x\" is neither an address");
	assert_error(SERVICE("  clusterIP: 0.0.0.0\n"), "\"0.0.0.0\" is neither an address");
	assert_error(SERVICE("  clusterIP: '::'\n"), "\"::\" is neither an address");
	assert_error(SERVICE("  clusterIP: 127.0.0.1\n"), "\"127.0.0.1\" is neither an address");
	assert_error(SERVICE("  clusterIP: ff02::1\n"), "\"ff02::1\" is neither an address");
	assert_error(SERVICE("  clusterIP: fe80::1%eth0\n"), "is neither an address");
	assert_error(SERVICE("  clusterIPs: 10.1.2.3\n"), "spec.clusterIPs");
	assert_error(SERVICE("  clusterIPs: [10.1.2.3, 10.1.2.4]\n"), "one address of each family");
	assert_error(SERVICE("  clusterIPs: [10.1.2.3, None]\n"), "spec.clusterIPs[1]: \"None\" is neither");
	assert_error(SERVICE("  clusterIPs: [None, 10.1.2.3]\n"), "None stands alone");
	assert_error(SERVICE("  clusterIPs: [10.1.2.3, 'fd00::1', 10.1.2.4]\n"), "more than 2 addresses");
	assert_error(SERVICE("  clusterIP: 10.1.2.3\n  clusterIPs: [10.1.2.4]\n"), "the first address must be clusterIP (10.1.2.3)");
	assert_error(SERVICE("  clusterIP: 10.1.2.3\n  ipFamilies: [IPv6]\n"), "\"10.1.2.3\" is not of family IPv6");
	assert_error(SERVICE("  clusterIPs: [10.1.2.3, 'fd00::1']\n  ipFamilies: [IPv6, IPv4]\n"), "is not of family IPv6");
	assert_error(SERVICE("  ipFamilies: [IPv5]\n"), "\"IPv5\" is not one of IPv4, IPv6");
	assert_error(SERVICE("  ipFamilies: [IPv4, IPv4]\n"), "each of IPv4 and IPv6 at most once");
	assert_error(SERVICE("  ipFamilies: IPv6\n"), "spec.ipFamilies");
	assert_error(SERVICE("  ipFamilyPolicy: DualStack\n"), "\"DualStack\" is not one of SingleStack");
	assert_error(SERVICE("  ipFamilyPolicy: SingleStack\n  ipFamilies: [IPv4, IPv6]\n"), "must be PreferDualStack or RequireDualStack");
	assert_error(SERVICE("  ipFamilyPolicy: SingleStack\n  clusterIPs: [10.1.2.3, 'fd00::1']\n"), "must be PreferDualStack or");
}

/* A name is looked up among the container's ports of the Service port's own protocol. */
static void test_named_target_ports(void **state)
{
	RF_CLEANUP(rf_objects_freep)
	struct rf_objects *o =
		world_checked("apiVersion: v1\nkind: Service\nmetadata: {name: dns, namespace: shop}\nspec:\n  selector: {a: b}\n  ports:\n"
			      "  - {name: u, port: 53, targetPort: dns, protocol: UDP}\n  - {name: t, port: 53, targetPort: dns}\n---\n"
			      "apiVersion: v1\nkind: Pod\nmetadata: {name: p, namespace: shop, labels: {a: b}}\n"
			      "spec: {containers: [{name: c, ports: [{name: dns, containerPort: 5300}, {name: dns, containerPort: 5301, "
			      "protocol: UDP}]}]}\n");

	(void)state;
	assert_int_equal(o->diags.count, 0);
	assert_int_equal(o->services[0].ports[0].target_port, 5301);
	assert_int_equal(o->services[0].ports[1].target_port, 5300);
	assert_warning("apiVersion: v1\nkind: Service\nmetadata: {name: dns, namespace: shop}\n"
		       "spec: {selector: {a: b}, ports: [{port: 53, targetPort: dns, protocol: UDP}]}\n---\n"
		       "apiVersion: v1\nkind: Pod\nmetadata: {name: p, namespace: shop, labels: {a: b}}\n"
		       "spec: {containers: [{name: c, ports: [{name: dns, containerPort: 5300}]}]}\n",
		       "has a UDP port named \"dns\"");
}

#define UDP_ROUTE(spec) "apiVersion: specs.smi-spec.io/v1alpha4\nkind: UDPRoute\nmetadata: {name: u, namespace: shop}\nspec: " spec "\n"

static void test_udp_route(void **state)
{
	RF_CLEANUP(rf_objects_freep) struct rf_objects *o = world_checked(UDP_ROUTE("{matches: {ports: [53, 5353]}}"));

	(void)state;
	assert_int_equal(o->diags.count, 0);
	assert_int_equal(o->udp_routes[0].port_count, 2);
	assert_int_equal(o->udp_routes[0].ports[1], 5353);
	assert_clean(UDP_ROUTE("{matches: {ports: []}}"));
	assert_clean(UDP_ROUTE("{matches: {}}"));
	assert_clean(UDP_ROUTE("{}"));
	assert_error(UDP_ROUTE("{matches: {ports: [0]}}"), "0 is not a whole number from 1 to 65535");
	assert_error(UDP_ROUTE("{matches: {port: [53]}}"), "spec.matches");
	assert_error(UDP_ROUTE("{ports: [53]}"), "spec");
	assert_error("apiVersion: specs.smi-spec.io/v1alpha4\nkind: UDPRoute\nmetadata: {name: u, namespace: shop}\n", "spec is required");
}

/* A TrafficTarget's UDPRoute needs no excuse any more; a missing one is named. */
static void test_udp_rule(void **state)
{
	static const char target[] =
		"apiVersion: access.smi-spec.io/v1alpha3\nkind: TrafficTarget\nmetadata: {name: t, namespace: shop}\nspec:\n"
		"  destination: {kind: ServiceAccount, name: web, namespace: shop}\n"
		"  sources: [{kind: ServiceAccount, name: x, namespace: y}]\n  rules: [{kind: UDPRoute, name: u}]\n";
	char text[2048];

	(void)state;
	assert_warning(target, "UDPRoute shop/u does not exist: this rule admits nothing");
	snprintf(text, sizeof(text), "%s---\n%s", target, UDP_ROUTE("{matches: {ports: [53]}}"));
	assert_clean(text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_families),           cmocka_unit_test(test_headless),  cmocka_unit_test(test_refused),
		cmocka_unit_test(test_named_target_ports), cmocka_unit_test(test_udp_route), cmocka_unit_test(test_udp_rule),
	};

	return cmocka_run_group_tests_name("objects_families", tests, NULL, NULL);
}
