/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "core/words.h"

static void test_distance(void **state)
{
	(void)state;
	assert_int_equal(rf_word_distance("source", "sources"), 1);
	assert_int_equal(rf_word_distance("TraficTraget", "TrafficTarget"), 3);
	assert_int_equal(rf_word_distance("get", "GET"), 0);
	assert_int_equal(rf_word_distance("", "ab"), 2);
	assert_int_equal(rf_word_distance("ab", ""), 2);
	assert_int_equal(rf_word_distance("abc", "bcd"), 2);
}

static void test_long_words_are_like_nothing(void **state)
{
	char long_word[RF_WORD_MAX + 2] = "";

	(void)state;
	memset(long_word, 'a', RF_WORD_MAX + 1);
	assert_int_equal(rf_word_distance(long_word, long_word), RF_WORD_MAX);
	assert_int_equal(rf_word_distance("a", long_word), RF_WORD_MAX);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_distance), cmocka_unit_test(test_long_words_are_like_nothing)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
