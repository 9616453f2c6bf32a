/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <arpa/inet.h>

#include "agent/address.c"
#include "core/cleanup.h"

static uint32_t ip(const char *text)
{
	struct in_addr a;

	assert_int_equal(inet_pton(AF_INET, text, &a), 1);
	return a.s_addr;
}

static struct rf_addresses *pool(const char *net, const char *mask)
{
	struct rf_addresses *p = NULL;

	assert_int_equal(rf_addresses_new(ip(net), ip(mask), &p), 0);
	return p;
}

static void test_reserved_addresses_are_nobodys(void **state)
{
	RF_CLEANUP(rf_addresses_freep) struct rf_addresses *p = pool("10.201.0.0", "255.255.0.0");

	(void)state;
	assert_int_equal(rf_addresses_take(p, ip("10.201.0.0")), -ERANGE);
	assert_int_equal(rf_addresses_take(p, ip("10.201.0.1")), -ERANGE);
	assert_int_equal(rf_addresses_take(p, ip("10.201.255.255")), -ERANGE);
	assert_int_equal(rf_addresses_take(p, ip("10.202.0.0")), -ERANGE);
	assert_int_equal(rf_addresses_take(p, ip("10.200.255.255")), -ERANGE);
	assert_int_equal(rf_addresses_take(p, ip("10.201.0.2")), 0);
	assert_int_equal(rf_addresses_take(p, ip("10.201.255.254")), 0);
	assert_int_equal(rf_addresses_take(p, ip("10.201.0.2")), -EADDRINUSE);
}

static void test_a_freed_address_is_used_last(void **state)
{
	RF_CLEANUP(rf_addresses_freep) struct rf_addresses *p = pool("10.0.0.0", "255.255.255.248"); /* .2 to .6 */
	uint32_t a = 0;

	(void)state;
	for (int i = 2; i <= 4; i++) {
		assert_int_equal(rf_addresses_next(p, &a), 0);
		assert_int_equal(ntohl(a) & 7, i);
	}
	rf_addresses_release(p, ip("10.0.0.3"));
	rf_addresses_release(p, ip("10.0.0.4"));
	assert_int_equal(rf_addresses_next(p, &a), 0);
	assert_int_equal(ntohl(a) & 7, 5);
	assert_int_equal(rf_addresses_next(p, &a), 0);
	assert_int_equal(ntohl(a) & 7, 6);
	assert_int_equal(rf_addresses_next(p, &a), 0);
	assert_int_equal(ntohl(a) & 7, 3);
}

static void test_full(void **state)
{
	RF_CLEANUP(rf_addresses_freep) struct rf_addresses *p = pool("10.0.0.0", "255.255.255.252"); /* .2 alone */
	uint32_t a = 7;

	(void)state;
	assert_int_equal(rf_addresses_next(p, &a), 0);
	assert_int_equal(a, ip("10.0.0.2"));
	a = 7;
	assert_int_equal(rf_addresses_next(p, &a), -ENOSPC);
	assert_int_equal(a, 7);
	rf_addresses_release(p, ip("10.0.0.1")); /* never taken */
	rf_addresses_release(p, ip("10.9.9.9"));
	assert_int_equal(rf_addresses_next(p, &a), -ENOSPC);
	rf_addresses_release(p, ip("10.0.0.2"));
	assert_int_equal(rf_addresses_next(p, &a), 0);
}

static void test_ranges_of_no_use(void **state)
{
	struct rf_addresses *p = NULL;

	(void)state;
	assert_int_equal(rf_addresses_new(ip("10.0.0.0"), ip("255.255.255.254"), &p), -EINVAL);
	assert_int_equal(rf_addresses_new(ip("0.0.0.0"), 0, &p), -EINVAL);
	assert_null(p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_reserved_addresses_are_nobodys),
		cmocka_unit_test(test_a_freed_address_is_used_last),
		cmocka_unit_test(test_full),
		cmocka_unit_test(test_ranges_of_no_use),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
