/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>

#include <ringfence/tables.h>

#include "core/cleanup.h"
#include "core/fdpass.h"
#include "core/log.h"
#include "datapath/datapath.h"
#include "sockd/sockd.h"

/* The first death costs nothing: connections wait in the listeners' queues meanwhile. */
#define BACKOFF_MIN_MS 50 /* after the second, doubled with each */
#define BACKOFF_MAX_MS 1000
#define STEADY_MS      10000 /* a checker that lived this long starts the backoff anew */
#define PINS_MS        200   /* how often to look for the datapath */
#define QUEUE_MAX      1024  /* messages that may wait for the checker, beside one for each listener: every one holds a descriptor */
#define RECORDS_BUFFER (4 * 1024 * 1024)

static uint64_t now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000u + (uint64_t)ts.tv_nsec / 1000000u;
}

static void queue_pop(struct rf_sockd_checker *c)
{
	struct rf_queued *q = TAILQ_FIRST(&c->queue);

	TAILQ_REMOVE(&c->queue, q, link);
	c->queued--;
	rf_closep(&q->fd);
	free(q);
}

static void disconnect(struct rf_sockd_checker *c)
{
	rf_source_remove(c->source);
	c->source = NULL;
	rf_closep(&c->sock);
	c->sock = -1;
	while (!TAILQ_EMPTY(&c->queue))
		queue_pop(c);
}

/* While answers wait for room no more questions are read: the queue stays as short as what the broker itself has to say. */
static void flush(struct rf_sockd_checker *c)
{
	struct rf_queued *q;

	while ((q = TAILQ_FIRST(&c->queue))) {
		int r = rf_fdpass_send(c->sock, &q->message, sizeof(q->message), q->fd);

		if (r == -EAGAIN)
			break;
		if (r < 0) {
			rf_log_warning(-r, "cannot talk to the checker");
			kill(c->pid, SIGKILL);
			break;
		}
		queue_pop(c);
	}
	(void)rf_source_modify(c->source, TAILQ_EMPTY(&c->queue) ? EPOLLIN : EPOLLOUT); /* a registered fd: cannot fail */
}

void rf_sockd_checker_tell(struct rf_sockd *sockd, const struct rf_sockd_message *message, int fd)
{
	struct rf_sockd_checker *c = &sockd->checker;
	_cleanup_close_ int copy = -1;
	struct rf_queued *q;

	if (c->sock < 0)
		return; /* the next checker is told everything */
	copy = fd < 0 ? -1 : fcntl(fd, F_DUPFD_CLOEXEC, 3);
	q = calloc(1, sizeof(*q));
	if (!q || (fd >= 0 && copy < 0)) {
		free(q);
		kill(c->pid, SIGKILL); /* rather a fresh start than a checker that knows half */
		return;
	}
	*q = (struct rf_queued){.message = *message, .fd = TAKE_FD(copy)};
	TAILQ_INSERT_TAIL(&c->queue, q, link);
	c->queued++;
	flush(c);
	if (c->queued > QUEUE_MAX + rf_sockd_listeners_count(sockd)) {
		rf_log_warning(0, "the checker does not read what it is told: another takes its place");
		kill(c->pid, SIGKILL);
		disconnect(c); /* nothing is kept for it any more */
	}
}

/* Once a checker: one that has lost its mind must not fill the log. */
static void complain(struct rf_sockd_checker *c, int error, const char *what)
{
	if (!c->scolded)
		rf_log_warning(error, "%s (told once of each checker)", what);
	c->scolded = true;
}

static void answer_upstream(struct rf_sockd *sockd, const struct rf_sockd_message *question)
{
	struct rf_sockd_message answer = {.op = RF_SOCKD_UPSTREAM, .id = question->id, .pod = question->pod};
	_cleanup_close_ int fd = -1;
	int r = rf_sockd_upstream(sockd, question, &fd);

	if (r < 0 && r != -ESRCH) /* a pod that has just ended */
		complain(&sockd->checker, -r, "cannot connect for the checker");
	answer.error = -r;
	rf_sockd_checker_tell(sockd, &answer, fd);
}

static void answer_tables(struct rf_sockd *sockd, const struct rf_sockd_message *question)
{
	struct rf_sockd_message answer = {.op = RF_SOCKD_TABLES, .epoch = question->epoch};
	_cleanup_close_ int fd = -1;
	int r = rf_sockd_pins_open(&sockd->pins, &sockd->instance);

	if (r == 0)
		r = rf_datapath_routes_fd(sockd->pins.routes, question->epoch, &fd);
	answer.error = -r;
	rf_sockd_checker_tell(sockd, &answer, fd);
}

static void on_checker(void *arg, int sock, uint32_t events)
{
	struct rf_sockd *sockd = arg;
	struct rf_sockd_message message;
	int r;

	if (events & EPOLLOUT)
		flush(&sockd->checker);
	if (!(events & (EPOLLIN | EPOLLERR | EPOLLHUP)))
		return;
	r = rf_fdpass_recv(sock, &message, sizeof(message), NULL);
	if (r == -EAGAIN)
		return;
	if (r < 0) {
		if (r != -ENOTCONN)
			rf_log_warning(-r, "the checker sent nonsense");
		kill(sockd->checker.pid, SIGKILL); /* SIGCHLD does the rest */
		disconnect(&sockd->checker);
	} else if (message.op == RF_SOCKD_UPSTREAM) {
		answer_upstream(sockd, &message);
	} else if (message.op == RF_SOCKD_TABLES) {
		answer_tables(sockd, &message);
	} else if (message.op == RF_SOCKD_ALIVE) {
		rf_sockd_watchdog_answer(sockd, &message);
	} else {
		rf_log_warning(0, "the checker sent an unknown message");
		kill(sockd->checker.pid, SIGKILL);
	}
}

static void tell_everything(struct rf_sockd *sockd)
{
	struct rf_sockd_pod *pod;

	TAILQ_FOREACH(pod, &sockd->pods, link)
	rf_sockd_pod_tell(sockd, pod);
}

static int start(struct rf_sockd *sockd)
{
	struct rf_sockd_checker *c = &sockd->checker;
	_cleanup_close_ int ours = -1, theirs = -1;
	int pair[2], r;

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, pair) < 0)
		return -errno;
	ours = pair[0];
	theirs = pair[1];
	r = rf_loop_add(sockd->loop, ours, EPOLLIN, on_checker, sockd, &c->source);
	if (r < 0)
		return r;
	r = rf_sockd_spawn(c->exe, theirs, sockd->pins.control, c->records_write, c->haste, &c->pid);
	if (r < 0) {
		rf_source_remove(c->source);
		c->source = NULL;
		return r;
	}
	c->sock = TAKE_FD(ours);
	c->started_ms = now_ms();
	c->scolded = false;
	rf_log_info("checker started, pid %d", c->pid);
	rf_sockd_watchdog_begin(sockd);
	tell_everything(sockd);
	return 0;
}

static void schedule(struct rf_sockd_checker *c, uint32_t ms)
{
	if (rf_timer_arm(c->restart, ms) < 0)
		abort(); /* timerfd_settime on our own timer: without it nobody would ever start a checker again */
}

static void on_restart(void *arg)
{
	struct rf_sockd *sockd = arg;
	struct rf_sockd_checker *c = &sockd->checker;
	int r = rf_sockd_pins_open(&sockd->pins, &sockd->instance);

	if (r < 0) {
		if (!c->complained)
			rf_log_info("waiting for the agent: %s has no maps yet", sockd->instance.bpffs_dir);
		c->complained = true;
		schedule(c, PINS_MS);
		return;
	}
	c->complained = false;
	r = start(sockd);
	if (r < 0) {
		rf_log_error(-r, "cannot start the checker");
		schedule(c, BACKOFF_MAX_MS);
	}
}

static uint32_t next_backoff(uint32_t ms)
{
	if (!ms)
		return BACKOFF_MIN_MS;
	return ms * 2 < BACKOFF_MAX_MS ? ms * 2 : BACKOFF_MAX_MS;
}

void rf_sockd_checker_reaped(struct rf_sockd *sockd)
{
	struct rf_sockd_checker *c = &sockd->checker;
	int status;

	if (!c->pid || waitpid(c->pid, &status, WNOHANG) != c->pid)
		return;
	if (WIFSIGNALED(status))
		rf_log_warning(0, "the checker was ended by signal %d", WTERMSIG(status));
	else
		rf_log_warning(0, "the checker exited with status %d", WEXITSTATUS(status));
	c->pid = 0;
	c->restarts++;
	disconnect(c);
	if (now_ms() - c->started_ms > STEADY_MS)
		c->backoff_ms = 0;
	schedule(c, c->backoff_ms);
	c->backoff_ms = next_backoff(c->backoff_ms);
}

void rf_sockd_checker_restart(struct rf_sockd *sockd)
{
	if (sockd->checker.pid)
		kill(sockd->checker.pid, SIGKILL);
}

void rf_sockd_checker_stop(struct rf_sockd *sockd)
{
	struct rf_sockd_checker *c = &sockd->checker;

	if (!c->pid)
		return;
	kill(c->pid, SIGKILL); /* it has no state to save, and it may not delay us */
	while (waitpid(c->pid, NULL, 0) < 0 && errno == EINTR)
		;
	c->pid = 0;
	disconnect(c);
}

/* Beside our own executable. */
static int default_path(char ret[PATH_MAX])
{
	char self[PATH_MAX];
	ssize_t n = readlink("/proc/self/exe", self, sizeof(self) - 1);
	char *slash;

	if (n < 0)
		return -errno;
	self[n] = '\0';
	slash = strrchr(self, '/');
	if (!slash || snprintf(ret, PATH_MAX, "%.*s/ringfence-checker", (int)(slash - self), self) >= PATH_MAX)
		return -ENAMETOOLONG;
	return 0;
}

/* One pair for all checkers: what one wrote before it died is still read. */
static int make_records(struct rf_sockd_checker *c)
{
	static const int size = RECORDS_BUFFER;
	int pair[2];

	if (socketpair(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, pair) < 0)
		return -errno;
	c->records = pair[0];
	c->records_write = pair[1];
	if (setsockopt(c->records_write, SOL_SOCKET, SO_SNDBUFFORCE, &size, sizeof(size)) < 0)
		return -errno;
	return shutdown(c->records, SHUT_WR) < 0 ? -errno : 0;
}

int rf_sockd_checker_init(struct rf_sockd *sockd, const char *path, unsigned int haste)
{
	struct rf_sockd_checker *c = &sockd->checker;
	char beside[PATH_MAX];
	int r;

	*c = (struct rf_sockd_checker){.exe = -1, .records = -1, .records_write = -1, .sock = -1, .haste = haste};
	TAILQ_INIT(&c->queue);
	if (!path) {
		r = default_path(beside);
		if (r < 0)
			return r;
		path = beside;
	}
	c->exe = open(path, O_PATH | O_CLOEXEC);
	if (c->exe < 0)
		return rf_log_error(errno, "cannot open the checker '%s'", path);
	r = make_records(c);
	if (r < 0)
		return r;
	r = rf_sockd_watchdog_init(sockd);
	return r < 0 ? r : rf_loop_timer(sockd->loop, 0, on_restart, sockd, &c->restart);
}
