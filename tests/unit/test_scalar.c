/* SPDX-License-Identifier: Apache-2.0 */
/* Types of scalars: what is one, and above all what is none. */
#include "objects_world.h"

#include <arpa/inet.h>
#include <errno.h>

#include "objects/scalar.h"

static struct rf_node plain(const char *text)
{
	return (struct rf_node){.kind = RF_NODE_SCALAR, .style = RF_SCALAR_PLAIN, .text = text, .text_len = strlen(text)};
}

static bool is_string(const char *text)
{
	struct rf_node node = plain(text);
	const char *value;

	return rf_scalar_string(&node, &value) == 0;
}

static void test_strings(void **state)
{
	static const char *const good[] = {"bookstore", "y", "n", "10.0.0.1", "1.2.3", "v1", "/api/.*", "*", "e3", "1s", "0.0.0.0/0", "-"};
	static const char *const bad[] = {"",   "~",   "null", "yes",  "No",  "on",    "OFF", "true", "False", "1",   "-1",
					  "+1", "1.5", "1e3",  "0x1f", "010", "1_000", ".5",  ".inf", ".NaN",  "0o7", "0b1"};

	(void)state;
	for (size_t i = 0; i < RF_ARRAY_SIZE(good); i++) {
		if (!is_string(good[i]))
			print_error("%s\n", good[i]);
		assert_true(is_string(good[i]));
	}
	for (size_t i = 0; i < RF_ARRAY_SIZE(bad); i++) {
		struct rf_node quoted = plain(bad[i]);
		const char *value;

		if (is_string(bad[i]))
			print_error("%s\n", bad[i]);
		assert_false(is_string(bad[i]));
		quoted.style = RF_SCALAR_DOUBLE;
		assert_int_equal(rf_scalar_string(&quoted, &value), 0);
	}
}

static void test_booleans(void **state)
{
	static const char *const traps[] = {"yes", "on", "True", "TRUE", "1", "y", "", "\"true\""};
	struct rf_node node = plain("true");
	bool value = false;

	(void)state;
	assert_int_equal(rf_scalar_bool(&node, &value), 0);
	assert_true(value);
	node.style = RF_SCALAR_DOUBLE;
	assert_int_equal(rf_scalar_bool(&node, &value), -EINVAL);
	for (size_t i = 0; i < RF_ARRAY_SIZE(traps); i++) {
		node = plain(traps[i]);
		assert_int_equal(rf_scalar_bool(&node, &value), -EINVAL);
	}
	assert_true(value); /* untouched */
}

static void test_integers(void **state)
{
	static const char *const bad[] = {"",  "-", "0x10", "010", "1_0", "1.0", "1e3", "65536", "-1", "+1", " 1", "9223372036854775808",
					  "-0"};
	int64_t value = 7;

	(void)state;
	assert_int_equal(rf_text_integer("65535", 0, 65535, &value), 0);
	assert_int_equal(value, 65535);
	assert_int_equal(rf_text_integer("0", 0, 65535, &value), 0);
	assert_int_equal(rf_text_integer("-5", -5, 0, &value), 0);
	assert_int_equal(value, -5);
	for (size_t i = 0; i < RF_ARRAY_SIZE(bad); i++)
		assert_int_equal(rf_text_integer(bad[i], 0, 65535, &value), -EINVAL);
	assert_int_equal(value, -5);
}

static void test_names(void **state)
{
	char longest[256];

	(void)state;
	assert_true(rf_text_is_label("a"));
	assert_true(rf_text_is_label("0-a"));
	assert_false(rf_text_is_label("-a"));
	assert_false(rf_text_is_label("a-"));
	assert_false(rf_text_is_label("A"));
	assert_false(rf_text_is_label("a.b"));
	assert_false(rf_text_is_label(""));
	assert_true(rf_text_is_name("a.b-c.d"));
	assert_false(rf_text_is_name("a..b"));
	assert_false(rf_text_is_name(".a"));
	assert_false(rf_text_is_name("a."));
	memset(longest, 'a', 64);
	longest[64] = '\0';
	assert_false(rf_text_is_label(longest));
	longest[63] = '\0';
	assert_true(rf_text_is_label(longest));
	assert_true(rf_text_is_host("*.example.org"));
	assert_false(rf_text_is_host("a.*.org"));
	assert_true(rf_text_is_port_name("http"));
	assert_false(rf_text_is_port_name("80"));
	assert_false(rf_text_is_port_name("a-name-too-long-"));
	assert_true(rf_text_is_label_key("openservicemesh.io/monitored-by"));
	assert_true(rf_text_is_label_key("App_1.x"));
	assert_false(rf_text_is_label_key("/x"));
	assert_false(rf_text_is_label_key("x/"));
	assert_false(rf_text_is_label_key("a b"));
	assert_true(rf_text_is_label_value(""));
	assert_false(rf_text_is_label_value("-x"));
	assert_true(rf_text_is_token("user-agent"));
	assert_false(rf_text_is_token("user agent"));
	assert_false(rf_text_is_token(":authority"));
}

static void test_durations(void **state)
{
	static const char *const good[] = {"0", "300ms", "1.5h", "2h45m", "1s", "10us", "5\xc2\xb5s"};
	static const char *const bad[] = {"", "1", "s", "1d", "1.s.", "-1s", "1 s", "ms5"};

	(void)state;
	for (size_t i = 0; i < RF_ARRAY_SIZE(good); i++)
		assert_true(rf_text_is_duration(good[i]));
	for (size_t i = 0; i < RF_ARRAY_SIZE(bad); i++)
		assert_false(rf_text_is_duration(bad[i]));
}

static void test_addresses(void **state)
{
	static const char *const bad[] = {"10.0.0.1",    "10.0.0.0/33", "10.0.0/8",     "10.0.0.0/",
					  "10.0.0.0/08", "fd00::/8",    "10.0.0.256/8", "/8"};
	unsigned len = 99;
	uint32_t net = 1;

	(void)state;
	assert_int_equal(rf_text_cidr("10.1.2.3/8", &net, &len), 0);
	assert_int_equal(net, htonl(0x0a000000));
	assert_int_equal(len, 8);
	assert_int_equal(rf_text_cidr("1.2.3.4/0", &net, &len), 0);
	assert_int_equal(net, 0);
	assert_int_equal(rf_text_cidr("1.2.3.4/32", &net, &len), 0);
	assert_int_equal(net, htonl(0x01020304));
	for (size_t i = 0; i < RF_ARRAY_SIZE(bad); i++)
		assert_int_equal(rf_text_cidr(bad[i], &net, &len), -EINVAL);
	assert_int_equal(len, 32);
	assert_int_equal(rf_text_ipv4("1.2.3.04", &net), -EINVAL);
}

static void test_ranges(void **state)
{
	static const char *const bad[] = {"10.0.0.1",   "10.0.0.0/33", "fd00::/129", "fd00::", "fd00::/",   "fe80::1%eth0/64",
					  "fd00:::/16", "::1.2.3/8",   "/8",         "/",      "fd00::/-1", "fd00::/064"};
	static const struct {
		const char *text, *net;
		unsigned len;
	} good[] = {
		{"10.1.2.3/8", "::ffff:10.0.0.0", 104},   {"0.0.0.0/0", "::ffff:0.0.0.0", 96},
		{"1.2.3.4/32", "::ffff:1.2.3.4", 128},    {"::/0", "::", 0},
		{"fd00:1:2:3:4::5/48", "fd00:1:2::", 48}, {"fd00::7/128", "fd00::7", 128},
		{"fd00:f::/33", "fd00:f::", 33},          {"::ffff:10.1.2.3/104", "::ffff:10.0.0.0", 104},
	};
	struct rf_addr net = {{7, 7, 7, 7}}, want;
	unsigned len = 999;

	(void)state;
	for (size_t i = 0; i < RF_ARRAY_SIZE(bad); i++)
		assert_int_equal(rf_text_range(bad[i], &net, &len), -EINVAL);
	assert_int_equal(len, 999);
	assert_int_equal(net.be[0], 7);
	for (size_t i = 0; i < RF_ARRAY_SIZE(good); i++) {
		assert_int_equal(rf_text_range(good[i].text, &net, &len), 0);
		assert_int_equal(inet_pton(AF_INET6, good[i].net, &want), 1);
		assert_memory_equal(&net, &want, sizeof(want));
		assert_int_equal(len, good[i].len);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_strings), cmocka_unit_test(test_booleans),  cmocka_unit_test(test_integers),
		cmocka_unit_test(test_names),   cmocka_unit_test(test_durations), cmocka_unit_test(test_addresses),
		cmocka_unit_test(test_ranges),
	};

	return cmocka_run_group_tests_name("scalar", tests, NULL, NULL);
}
