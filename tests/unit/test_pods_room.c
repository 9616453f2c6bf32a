/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Real rooms with real processes: needs root, says "skipped" without. Works in an instance of its own ("rfunit<pid>"), whose rooms,
 * cgroups and files are gone afterwards; the last test proves it.
 */
#define WORLD_OCTET 213u
#include "pods_world.h"

#include <sys/capability.h>

#include "pods/caps.h"

static void wait_until_gone(const struct rf_pod_room *room)
{
	bool populated = true;

	for (int i = 0; i < 500 && populated; i++) {
		assert_int_equal(rf_pod_room_populated(room, &populated), 0);
		if (populated)
			poll(NULL, 0, 10);
	}
	assert_false(populated);
}

static void test_room_facts(void **state)
{
	struct rf_pod_room found;

	(void)state;
	NEED_ROOT();
	assert_true(room_a.cgroup_id != 0 && room_a.netns_cookie != 0 && room_a.ifindex != 0);
	assert_true(room_a.netns_cookie != room_b.netns_cookie);
	assert_int_equal(rf_pod_room_find(&instance, "ns", "a", &found), 0);
	assert_memory_equal(&found, &room_a, sizeof(found));
	assert_int_equal(rf_pod_room_find(&instance, "ns", "nobody", &found), -ENOENT);
	assert_int_equal(rf_pod_room_find(&instance, "ns", "../a", &found), -EINVAL);
}

static void test_making_twice_changes_nothing(void **state)
{
	struct rf_pod_room again;

	(void)state;
	NEED_ROOT();
	make_room("a", 2, &again);
	assert_memory_equal(&again, &room_a, sizeof(again));
	assert_int_equal(rf_pod_room_make(&instance, "ns", "a", address(9), &again, error, sizeof(error)), -EEXIST);
	assert_int_equal(rf_pod_room_make(&instance, "ns", "c", htonl(0x0a000001), &again, error, sizeof(error)), -EINVAL);
	assert_int_equal(rf_pod_room_make(&instance, "ns", "c", address(1), &again, error, sizeof(error)), -EINVAL);
	assert_int_equal(rf_pod_room_make(&instance, "ns", "up/down", address(9), &again, error, sizeof(error)), -EINVAL);
}

static void test_half_made_room_is_finished(void **state)
{
	struct rf_pod_room room, found;
	char command[64];

	(void)state;
	NEED_ROOT();
	make_room("half", 7, &room);
	snprintf(command, sizeof(command), "ip link delete %s", room.veth);
	assert_int_equal(host_shell(command), 0);
	assert_int_equal(rmdir(room.cgroup), 0);
	assert_int_equal(rf_pod_room_find(&instance, "ns", "half", &found), -EUCLEAN);
	make_room("half", 7, &room);
	assert_int_equal(rf_pod_room_find(&instance, "ns", "half", &found), 0);
	expect_true(&room, "true");
	assert_int_equal(rf_pod_room_remove(&instance, "ns", "half", true), 0);
	assert_int_equal(rf_pod_room_remove(&instance, "ns", "half", true), 0);
	assert_int_equal(rf_pod_room_find(&instance, "ns", "half", &found), -ENOENT);
}

static void test_namespaces(void **state)
{
	(void)state;
	NEED_ROOT();
	expect_true(&room_a, "test \"$(hostname)\" = a");
	expect_true(&room_a, "test \"$(ls /sys/class/net | tr '\\n' ' ')\" = 'eth0 lo '");
	expect_true(&room_a, "ip -4 -o addr show dev eth0 | grep -q ' 10.213.0.2/32 '");
	if (rf_addr_is_none(&room_a.addr6)) /* a kernel without IPv6 */
		expect_true(&room_a, "test -z \"$(ip -6 -o addr show)\"");
	expect_true(&room_a, "test \"$(cat /proc/self/cgroup | sed -n 's/^0:://p')\" = /");
	/* PID 1 is our init, its child is this shell */
	expect_true(&room_a, "test \"$(sed -n 's/^PPid:.//p' /proc/$$/status)\" = 1");
	expect_true(&room_a, "test \"$(cat /proc/sys/net/ipv4/ip_unprivileged_port_start)\" = 0");
}

static void test_environment(void **state)
{
	(void)state;
	NEED_ROOT();
	setenv("SECRET_OF_THE_CALLER", "1", 1);
	expect_true(&room_a, "test \"$COLOUR\" = blue && test \"$HOSTNAME\" = a && test -z \"$SECRET_OF_THE_CALLER\"");
}

static void test_capabilities(void **state)
{
	char line[256];

	(void)state;
	NEED_ROOT();
	snprintf(line, sizeof(line), "grep -E '^Cap(Prm|Eff|Bnd):' /proc/self/status | cut -f2 | sort -u | grep -qx '%016llx'",
		 (unsigned long long)rf_caps_kept(false));
	expect_true(&room_a, line);
	expect_true(&room_a, "grep -E '^Cap(Inh|Amb):' /proc/self/status | cut -f2 | sort -u | grep -qx 0000000000000000");
	expect_true(&room_a, "grep -q '^NoNewPrivs:.1' /proc/self/status");
	snprintf(line, sizeof(line), "grep -q 'CapEff:.%016llx' /proc/self/status", (unsigned long long)rf_caps_kept(true));
	assert_int_equal(run_shell(&room_a, true, true, line), 0);
	assert_int_not_equal(run_shell(&room_a, true, false, line), 0);
	assert_int_equal(rf_caps_kept(true) & (1ULL << CAP_SYS_ADMIN | 1ULL << CAP_NET_ADMIN | 1ULL << CAP_BPF | 1ULL << CAP_SYS_PTRACE |
					       1ULL << CAP_MKNOD | 1ULL << CAP_SYS_RAWIO | 1ULL << CAP_SYS_MODULE),
			 0);
}

static void test_file_system(void **state)
{
	char line[8400];

	(void)state;
	NEED_ROOT();
	expect_true(&room_a, "test -z \"$(ls -A /sys/fs/bpf 2>/dev/null)\"");
	expect_true(&room_a, "test -z \"$(ls -A /sys/fs/cgroup 2>/dev/null)\" && ! mkdir /sys/fs/cgroup/x 2>/dev/null");
	expect_true(&room_a, "! touch /etc/x 2>/dev/null && ! touch /x 2>/dev/null && ! touch /var/lib/x 2>/dev/null");
	expect_true(&room_a, "! (echo x > /proc/sys/kernel/core_pattern) 2>/dev/null");
	expect_true(&room_a, "! (echo 1 > /proc/sys/net/ipv4/ip_forward) 2>/dev/null");
	expect_true(&room_a, "test -z \"$(grep -E ' - (cgroup2?|bpf|nsfs|tracefs|debugfs) ' /proc/self/mountinfo)\"");
	expect_true(&room_a, "test \"$(ls -A /run)\" = lock && touch /run/x /dev/shm/x /tmp/x /var/tmp/x");
	expect_true(&room_a, "test -z \"$(find /dev -type b)\" && echo x > /dev/null && head -c 1 /dev/urandom > /tmp/r");
	expect_true(&room_a, "test \"$(cat /etc/hosts)\" = '127.0.0.1 localhost' && ! (echo x >> /etc/hosts) 2>/dev/null");
	expect_true(&room_a, "! mount -t tmpfs none /mnt 2>/dev/null && ! umount /tmp 2>/dev/null && ! mknod /tmp/n c 1 3 2>/dev/null");
	snprintf(line, sizeof(line), "! test -e %s && ! test -e %s", instance.run_dir, instance.pods_cgroup);
	expect_true(&room_a, line);
}

static void test_tmp_is_the_machines_below_and_private_above(void **state)
{
	char path[64], line[512];
	struct stat st;

	(void)state;
	NEED_ROOT();
	snprintf(path, sizeof(path), "/tmp/rfunit-%d", getpid());
	_cleanup_fclose_ FILE *f = fopen(path, "we");
	assert_non_null(f);
	fputs("1\n", f);
	fflush(f);
	snprintf(line, sizeof(line), "test $(cat %s) = 1 && echo changed > %s && touch %s.new && test $(cat %s) = changed", path, path,
		 path, path);
	expect_true(&room_a, line);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_size, 2);
	snprintf(line, sizeof(line), "%s.new", path);
	assert_int_equal(stat(line, &st), -1);
	unlink(path);
}

static void test_inherited_files_are_closed(void **state)
{
	int fd;

	(void)state;
	NEED_ROOT();
	fd = open("/etc", O_RDONLY | O_DIRECTORY); /* on purpose without O_CLOEXEC */
	assert_true(fd > 2);
	expect_true(&room_a, "ls -l /proc/$$/fd | grep -q log && ! ls -l /proc/$$/fd | grep -q ' /etc$'");
	close(fd);
}

static void test_exit_status_and_failures(void **state)
{
	char *const missing[] = {"/nonexistent/program", NULL};
	char *const truth[] = {"true", NULL};
	struct rf_pod_process process = {.argv = missing, .workdir = "/"};
	pid_t init;

	(void)state;
	NEED_ROOT();
	assert_int_equal(run_shell(&room_a, true, false, "exit 37"), 37);
	assert_int_equal(run_shell(&room_a, true, false, "kill -9 $$"), 128 + SIGKILL);
	assert_int_equal(rf_pod_start(&room_a, &process, &init, error, sizeof(error)), -ENOENT);
	assert_non_null(strstr(error, "/nonexistent/program"));
	process.argv = truth;
	process.workdir = "/nonexistent";
	assert_int_equal(rf_pod_start(&room_a, &process, &init, error, sizeof(error)), -ENOENT);
	assert_non_null(strstr(error, "working directory"));
	wait_until_gone(&room_a);
}

/* Starts a detached line and waits until it has written "ready" into its log. */
static pid_t start_ready(const struct rf_pod_room *room, const char *line)
{
	char *const argv[] = {"sh", "-c", (char *)line, NULL};
	const struct rf_pod_process process = {.argv = argv, .detach = true, .workdir = "/"};
	pid_t init = 0;

	if (rf_pod_start(room, &process, &init, error, sizeof(error)) != 0)
		fail_msg("start: %s", error);
	for (int i = 0; i < 500; i++) {
		_cleanup_fclose_ FILE *f = fopen(room->log, "re");
		char text[64];

		if (f && fgets(text, sizeof(text), f) && strncmp(text, "ready", 5) == 0)
			return init;
		poll(NULL, 0, 10);
	}
	fail_msg("not ready in 5 s: %s", line);
	return 0;
}

static void test_signals_reach_the_command(void **state)
{
	pid_t init;
	int status;

	(void)state;
	NEED_ROOT();
	init = start_ready(&room_a,
			   "trap 'exit 5' TERM; trap : USR1; echo ready; while :; do read x < /tmp/none 2>/dev/null; sleep 0.05; done");
	assert_int_equal(kill(init, SIGUSR1), 0);
	assert_int_equal(kill(init, SIGTERM), 0);
	assert_int_equal(waitpid(init, &status, 0), init);
	assert_int_equal(rf_init_exit_code(status), 5);
}

static void test_orphans_are_reaped_and_do_not_survive(void **state)
{
	pid_t init;
	int status;

	(void)state;
	NEED_ROOT();
	/* an orphan that ends is no zombie under PID 1; one that does not end is killed with the pod */
	init = start_ready(&room_a, "(sh -c 'exit 3' & echo $! >/tmp/orphan); (sleep 1000 &); "
				    "while test -e /proc/$(cat /tmp/orphan); do sleep 0.05; done; echo ready; read x < /dev/zero");
	kill(init, SIGKILL);
	assert_int_equal(waitpid(init, &status, 0), init);
	wait_until_gone(&room_a);
}

static void test_exec_beside(void **state)
{
	char *const argv[] = {"sh", "-c", "test $(hostname) = a && test \"$(cat /tmp/mark)\" = here && test -d /proc/1 && exit 9", NULL};
	char line[128];
	char *const caps[] = {"sh", "-c", line, NULL};
	struct rf_pod_process process = {.argv = argv};
	pid_t init;
	int status;

	(void)state;
	NEED_ROOT();
	init = start_ready(&room_a, "echo here > /tmp/mark; echo ready; sleep 1000");
	assert_int_equal(rf_pod_exec(&room_a, init, &process, &status, error, sizeof(error)), 0);
	assert_int_equal(rf_init_exit_code(status), 9);
	snprintf(line, sizeof(line), "grep -q 'CapBnd:.%016llx' /proc/self/status", (unsigned long long)rf_caps_kept(false));
	process.argv = caps;
	process.net_raw = true; /* the pod has it not, so exec does not get it either */
	assert_int_equal(rf_pod_exec(&room_a, init, &process, &status, error, sizeof(error)), 0);
	assert_int_equal(rf_init_exit_code(status), 0);
	assert_int_equal(rf_caps_bounded(init, CAP_NET_RAW), false);
	/* a process that is not of this pod is not entered */
	assert_int_equal(rf_pod_exec(&room_b, init, &process, &status, error, sizeof(error)), -ESRCH);
	assert_int_equal(rf_pod_exec(&room_a, getpid(), &process, &status, error, sizeof(error)), -ESRCH);
	kill(init, SIGKILL);
	waitpid(init, NULL, 0);
}

#define SERVER                                                                                                                             \
	"exec python3 -c 'import socket\n"                                                                                                 \
	"v6 = socket.has_ipv6 and __import__(\"os\").path.exists(\"/proc/net/if_inet6\")\n"                                                \
	"s = socket.create_server((\"\", 80), family=socket.AF_INET6 if v6 else socket.AF_INET, dualstack_ipv6=v6)\n"                      \
	"print(\"ready\", flush=True)\n"                                                                                                   \
	"while True:\n"                                                                                                                    \
	"    c, a = s.accept()\n"                                                                                                          \
	"    c.sendall(a[0].replace(\"::ffff:\", \"\").encode())\n"                                                                        \
	"    c.close()'"

/* Connects from the test's own namespace and reads what the server says. */
static void dial(const struct sockaddr *to, socklen_t to_len, char *text, size_t size)
{
	_cleanup_close_ int fd = socket(to->sa_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
	struct timeval limit = {.tv_sec = 5};
	ssize_t n;

	setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof(limit));
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit));
	if (connect(fd, to, to_len) < 0)
		fail_msg("connect: %s", strerror(errno));
	n = read(fd, text, size - 1);
	assert_true(n >= 0);
	text[n] = '\0';
}

/* NET_ADDR_SET: systemd-udevd replaces every other hardware address soon after the link is made */
static void test_hardware_addresses_are_set(void **state)
{
	char line[128];

	(void)state;
	NEED_ROOT();
	snprintf(line, sizeof(line), "test $(cat /sys/class/net/%s/addr_assign_type) = 3", room_a.veth);
	assert_int_equal(host_shell(line), 0);
	expect_true(&room_a, "test $(cat /sys/class/net/eth0/addr_assign_type) = 3");
}

static void test_network(void **state)
{
	struct sockaddr_in to4 = {.sin_family = AF_INET, .sin_port = htons(80), .sin_addr.s_addr = room_b.addr_be};
	struct sockaddr_in6 to6 = {.sin6_family = AF_INET6, .sin6_port = htons(80)};
	char text[64];
	pid_t init;

	(void)state;
	NEED_ROOT();
	memcpy(&to6.sin6_addr, &room_b.addr6, sizeof(to6.sin6_addr));
	init = start_ready(&room_b, SERVER);
	dial((struct sockaddr *)&to4, sizeof(to4), text, sizeof(text)); /* the node itself, with its address on the veths */
	assert_string_equal(text, "10.213.0.1");
	if (!rf_addr_is_none(&room_b.addr6)) { /* from pod to pod it is the program on the veth that sends IPv6 on: tests/e2e/dual-stack */
		dial((struct sockaddr *)&to6, sizeof(to6), text, sizeof(text));
		assert_string_equal(text, "fd72:6e67:66:1::ad5:1");
	}
	expect_true(&room_a, "python3 -c 'import socket\n"
			     "c = socket.create_connection((\"10.213.0.3\", 80), 5)\n"
			     "assert c.recv(64) == b\"10.213.0.2\"'");
	kill(init, SIGKILL);
	waitpid(init, NULL, 0);
}

static void test_foreground_pod_ends_with_its_caller(void **state)
{
	pid_t caller;
	bool populated;

	(void)state;
	NEED_ROOT();
	caller = fork();
	if (caller == 0) {
		char *const argv[] = {"sleep", "1000", NULL};
		const struct rf_pod_process process = {.argv = argv, .workdir = "/"};
		pid_t init;

		raise(rf_pod_start(&room_a, &process, &init, error, sizeof(error)) == 0 ? SIGKILL : SIGTERM);
	}
	int status;
	assert_int_equal(waitpid(caller, &status, 0), caller);
	assert_int_equal(WTERMSIG(status), SIGKILL);
	wait_until_gone(&room_a);
	/* while a detached one stays */
	caller = fork();
	if (caller == 0) {
		char *const argv[] = {"sleep", "1000", NULL};
		const struct rf_pod_process process = {.argv = argv, .workdir = "/", .detach = true};
		pid_t init;

		raise(rf_pod_start(&room_a, &process, &init, error, sizeof(error)) == 0 ? SIGKILL : SIGTERM);
	}
	assert_int_equal(waitpid(caller, &status, 0), caller);
	assert_int_equal(WTERMSIG(status), SIGKILL);
	assert_int_equal(rf_pod_room_populated(&room_a, &populated), 0);
	assert_true(populated);
}

/* room_a still has the detached sleeper: removal kills it. Afterwards nothing of this instance is left anywhere. */
static void test_removal_leaves_nothing(void **state)
{
	static char line[32768];

	(void)state;
	NEED_ROOT();
	assert_int_equal(rf_pod_room_remove(&instance, "ns", "a", false), 0);
	assert_int_equal(access(room_a.log, F_OK), 0); /* kept on request */
	assert_int_equal(rf_pod_room_remove(&instance, "ns", "a", true), 0);
	assert_int_equal(rf_pod_room_remove(&instance, "ns", "b", true), 0);
	snprintf(line, sizeof(line), "! grep -q ' %s' /proc/self/mountinfo && ! test -e %s && ! test -e %s && ! test -e %s && ! test -e %s",
		 instance.run_dir, room_a.dir, room_b.dir, room_a.cgroup, room_b.cgroup);
	assert_int_equal(host_shell(line), 0);
	snprintf(line, sizeof(line), "! ip -o link | grep -qE '%s|%s' && ! ip route show table all | grep -qE '10\\.213\\.|:ad5:'",
		 room_a.veth, room_b.veth);
	assert_int_equal(host_shell(line), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_room_facts),
		cmocka_unit_test(test_making_twice_changes_nothing),
		cmocka_unit_test(test_half_made_room_is_finished),
		cmocka_unit_test(test_namespaces),
		cmocka_unit_test(test_environment),
		cmocka_unit_test(test_capabilities),
		cmocka_unit_test(test_file_system),
		cmocka_unit_test(test_tmp_is_the_machines_below_and_private_above),
		cmocka_unit_test(test_inherited_files_are_closed),
		cmocka_unit_test(test_exit_status_and_failures),
		cmocka_unit_test(test_signals_reach_the_command),
		cmocka_unit_test(test_orphans_are_reaped_and_do_not_survive),
		cmocka_unit_test(test_exec_beside),
		cmocka_unit_test(test_hardware_addresses_are_set),
		cmocka_unit_test(test_network),
		cmocka_unit_test(test_foreground_pod_ends_with_its_caller),
		cmocka_unit_test(test_removal_leaves_nothing),
	};

	return cmocka_run_group_tests_name("pods: rooms", tests, set_up, tear_down);
}
