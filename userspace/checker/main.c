/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ringfence-checker: decides HTTP/1 requests. Not started by hand: the broker gives it its sockets (sockd/protocol.h).
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include "checker/confine.h"
#include "checker/conn.h"
#include "checker/sni.h"
#include "checker/turns.h"
#include "core/log.h"

#define TICK_MS   1000 /* divided by haste, too: resolution of the limits in conn.h */
#define FDS_SPARE 64   /* descriptors that are no connection's: broker, epoll, maps */
#define CONNS_MAX 65536

static void on_tick(void *arg)
{
	struct rf_checker *checker = arg;
	uint64_t now = rf_now_ns();
	struct rf_conn *conn, *next;

	for (conn = TAILQ_FIRST(&checker->conns); conn; conn = next) {
		next = TAILQ_NEXT(conn, link); /* expiring one connection ends no other */
		rf_conn_expire(conn, now);
	}
	rf_listeners_resume(checker);
	if (rf_timer_arm(checker->tick, TICK_MS / checker->haste) < 0)
		rf_loop_stop(checker->loop, 1);
}

/* Every connection takes two descriptors; listeners get a quarter. */
static size_t connection_limit(void)
{
	struct rlimit limit;
	size_t n;

	if (getrlimit(RLIMIT_NOFILE, &limit) < 0 || limit.rlim_cur <= 2 * FDS_SPARE)
		return FDS_SPARE;
	n = (size_t)(limit.rlim_cur - FDS_SPARE) / 8 * 3;
	return n < CONNS_MAX ? n : CONNS_MAX;
}

static bool is_socket(int fd)
{
	struct stat st;

	return fstat(fd, &st) == 0 && S_ISSOCK(st.st_mode);
}

/* The descriptors that the broker passes. */
static int check_inheritance(void)
{
	if (!is_socket(RF_CHECKER_BROKER_FD) || !is_socket(RF_CHECKER_RECORDS_FD) || fcntl(RF_CHECKER_CONTROL_FD, F_GETFD) < 0)
		return rf_log_error(EBADF, "this program is started by ringfence-sockd, not by hand");
	for (int fd = RF_CHECKER_BROKER_FD; fd <= RF_CHECKER_RECORDS_FD; fd++)
		if (fcntl(fd, F_SETFD, FD_CLOEXEC) < 0)
			return rf_log_error(errno, "descriptor %d", fd);
	if (fcntl(RF_CHECKER_BROKER_FD, F_SETFL, O_RDWR | O_NONBLOCK) < 0)
		return rf_log_error(errno, "broker socket");
	return 0;
}

static void on_signal(void *arg, int signo)
{
	(void)signo;
	rf_loop_stop(arg, 0);
}

static int run(struct rf_checker *checker)
{
	sigset_t set;
	int r;

	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	TAILQ_INIT(&checker->conns);
	TAILQ_INIT(&checker->listeners);
	checker->tables.control_fd = RF_CHECKER_CONTROL_FD;
	checker->records.fd = RF_CHECKER_RECORDS_FD;
	checker->conn_max = connection_limit();
	r = rf_loop_new(&checker->loop);
	if (r < 0)
		return r;
	r = rf_loop_signals(checker->loop, &set, on_signal, checker->loop, NULL);
	if (r == 0)
		r = rf_loop_timer(checker->loop, TICK_MS / checker->haste, on_tick, checker, &checker->tick);
	if (r == 0)
		r = rf_tunnel_init(checker);
	if (r == 0)
		r = rf_turns_init(checker);
	if (r == 0)
		r = rf_broker_init(&checker->broker, checker, RF_CHECKER_BROKER_FD);
	if (r == 0)
		r = rf_sni_init();
	if (r == 0)
		r = rf_checker_confine();
	if (r == 0)
		r = rf_loop_run(checker->loop);
	return r;
}

int main(int argc, char **argv)
{
	static struct rf_checker checker;
	int r;

	rf_log_setup("ringfence-checker", RF_LOG_INFO);
	checker.haste = argc == 3 && strcmp(argv[1], "--haste") == 0 ? (unsigned int)strtoul(argv[2], NULL, 10) : argc == 1;
	if (!checker.haste) {
		bool help = argc == 2 && strcmp(argv[1], "--help") == 0;

		fprintf(help ? stdout : stderr,
			"usage: ringfence-checker [--haste N]\nStarted by ringfence-sockd, which hands it its sockets.\n"
			"  --haste N   for tests: time limits are divided by N\n");
		return help ? 0 : 2;
	}
	/* Other processes of the same unprivileged uid must not look into this one. */
	(void)prctl(PR_SET_NAME, "rf-checker");
	if (prctl(PR_SET_DUMPABLE, 0) < 0)
		return -rf_log_error(errno, "cannot protect the process from others of its uid");
	signal(SIGPIPE, SIG_IGN);
	if (check_inheritance() < 0)
		return 1;
	r = run(&checker);
	if (r < 0)
		rf_log_error(-r, "cannot set up or run");
	return r ? 1 : 0; /* connections end with the process: the kernel closes their sockets */
}
