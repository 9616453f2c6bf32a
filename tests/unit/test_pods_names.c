/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The pure parts of pods/ and of the check: names, environment, capability list, mountinfo lines, socket table lines.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/capability.h>
#include <sys/wait.h>

/* cmocka wants its prerequisites first */
#include <cmocka.h>

#include "core/check.h"
#include "core/check_port.h"
#include "pods/caps.h"
#include "pods/environment.h"
#include "pods/init.h"
#include "pods/mounts.h"
#include "pods/names.h"

static void test_names(void **state)
{
	static const char *const good[] = {"a", "bookbuyer-1", "a.b", "0", "x-1.y-2"};
	static const char *const bad[] = {"", "-a", "a-", "A", "a_b", "a/b", "..", "a..b", ".", "a b", "a.", "\xc3\xa4"};
	char name[80];

	(void)state;
	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++)
		assert_true(rf_pod_names_valid("ns", good[i]));
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_false(rf_pod_names_valid("ns", bad[i]) || rf_pod_names_valid(bad[i], "a"));
	assert_false(rf_pod_names_valid("a.b", "a")); /* a namespace is one label */
	assert_false(rf_pod_names_valid(NULL, "a") || rf_pod_names_valid("a", NULL));
	memset(name, 'a', sizeof(name));
	name[63] = '\0';
	assert_true(rf_pod_names_valid(name, name));
	name[63] = 'a';
	name[64] = '\0';
	assert_false(rf_pod_names_valid("ns", name) || rf_pod_names_valid(name, "a"));
}

static void test_veth_names(void **state)
{
	char a[16], b[16], alias[RF_POD_ALIAS_MAX];

	(void)state;
	rf_pod_veth_name("ringfence", "bookstore", "bookstore-1", a);
	rf_pod_veth_name("ringfence", "bookstore", "bookstore-1", b);
	assert_string_equal(a, b);
	assert_true(rf_pod_is_veth_name(a));
	rf_pod_veth_name("ringfence", "bookstore", "bookstore-2", b);
	assert_string_not_equal(a, b);
	rf_pod_veth_name("other", "bookstore", "bookstore-1", b);
	assert_string_not_equal(a, b);
	assert_false(rf_pod_is_veth_name("rf1234567") || rf_pod_is_veth_name("rf1234567G") || rf_pod_is_veth_name("eth0"));
	rf_pod_veth_alias("i", "n", "p", alias);
	assert_string_equal(alias, "ringfence i n/p");
}

static void test_room_names(void **state)
{
	struct rf_instance instance = {.name = "x", .run_dir = "/run/x", .pods_cgroup = "/sys/fs/cgroup/x/pods"};
	struct rf_pod_room room;

	(void)state;
	assert_int_equal(rf_pod_room_names(&instance, "ns", "p", &room), 0);
	assert_string_equal(room.key, "ns_p");
	assert_string_equal(room.netns, "/run/x/pods/ns_p/netns");
	assert_string_equal(room.hosts, "/run/x/pods/ns_p/hosts");
	assert_string_equal(room.log, "/run/x/pods/ns_p/log");
	assert_string_equal(room.cgroup, "/sys/fs/cgroup/x/pods/ns_p");
	assert_int_equal(rf_pod_room_names(&instance, "ns", "../p", &room), -EINVAL);
}

static const char *lookup(char **env, const char *key)
{
	const char *found = NULL;
	size_t len = strlen(key);

	for (; *env; env++)
		if (strncmp(*env, key, len) == 0 && (*env)[len] == '=') {
			assert_null(found); /* never twice */
			found = *env + len + 1;
		}
	return found;
}

static void test_environment(void **state)
{
	static const char *const more[] = {"A=1", "PATH=/opt", "A=2", "AB=3", "EMPTY=", NULL};
	char **env;

	(void)state;
	setenv("RF_TEST_SECRET", "1", 1);
	env = rf_environment_make("ns_pod", more);
	assert_non_null(env);
	assert_string_equal(lookup(env, "A"), "2");
	assert_string_equal(lookup(env, "AB"), "3");
	assert_string_equal(lookup(env, "PATH"), "/opt");
	assert_string_equal(lookup(env, "HOSTNAME"), "pod");
	assert_string_equal(lookup(env, "EMPTY"), "");
	assert_null(lookup(env, "RF_TEST_SECRET"));
	rf_environment_free(env);
	env = rf_environment_make("ns_pod", NULL);
	assert_non_null(env);
	assert_non_null(lookup(env, "HOME"));
	rf_environment_free(env);
}

static void test_capability_list(void **state)
{
	static const int never[] = {CAP_SYS_ADMIN, CAP_BPF,     CAP_NET_ADMIN,  CAP_SYS_PTRACE, CAP_MKNOD,
				    CAP_SYS_RAWIO, CAP_PERFMON, CAP_SYS_MODULE, CAP_SYS_BOOT,   CAP_DAC_READ_SEARCH};

	(void)state;
	for (size_t i = 0; i < sizeof(never) / sizeof(never[0]); i++)
		assert_false(rf_caps_kept(true) >> never[i] & 1);
	assert_false(rf_caps_kept(false) >> CAP_NET_RAW & 1);
	assert_int_equal(rf_caps_kept(true) ^ rf_caps_kept(false), 1 << CAP_NET_RAW);
	assert_true(rf_caps_kept(false) >> CAP_SETUID & 1);
}

static void test_mountinfo(void **state)
{
	char plain[] = "31 23 0:28 / /sys/fs/cgroup rw,relatime shared:9 - cgroup2 cgroup2 rw\n";
	char escaped[] = "31 23 0:28 / /mnt/a\\040b\\134c rw - ext4 /dev/vda rw\n";
	char broken[] = "31 23 0:28 /mnt\n", no_type[] = "31 23 - ext4";
	char *point, *type;

	(void)state;
	assert_int_equal(rf_mountinfo_parse(plain, &point, &type), 0);
	assert_string_equal(point, "/sys/fs/cgroup");
	assert_string_equal(type, "cgroup2");
	assert_int_equal(rf_mountinfo_parse(escaped, &point, &type), 0);
	assert_string_equal(point, "/mnt/a b\\c");
	assert_string_equal(type, "ext4");
	assert_int_equal(rf_mountinfo_parse(broken, &point, &type), -EINVAL);
	assert_int_equal(rf_mountinfo_parse(no_type, &point, &type), -EINVAL);
}

static void test_exit_codes(void **state)
{
	(void)state;
	assert_int_equal(rf_init_exit_code(W_EXITCODE(0, 0)), 0);
	assert_int_equal(rf_init_exit_code(W_EXITCODE(37, 0)), 37);
	assert_int_equal(rf_init_exit_code(W_EXITCODE(0, SIGTERM)), 128 + SIGTERM);
}

static void test_socket_lines(void **state)
{
	static const char listening[] =
		"   0: 0100007F:1F90 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 4711 1 0 100";
	static const char established[] =
		"   1: 0100007F:1F90 0100007F:C350 01 00000000:00000000 00:00000000 00000000     0        0 4712 1 0";
	static const char six[] = "   0: 00000000000000000000000000000000:1F90 00000000000000000000000000000000:0000 0A 00000000:00000000 "
				  "00:00000000 00000000     0        0 4713 1 0";
	unsigned long inode = 0;

	(void)state;
	assert_int_equal(rf_check_port_line(listening, 8080, &inode), 0);
	assert_int_equal(inode, 4711);
	assert_int_equal(rf_check_port_line(six, 8080, &inode), 0);
	assert_int_equal(inode, 4713);
	assert_int_equal(rf_check_port_line(established, 8080, &inode), -ENOENT);
	assert_int_equal(rf_check_port_line(listening, 8081, &inode), -ENOENT);
	assert_int_equal(rf_check_port_line("  sl  local_address rem_address   st", 8080, &inode), -ENOENT);
}

static void test_report(void **state)
{
	struct rf_check_report report = {0};

	(void)state;
	rf_check_fix(rf_check_add(&report, "x", RF_CHECK_FAIL, "no %s", "luck"), "do %d", 1);
	rf_check_add(&report, "y", RF_CHECK_OK, "fine");
	assert_int_equal(report.count, 2);
	assert_int_equal(report.failed, 1);
	assert_string_equal(report.items[0].detail, "no luck");
	assert_string_equal(report.items[0].fix, "do 1");
	for (int i = 0; i < RF_CHECK_ITEMS_MAX; i++)
		rf_check_fix(rf_check_add(&report, "z", RF_CHECK_FAIL, "more"), "none");
	assert_int_equal(report.count, RF_CHECK_ITEMS_MAX);
	assert_int_equal(report.failed, 1 + RF_CHECK_ITEMS_MAX); /* those without room count as well */
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_names),       cmocka_unit_test(test_veth_names),      cmocka_unit_test(test_room_names),
		cmocka_unit_test(test_environment), cmocka_unit_test(test_capability_list), cmocka_unit_test(test_mountinfo),
		cmocka_unit_test(test_exit_codes),  cmocka_unit_test(test_socket_lines),    cmocka_unit_test(test_report),
	};

	return cmocka_run_group_tests_name("pods: names and lists", tests, NULL, NULL);
}
