/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/broker.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>

#include "agent/agent.h"
#include "agent/audit.h"
#include "agent/event_text.h"
#include "agent/flow_events.h"
#include "agent/pods.h"
#include "core/cleanup.h"
#include "core/fdpass.h"
#include "core/log.h"
#include "sockd/protocol.h"

#define RETRY_MIN_MS 50
#define RETRY_MAX_MS 500
#define MUTE_MAX     3 /* connections in a row that it ended without an answer: it does not understand us */
#define START_TRIES  4 /* connection attempts between two starts; one too many ends by itself at the broker's lock */

struct message { /* waiting for room in the socket */
	struct message *next;
	struct rf_sockd_message body;
	int fd;
};

struct rf_broker {
	struct rf_agent *agent;
	int fd, records_fd;
	struct rf_source *io, *records_io, *retry;
	int retry_ms;
	unsigned tries;
	bool answered; /* on this connection */
	unsigned mute; /* how many connections in a row ended without an answer */
	pid_t pid;     /* of the connected broker */
	bool scolded;  /* for access records that are none */
	struct message *first, **last;
	struct rf_broker_look look;
};

static void lose(struct rf_broker *b, const char *why);

static void forget_messages(struct rf_broker *b)
{
	while (b->first) {
		struct message *m = b->first;

		b->first = m->next;
		rf_closep(&m->fd);
		free(m);
	}
	b->last = &b->first;
}

static void flush(struct rf_broker *b)
{
	int r = 0;

	while (b->first && r == 0) {
		struct message *m = b->first;

		r = rf_fdpass_send(b->fd, &m->body, sizeof(m->body), m->fd);
		if (r < 0)
			break;
		b->first = m->next;
		rf_closep(&m->fd);
		free(m);
	}
	if (!b->first)
		b->last = &b->first;
	if (r < 0 && r != -EAGAIN) {
		lose(b, strerror(-r));
		return;
	}
	rf_source_modify(b->io, EPOLLIN | (b->first ? EPOLLOUT : 0u));
}

/* Takes fd. */
static int send_message(struct rf_broker *b, struct rf_sockd_message body, int fd)
{
	struct message *m;

	if (b->fd < 0) {
		rf_closep(&fd);
		return -ENOTCONN;
	}
	m = malloc(sizeof(*m));
	if (!m) {
		rf_closep(&fd);
		return -ENOMEM;
	}
	*m = (struct message){.body = body, .fd = fd};
	*b->last = m;
	b->last = &m->next;
	flush(b);
	return b->fd < 0 ? -ENOTCONN : 0;
}

int rf_broker_pod_add(struct rf_broker *b, const struct rf_local_pod *pod)
{
	struct rf_sockd_message body = {
		.op = RF_SOCKD_POD_ADD,
		.pod = pod->hook.cgroup_id,
		.addr4 = rf_addr4(pod->addr_be),
		.addr6 = pod->addr6,
		.port = b->agent->instance.checker_port,
	};
	int fd;

	if (b->fd < 0)
		return -ENOTCONN;
	fd = open(pod->room.netns, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return rf_log_error(errno, "cannot open the network namespace of pod %s/%s", pod->ns, pod->name);
	return send_message(b, body, fd);
}

void rf_broker_pod_del(struct rf_broker *b, uint64_t cgroup_id)
{
	(void)send_message(b, (struct rf_sockd_message){.op = RF_SOCKD_POD_DEL, .pod = cgroup_id}, -1); /* not connected: not replayed */
}

void rf_broker_ask_status(struct rf_broker *b)
{
	if (b->fd >= 0 && !b->first) /* to one that does not read, what waits is enough */
		(void)send_message(b, (struct rf_sockd_message){.op = RF_SOCKD_STATUS}, -1);
}

void rf_broker_look(const struct rf_broker *b, struct rf_broker_look *ret)
{
	*ret = b->look;
}

static void replay(struct rf_broker *b)
{
	const struct rf_registry *pods = &b->agent->pods;

	for (size_t i = 0; i < pods->count && b->fd >= 0; i++)
		if (pods->items[i]->state != RF_POD_EXITED)
			(void)rf_broker_pod_add(b, pods->items[i]); /* its log line is all there is to do: the pod stays not ready */
	(void)send_message(b, (struct rf_sockd_message){.op = RF_SOCKD_SYNCED}, -1);
	(void)send_message(b, (struct rf_sockd_message){.op = RF_SOCKD_RECORDS}, -1);
	rf_broker_ask_status(b);
	b->look.synced = b->fd >= 0;
}

static void drop_records(struct rf_broker *b)
{
	rf_source_remove(b->records_io);
	b->records_io = NULL;
	rf_closep(&b->records_fd);
	b->records_fd = -1;
}

/* Only a checker that is not ours any more sends what is no record; an empty one is no end of file here. Told once, or it fills our log. */
static void scold(struct rf_broker *b, ssize_t size)
{
	if (!b->scolded)
		rf_agent_note(b->agent, "broker", "the checker sent an access record of %zd bytes, which is none", size);
	b->scolded = true;
}

static void on_records(void *arg, int fd, uint32_t events)
{
	struct rf_broker *b = arg;
	struct rf_access_record record;
	ssize_t n;

	(void)events;
	for (int i = 0; i < 256; i++) { /* others want their turn, too */
		n = recv(fd, &record, sizeof(record), MSG_DONTWAIT | MSG_TRUNC);
		if (n == (ssize_t)sizeof(record)) {
			rf_flow_events_access(b->agent, &record);
			rf_audit_note(b->agent, &record);
		} else if (n >= 0)
			scold(b, n);
		else if (errno == EAGAIN || errno == EINTR)
			return;
		else {
			drop_records(b);
			return;
		}
	}
}

static void take_records(struct rf_broker *b, int fd)
{
	drop_records(b);
	b->scolded = false;
	if (fd < 0)
		return;
	b->records_fd = fd;
	if (rf_loop_add(b->agent->loop, fd, EPOLLIN, on_records, b, &b->records_io) < 0)
		drop_records(b);
}

static void on_pod_state(struct rf_broker *b, const struct rf_sockd_message *m)
{
	struct rf_local_pod *pod = rf_registry_by_cgroup(&b->agent->pods, m->pod);

	if (pod)
		rf_pods_checker_told(b->agent, pod, m->error);
	rf_broker_ask_status(b);
}

/* Takes fd. */
static void on_message(struct rf_broker *b, const struct rf_sockd_message *m, int fd)
{
	if (m->op == RF_SOCKD_RECORDS) {
		take_records(b, fd);
		return;
	}
	rf_closep(&fd);
	if (m->op == RF_SOCKD_POD_STATE)
		on_pod_state(b, m);
	if (m->op == RF_SOCKD_STATUS) {
		b->look.checker_pid = (pid_t)m->pid;
		b->look.restarts = m->restarts;
		b->look.listeners = m->port;
	}
}

static void on_io(void *arg, int fd, uint32_t events)
{
	struct rf_broker *b = arg;

	if (events & EPOLLOUT)
		flush(b);
	while (b->fd >= 0 && events & (EPOLLIN | EPOLLHUP | EPOLLERR)) {
		struct rf_sockd_message m;
		int passed = -1;
		int r = rf_fdpass_recv(fd, &m, sizeof(m), &passed);

		if (r == -EAGAIN)
			return;
		if (r < 0) {
			lose(b, r == -ENOTCONN ? "it closed the connection" : strerror(-r));
		} else {
			b->answered = true;
			b->mute = 0;
			on_message(b, &m, passed);
		}
	}
}

static bool is_broker(pid_t pid)
{
	_cleanup_fclose_ FILE *f = NULL;
	char path[64], name[32] = "";

	snprintf(path, sizeof(path), "/proc/%d/comm", pid);
	f = fopen(path, "re");
	return f && fgets(name, sizeof(name), f) && strcmp(name, "ringfence-sockd\n") == 0;
}

/* The broker outlives agents, also those of another version: its messages may have another form. It is asked to end, and the next attempt
 * starts one of our version, or systemd does. */
static void replace_mute(struct rf_broker *b)
{
	if (b->pid <= 0 || !is_broker(b->pid))
		return;
	if (b->mute == MUTE_MAX)
		rf_agent_note(
			b->agent, "broker",
			"the socket broker (process %d) does not understand this agent, as one of another version: another takes its place",
			b->pid);
	(void)kill(b->pid, SIGTERM); /* gone by itself: as good */
}

/* One that never answered is tried again more and more slowly, and said once. */
static void retry_later(struct rf_broker *b)
{
	if (b->mute % MUTE_MAX == 0)
		replace_mute(b);
	rf_timer_arm(b->retry, b->retry_ms);
	b->retry_ms = b->retry_ms * 2 < RETRY_MAX_MS ? b->retry_ms * 2 : RETRY_MAX_MS;
}

static void lose(struct rf_broker *b, const char *why)
{
	if (b->fd < 0)
		return;
	b->mute += !b->answered;
	if (b->mute <= 1)
		rf_agent_note(b->agent, "broker", "the socket broker is gone (%s): requests that need the checker fail until it is back",
			      why);
	rf_source_remove(b->io);
	b->io = NULL;
	rf_closep(&b->fd);
	b->fd = -1;
	drop_records(b);
	forget_messages(b);
	b->look = (struct rf_broker_look){.since_ns = rf_now_realtime_ns()};
	rf_pods_checker_lost(b->agent);
	b->tries = 0;
	if (b->mute) {
		retry_later(b);
		return;
	}
	b->retry_ms = RETRY_MIN_MS;
	rf_timer_arm(b->retry, 0);
}

static int connect_broker(const struct rf_instance *instance)
{
	struct sockaddr_un sun = {.sun_family = AF_UNIX};
	_cleanup_close_ int fd = -1;

	if (strlen(instance->sockd_path) >= sizeof(sun.sun_path))
		return -ENAMETOOLONG;
	memcpy(sun.sun_path, instance->sockd_path, strlen(instance->sockd_path));
	fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return -errno;
	if (connect(fd, (struct sockaddr *)&sun, sizeof(sun)) < 0)
		return -errno;
	return TAKE_FD(fd);
}

/* Who listens there; 0 if that cannot be found out. */
static pid_t peer_pid(int fd)
{
	struct ucred peer = {0};
	socklen_t len = sizeof(peer);

	return getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &len) < 0 ? 0 : peer.pid;
}

/* Next to our own executable, where both `make` and `make install` put it. */
static int broker_program(char ret[PATH_MAX])
{
	char self[PATH_MAX];
	ssize_t n = readlink("/proc/self/exe", self, sizeof(self) - 1);
	char *slash;

	if (n < 0)
		return -errno;
	self[n] = '\0';
	slash = strrchr(self, '/');
	if (!slash || snprintf(ret, PATH_MAX, "%.*s/ringfence-sockd", (int)(slash - self), self) >= PATH_MAX)
		return -ENAMETOOLONG;
	return access(ret, X_OK) < 0 ? -errno : 0;
}

/* In the grandchild: a session and streams of its own, so that what ends the agent (a terminal, its shell, a pipe) does not reach it. */
static void exec_broker(const char *program, const struct rf_instance *instance)
{
	char log[PATH_MAX];
	sigset_t none;
	int in, out;

	snprintf(log, sizeof(log), "%s/sockd.log", instance->run_dir);
	in = open("/dev/null", O_RDONLY | O_CLOEXEC);
	out = open(log, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
	if (in < 0 || out < 0 || dup2(in, STDIN_FILENO) < 0 || dup2(out, STDOUT_FILENO) < 0 || dup2(out, STDERR_FILENO) < 0)
		_exit(127);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	setenv("RINGFENCE_INSTANCE", instance->name, 1);
	execl(program, program, (char *)NULL);
	_exit(127);
}

/* Forks twice: the broker is nobody's child, so it never waits for us to reap it. */
static int start_broker(const struct rf_agent *agent)
{
	char program[PATH_MAX];
	pid_t child;
	int r = broker_program(program);

	if (r < 0)
		return rf_log_error(-r, "cannot start ringfence-sockd beside this program");
	child = fork();
	if (child < 0)
		return rf_log_error(errno, "cannot start %s", program);
	if (child == 0) {
		setsid();
		if (fork() == 0)
			exec_broker(program, &agent->instance);
		_exit(0);
	}
	while (waitpid(child, NULL, 0) < 0 && errno == EINTR)
		;
	rf_log_info("started %s, its log is %s/sockd.log", program, agent->instance.run_dir);
	return 0;
}

static void on_retry(void *arg)
{
	struct rf_broker *b = arg;
	int fd;

	if (b->fd >= 0)
		return;
	fd = connect_broker(&b->agent->instance);
	if (fd < 0) {
		if (!b->tries)
			rf_pods_checker_lost(b->agent); /* adopted pods may still count on the one before */
		if (b->tries++ % START_TRIES == 0 && b->agent->start_broker)
			(void)start_broker(b->agent); /* it has logged why not; the next round tries again */
		rf_timer_arm(b->retry, b->retry_ms);
		b->retry_ms = b->retry_ms * 2 < RETRY_MAX_MS ? b->retry_ms * 2 : RETRY_MAX_MS;
		return;
	}
	b->fd = fd;
	b->answered = false;
	b->pid = peer_pid(fd);
	if (rf_loop_add(b->agent->loop, fd, EPOLLIN, on_io, b, &b->io) < 0) {
		rf_closep(&b->fd);
		b->fd = -1;
		rf_timer_arm(b->retry, RETRY_MAX_MS);
		return;
	}
	b->look = (struct rf_broker_look){.connected = true, .since_ns = rf_now_realtime_ns()};
	replay(b);
}

int rf_broker_new(struct rf_agent *agent, struct rf_broker **ret)
{
	struct rf_broker *b = calloc(1, sizeof(*b));
	int r;

	if (!b)
		return -ENOMEM;
	*b = (struct rf_broker){.agent = agent, .fd = -1, .records_fd = -1, .retry_ms = RETRY_MIN_MS};
	b->last = &b->first;
	b->look.since_ns = rf_now_realtime_ns();
	r = rf_loop_timer(agent->loop, 0, on_retry, b, &b->retry);
	if (r < 0) {
		free(b);
		return r;
	}
	*ret = b;
	return 0;
}

void rf_broker_free(struct rf_broker *b)
{
	if (!b)
		return;
	drop_records(b);
	rf_source_remove(b->io);
	rf_source_remove(b->retry);
	rf_closep(&b->fd);
	forget_messages(b);
	free(b);
}
