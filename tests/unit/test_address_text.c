/* SPDX-License-Identifier: Apache-2.0 */
/* Addresses of both families as text and back; the ranges of an instance. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* cmocka wants its prerequisites first */
#include <cmocka.h>

#include <errno.h>

#include "core/address_text.h"
#include "core/cleanup.h"
#include "core/instance.h"

static struct rf_addr parsed(const char *text)
{
	struct rf_addr addr;

	if (rf_addr_parse(text, &addr) != 0)
		fail_msg("%s is not taken", text);
	return addr;
}

static void test_there_and_back(void **state)
{
	static const char *const texts[][3] = {
		{"10.201.0.2", "10.201.0.2", "10.201.0.2:80"},
		{"0.0.0.0", "0.0.0.0", "0.0.0.0:80"},
		{"255.255.255.255", "255.255.255.255", "255.255.255.255:80"},
		{"::ffff:10.201.0.2", "10.201.0.2", "10.201.0.2:80"},
		{"::1", "::1", "[::1]:80"},
		{"FD72:6e67:66:1:0:0:10.201.0.2", "fd72:6e67:66:1::ac9:2", "[fd72:6e67:66:1::ac9:2]:80"},
		{"ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff",
		 "[ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff]:80"},
	};
	char text[RF_ADDR_TEXT_MAX], with_port[RF_ADDR_PORT_TEXT_MAX];

	(void)state;
	for (size_t i = 0; i < RF_ARRAY_SIZE(texts); i++) {
		struct rf_addr addr = parsed(texts[i][0]);

		assert_string_equal(rf_addr_text(&addr, text, sizeof(text)), texts[i][1]);
		assert_string_equal(rf_addr_port_text(&addr, 80, with_port, sizeof(with_port)), texts[i][2]);
	}
	assert_string_equal(rf_addr_text(&(struct rf_addr){}, text, sizeof(text)), "none");
	/* the longest there is, and the highest port */
	struct rf_addr longest = parsed("ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff");
	assert_int_equal(strlen(rf_addr_port_text(&longest, 65535, with_port, sizeof(with_port))), 47);
	assert_string_equal(rf_addr_text(&longest, text, 5), "ffff");
}

static void test_refused(void **state)
{
	static const char *const texts[] = {"",         "::",    "none",   "10.201.0", "10.201.0.2 ", "10.201.0.256",     "010.1.1.1",
					    "fd72:::1", "[::1]", "::1%lo", "::1/128",  "fe80::1%1",   "1:2:3:4:5:6:7:8:9"};

	(void)state;
	for (size_t i = 0; i < RF_ARRAY_SIZE(texts); i++) {
		struct rf_addr addr = rf_addr4(7);

		if (rf_addr_parse(texts[i], &addr) != -EINVAL)
			fail_msg("'%s' is taken", texts[i]);
		assert_int_equal(addr.be[3], 7); /* untouched */
	}
}

static void test_cidr6(void **state)
{
	static const char *const refused[] = {"",
					      "fd72::",
					      "fd72::/64",
					      "fd72::/97",
					      "fd72::1/96",
					      "fd72::/096",
					      "::/96",
					      "::ffff:0:0/96",
					      "ff02::/96",
					      "10.201.0.0/16",
					      "fd72::/96 ",
					      "/96",
					      "None",
					      "fd72::/96/96",
					      "fd72:6e67::/9",
					      "fd72::10.0.0.0/96",
					      "fd72::0:0:0:0:0:0:0:0:0/96"};
	struct rf_addr net = {};
	char text[RF_ADDR_TEXT_MAX];

	(void)state;
	assert_int_equal(rf_cidr6_parse("fd72:6e67:66:1::/96", &net), 0);
	assert_string_equal(rf_addr_text(&net, text, sizeof(text)), "fd72:6e67:66:1::");
	for (size_t i = 0; i < RF_ARRAY_SIZE(refused); i++)
		if (rf_cidr6_parse(refused[i], &net) != -EINVAL)
			fail_msg("'%s' is taken", refused[i]);
	assert_string_equal(rf_addr_text(&net, text, sizeof(text)), "fd72:6e67:66:1::");
	assert_int_equal(rf_cidr6_parse("none", &net), 0);
	assert_true(rf_addr_is_none(&net));
}

static int clear(void **state)
{
	(void)state;
	unsetenv("RINGFENCE_POD_CIDR");
	unsetenv("RINGFENCE_SERVICE_CIDR");
	unsetenv("RINGFENCE_POD_CIDR6");
	unsetenv("RINGFENCE_SERVICE_CIDR6");
	return 0;
}

/* Without a cgroup2 mount the rest of it is filled all the same. */
static int init(struct rf_instance *instance)
{
	int r = rf_instance_init(instance, "rfunit");

	return r == -ENOENT ? 0 : r;
}

static void test_instance_ranges(void **state)
{
	bool ipv6 = access("/proc/sys/net/ipv6", F_OK) == 0;
	struct rf_instance instance;
	char text[RF_ADDR_TEXT_MAX];

	clear(state);
	assert_int_equal(init(&instance), 0);
	assert_string_equal(rf_addr_text(&instance.pod_net6, text, sizeof(text)), ipv6 ? "fd72:6e67:66:1::" : "none");
	assert_string_equal(rf_addr_text(&instance.service_net6, text, sizeof(text)), ipv6 ? "fd72:6e67:66:2::" : "none");
	setenv("RINGFENCE_POD_CIDR6", "none", 1); /* then Services have no use for theirs */
	assert_int_equal(init(&instance), 0);
	assert_true(rf_addr_is_none(&instance.pod_net6) && rf_addr_is_none(&instance.service_net6));
	setenv("RINGFENCE_POD_CIDR6", "fd00::/64", 1);
	assert_int_equal(init(&instance), -EINVAL);
	setenv("RINGFENCE_POD_CIDR6", "fd00::/96", 1);
	setenv("RINGFENCE_SERVICE_CIDR6", "fd00::/96", 1); /* one prefix for both is enough, as the IPv4 ranges differ */
	assert_int_equal(init(&instance), 0);
	setenv("RINGFENCE_SERVICE_CIDR", "10.201.128.0/17", 1);
	assert_int_equal(init(&instance), ipv6 ? -EINVAL : 0);
	clear(state);
}

/* Two instances with the same IPv6 prefix and different IPv4 ranges have no IPv6 address in common. */
static void test_instances_share_a_prefix(void **state)
{
	struct rf_addr net = parsed("fd72:6e67:66:1::1");
	uint32_t net_a, mask_a, net_b, mask_b;
	struct rf_range a, b;

	(void)state;
	net.be[3] = 0;
	assert_int_equal(rf_cidr_parse("10.130.0.0/16", &net_a, &mask_a), 0);
	assert_int_equal(rf_cidr_parse("10.131.0.0/16", &net_b, &mask_b), 0);
	a = rf_instance_part6(&net, net_a, mask_a);
	b = rf_instance_part6(&net, net_b, mask_b);
	for (uint32_t host = 0; host < 0x10000; host++) {
		struct rf_addr of_a = rf_addr_embed(&net, net_a | RF_BE32(host)), of_b = rf_addr_embed(&net, net_b | RF_BE32(host));

		assert_true(rf_range_has(&a, &of_a) && !rf_range_has(&a, &of_b));
		assert_true(rf_range_has(&b, &of_b) && !rf_range_has(&b, &of_a));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_there_and_back),
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_cidr6),
		cmocka_unit_test_setup_teardown(test_instance_ranges, clear, clear),
		cmocka_unit_test(test_instances_share_a_prefix),
	};

	return cmocka_run_group_tests_name("addresses as text, ranges", tests, NULL, NULL);
}
