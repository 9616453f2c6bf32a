/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <unistd.h>

#include "agent/audit_rows.c"
#include "agent/path_template.c"

static struct rf_audit_rows *rows;

static int make(void **state)
{
	(void)state;
	return rf_audit_rows_new(&rows);
}

static int unmake(void **state)
{
	(void)state;
	rf_audit_rows_free(rows);
	return 0;
}

static void count_method(const char *destination, const char *method, const char *path, uint64_t when)
{
	struct rf_audit_row row = {.source = (char *)(uintptr_t) "a/b",
				   .destination = (char *)(uintptr_t)destination,
				   .method = (char *)(uintptr_t)method,
				   .path = (char *)(uintptr_t)path,
				   .port = 80,
				   .would = RF_REASON_NO_ROUTE,
				   .count = 1,
				   .first_ns = when,
				   .last_ns = when};

	rf_audit_rows_count(rows, &row);
}

static void count(const char *destination, const char *path, uint64_t when)
{
	count_method(destination, "GET", path, when);
}

static const struct rf_audit_row *last(void)
{
	return rf_audit_rows_at(rows, rf_audit_rows_size(rows) - 1);
}

static void templates(void **state)
{
	static const char *const pairs[][2] = {
		{"/", "/"},
		{"/orders/4711/items", "/orders/{}/items"},
		{"/v1/cafe", "/v1/cafe"},
		{"/o/123e4567-e89b-12d3-a456-426614174000/", "/o/{}/"},
		{"/o/123e4567-e89b-12d3-a456-42661417400", "/o/123e4567-e89b-12d3-a456-42661417400"},
		{"/sha/0123456789abcdef", "/sha/{}"},
		{"/sha/0123456789abcde", "/sha/0123456789abcde"},
		{"//7//", "//{}//"},
		{"/a\x01\xff", "/a\\x01\\xff"},
		{"", ""},
	};
	char text[RF_AUDIT_PATH_MAX], tiny[8];

	(void)state;
	for (size_t i = 0; i < sizeof(pairs) / sizeof(pairs[0]); i++) {
		rf_path_template(pairs[i][0], text, sizeof(text));
		assert_string_equal(text, pairs[i][1]);
	}
	rf_path_template("/abcdefghijkl", tiny, sizeof(tiny));
	assert_string_equal(tiny, "/abc...");
}

static void equal_ones_are_one(void **state)
{
	(void)state;
	count("c/d", "/o/1", 50);
	count("c/d", "/o/2", 20);
	count("c/d", "/o", 30);
	count("c/e", "/o/2", 30);
	assert_int_equal(rf_audit_rows_size(rows), 3);
	assert_string_equal(rf_audit_rows_at(rows, 0)->path, "/o/{}");
	assert_int_equal(rf_audit_rows_at(rows, 0)->count, 2);
	assert_int_equal(rf_audit_rows_at(rows, 0)->first_ns, 20);
	assert_int_equal(rf_audit_rows_at(rows, 0)->last_ns, 50);
	assert_null(rf_audit_rows_at(rows, 3));
}

/* Of a destination that is scanned a bounded number of rows is made, and another one's stay to be seen. */
static void paths_are_bounded(void **state)
{
	char path[32];

	(void)state;
	for (int i = 0; i < 1000; i++) {
		snprintf(path, sizeof(path), "/p%d", i);
		count("c/d", path, 1);
	}
	count("c/e", "/mine", 1);
	assert_int_equal(rf_audit_rows_size(rows), RF_AUDIT_PATHS + 2);
	assert_string_equal(rf_audit_rows_at(rows, RF_AUDIT_PATHS)->path, RF_AUDIT_OTHERS);
	assert_int_equal(rf_audit_rows_at(rows, RF_AUDIT_PATHS)->count, 1000 - RF_AUDIT_PATHS);
	assert_int_equal(rf_audit_rows_lost(rows), 0);
	count("c/d", "/p0", 9);
	assert_int_equal(rf_audit_rows_at(rows, 0)->count, 2);
}

/* One client with a method of its own for each request leaves room for the requests to everybody else. */
static void methods_do_not_fill_the_table(void **state)
{
	char method[16];

	(void)state;
	for (int i = 0; i < 2 * RF_AUDIT_ROWS; i++) {
		snprintf(method, sizeof(method), "M%d", i);
		count_method("c/d", method, "/", 1);
	}
	assert_int_equal(rf_audit_rows_size(rows), RF_AUDIT_PATHS + 1);
	assert_string_equal(last()->method, RF_AUDIT_OTHERS);
	assert_string_equal(last()->path, RF_AUDIT_OTHERS);
	assert_int_equal(last()->count, 2 * RF_AUDIT_ROWS - RF_AUDIT_PATHS);
	count("c/d", "/books", 1);
	assert_string_equal(last()->method, "GET"); /* what a policy can name stays told apart */
	assert_string_equal(last()->path, RF_AUDIT_OTHERS);
	count_method("c/e", "PURGE", "/account/17", 1);
	assert_string_equal(last()->destination, "c/e");
	assert_string_equal(last()->method, "PURGE");
	assert_string_equal(last()->path, "/account/{}");
	assert_int_equal(rf_audit_rows_lost(rows), 0);
	rf_audit_rows_clear(rows); /* the room, too */
	count_method("c/d", "PURGE", "/books", 1);
	assert_string_equal(last()->path, "/books");
}

/* A checker in the hands of an enemy sends any bytes: none of them reaches a terminal or breaks the JSON. */
static void methods_are_printable(void **state)
{
	(void)state;
	count_method("c/d", "\033]0;x\007\xff", "/\033[2J", 1);
	assert_string_equal(last()->method, "\\x1b]0;x\\x07\\xff");
	assert_string_equal(last()->path, "/\\x1b[2J");
}

static void the_whole_is_bounded(void **state)
{
	char destination[32];

	(void)state;
	for (int i = 0; i < RF_AUDIT_ROWS + 10; i++) {
		snprintf(destination, sizeof(destination), "c/d%d", i);
		count(destination, "/", 1);
	}
	assert_int_equal(rf_audit_rows_size(rows), RF_AUDIT_ROWS);
	assert_int_equal(rf_audit_rows_lost(rows), 10);
	count("c/d7", "/", 1);
	assert_int_equal(rf_audit_rows_at(rows, 7)->count, 2);
	assert_int_equal(rf_audit_rows_lost(rows), 10);
	rf_audit_rows_clear(rows);
	assert_int_equal(rf_audit_rows_size(rows), 0);
	count("c/d", "/", 1);
	assert_int_equal(rf_audit_rows_size(rows), 1);
}

static void write_file(const char *path, const char *text)
{
	FILE *f = fopen(path, "w");

	assert_non_null(f);
	fputs(text, f);
	fclose(f);
}

static void over_a_file(void **state)
{
	static const char *const broken[] = {
		"",
		"{",
		"[]",
		"{\"version\":2,\"rows\":[]}",
		"{\"version\":1}",
		"{\"version\":1,\"rows\":[[1]]}",
		"{\"version\":1,\"rows\":[[\"a/b\",\"c/d\",80,35,\"GET\",\"/\",\"1\",\"1\",\"x\"]]}",
		"{\"version\":1,\"rows\":[[\"a/b\",\"c/d\",80,35,\"GET\",\"/\",\"1\",\"1\",\"1\"],[\"a/b\",\"c/d\",99999,35,\"GET\",\"/"
		"\",\"1\",\"1\",\"1\"]]}",
	};
	char path[] = "/tmp/rf-audit-XXXXXX";
	int fd = mkstemp(path);

	(void)state;
	assert_true(fd >= 0);
	close(fd);
	count("c/d", "/o/1", 1764000000123456789u);
	count("c/d", "/quote\"", 7);
	assert_int_equal(rf_audit_rows_save(rows, path), 0);
	rf_audit_rows_clear(rows);
	assert_int_equal(rf_audit_rows_load(rows, path), 0);
	assert_int_equal(rf_audit_rows_size(rows), 2);
	assert_true(rf_audit_rows_at(rows, 0)->first_ns == 1764000000123456789u);
	assert_string_equal(rf_audit_rows_at(rows, 1)->path, "/quote\"");
	count("c/d", "/o/2", 1764000000123456790u); /* goes on where it was */
	assert_int_equal(rf_audit_rows_at(rows, 0)->count, 2);
	rf_audit_rows_clear(rows);
	for (size_t i = 0; i < sizeof(broken) / sizeof(broken[0]); i++) {
		write_file(path, broken[i]);
		assert_int_equal(rf_audit_rows_load(rows, path), -EBADMSG);
		assert_int_equal(rf_audit_rows_size(rows), 0);
	}
	unlink(path);
	assert_int_equal(rf_audit_rows_load(rows, path), -ENOENT);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(templates),
		cmocka_unit_test_setup_teardown(equal_ones_are_one, make, unmake),
		cmocka_unit_test_setup_teardown(paths_are_bounded, make, unmake),
		cmocka_unit_test_setup_teardown(methods_do_not_fill_the_table, make, unmake),
		cmocka_unit_test_setup_teardown(methods_are_printable, make, unmake),
		cmocka_unit_test_setup_teardown(the_whole_is_bounded, make, unmake),
		cmocka_unit_test_setup_teardown(over_a_file, make, unmake),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
