/* SPDX-License-Identifier: Apache-2.0 */
/* The canonical path: what it is, what has none, and that it is stable. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <ringfence/path.h>

#include "core/cleanup.h"

static int canonical(const char *raw, size_t len, char out[256])
{
	__u32 n = 0;
	const int r = rf_path_canonical(raw, (__u32)len, out, 255, &n);

	out[r == 0 ? n : 0] = '\0';
	return r;
}

static void test_canonical_forms(void **state)
{
	static const struct {
		const char *raw, *expect;
	} cases[] = {
		{"/", "/"},
		{"/a/b", "/a/b"},
		{"/a/b/", "/a/b/"},
		{"/a//b///c", "/a/b/c"},
		{"//", "/"},
		{"/a?x=/../b%zz#", "/a"},
		{"/?", "/"},
		{"/a%3Fb", "/a?b"},
		{"/a%23b", "/a#b"},
		{"/a%20b", "/a b"},
		{"/%61%2Fb", "/a/b"},
		{"/a\\b%5cc", "/a/b/c"},
		{"/./a/./b/.", "/a/b/"},
		{"/a/..", "/"},
		{"/a/b/../c", "/a/c"},
		{"/a/b/..", "/a/"},
		{"/a/%2e%2E/c", "/c"},
		{"/a/%2e/c", "/a/c"},
		{"/public/../admin", "/admin"},
		{"/a/..b/...", "/a/..b/..."},
		{"/public/..../admin", "/public/..../admin"},
		{"/a;x=1/b;y;z/c", "/a/b/c"},
		{"/a;", "/a"},
		{"/;jsessionid=1", "/"},
		{"/a/;x/b", "/a/b"},
		{"/a%3bx", "/a"},
		{"/a/..;x/admin", "/admin"},
		{"/caf%C3%A9", "/caf\xc3\xa9"},
		{"/100%25", "/100%"},
		{"/100%25x", "/100%x"},
		{"/%252", "/%2"},
		{"/a//b/../c", "/a/c"},
		{"//a/b/../c", "/a/c"},
	};
	char out[256];

	(void)state;
	for (size_t i = 0; i < RF_ARRAY_SIZE(cases); i++) {
		print_message("%s\n", cases[i].raw);
		assert_int_equal(canonical(cases[i].raw, strlen(cases[i].raw), out), 0);
		assert_string_equal(out, cases[i].expect);
	}
}

static void test_no_canonical_form(void **state)
{
	static const char *const cases[] = {
		"",
		"*",
		"a/b",
		"?",
		"?/a",
		"example.com:443",
		"http://a/b",
		"%2fa",
		"\\a",
		/* escapes */
		"/%",
		"/%2",
		"/%zz",
		"/%2g",
		"/%u002e",
		"/a%",
		"/%2?/",
		/* bytes */
		"/\x01",
		"/a\tb",
		"/a\x7f",
		"/%00",
		"/public%00",
		"/.%00./admin",
		"/..%09/admin",
		"/%0d%0aX",
		"/%7f",
		"/a b",
		"/a#b",
		"/public#/../admin",
		"/caf\xc3\xa9",
		/* escaped twice */
		"/%252e",
		"/%25%32e",
		"/%252%65",
		"/%25%32%65",
		"/public/%252e%252e/admin",
		"/a;%252f",
		/* above the root */
		"/..",
		"/../a",
		"/a/../../b",
		"/%2e%2e/public",
		"/./..",
		"/..;x",
		/* an odd slash and ".." */
		"/public/x%2fy/../../admin",
		"/public%2f..%2fadmin",
		"/public\\..\\admin",
		"/public/..%5cadmin",
		"/a/b/../c\\d",
		"/a/..%2f",
		"/public/..%2f%2e%2e%2f/admin",
		/* an odd slash in ;params */
		"/public/..;%2fx/admin",
		"/public/x;a\\b",
		/* two spellings of ".." */
		"/a/b/../%2e%2e/c",
		"/a/b/..;x/../c",
		"/a/b/%2e./..;x/c",
		/* ".." and segments that not everybody sees */
		"/a//../b",
		"/public//../admin",
		"/a//b/../../c",
		"/a/;x/../b",
		"/a/%2e/../b",
		"/a/.;x/../b",
		"//..",
	};
	char out[256];

	(void)state;
	for (size_t i = 0; i < RF_ARRAY_SIZE(cases); i++) {
		print_message("%s\n", cases[i]);
		assert_int_equal(canonical(cases[i], strlen(cases[i]), out), -EINVAL);
	}
	assert_int_equal(canonical("/a\0b", 4, out), -EINVAL);
}

static void test_room(void **state)
{
	char out[8];
	__u32 n = 99;

	(void)state;
	assert_int_equal(rf_path_canonical("/abc", 4, out, 4, &n), 0);
	assert_int_equal(n, 4);
	n = 99;
	assert_int_equal(rf_path_canonical("/abc", 4, out, 3, &n), -ENOBUFS);
	assert_int_equal(rf_path_canonical("/ab/", 4, out, 3, &n), -ENOBUFS);
	assert_int_equal(rf_path_canonical("/", 1, out, 0, &n), -ENOBUFS);
	assert_int_equal(n, 99);
	assert_int_equal(rf_path_canonical("/a/../b/../c", 12, out, 5, &n), 0);
	assert_int_equal(n, 2);
}

/* For random paths: the form fits in the input's length, holds nothing that still wants resolving, and is its own canonical form once
 * what a URI must escape is escaped again. */
static void check_stable(const char *form, __u32 len)
{
	char escaped[256], again[256];
	__u32 n = 0, m = 0;

	for (__u32 i = 0; i < len; i++) {
		assert_false(form[i] == '\\' || form[i] == ';' || (unsigned char)form[i] < 0x20);
		assert_false(i > 0 && form[i] == '/' && form[i - 1] == '/');
		if (strchr("%?# ", form[i]) || (unsigned char)form[i] >= 0x7f)
			n += (__u32)sprintf(escaped + n, "%%%02x", (unsigned char)form[i]);
		else
			escaped[n++] = form[i];
	}
	assert_int_equal(rf_path_canonical(escaped, n, again, sizeof(again), &m), 0);
	assert_int_equal(m, len);
	assert_memory_equal(again, form, len);
}

static void test_random_paths(void **state)
{
	static const char *const parts[] = {"/", "/", ".",   "..",  "%2e", "%2f", "\\", "%5c",    ";",
					    "a", "b", "%61", "%25", "2",   "e",   "?",  "%c3%a9", " "};
	unsigned formed = 0;

	(void)state;
	srandom(7);
	for (int i = 0; i < 200000; i++) {
		char raw[64] = "/", out[64];
		__u32 n = 0;

		for (long k = random() % 8; k >= 0; k--)
			strcat(raw, parts[(size_t)random() % RF_ARRAY_SIZE(parts)]);
		if (rf_path_canonical(raw, (__u32)strlen(raw), out, (__u32)strlen(raw), &n) == 0) {
			assert_in_range(n, 1, strlen(raw));
			check_stable(out, n);
			formed++;
		}
	}
	assert_true(formed > 20000);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_canonical_forms),
		cmocka_unit_test(test_no_canonical_form),
		cmocka_unit_test(test_room),
		cmocka_unit_test(test_random_paths),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
