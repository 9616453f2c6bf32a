/* SPDX-License-Identifier: Apache-2.0 */
/*
 * System calls that pods and the checker are built with, tried without any effect. Kernels below 5.19 lack one or the other; which way is
 * taken in its place is said here.
 */
#include <bpf/bpf.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <linux/close_range.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "core/check_parts.h"
#include "core/cleanup.h"

#ifndef SO_NETNS_COOKIE
#define SO_NETNS_COOKIE 71
#endif

/* No mount is named: EBADF or EINVAL where the call is known. */
static bool has_mount_setattr(void)
{
	struct mount_attr attr = {0};

	return mount_setattr(-1, "", AT_EMPTY_PATH, &attr, sizeof(attr)) == 0 || errno != ENOSYS;
}

static bool has_netns_cookie(void)
{
	_cleanup_close_ int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	uint64_t cookie = 0;
	socklen_t len = sizeof(cookie);

	return fd >= 0 && getsockopt(fd, SOL_SOCKET, SO_NETNS_COOKIE, &cookie, &len) == 0 && cookie;
}

static bool has_close_on_exec_range(void)
{
	return close_range(~0U, ~0U, CLOSE_RANGE_CLOEXEC) == 0;
}

static void check_calls(struct rf_check_report *report)
{
	char missing[256] = "";

	if (!has_mount_setattr())
		strcat(missing, " mount_setattr (5.12)");
	if (!has_netns_cookie())
		strcat(missing, " SO_NETNS_COOKIE (5.14)");
	if (!has_close_on_exec_range())
		strcat(missing, " CLOSE_RANGE_CLOEXEC (5.11)");
	if (!*missing)
		rf_check_add(report, "pods", RF_CHECK_OK, "the kernel has the system calls that pods are made with");
	else
		rf_check_add(report, "pods", RF_CHECK_OK, "pods are made in another way without:%s", missing);
}

static int drop_capabilities(void)
{
	struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
	struct __user_cap_data_struct data[2] = {0};

	return syscall(SYS_capset, &header, data) < 0 ? -errno : 0;
}

/* In a child that has no capability any more, as the checker has none: 0 or -errno. */
static int read_without_privilege(int map)
{
	uint64_t value = 0;
	uint32_t zero = 0;
	pid_t pid = fork();
	int status;

	if (pid < 0)
		return -errno;
	if (pid == 0) {
		int r = drop_capabilities();

		if (r == 0 && bpf_map_lookup_elem(map, &zero, &value) < 0)
			r = -errno;
		_exit(-r);
	}
	while (waitpid(pid, &status, 0) < 0)
		if (errno != EINTR)
			return -errno;
	return WIFEXITED(status) ? -WEXITSTATUS(status) : -ECHILD;
}

/* The checker reads the live revision from a map that it was handed. */
static void check_tables(struct rf_check_report *report)
{
	_cleanup_close_ int map = bpf_map_create(BPF_MAP_TYPE_ARRAY, "rf_check", 4, 8, 1, NULL);
	int r = map < 0 ? map : read_without_privilege(map);

	if (r == 0)
		rf_check_add(report, "checker-tables", RF_CHECK_OK, "a process without privileges can read a map it was given");
	else if (r == -EPERM)
		rf_check_add(report, "checker-tables", RF_CHECK_OK,
			     "a process without privileges cannot read a map it was given: the checker asks by getsockopt");
	else
		rf_check_fix(rf_check_add(report, "checker-tables", RF_CHECK_FAIL,
					  "a process without privileges cannot read a map it was given: %s", strerror(-r)),
			     "boot a kernel of at least 5.10: apt install linux-image-amd64");
}

void rf_check_pods(struct rf_check_report *report)
{
	check_calls(report);
	check_tables(report);
}
