/* SPDX-License-Identifier: Apache-2.0 */
/* Services of both families: addresses, backends, names; and what remains of them where the machine has no IPv6. */
#include "policy_world.h"

#include <errno.h>

#include "policy/hosts.h"

static void service(struct world *w, const char *name, const char *fields)
{
	world_yamlf(w, "s.yaml",
		    "apiVersion: v1\nkind: Service\nmetadata: {name: %s, namespace: shop}\nspec:\n  selector: {app: web}\n"
		    "  ports: [{name: tcp-a, port: 80, targetPort: 3000}, {name: u, port: 80, targetPort: 53, protocol: UDP}]\n%s",
		    name, fields);
}

static void begin(struct world *w)
{
	world_begin(w);
	world_pod6(w, "shop", "web-1", "web", "web", "10.201.0.9", "fd00:1::9");
	world_pod6(w, "shop", "web-2", "web", "web", "10.201.0.12", "fd00:1::12");
	world_pod(w, "shop", "web-3", "web", "web", "10.201.0.13"); /* IPv4 only */
}

static const struct rf_service_value *find(const struct world *w, const struct rf_addr *addr, uint8_t proto)
{
	for (size_t i = 0; i < w->policy->services_count; i++) {
		const struct rf_service_key *k = &w->policy->services_keys[i];

		if (rf_addr_equal(&k->addr, addr) && k->port == 80 && k->proto == proto)
			return &w->policy->services_values[i];
	}
	return NULL;
}

static void assert_backends(const struct world *w, const struct rf_addr *addr, size_t count, const char *first, const char *second)
{
	const struct rf_service_value *tcp = find(w, addr, IPPROTO_TCP), *udp = find(w, addr, IPPROTO_UDP);

	assert_non_null(tcp);
	assert_non_null(udp);
	assert_int_equal(tcp->count, count);
	assert_int_equal(udp->count, count);
	assert_address(&w->policy->backends[tcp->first].addr, first);
	assert_address(&w->policy->backends[udp->first + 1].addr, second);
	assert_int_equal(w->policy->backends[tcp->first].port, 3000);
	assert_int_equal(w->policy->backends[udp->first].port, 53);
}

static void test_dual_stack(void **state)
{
	const struct rf_service_address *a;
	struct rf_addr net6 = address(WORLD_NET6), expected;
	struct world w;

	(void)state;
	begin(&w);
	service(&w, "web", "  ipFamilyPolicy: PreferDualStack\n");
	world_compile(&w);
	a = service_address(&w, "shop", "web");
	assert_true(a->family4 && a->family6);
	assert_int_equal(a->addr4.be[3] & addr("255.255.0.0"), addr("10.202.0.0"));
	expected = rf_addr_embed(&net6, a->addr4.be[3]);
	assert_memory_equal(&a->addr6, &expected, sizeof(expected));
	assert_int_equal(w.policy->services_count, 4);
	assert_backends(&w, &a->addr4, 3, "10.201.0.9", "10.201.0.12");
	assert_backends(&w, &a->addr6, 2, "fd00:1::9", "fd00:1::12");
	assert_int_equal(a->endpoint_count, 3);
	assert_address(&a->endpoints[0].addr6, "fd00:1::9");
	assert_true(rf_addr_is_none(&a->endpoints[2].addr6));
	world_end(&w);
}

static void test_ipv4_only_unless_it_says_so(void **state)
{
	struct world w;

	(void)state;
	begin(&w);
	service(&w, "web", "");
	world_compile(&w);
	assert_true(rf_addr_is_none(&service_address(&w, "shop", "web")->addr6));
	assert_false(service_address(&w, "shop", "web")->family6);
	assert_int_equal(w.policy->services_count, 2);
	world_end(&w);
}

/* IPv6 alone: the IPv4 address behind it is nobody's, and taken all the same. */
static void test_ipv6_only(void **state)
{
	const struct rf_service_address *a;
	struct rf_addr net6 = address(WORLD_NET6), six, behind;
	char text[INET_ADDRSTRLEN];
	struct world w;

	(void)state;
	begin(&w);
	service(&w, "web", "  ipFamilies: [IPv6]\n");
	world_compile(&w);
	a = service_address(&w, "shop", "web");
	assert_true(rf_addr_is_none(&a->addr4) && !a->family4 && a->family6);
	assert_memory_equal(&a->addr6, &net6, 12);
	assert_int_equal(w.policy->services_count, 2);
	assert_backends(&w, &a->addr6, 2, "fd00:1::9", "fd00:1::12");
	six = a->addr6;

	/* Somebody else is given the IPv4 address that belongs to it, with both families: this one moves on. */
	behind = rf_addr4(six.be[3]);
	inet_ntop(AF_INET, &behind.be[3], text, sizeof(text));
	world_yamlf(&w, "g.yaml",
		    "apiVersion: v1\nkind: Service\nmetadata: {name: given, namespace: zoo}\n"
		    "spec: {clusterIP: %s, ipFamilyPolicy: RequireDualStack, ports: [{port: 80}]}\n",
		    text);
	world_compile(&w);
	assert_memory_equal(&service_address(&w, "zoo", "given")->addr6, &six, sizeof(six));
	assert_false(rf_addr_equal(&service_address(&w, "shop", "web")->addr6, &six));
	world_end(&w);
}

static void test_given_addresses(void **state)
{
	const struct rf_service_address *a;
	struct world w;

	(void)state;
	begin(&w);
	service(&w, "both", "  clusterIPs: [10.96.0.7, 'fd00:99::7']\n");
	service(&w, "six", "  clusterIP: 'fd00:5::aca:9'\n"); /* 10.202.0.9 in the range of chosen ones */
	world_compile(&w);
	a = service_address(&w, "shop", "both");
	assert_address(&a->addr4, "10.96.0.7");
	assert_address(&a->addr6, "fd00:99::7");
	a = service_address(&w, "shop", "six");
	assert_true(rf_addr_is_none(&a->addr4));
	assert_address(&a->addr6, "fd00:5::aca:9");
	assert_backends(&w, &a->addr6, 2, "fd00:1::9", "fd00:1::12");

	service(&w, "twice", "  clusterIP: 'fd00:99::7'\n");
	assert_int_equal(world_try(&w), -EINVAL);
	assert_true(world_warned(&w, "Service shop/twice has the clusterIP of Service shop/both"));
	world_end(&w);

	begin(&w); /* the address that goes with another Service's */
	service(&w, "a", "  clusterIP: 10.202.0.9\n  ipFamilyPolicy: PreferDualStack\n");
	service(&w, "b", "  clusterIP: 'fd00:5::aca:9'\n");
	assert_int_equal(world_try(&w), -EINVAL);
	assert_true(world_warned(&w, "Service shop/b has the clusterIP of Service shop/a"));
	world_end(&w);
}

/* A given IPv6 address of the range is set aside like a given IPv4 one: whoever would have chosen it moves on. */
static void test_given_ipv6_is_set_aside(void **state)
{
	struct rf_addr chosen;
	char text[INET6_ADDRSTRLEN];
	struct world w;

	(void)state;
	begin(&w);
	service(&w, "web", "  ipFamilyPolicy: PreferDualStack\n");
	world_compile(&w);
	chosen = service_address(&w, "shop", "web")->addr6;
	inet_ntop(AF_INET6, &chosen, text, sizeof(text));
	world_yamlf(&w, "g.yaml",
		    "apiVersion: v1\nkind: Service\nmetadata: {name: g, namespace: zoo}\nspec: {clusterIP: '%s', ports: [{port: 1}]}\n",
		    text);
	world_compile(&w);
	assert_memory_equal(&service_address(&w, "zoo", "g")->addr6, &chosen, sizeof(chosen));
	assert_false(rf_addr_equal(&service_address(&w, "shop", "web")->addr6, &chosen));
	assert_int_not_equal(service_address(&w, "shop", "web")->addr4.be[3], chosen.be[3]);
	world_end(&w);
}

static void test_machine_without_ipv6(void **state)
{
	struct world w;

	(void)state;
	begin(&w);
	w.without_ipv6 = true;
	service(&w, "both", "  ipFamilyPolicy: RequireDualStack\n");
	service(&w, "six", "  clusterIP: 'fd00:99::7'\n");
	service(&w, "four", "");
	world_compile(&w);
	assert_int_equal(w.policy->config.service_ranges, 1);
	assert_true(world_warned(&w, "Service shop/both asks for IPv6, which this machine does not have: it has IPv4 only"));
	assert_true(world_warned(&w, "Service shop/six asks for IPv6, which this machine does not have: it has no address"));
	assert_false(world_warned(&w, "shop/four"));
	assert_int_equal(w.diags.error_count, 0);
	assert_true(rf_addr_is_none(&service_address(&w, "shop", "both")->addr6));
	assert_false(rf_addr_is_none(&service_address(&w, "shop", "both")->addr4));
	assert_true(rf_addr_is_none(&service_address(&w, "shop", "six")->addr6));
	assert_true(rf_addr_is_none(&service_address(&w, "shop", "six")->addr4));
	assert_int_equal(w.policy->services_count, 4);
	world_end(&w);
}

static char *hosts(const struct world *w, const char *ns, const char *four, const char *six)
{
	struct rf_addr a = four ? address(four) : (struct rf_addr){{0}}, b = six ? address(six) : (struct rf_addr){{0}};
	char *text;

	assert_int_equal(rf_hosts_text(w->policy, ns, "me", &a, &b, &text), 0);
	return text;
}

static void test_hosts(void **state)
{
	struct world w;
	char *text;

	(void)state;
	begin(&w);
	service(&w, "a", "  clusterIPs: [10.96.0.7, 'fd00:99::7']\n");
	service(&w, "b", "  clusterIP: 'fd00:99::8'\n");
	service(&w, "c", "  clusterIP: 10.96.0.9\n");
	service(&w, "d", "  clusterIP: None\n  ipFamilyPolicy: PreferDualStack\n");
	world_compile(&w);
	text = hosts(&w, "shop", "10.201.0.9", "fd00:1::9");
#define NAMES(n) n " " n ".shop " n ".shop.svc " n ".shop.svc.cluster.local\n"
	assert_string_equal(
		text,
		"127.0.0.1\tlocalhost\n::1\tlocalhost\n10.201.0.9\tme\nfd00:1::9\tme\n"
		"10.96.0.7\t" NAMES("a") "fd00:99::7\t" NAMES("a") "fd00:99::8\t" NAMES("b") "10.96.0.9\t" NAMES("c") "10.201.0.9\t" NAMES(
			"d") "fd00:1::9\t" NAMES("d") "10.201.0.12\t" NAMES("d") "fd00:1::12\t" NAMES("d") "10.201.0.13\t" NAMES("d"));
	free(text);
	text = hosts(&w, "other", NULL, NULL);
	assert_non_null(strstr(text, "127.0.0.1\tlocalhost\n10.96.0.7\ta.shop a.shop.svc "));
	assert_null(strstr(text, "me"));
	free(text);

	w.without_ipv6 = true; /* as on a machine that lost it: no line that leads nowhere */
	for (size_t i = 0; i < w.pod_count; i++)
		w.pods[i].addr6 = (struct rf_addr){{0}};
	world_compile(&w);
	text = hosts(&w, "shop", "10.201.0.9", NULL);
	assert_null(strstr(text, "::"));
	assert_null(strstr(text, "b.shop"));
	free(text);
	world_end(&w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_dual_stack),
		cmocka_unit_test(test_ipv4_only_unless_it_says_so),
		cmocka_unit_test(test_ipv6_only),
		cmocka_unit_test(test_given_addresses),
		cmocka_unit_test(test_given_ipv6_is_set_aside),
		cmocka_unit_test(test_machine_without_ipv6),
		cmocka_unit_test(test_hosts),
	};

	return cmocka_run_group_tests_name("policy_families", tests, NULL, NULL);
}
