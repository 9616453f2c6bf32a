/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The check on the machine the tests run on, and its one change to it (mounting bpffs) in a private mount namespace. Needs root for that.
 */
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

/* cmocka wants its prerequisites first */
#include <cmocka.h>

#include "core/check.h"
#include "core/check_port.h"
#include "core/cleanup.h"

static const struct rf_check_item *find(const struct rf_check_report *report, const char *name)
{
	for (size_t i = 0; i < report->count; i++)
		if (strcmp(report->items[i].name, name) == 0)
			return &report->items[i];
	fail_msg("no item %s", name);
	return NULL;
}

static struct rf_instance an_instance(void)
{
	struct rf_instance instance;
	char name[32];
	int r;

	snprintf(name, sizeof(name), "rfunitcheck%d", getpid());
	r = rf_instance_init(&instance, name);
	assert_true(r == 0 || r == -ENOENT);
	return instance;
}

static void test_without_cgroup2(void **state)
{
	struct rf_instance instance = an_instance();
	struct rf_check_report report;

	(void)state;
	instance.cgroup_mount[0] = '\0';
	assert_true(rf_check_run(&instance, 0, &report) >= 1);
	assert_int_equal(find(&report, "cgroup2")->level, RF_CHECK_FAIL);
	assert_non_null(strstr(find(&report, "cgroup2")->fix, "mount -t cgroup2"));
}

static void test_range_in_use(void **state)
{
	struct rf_instance instance = an_instance();
	struct rf_check_report report;

	(void)state;
	assert_int_equal(rf_cidr_parse("127.0.0.0/24", &instance.pod_net_be, &instance.pod_mask_be), 0);
	assert_true(rf_check_run(&instance, 0, &report) >= 1);
	assert_int_equal(find(&report, "pod-addresses")->level, RF_CHECK_FAIL);
	assert_non_null(strstr(find(&report, "pod-addresses")->detail, "of lo"));
	assert_non_null(strstr(find(&report, "pod-addresses")->fix, "RINGFENCE_POD_CIDR"));
}

/* Runs in a child: as an ordinary user nothing may be called fine that is not. */
static int as_nobody(void)
{
	struct rf_instance instance;
	struct rf_check_report report;
	int bad = 0;

	rf_instance_init(&instance, "rfunitnobody");
	if (setgid(65534) < 0 || setuid(65534) < 0)
		return 1;
	rf_check_run(&instance, 0, &report);
	for (size_t i = 0; i < report.count; i++) {
		const struct rf_check_item *item = &report.items[i];

		bad |= strcmp(item->name, "root") == 0 && item->level != RF_CHECK_FAIL ? 2 : 0;
		bad |= strcmp(item->name, "capabilities") == 0 && item->level != RF_CHECK_FAIL ? 4 : 0;
		bad |= strncmp(item->name, "bpf-", 4) == 0 ? 8 : 0; /* not tried: it would say nothing */
	}
	return report.failed >= 2 ? bad : 16;
}

static bool is_empty_file(const char *path)
{
	struct stat st;

	return stat(path, &st) == 0 && st.st_size == 0;
}

static int bpffs_comes_and_goes(void)
{
	static struct rf_instance instance;
	static struct rf_check_report report;
	char marker[4200];
	int r;

	rf_instance_init(&instance, "rfunitbpffs");
	snprintf(marker, sizeof(marker), "%s/bpffs-mounted", instance.run_dir);
	if (unshare(CLONE_NEWNS) < 0 || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0)
		return 1;
	while (rf_check_bpffs_mounted())
		if (umount2("/sys/fs/bpf", MNT_DETACH) < 0)
			return 2;
	rf_check_run(&instance, 0, &report);
	if (rf_check_bpffs_mounted() || !report.failed)
		return 3; /* without being asked it changes nothing, and says so */
	rf_check_run(&instance, RF_CHECK_FIX, &report);
	if (!rf_check_bpffs_mounted() || !is_empty_file(marker))
		return 4;
	if (mkdir("/sys/fs/bpf/somebody", 0700) < 0 || rf_check_bpffs_unmount(&instance) != -ENOTEMPTY || !rf_check_bpffs_mounted())
		return 5;
	rmdir("/sys/fs/bpf/somebody");
	r = rf_check_bpffs_unmount(&instance);
	if (r < 0 || rf_check_bpffs_mounted() || access(marker, F_OK) == 0)
		return 6;
	/* one that somebody else mounted is not ours to unmount */
	if (mount("bpf", "/sys/fs/bpf", "bpf", 0, NULL) < 0 || rf_check_bpffs_mount(&instance) != 0 ||
	    rf_check_bpffs_unmount(&instance) != 0 || !rf_check_bpffs_mounted())
		return 7;
	return rmdir(instance.run_dir) < 0 ? 8 : 0;
}

static void in_child(int (*fn)(void))
{
	pid_t pid = fork();
	int status;

	if (pid == 0)
		_exit(fn());
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 0);
}

static void test_as_nobody(void **state)
{
	(void)state;
	if (geteuid() != 0)
		skip();
	in_child(as_nobody);
}

static void test_bpffs(void **state)
{
	(void)state;
	if (geteuid() != 0)
		skip();
	in_child(bpffs_comes_and_goes);
}

static void test_agent(void **state)
{
	struct rf_instance instance = an_instance();
	struct rf_check_report report;

	(void)state;
	assert_int_equal(rf_check_agent_pid(&instance), 0);
	rf_check_run(&instance, RF_CHECK_STARTING, &report);
	assert_int_equal(find(&report, "agent")->level, RF_CHECK_OK);
}

static void test_port(void **state)
{
	struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	_cleanup_close_ int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	socklen_t len = sizeof(address);
	struct rf_port_holder holder;

	(void)state;
	assert_int_equal(bind(fd, (struct sockaddr *)&address, len), 0);
	assert_int_equal(getsockname(fd, (struct sockaddr *)&address, &len), 0);
	assert_int_equal(rf_check_port(ntohs(address.sin_port), &holder), -ENOENT); /* bound, not listening */
	assert_int_equal(listen(fd, 1), 0);
	assert_int_equal(rf_check_port(ntohs(address.sin_port), &holder), 0);
	assert_int_equal(holder.pid, getpid());
	assert_string_equal(holder.comm, "test_check");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_without_cgroup2), cmocka_unit_test(test_range_in_use), cmocka_unit_test(test_as_nobody),
		cmocka_unit_test(test_bpffs),           cmocka_unit_test(test_agent),        cmocka_unit_test(test_port),
	};

	return cmocka_run_group_tests_name("check", tests, NULL, NULL);
}
