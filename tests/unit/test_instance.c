/* SPDX-License-Identifier: Apache-2.0 */
/* A name or a range that cannot be: refused, and named. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "core/instance.h"

static void assert_problem(const char *variable, const char *value, const char *expected)
{
	struct rf_instance instance;
	char text[256];

	assert_int_equal(setenv(variable, value, 1), 0);
	assert_int_equal(rf_instance_init(&instance, NULL), -EINVAL);
	if (!strstr(rf_instance_problem(NULL, text, sizeof(text)), expected))
		print_error("%s=%s: %s\n", variable, value, text);
	assert_non_null(strstr(text, expected));
	assert_int_equal(unsetenv(variable), 0);
}

static int clean(void **state)
{
	static const char *const variables[] = {"RINGFENCE_INSTANCE", "RINGFENCE_POD_CIDR", "RINGFENCE_SERVICE_CIDR", "RINGFENCE_POD_CIDR6",
						"RINGFENCE_SERVICE_CIDR6"};

	(void)state;
	for (size_t i = 0; i < sizeof(variables) / sizeof(variables[0]); i++)
		assert_int_equal(unsetenv(variables[i]), 0);
	return 0;
}

static void test_problems(void **state)
{
	struct rf_instance instance;
	char text[256];

	(void)state;
	assert_problem("RINGFENCE_INSTANCE", "A_b", "\"A_b\" cannot be an instance's name: at most 31 of");
	assert_problem("RINGFENCE_POD_CIDR", "10.1.2.3/16", "RINGFENCE_POD_CIDR=10.1.2.3/16 is not a range");
	assert_problem("RINGFENCE_SERVICE_CIDR", "here", "RINGFENCE_SERVICE_CIDR=here is not a range");
	assert_problem("RINGFENCE_POD_CIDR6", "fd00::/64", "RINGFENCE_POD_CIDR6=fd00::/64 is neither a /96");
	assert_problem("RINGFENCE_SERVICE_CIDR6", "no", "RINGFENCE_SERVICE_CIDR6=no is neither");
	assert_int_equal(rf_instance_init(&instance, "-x"), -EINVAL);
	assert_non_null(strstr(rf_instance_problem("-x", text, sizeof(text)), "\"-x\" cannot be"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test_setup(test_problems, clean)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
