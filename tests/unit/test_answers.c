/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <errno.h>

#include "checker/answers.c"

static void test_exact_texts(void **state)
{
	char out[RF_ANSWER_MAX + 1];
	int n;

	(void)state;
	n = rf_answer(404, false, RF_ANSWER_KEEP, out, RF_ANSWER_MAX);
	assert_true(n > 0);
	out[n] = '\0';
	assert_string_equal(out, "HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n");
	n = rf_answer(403, false, RF_ANSWER_KEEP, out, RF_ANSWER_MAX);
	out[n] = '\0';
	assert_string_equal(out, "HTTP/1.1 403 Forbidden\r\nContent-Type: text/plain\r\nContent-Length: 19\r\n\r\nRBAC: access denied");
	n = rf_answer(403, true, RF_ANSWER_CLOSE, out, RF_ANSWER_MAX);
	out[n] = '\0';
	assert_string_equal(out, "HTTP/1.1 403 Forbidden\r\nContent-Type: text/plain\r\nContent-Length: 19\r\nConnection: close\r\n\r\n");
	n = rf_answer(404, false, RF_ANSWER_KEEP_HTTP10, out, RF_ANSWER_MAX);
	out[n] = '\0';
	assert_string_equal(out, "HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\nConnection: keep-alive\r\n\r\n");
}

static void test_all_fit_and_unknown_refuses(void **state)
{
	static const unsigned int all[] = {400, 403, 404, 405, 408, 414, 417, 431, 502, 503, 505};
	char out[RF_ANSWER_MAX], status[32];

	(void)state;
	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
		assert_true(rf_answer(all[i], false, RF_ANSWER_CLOSE, out, sizeof(out)) > 0);
		snprintf(status, sizeof(status), "HTTP/1.1 %u ", all[i]);
		assert_memory_equal(out, status, strlen(status));
	}
	assert_true(rf_answer(200, false, RF_ANSWER_KEEP, out, sizeof(out)) > 0);
	assert_memory_equal(out, "HTTP/1.1 400 ", 13);
	assert_int_equal(rf_answer(403, false, RF_ANSWER_KEEP, out, 20), -ENOBUFS);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_exact_texts),
		cmocka_unit_test(test_all_fit_and_unknown_refuses),
	};

	return cmocka_run_group_tests_name("answers", tests, NULL, NULL);
}
