/* SPDX-License-Identifier: Apache-2.0 */
/* The broker: what it keeps, what it gives the checker, and what it takes from it. */
#include "checker_world.h"

#include <sys/resource.h>

#include "checker/limits.h"
#include "core/syscall_filter.h"

static struct rf_sockd_message status(void)
{
	struct rf_sockd_message message = {.op = RF_SOCKD_STATUS};

	assert_int_equal(ask(&message, -1, NULL), 0);
	return message;
}

/* A checker that is not the one of that process, once there is one. */
static struct rf_sockd_message await_checker(uint32_t but)
{
	struct rf_sockd_message now;

	for (int64_t until = now_ms() + PATIENCE_MS;; poll(NULL, 0, 10)) {
		assert_true(now_ms() < until);
		now = status();
		if (now.pid && now.pid != but)
			return now;
	}
}

static void test_broker_answers(void **state)
{
	struct rf_sockd_message message;
	pid_t checker;
	int client, up;

	(void)state;
	publish(EVERY);
	message = await_checker(0);
	assert_int_equal(message.port, 2);
	checker = (pid_t)message.pid;
	/* the port is taken by somebody else */
	message = (struct rf_sockd_message){.op = RF_SOCKD_POD_ADD,
					    .pod = POD + 1,
					    .addr4 = checker_addr(AF_INET),
					    .addr6 = addr_of(AF_INET6, SERVER_LAST),
					    .port = SERVER_PORT};
	up = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
	assert_int_equal(ask(&message, up, NULL), 0);
	assert_int_equal(message.op, RF_SOCKD_POD_STATE);
	assert_int_equal(message.error, EADDRINUSE);
	close(up);
	/* on one of the two families: then the other one is not open either */
	message = (struct rf_sockd_message){.op = RF_SOCKD_STATUS};
	assert_int_equal(ask(&message, -1, NULL), 0);
	assert_int_equal(message.port, 2);
	/* the checker dies: connections wait in the broker's listener and the next checker takes them */
	kill(checker, SIGKILL);
	client = dial();
	say(client, "GET / HTTP/1.1\r\n" HOST "\r\n");
	up = take();
	hear(up, "GET / HTTP/1.1\r\n" HOST "\r\n");
	say(up, OK);
	hear(client, OK);
	close(client);
	hear_end(up);
	message = await_checker((uint32_t)checker);
	assert_int_equal(message.restarts, 1);
}

/* What it is told must not pile up in the broker: each message holds a descriptor. */
static void test_checker_that_does_not_listen(void **state)
{
	const struct rf_sockd_message before = await_checker(0);
	struct rf_sockd_message message;
	int client, up, ns = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);

	(void)state;
	assert_int_equal(kill((pid_t)before.pid, SIGSTOP), 0);
	for (int i = 0; i < 1500; i++) {
		message = (struct rf_sockd_message){
			.op = RF_SOCKD_POD_ADD, .pod = POD + 2, .addr4 = addr_of(AF_INET, 99), .port = CHECKER_PORT};
		assert_int_equal(ask(&message, ns, NULL), 0);
		assert_int_equal(message.error, 0);
		message = (struct rf_sockd_message){.op = RF_SOCKD_POD_DEL, .pod = POD + 2};
		assert_int_equal(ask(&message, -1, NULL), 0);
	}
	close(ns);
	assert_int_equal(await_checker(before.pid).restarts, before.restarts + 1);
	client = dial();
	say(client, "GET / HTTP/1.1\r\n" HOST "\r\n");
	up = take();
	hear(up, "GET / HTTP/1.1\r\n" HOST "\r\n");
	say(up, OK);
	hear(client, OK);
	close(client);
	hear_end(up);
}

/* Nothing is asked of the broker meanwhile but who the checker is: it finds out by itself. */
static void test_checker_that_hangs(void **state)
{
	const struct rf_sockd_message before = await_checker(0);
	struct rf_sockd_message now;
	int64_t until;
	int client, up;

	(void)state;
	publish(EVERY);
	assert_int_equal(kill((pid_t)before.pid, SIGSTOP), 0);
	client = dial();
	say(client, "GET / HTTP/1.1\r\n" HOST "\r\n");
	until = now_ms() + 15000 + PATIENCE_MS;
	do {
		assert_true(now_ms() < until);
		poll(NULL, 0, 50);
		now = status();
	} while (!now.pid || now.pid == before.pid);
	assert_int_equal(now.restarts, before.restarts + 1);
	up = take(); /* who waited is served */
	hear(up, "GET / HTTP/1.1\r\n" HOST "\r\n");
	say(up, OK);
	hear(client, OK);
	close(client);
	hear_end(up);
}

/* A broker that could not run has heard no answers, too: that is not the checker's fault. */
static void test_broker_that_paused(void **state)
{
	const struct rf_sockd_message before = await_checker(0);

	(void)state;
	assert_int_equal(kill(broker, SIGSTOP), 0);
	poll(NULL, 0, 12000);
	assert_int_equal(kill(broker, SIGCONT), 0);
	poll(NULL, 0, 1500); /* more than a turn */
	assert_int_equal(status().pid, before.pid);
}

static void read_proc(pid_t pid, const char *name, char *ret, size_t size)
{
	char path[64];
	int fd;
	ssize_t n;

	snprintf(path, sizeof(path), "/proc/%d/%s", pid, name);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	assert_true(fd >= 0);
	n = read(fd, ret, size - 1);
	assert_true(n >= 0);
	ret[n] = '\0';
	close(fd);
}

static void test_checker_is_powerless(void **state)
{
	struct rf_sockd_message message = {.op = RF_SOCKD_STATUS};
	char text[8192], ours[64], theirs[64], path[64];
	ssize_t n;

	(void)state;
	assert_int_equal(ask(&message, -1, NULL), 0);
	read_proc((pid_t)message.pid, "status", text, sizeof(text));
	assert_non_null(strstr(text, "Uid:\t65534\t65534\t65534\t65534\n"));
	assert_non_null(strstr(text, "Gid:\t65534\t65534\t65534\t65534\n"));
	assert_non_null(strstr(text, "Groups:\t \n"));
	assert_non_null(strstr(text, "CapPrm:\t0000000000000000\n"));
	assert_non_null(strstr(text, "CapEff:\t0000000000000000\n"));
	assert_non_null(strstr(text, "CapBnd:\t0000000000000000\n"));
	assert_non_null(strstr(text, "CapAmb:\t0000000000000000\n"));
	assert_non_null(strstr(text, "NoNewPrivs:\t1\n"));
#if !RF_SANITIZED
	assert_non_null(strstr(text, "Seccomp:\t2\nSeccomp_filters:\t2\n")); /* the broker's and its own */
#endif
	read_proc((pid_t)message.pid, "environ", text, sizeof(text));
	assert_string_equal(text, "");
	read_proc((pid_t)message.pid, "cgroup", text, sizeof(text));
	assert_non_null(strstr(text, instance.sockd_cgroup + strlen(instance.cgroup_mount)));
	snprintf(path, sizeof(path), "/proc/%u/ns/net", message.pid);
	n = readlink(path, theirs, sizeof(theirs) - 1);
	assert_true(n > 0);
	theirs[n] = '\0';
	snprintf(path, sizeof(path), "/proc/%d/ns/net", broker);
	n = readlink(path, ours, sizeof(ours) - 1);
	assert_true(n > 0);
	ours[n] = '\0';
	assert_string_not_equal(ours, theirs);
}

/* A pod at its limit waits for itself; the pod beside it does not notice, and the first connection that ends lets the next one in. */
static void test_one_pod_at_its_limit(void **state)
{
	static int held[RF_CONNS_PER_POD];
	struct rlimit files = {4 * RF_CONNS_PER_POD, 4 * RF_CONNS_PER_POD};
	int waiting[8], ups[8], other, up;
	struct pollfd p;

	(void)state;
	publish(EVERY);
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &files), 0);
	for (size_t i = 0; i < RF_ARRAY_SIZE(held); i++)
		held[i] = dial();
	/* the last of them is being served */
	say(held[RF_CONNS_PER_POD - 1], "GET / HTTP/1.1\r\n" HOST "\r\n");
	up = take();
	hear(up, "GET / HTTP/1.1\r\n" HOST "\r\n");
	say(up, OK);
	hear(held[RF_CONNS_PER_POD - 1], OK);
	close(up);
	hear_end(held[RF_CONNS_PER_POD - 1]);
	held[RF_CONNS_PER_POD - 1] = dial();
	for (size_t i = 0; i < RF_ARRAY_SIZE(waiting); i++) {
		waiting[i] = dial();
		say(waiting[i], "GET / HTTP/1.1\r\n" HOST "\r\n");
	}
	pod = POD + 1;
	pod_last = CHECKER_LAST + 1;
	assert_int_equal(add_pod(), 0);
	other = dial();
	say(other, "GET /other HTTP/1.1\r\n" HOST "\r\n");
	up = take();
	hear(up, "GET /other HTTP/1.1\r\n" HOST "\r\n"); /* and none of those that wait */
	say(up, OK);
	hear(other, OK);
	close(up);
	hear_end(other);
	pod = POD;
	pod_last = CHECKER_LAST;
	p = (struct pollfd){.fd = server, .events = POLLIN};
	assert_int_equal(poll(&p, 1, 0), 0);
	for (size_t i = 0; i < RF_ARRAY_SIZE(waiting); i++) {
		close(held[i]);
		up = take();
		hear(up, "GET / HTTP/1.1\r\n" HOST "\r\n");
		say(up, OK);
		hear(waiting[i], OK);
		assert_nobody_came(); /* one for one: the others still wait */
		held[i] = waiting[i];
		ups[i] = up;
	}
	for (size_t i = 0; i < RF_ARRAY_SIZE(ups); i++)
		close(ups[i]);
	for (size_t i = 0; i < RF_ARRAY_SIZE(held); i++)
		close(held[i]);
}

static void test_replay_drops_what_is_not_named(void **state)
{
	struct rf_sockd_message message = {.op = RF_SOCKD_SYNCED};
	const struct rf_addr at = checker_addr(AF_INET);
	union address to = address(&at, CHECKER_PORT);
	int fd;

	(void)state;
	close(agent);
	agent = connect_agent();
	assert_true(agent >= 0);
	assert_int_equal(add_pod(), 0);
	assert_int_equal(rf_fdpass_send(agent, &message, sizeof(message), -1), 0);
	message = (struct rf_sockd_message){.op = RF_SOCKD_STATUS};
	assert_int_equal(ask(&message, -1, NULL), 0);
	assert_int_equal(message.port, 2);
	close(agent);
	agent = connect_agent();
	message = (struct rf_sockd_message){.op = RF_SOCKD_SYNCED};
	assert_int_equal(rf_fdpass_send(agent, &message, sizeof(message), -1), 0);
	message = (struct rf_sockd_message){.op = RF_SOCKD_STATUS};
	assert_int_equal(ask(&message, -1, NULL), 0);
	assert_int_equal(message.port, 0);
	/* and the checker has let go of it, too */
	for (int64_t until = now_ms() + PATIENCE_MS;;) {
		int r;

		fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
		r = connect(fd, &to.any, sizeof(to));
		close(fd);
		if (r < 0)
			break;
		assert_true(now_ms() < until);
		poll(NULL, 0, 10);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_broker_answers),
		cmocka_unit_test(test_checker_that_does_not_listen),
		cmocka_unit_test(test_checker_that_hangs),
		cmocka_unit_test(test_broker_that_paused),
		cmocka_unit_test(test_checker_is_powerless),
		cmocka_unit_test(test_one_pod_at_its_limit),
		cmocka_unit_test(test_replay_drops_what_is_not_named),
	};

	return cmocka_run_group_tests_name("broker", tests, open_world, close_world);
}
