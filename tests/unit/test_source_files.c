/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The policy directory as a source, with real directories and real inotify: what an editor does, what an accident does.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "source/directory.h"
#include "source/files.h"

#define WITHIN_MS 5000 /* for what must happen */
#define QUIET_MS  400  /* for what must not: twice the longest collecting time */

struct fixture {
	char base[64];
	char dir[96];
	struct rf_policy_source *source;
	unsigned changed, same, failed;
};

static void count(void *arg, enum rf_policy_source_result result)
{
	struct fixture *x = arg;

	x->changed += result == RF_READ_CHANGED;
	x->same += result == RF_READ_SAME;
	x->failed += result == RF_READ_FAILED;
}

static int64_t ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

/* Dispatches until *counter differs from before or the time is up; returns whether it differs. */
static bool turn(struct fixture *x, const unsigned *counter, unsigned before, int limit_ms)
{
	int64_t end = ms() + limit_ms;

	while (*counter == before && ms() < end) {
		struct pollfd p = {.fd = rf_policy_source_fd(x->source), .events = POLLIN};

		if (poll(&p, 1, (int)(end - ms())) > 0)
			assert_int_equal(rf_policy_source_dispatch(x->source), 0);
	}
	return *counter != before;
}

static void put(const struct fixture *x, const char *name, const char *text)
{
	char path[256];
	FILE *f;

	snprintf(path, sizeof(path), "%s/%s", x->dir, name);
	f = fopen(path, "w");
	assert_non_null(f);
	fputs(text, f);
	fclose(f);
}

static void path_of(const struct fixture *x, const char *name, char ret[256])
{
	snprintf(ret, 256, "%s/%s", x->dir, name);
}

static int setup(void **state)
{
	struct fixture *x = calloc(1, sizeof(*x));

	strcpy(x->base, "/tmp/rf-source-XXXXXX");
	if (!mkdtemp(x->base))
		return -1;
	snprintf(x->dir, sizeof(x->dir), "%s/policies", x->base);
	if (mkdir(x->dir, 0755) < 0 || rf_policy_files_open(x->dir, count, x, &x->source) < 0)
		return -1;
	*state = x;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *x = *state;
	char command[128];
	int r;

	rf_policy_source_close(x->source);
	snprintf(command, sizeof(command), "rm -rf '%s'", x->base);
	r = system(command);
	free(x);
	return r;
}

static void first_read(struct fixture *x)
{
	assert_int_equal(rf_policy_source_read(x->source), 0);
	assert_int_equal(x->changed, 1);
}

static const char *only_text(const struct fixture *x)
{
	const struct rf_snapshot *s = rf_policy_source_snapshot(x->source);

	assert_non_null(s);
	assert_int_equal(s->count, 1);
	return s->items[0].text;
}

static void test_names(void **state)
{
	(void)state;
	assert_true(rf_directory_wants("a.yaml"));
	assert_true(rf_directory_wants("a.b.yml"));
	assert_true(rf_directory_wants("a.json"));
	assert_false(rf_directory_wants(".a.yaml"));
	assert_false(rf_directory_wants("#a.yaml"));
	assert_false(rf_directory_wants(".yaml"));
	assert_false(rf_directory_wants("a.yaml~"));
	assert_false(rf_directory_wants("a.yaml.swp"));
	assert_false(rf_directory_wants("README.md"));
}

static void test_empty_directory_is_an_empty_policy(void **state)
{
	struct fixture *x = *state;
	uint64_t since;

	assert_null(rf_policy_source_snapshot(x->source));
	first_read(x);
	assert_int_equal(rf_policy_source_snapshot(x->source)->count, 0);
	assert_null(rf_policy_source_problem(x->source, &since));
}

static void test_sorted_and_filtered(void **state)
{
	struct fixture *x = *state;
	const struct rf_snapshot *s;

	put(x, "b.yaml", "two");
	put(x, "a.json", "one");
	put(x, "notes.txt", "no");
	first_read(x);
	s = rf_policy_source_snapshot(x->source);
	assert_int_equal(s->count, 2);
	assert_string_equal(s->items[0].name, "a.json");
	assert_string_equal(s->items[1].text, "two");
	assert_int_equal(s->items[1].len, 3);
}

static void test_write_is_noticed_and_the_rest_is_not(void **state)
{
	struct fixture *x = *state;

	first_read(x);
	put(x, "notes.txt", "no");
	put(x, ".a.yaml.swp", "no");
	assert_false(turn(x, &x->same, 0, QUIET_MS));
	assert_int_equal(x->changed, 1);
	put(x, "a.yaml", "one");
	assert_true(turn(x, &x->changed, 1, WITHIN_MS));
	assert_string_equal(only_text(x), "one");
}

/* vim: old file renamed away, new one written, old one removed. sed -i and our own apply: temporary file renamed over. */
static void test_rename_dance(void **state)
{
	struct fixture *x = *state;
	char a[256], b[256], tmp[256];

	put(x, "a.yaml", "one");
	first_read(x);
	path_of(x, "a.yaml", a);
	path_of(x, "a.yaml~", b);
	path_of(x, ".tmp123", tmp);
	assert_int_equal(rename(a, b), 0);
	put(x, "a.yaml", "two");
	assert_int_equal(unlink(b), 0);
	assert_true(turn(x, &x->changed, 1, WITHIN_MS));
	assert_string_equal(only_text(x), "two");
	assert_int_equal(x->changed, 2); /* nobody saw the moment without the file */
	put(x, ".tmp123", "three");
	assert_int_equal(rename(tmp, a), 0);
	assert_true(turn(x, &x->changed, 2, WITHIN_MS));
	assert_string_equal(only_text(x), "three");
}

static void test_burst_is_one_read(void **state)
{
	struct fixture *x = *state;
	char name[32];

	first_read(x);
	for (int i = 0; i < 50; i++) {
		snprintf(name, sizeof(name), "f%02d.yaml", i);
		put(x, name, name);
	}
	assert_true(turn(x, &x->changed, 1, WITHIN_MS));
	assert_int_equal(rf_policy_source_snapshot(x->source)->count, 50);
	assert_int_equal(x->changed, 2);
}

static void test_removed_file_is_a_change(void **state)
{
	struct fixture *x = *state;
	char a[256];

	put(x, "a.yaml", "one");
	first_read(x);
	path_of(x, "a.yaml", a);
	assert_int_equal(unlink(a), 0);
	assert_true(turn(x, &x->changed, 1, WITHIN_MS));
	assert_int_equal(rf_policy_source_snapshot(x->source)->count, 0);
}

static void test_same_bytes_are_no_change(void **state)
{
	struct fixture *x = *state;

	put(x, "a.yaml", "one");
	first_read(x);
	put(x, "a.yaml", "one");
	assert_true(turn(x, &x->same, 0, WITHIN_MS));
	assert_int_equal(x->changed, 1);
}

static void test_versions_tell_what_changed(void **state)
{
	struct fixture *x = *state;
	const struct rf_snapshot *s;
	uint64_t a, c;

	put(x, "a.yaml", "one");
	put(x, "c.yaml", "three");
	first_read(x);
	s = rf_policy_source_snapshot(x->source);
	a = s->items[0].version;
	c = s->items[1].version;
	assert_true(a && c && a != c);
	put(x, "a.yaml", "ONE"); /* as long as it was */
	put(x, "b.yaml", "one");
	assert_int_equal(rf_policy_source_read(x->source), 0);
	s = rf_policy_source_snapshot(x->source);
	assert_int_equal(s->count, 3);
	assert_true(s->items[0].version > c);
	assert_true(s->items[1].version > c && s->items[1].version != s->items[0].version);
	assert_int_equal(s->items[2].version, c);
}

static void test_vanished_directory_keeps_the_last_good(void **state)
{
	struct fixture *x = *state;
	char moved[128];
	uint64_t since = 0, later = 0;

	put(x, "a.yaml", "one");
	first_read(x);
	snprintf(moved, sizeof(moved), "%s/elsewhere", x->base);
	assert_int_equal(rename(x->dir, moved), 0);
	assert_true(turn(x, &x->failed, 0, WITHIN_MS));
	assert_string_equal(only_text(x), "one");
	assert_non_null(rf_policy_source_problem(x->source, &since));
	assert_non_null(strstr(rf_policy_source_problem(x->source, &since), x->dir));
	assert_true(since > 0);
	assert_true(turn(x, &x->failed, x->failed, WITHIN_MS)); /* it retries, and remembers when it began */
	assert_non_null(rf_policy_source_problem(x->source, &later));
	assert_int_equal(later, since);
	/* A new directory of the name, with other content, is taken at once, and watched. */
	assert_int_equal(mkdir(x->dir, 0755), 0);
	put(x, "b.yaml", "two");
	while (x->changed < 2 || rf_policy_source_snapshot(x->source)->count != 1)
		assert_true(turn(x, &x->changed, x->changed, WITHIN_MS));
	assert_string_equal(only_text(x), "two");
	assert_null(rf_policy_source_problem(x->source, &since));
	put(x, "b.yaml", "three");
	assert_true(turn(x, &x->changed, x->changed, WITHIN_MS));
	assert_string_equal(only_text(x), "three");
}

static void test_directory_replaced_by_a_file(void **state)
{
	struct fixture *x = *state;
	uint64_t since;
	char a[256];
	FILE *f;

	put(x, "a.yaml", "one");
	first_read(x);
	path_of(x, "a.yaml", a);
	assert_int_equal(unlink(a), 0);
	assert_int_equal(rmdir(x->dir), 0);
	f = fopen(x->dir, "w");
	assert_non_null(f);
	fclose(f);
	assert_true(turn(x, &x->failed, 0, WITHIN_MS));
	assert_non_null(rf_policy_source_problem(x->source, &since));
	assert_string_equal(only_text(x), "one");
	assert_int_equal(unlink(x->dir), 0);
}

static void test_unreadable_file_keeps_the_last_good(void **state)
{
	struct fixture *x = *state;
	char link[256];
	uint64_t since;

	put(x, "a.yaml", "one");
	first_read(x);
	path_of(x, "z.yaml", link);
	assert_int_equal(symlink("nowhere", link), 0); /* root may read any file, but not one that is not there */
	put(x, "a.yaml", "two");
	assert_true(turn(x, &x->failed, 0, WITHIN_MS));
	assert_string_equal(only_text(x), "one");
	assert_non_null(strstr(rf_policy_source_problem(x->source, &since), "z.yaml"));
	assert_int_equal(unlink(link), 0);
	assert_true(turn(x, &x->changed, 1, WITHIN_MS));
	assert_string_equal(only_text(x), "two");
}

static void test_no_permission(void **state)
{
	struct fixture *x = *state;
	uint64_t since;
	char a[256];

	put(x, "a.yaml", "one");
	assert_int_equal(chmod(x->base, 0755), 0);
	path_of(x, "a.yaml", a);
	assert_int_equal(chmod(a, 0000), 0);
	if (geteuid() == 0)
		assert_int_equal(seteuid(65534), 0);
	assert_int_equal(rf_policy_source_read(x->source), 0);
	if (getuid() == 0)
		assert_int_equal(seteuid(0), 0);
	assert_int_equal(x->failed, 1);
	assert_null(rf_policy_source_snapshot(x->source)); /* not an empty one */
	assert_non_null(strstr(rf_policy_source_problem(x->source, &since), "Permission denied"));
}

static void test_odd_files(void **state)
{
	struct fixture *x = *state;
	uint64_t since;
	char a[256];
	int fd;

	path_of(x, "pipe.yaml", a);
	assert_int_equal(mkfifo(a, 0644), 0);
	assert_int_equal(rf_policy_source_read(x->source), 0); /* and does not wait for a writer */
	assert_int_equal(x->failed, 1);
	assert_non_null(strstr(rf_policy_source_problem(x->source, &since), "not a regular file"));
	assert_int_equal(unlink(a), 0);
	path_of(x, "big.yaml", a);
	fd = open(a, O_WRONLY | O_CREAT, 0644);
	assert_true(fd >= 0);
	assert_int_equal(ftruncate(fd, 1024 * 1024 + 1), 0);
	close(fd);
	assert_int_equal(rf_policy_source_read(x->source), 0);
	assert_int_equal(x->failed, 2);
	assert_non_null(strstr(rf_policy_source_problem(x->source, &since), "larger"));
}

static void test_writer_with_the_lock_is_waited_for(void **state)
{
	struct fixture *x = *state;
	int fd = open(x->dir, O_RDONLY | O_DIRECTORY);

	assert_true(fd >= 0);
	first_read(x);
	assert_int_equal(flock(fd, LOCK_EX), 0);
	put(x, "a.yaml", "one");
	assert_int_equal(rf_policy_source_read(x->source), -EAGAIN);
	assert_false(turn(x, &x->changed, 1, QUIET_MS));
	put(x, "b.yaml", "two");
	assert_int_equal(flock(fd, LOCK_UN), 0);
	assert_true(turn(x, &x->changed, 1, WITHIN_MS));
	assert_int_equal(rf_policy_source_snapshot(x->source)->count, 2); /* never one of the two */
	close(fd);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_names),
		cmocka_unit_test_setup_teardown(test_empty_directory_is_an_empty_policy, setup, teardown),
		cmocka_unit_test_setup_teardown(test_sorted_and_filtered, setup, teardown),
		cmocka_unit_test_setup_teardown(test_write_is_noticed_and_the_rest_is_not, setup, teardown),
		cmocka_unit_test_setup_teardown(test_rename_dance, setup, teardown),
		cmocka_unit_test_setup_teardown(test_burst_is_one_read, setup, teardown),
		cmocka_unit_test_setup_teardown(test_removed_file_is_a_change, setup, teardown),
		cmocka_unit_test_setup_teardown(test_same_bytes_are_no_change, setup, teardown),
		cmocka_unit_test_setup_teardown(test_versions_tell_what_changed, setup, teardown),
		cmocka_unit_test_setup_teardown(test_vanished_directory_keeps_the_last_good, setup, teardown),
		cmocka_unit_test_setup_teardown(test_directory_replaced_by_a_file, setup, teardown),
		cmocka_unit_test_setup_teardown(test_unreadable_file_keeps_the_last_good, setup, teardown),
		cmocka_unit_test_setup_teardown(test_no_permission, setup, teardown),
		cmocka_unit_test_setup_teardown(test_odd_files, setup, teardown),
		cmocka_unit_test_setup_teardown(test_writer_with_the_lock_is_waited_for, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
