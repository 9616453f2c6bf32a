/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "cli/nearest.c"

static const char *nearest(const char *word)
{
	static const char *const names[] = {"bookstore/bookstore", "bookbuyer/bookbuyer", "bookthief/bookthief", "a/b"};
	struct rf_nearest n = rf_nearest_to(word);

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		rf_nearest_offer(&n, names[i]);
	return n.best;
}

static void slips(void **state)
{
	char room[400];

	(void)state;
	assert_string_equal(nearest("bookstore/bookstor"), "bookstore/bookstore");
	assert_string_equal(nearest("bokstore/bookstroe"), ""); /* three */
	assert_string_equal(nearest("bookbuyer/bookbuyers"), "bookbuyer/bookbuyer");
	assert_string_equal(nearest("bookthief/bookthief"), "bookthief/bookthief");
	assert_string_equal(nearest("elsewhere/x"), "");
	memset(room, 'x', sizeof(room) - 1);
	room[sizeof(room) - 1] = '\0';
	assert_string_equal(nearest(room), "");
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(slips)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
