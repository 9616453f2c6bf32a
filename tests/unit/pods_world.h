/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Two real rooms, "a" (.2) and "b" (.3), of an instance of their own ("rfunit<pid>"), for tests that need root. Included once, after
 * WORLD_OCTET: the rooms are in 10.<octet>.0.0/16, which two tests that run at the same time must not share.
 */
#pragma once

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

/* cmocka wants its prerequisites first */
#include <cmocka.h>

#include "core/cleanup.h"
#include "pods/init.h"
#include "pods/pods.h"

static struct rf_instance instance;
static struct rf_pod_room room_a, room_b;
static char error[512];

#define NEED_ROOT()                                                                                                                        \
	do {                                                                                                                               \
		if (geteuid() != 0)                                                                                                        \
			skip();                                                                                                            \
	} while (0)

/* Not the default range, so that a running ringfence is not disturbed. */
static uint32_t address(int host)
{
	return htonl((10u << 24) | (WORLD_OCTET << 16) | (uint32_t)host);
}

static void make_room(const char *name, int host, struct rf_pod_room *ret)
{
	int r = rf_pod_room_make(&instance, "ns", name, address(host), ret, error, sizeof(error));

	if (r != 0)
		fail_msg("room %s: %s (%d)", name, error, r);
}

/* Runs a shell line in the room (output into the pod's log unless foreground) and returns its exit code. */
static int run_shell(const struct rf_pod_room *room, bool detach, bool net_raw, const char *line)
{
	char *const argv[] = {"/bin/sh", "-c", (char *)line, NULL};
	static const char *const env[] = {"COLOUR=blue", NULL};
	const struct rf_pod_process process = {.argv = argv, .env = env, .detach = detach, .net_raw = net_raw, .workdir = "/"};
	pid_t init = 0;
	int status = -1, r = rf_pod_start(room, &process, &init, error, sizeof(error));

	if (r != 0)
		fail_msg("start: %s (%d)", error, r);
	assert_int_equal(waitpid(init, &status, 0), init);
	return rf_init_exit_code(status);
}

/* The same; fails with what the shell said unless it exits 0. */
static void expect_true(const struct rf_pod_room *room, const char *line)
{
	int code = run_shell(room, true, false, line);
	char text[1024];

	if (code == 0)
		return;
	_cleanup_fclose_ FILE *f = fopen(room->log, "re");

	text[f ? fread(text, 1, sizeof(text) - 1, f) : 0] = '\0';
	fail_msg("exit code %d of: %s\n%s", code, line, text);
}

/* A shell line on the machine itself. */
static int host_shell(const char *line)
{
	pid_t pid = fork();
	int status;

	if (pid == 0) {
		execl("/bin/sh", "sh", "-c", line, NULL);
		_exit(127);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	return rf_init_exit_code(status);
}

static int set_up(void **state)
{
	char name[32], cidr[32];

	(void)state;
	if (geteuid() != 0)
		return 0;
	snprintf(name, sizeof(name), "rfunit%d", getpid());
	snprintf(cidr, sizeof(cidr), "10.%u.0.0/16", WORLD_OCTET);
	setenv("RINGFENCE_POD_CIDR", cidr, 1);
	assert_int_equal(rf_instance_init(&instance, name), 0);
	make_room("a", 2, &room_a);
	make_room("b", 3, &room_b);
	return 0;
}

static int tear_down(void **state)
{
	char pods[4200];

	(void)state;
	if (geteuid() != 0)
		return 0;
	rf_pod_room_remove(&instance, "ns", "a", true);
	rf_pod_room_remove(&instance, "ns", "b", true);
	rf_pod_room_remove(&instance, "ns", "half", true);
	snprintf(pods, sizeof(pods), "%s/pods", instance.run_dir);
	rmdir(pods);
	rmdir(instance.run_dir);
	rmdir(instance.pods_cgroup);
	rmdir(instance.cgroup_dir);
	return 0;
}
