/* SPDX-License-Identifier: Apache-2.0 */
/* Which patterns are RE2 syntax, what the errors say and where, and that no pattern costs more than the limits. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "automaton/automaton.h"
#include "core/cleanup.h"

static void test_accepted(void **state)
{
	static const char *const patterns[] = {
		"",
		"a",
		".",
		"a|b",
		"|",
		"()",
		"(a|)",
		"a*",
		"a+?",
		"a??",
		"a{2}",
		"a{2,}",
		"a{2,3}?",
		"a{0}",
		"a{1000}",
		"x{",
		"{",
		"a{,3}",
		"a{1,x}",
		"a{01}",
		"{a}",
		"}",
		"]",
		"[]a]",
		"[^]a]",
		"[a-]",
		"[-a]",
		"[a-z-9]",
		"[+--]",
		"[\\]]",
		"[\\d\\-x]",
		"[[:alpha:][:^digit:]]",
		"[[:word:]]",
		"[:a]",
		"[[:a]",
		"\\d\\D\\s\\S\\w\\W",
		"\\pL\\PL\\p{Lu}\\P{^Greek}\\p{Any}",
		"[\\p{Han}\\pN]",
		"\\x41\\x{263a}",
		"\\012\\0\\a\\f\\t\\n\\r\\v",
		"\\.\\*\\-\\_\\/",
		"\\Qa.b*\\E+",
		"\\Qab",
		"\\Q\\E",
		"^a$",
		"\\Aa\\z",
		"\\ba\\B",
		"(?i)a",
		"(?i:a)b",
		"(?s-i:.)",
		"(?imsU)a",
		"(?-s).",
		"a(?i)*",
		"a*(?i)*",
		"a\\Q\\E+",
		"(?P<name>a)(?<other>b)",
		"(?:a)",
		"^*",
		"(a*)*",
		"(a+)+",
		"((a{10}){10}){10}",
		"\xc3\xa9",
		"[\xce\xb1-\xcf\x89]",
		"/api/v[0-9]+/books(/.*)?",
		".*",
		"[^/]+",
		"(?i)[k-s]\\w",
	};
	struct rf_pattern_error error;

	(void)state;
	for (size_t i = 0; i < RF_ARRAY_SIZE(patterns); i++) {
		const int r = rf_pattern_check(patterns[i], strlen(patterns[i]), &error);

		if (r < 0)
			fail_msg("%s: %s at %zu", patterns[i], error.text, error.offset);
	}
}

static void test_refused(void **state)
{
	static const struct {
		const char *pattern;
		size_t offset;
		const char *word;
	} cases[] = {
		{"*", 0, "nothing to repeat"},
		{"a|*", 2, "nothing to repeat"},
		{"(+)", 1, "nothing to repeat"},
		{"{2}", 0, "nothing to repeat"},
		{"(?i)*", 4, "nothing to repeat"},
		{"a|(?i)*", 6, "nothing to repeat"},
		{"\\Q\\E*", 4, "nothing to repeat"},
		{"a**", 2, "directly after another"},
		{"a+*", 2, "directly after another"},
		{"a{2}{3}", 4, "directly after another"},
		{"a???", 3, "directly after another"},
		{"a{3,2}", 1, "above its greatest"},
		{"(a", 0, "without closing )"},
		{"a)", 1, "without a group"},
		{"a|b)c", 3, "without a group"},
		{"[a", 0, "without closing ]"},
		{"[]", 0, "without closing ]"},
		{"x[z-a]", 2, "backwards"},
		{"[[:foo:]]", 1, "unknown character class [:foo:]"},
		{"[a\\", 2, "escapes nothing"},
		{"a\\", 1, "escapes nothing"},
		{"\\1", 0, "backreferences"},
		{"(a)\\9", 3, "backreferences"},
		{"\\C", 0, "\\C"},
		{"\\E", 0, "unknown escape \\E"},
		{"\\Z", 0, "unknown escape \\Z"},
		{"\\y", 0, "unknown escape \\y"},
		{"\\\xc3\xa9", 0, "needs none"},
		{"\\xg", 0, "two hex digits"},
		{"\\x4", 0, "two hex digits"},
		{"\\x{110000}", 0, "code point"},
		{"\\x{}", 0, "code point"},
		{"\\x{41", 0, "code point"},
		{"\\p", 0, "Unicode property"},
		{"\\p{Greek", 0, "without }"},
		{"\\p{Klingon}", 0, "'Klingon'"},
		{"\\p{}", 0, "unknown Unicode property"},
		{"a(?=b)", 1, "look-around"},
		{"(?<!b)a", 0, "look-around"},
		{"(?>a)", 0, "flags"},
		{"(?x)a", 0, "flags"},
		{"(?i", 0, "flags"},
		{"(?i-)a", 0, "flags"},
		{"(?P=n)", 0, "flags"},
		{"(?P<>a)", 0, "group's name"},
		{"(?P<a b>c)", 0, "group's name"},
		{"(?P<n>a)(?P<n>b)", 8, "two groups are called 'n'"},
		{"a\xff", 1, "UTF-8"},
		{"\xc0\xaf", 0, "UTF-8"},
		{"\xed\xa0\x80", 0, "UTF-8"},
		{"[\xe2\x82]", 1, "UTF-8"},
	};
	struct rf_pattern_error error;

	(void)state;
	for (size_t i = 0; i < RF_ARRAY_SIZE(cases); i++) {
		print_message("%s\n", cases[i].pattern);
		assert_int_equal(rf_pattern_check(cases[i].pattern, strlen(cases[i].pattern), &error), -EINVAL);
		print_message("    %s\n", error.text);
		assert_non_null(strstr(error.text, cases[i].word));
		assert_int_equal(error.offset, cases[i].offset);
	}
	assert_int_equal(rf_pattern_check("(", 1, NULL), -EINVAL);
}

static void expect_too_big(const char *pattern, size_t len, const char *word)
{
	struct rf_pattern_error error;

	assert_int_equal(rf_pattern_check(pattern, len, &error), -E2BIG);
	print_message("    %s\n", error.text);
	assert_non_null(strstr(error.text, word));
}

static void test_limits(void **state)
{
	static char text[RF_PATTERN_MAX + 2];

	(void)state;
	memset(text, 'a', sizeof(text));
	assert_int_equal(rf_pattern_check(text, RF_PATTERN_MAX, NULL), 0);
	expect_too_big(text, RF_PATTERN_MAX + 1, "longer than");
	expect_too_big("a{1001}", 7, "repeats");
	expect_too_big("a{99999999999999999999}", 23, "repeats");
	expect_too_big("(a{100}){100}", 13, "repeats");
	expect_too_big("((a{1,10}|b){1,10}c){1,11}", 26, "repeats");
	expect_too_big("(?:(?:){1000}){1000}", 20, "repeats");
	expect_too_big("\\pL{1000}", 9, "states");
	expect_too_big("((((((((((x{2,}){2,}){2,}){2,}){2,}){2,}){2,}){2,}){2,}){2,})", 61, "repeats");
	memset(text, '(', sizeof(text));
	expect_too_big(text, RF_PATTERN_MAX, "nested");
	for (size_t i = 0; i + 7 <= RF_PATTERN_MAX; i += 7)
		memcpy(text + i, "(.{99})", 7);
	expect_too_big(text, RF_PATTERN_MAX / 7 * 7, "states");
}

/* Nesting up to the limit, with an operator on each level, must not grow exponentially. */
static void test_deep_loops(void **state)
{
	char text[RF_PATTERN_MAX];
	size_t n = 0;

	(void)state;
	for (int i = 0; i < 200; i++)
		text[n++] = '(';
	text[n++] = 'x';
	for (int i = 0; i < 200; i++) {
		text[n++] = ')';
		text[n++] = "+*?"[i % 3];
	}
	assert_int_equal(rf_pattern_check(text, n, NULL), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_accepted),
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_limits),
		cmocka_unit_test(test_deep_loops),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
