/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A checker in the hands of an enemy. `ringfence-sockd --checker` starts it with exactly what the real one gets; it confines itself as the
 * real one does (unless its file's name ends in "-bare"), and then, instead of judging a request, takes it for an order: one line, words
 * separated by spaces, the name of an attempt first. The answer is one line: the error's name or "done" and what came of it.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/bpf.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sched.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <unistd.h>

#include <ringfence/tables.h>

#include "checker/confine.c"
#include "core/fdpass.h"
#include "sockd/protocol.h"

#define PATIENCE_MS 5000
#define WORDS_MAX   8
#define PODS_MAX    16

static int loop, pending, listener = -1, client = -1, upstream = -1, routes = -1;
static struct rf_origdst now; /* of the connection that gives the order */
static struct {
	uint64_t id;
	struct rf_addr addr;
} pods[PODS_MAX];
static size_t pod_count;
static char answer[512];
static uint64_t last_id;

static void say(const char *format, ...)
{
	va_list ap;

	va_start(ap, format);
	vsnprintf(answer, sizeof(answer), format, ap);
	va_end(ap);
}

static void result(long r)
{
	if (r < 0)
		say("%s", strerrorname_np(errno));
	else
		say("done: %ld", r);
}

static long number(const char *word)
{
	return word ? strtol(word, NULL, 0) : 0;
}

/* ---- the broker ---- */

static void watch(int fd)
{
	struct epoll_event event = {.events = EPOLLIN, .data.fd = fd};

	epoll_ctl(loop, EPOLL_CTL_ADD, fd, &event);
}

static void on_listener(const struct rf_sockd_message *m, int fd)
{
	if (pod_count < PODS_MAX && !rf_addr_is_none(&m->addr4)) {
		pods[pod_count].id = m->pod;
		pods[pod_count++].addr = m->addr4;
	}
	listener = fd;
	watch(fd);
}

/* Or the broker puts another one in its place. */
static void give_sign(const struct rf_sockd_message *m)
{
	(void)rf_fdpass_send(RF_CHECKER_BROKER_FD, m, sizeof(*m), -1);
}

/* The next message that is no listener's. false: none came. */
static bool hear(struct rf_sockd_message *m, int *fd)
{
	struct epoll_event event;

	for (;;) {
		int r = rf_fdpass_recv(RF_CHECKER_BROKER_FD, m, sizeof(*m), fd);

		if (r == 0 && m->op == RF_SOCKD_LISTENER)
			on_listener(m, *fd);
		else if (r == 0 && m->op == RF_SOCKD_ALIVE)
			give_sign(m);
		else if (r == 0)
			return true;
		else if (r != -EAGAIN)
			exit(0);
		else if (epoll_wait(loop, &event, 1, PATIENCE_MS) == 0)
			return false;
	}
}

static struct rf_sockd_message question(uint64_t pod, const char *to, const char *port)
{
	struct rf_sockd_message m = {.op = RF_SOCKD_UPSTREAM, .id = ++last_id, .pod = pod, .port = (uint16_t)number(port)};
	struct in_addr four;

	if (to && inet_pton(AF_INET, to, &four) == 1)
		m.addr4 = rf_addr4(four.s_addr);
	else if (to)
		inet_pton(AF_INET6, to, &m.addr6);
	return m;
}

/* A connection made by the broker; upstream gets it. */
static bool ask(struct rf_sockd_message m)
{
	int fd = -1;

	if (rf_fdpass_send(RF_CHECKER_BROKER_FD, &m, sizeof(m), -1) < 0 || !hear(&m, &fd)) {
		say("no answer");
		return false;
	}
	if (m.error || fd < 0) {
		say("%s", strerrorname_np(m.error));
		return false;
	}
	if (upstream >= 0)
		close(upstream);
	upstream = fd;
	return true;
}

/* Waits until it is connected, sends the mark. */
static void use_upstream(const char *mark)
{
	struct epoll_event event = {.events = EPOLLOUT, .data.fd = upstream}, ready;
	socklen_t size = sizeof(int);
	int error = 0, n;

	epoll_ctl(pending, EPOLL_CTL_ADD, upstream, &event);
	n = epoll_wait(pending, &ready, 1, 1000);
	epoll_ctl(pending, EPOLL_CTL_DEL, upstream, NULL);
	if (n < 1)
		say("ETIMEDOUT");
	else if (getsockopt(upstream, SOL_SOCKET, SO_ERROR, &error, &size) < 0 || error)
		say("%s", strerrorname_np(error));
	else
		result(send(upstream, mark, strlen(mark), MSG_NOSIGNAL));
}

static uint64_t pod_of(const char *addr)
{
	struct rf_addr wanted = rf_addr4(inet_addr(addr));

	for (size_t i = pod_count; i > 0; i--)
		if (rf_addr_equal(&pods[i - 1].addr, &wanted))
			return pods[i - 1].id;
	return 0;
}

/* reach FROM TO PORT MARK: as the pod that has the address FROM ("-": the one that gives the order) */
static void try_reach(char **w)
{
	if (ask(question(w[1][0] == '-' ? now.pod : pod_of(w[1]), w[2], w[3])))
		use_upstream(w[4]);
}

/* pod ID TO PORT */
static void try_pod(char **w)
{
	if (ask(question(strtoull(w[1], NULL, 0), w[2], w[3])))
		say("done: a socket");
}

/* flood HOW-MANY: without reading an answer in between; then all that come */
static void try_flood(char **w)
{
	struct rf_sockd_message m = question(now.pod, "203.0.113.1", "9");
	long asked = 0, got = 0;
	int fd;

	for (long i = 0; i < number(w[1]); i++)
		asked += rf_fdpass_send(RF_CHECKER_BROKER_FD, &m, sizeof(m), -1) == 0;
	while (got < asked) {
		fd = -1;
		if (!hear(&m, &fd))
			break;
		got++;
		if (fd >= 0)
			close(fd);
	}
	say(asked && got == asked && asked < number(w[1]) ? "done: bounded, each answered" : "done: asked %ld, got %ld", asked, got);
}

static void try_nonsense(char **w)
{
	struct rf_sockd_message m = {.op = (uint32_t)number(w[1])};

	result(rf_fdpass_send(RF_CHECKER_BROKER_FD, &m, sizeof(m), number(w[2]) ? STDERR_FILENO : -1));
}

static void try_short(char **w)
{
	(void)w;
	result(send(RF_CHECKER_BROKER_FD, "?", 1, MSG_NOSIGNAL));
}

/* ---- files, maps, processes ---- */

static void try_open(char **w)
{
	result(openat(AT_FDCWD, w[1], w[2] ? O_WRONLY | O_CREAT : O_RDONLY, 0600));
}

static void try_family(char **w)
{
	result(socket((int)number(w[1]), (int)number(w[2]), 0));
}

static void try_pair(char **w)
{
	int pair[2];

	(void)w;
	result(socketpair(AF_UNIX, SOCK_STREAM, 0, pair));
}

static int routes_fd(void)
{
	struct rf_sockd_message m = {.op = RF_SOCKD_TABLES};
	struct rf_control control = {0};
	uint32_t zero = 0;
	union bpf_attr attr = {.map_fd = RF_CHECKER_CONTROL_FD, .key = (uintptr_t)&zero, .value = (uintptr_t)&control};
	int fd = -1;

	if (routes >= 0 || syscall(SYS_bpf, BPF_MAP_LOOKUP_ELEM, &attr, sizeof(attr)) < 0)
		return routes;
	m.epoch = control.epoch;
	if (rf_fdpass_send(RF_CHECKER_BROKER_FD, &m, sizeof(m), -1) == 0 && hear(&m, &fd))
		routes = fd;
	return routes;
}

static int map_named(const char *name)
{
	return name && strcmp(name, "routes") == 0 ? routes_fd() : RF_CHECKER_CONTROL_FD;
}

/* bpf COMMAND [control|routes [PIN]] */
static void try_bpf(char **w)
{
	static uint64_t value[64];
	uint32_t zero = 0;
	union bpf_attr attr = {.map_fd = (uint32_t)map_named(w[2]), .key = (uintptr_t)&zero, .value = (uintptr_t)value};
	int command = (int)number(w[1]);

	if (command == BPF_MAP_CREATE)
		attr = (union bpf_attr){.map_type = BPF_MAP_TYPE_ARRAY, .key_size = 4, .value_size = 4, .max_entries = 1};
	if (command == BPF_OBJ_GET)
		attr = (union bpf_attr){.pathname = (uintptr_t)w[3]};
	if (command == BPF_MAP_GET_FD_BY_ID || command == BPF_MAP_GET_NEXT_ID)
		attr = (union bpf_attr){.map_id = 1};
	result(syscall(SYS_bpf, command, &attr, sizeof(attr)));
}

/* map control|routes PROTECTION */
static void try_map(char **w)
{
	void *p = mmap(NULL, 4096, (int)number(w[2]), MAP_SHARED, map_named(w[1]), 0);

	result(p == MAP_FAILED ? -1 : 0);
}

static void try_code(char **w)
{
	void *p = mmap(NULL, 4096, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	(void)w;
	result(p == MAP_FAILED ? -1 : 0);
}

static void try_write(char **w)
{
	result(write((int)number(w[1]), "?", 1));
}

static void try_process(char **w)
{
	static char place[8];
	struct iovec here = {place, sizeof(place)}, there = {place, sizeof(place)};
	pid_t pid = (pid_t)number(w[2]);

	if (strcmp(w[1], "kill") == 0)
		result(kill(pid, SIGKILL));
	else if (strcmp(w[1], "tgkill") == 0)
		result(syscall(SYS_tgkill, pid, pid, SIGKILL));
	else if (strcmp(w[1], "trace") == 0)
		result(ptrace(PTRACE_SEIZE, pid, 0, 0));
	else if (strcmp(w[1], "read") == 0)
		result(process_vm_readv(pid, &here, 1, &there, 1, 0));
	else if (strcmp(w[1], "write") == 0)
		result(process_vm_writev(pid, &here, 1, &there, 1, 0));
	else
		result(syscall(SYS_pidfd_open, pid, 0));
}

static void try_start(char **w)
{
	char *const argv[] = {w[2], NULL};
	pid_t pid;

	if (strcmp(w[1], "exec") == 0) {
		result(execve(w[2], argv, NULL));
		return;
	}
	if (strcmp(w[1], "execveat") == 0) {
		result(syscall(SYS_execveat, AT_FDCWD, w[2], argv, NULL, 0));
		return;
	}
	pid = strcmp(w[1], "vfork") == 0 ? (pid_t)syscall(SYS_clone, CLONE_VM | CLONE_VFORK | SIGCHLD, 0, 0, 0, 0) : fork();
	if (pid == 0)
		_exit(0);
	result(pid);
}

static void try_namespace(char **w)
{
	if (strcmp(w[1], "mount") == 0)
		result(mount("none", "/tmp", "tmpfs", 0, NULL));
	else if (strcmp(w[1], "unshare") == 0)
		result(unshare((int)number(w[2])));
	else if (strcmp(w[1], "chroot") == 0)
		result(chroot("/tmp"));
	else if (strcmp(w[1], "memfd") == 0)
		result(memfd_create("x", 0));
	else if (strcmp(w[1], "ring") == 0)
		result(syscall(SYS_io_uring_setup, 1, answer));
	else
		result(setns(upstream, (int)number(w[2])));
}

/* ---- sockets that it holds ---- */

static int socket_named(const char *name)
{
	if (strcmp(name, "client") == 0)
		return client;
	if (strcmp(name, "listener") == 0)
		return listener;
	return strcmp(name, "records") == 0 ? RF_CHECKER_RECORDS_FD : upstream;
}

/* connect SOCKET ADDRESS PORT ("-": to nowhere; a path or @NAME: a UNIX address) */
static void try_connect(char **w)
{
	struct sockaddr_in in = {.sin_family = AF_INET, .sin_port = htons((uint16_t)number(w[3]))};
	struct sockaddr_un un = {.sun_family = AF_UNIX};
	struct sockaddr nowhere = {.sa_family = AF_UNSPEC};
	int fd = socket_named(w[1]);

	if (w[2][0] == '-') {
		result(connect(fd, &nowhere, sizeof(nowhere)));
	} else if (w[2][0] == '/' || w[2][0] == '@') {
		snprintf(un.sun_path, sizeof(un.sun_path), "%s", w[2]);
		if (w[2][0] == '@')
			un.sun_path[0] = '\0';
		result(connect(fd, (struct sockaddr *)&un, (socklen_t)(offsetof(struct sockaddr_un, sun_path) + strlen(w[2]))));
	} else {
		inet_pton(AF_INET, w[2], &in.sin_addr);
		result(connect(fd, (struct sockaddr *)&in, sizeof(in)));
	}
}

/* send HOW SOCKET ADDRESS PORT: with a destination */
static void try_send(char **w)
{
	struct sockaddr_in in = {.sin_family = AF_INET, .sin_port = htons((uint16_t)number(w[4]))};
	struct iovec iov = {"?", 1};
	struct mmsghdr m = {.msg_hdr = {.msg_name = &in, .msg_namelen = sizeof(in), .msg_iov = &iov, .msg_iovlen = 1}};
	int fd = socket_named(w[2]);

	inet_pton(AF_INET, w[3], &in.sin_addr);
	if (strcmp(w[1], "sendto") == 0)
		result(sendto(fd, "?", 1, MSG_NOSIGNAL | MSG_FASTOPEN, (struct sockaddr *)&in, sizeof(in)));
	else if (strcmp(w[1], "sendmsg") == 0)
		result(sendmsg(fd, &m.msg_hdr, MSG_NOSIGNAL | MSG_FASTOPEN));
	else
		result(sendmmsg(fd, &m, 1, MSG_NOSIGNAL | MSG_FASTOPEN));
}

static void try_bind(char **w)
{
	struct sockaddr_in in = {.sin_family = AF_INET, .sin_port = htons((uint16_t)number(w[3]))};

	inet_pton(AF_INET, w[2], &in.sin_addr);
	result(bind(socket_named(w[1]), (struct sockaddr *)&in, sizeof(in)));
}

static void try_listen(char **w)
{
	result(listen(socket_named(w[1]), 8));
}

/* option SOCKET LEVEL NAME */
static void try_option(char **w)
{
	static const char value[16] = {1};

	result(setsockopt(socket_named(w[1]), (int)number(w[2]), (int)number(w[3]), value, sizeof(value)));
}

static void try_ask_option(char **w)
{
	char value[256];
	socklen_t size = sizeof(value);

	result(getsockopt(socket_named(w[1]), (int)number(w[2]), (int)number(w[3]), value, &size));
}

static void try_shutdown(char **w)
{
	result(shutdown(socket_named(w[1]), (int)number(w[2])));
}

static void try_control(char **w)
{
	result(syscall(SYS_ioctl, socket_named(w[1]), number(w[2]), answer));
}

/* records HOW-MANY SIZE REASON: forged ones */
static void try_records(char **w)
{
	static char buffer[16384];
	struct rf_access_record record = {
		.reason = (uint16_t)number(w[3]), .src = now.src, .dst = now.dst, .status = 418, .path_len = 65535};
	long sent = 0, size = number(w[2]) ? number(w[2]) : (long)sizeof(record);

	memset(record.method, 'F', sizeof(record.method)); /* no NUL, either */
	memset(record.path, 'F', sizeof(record.path));
	memcpy(buffer, &record, sizeof(record));
	if (size == 1)
		size = 0;
	for (long i = 0; i < number(w[1]); i++)
		sent += send(RF_CHECKER_RECORDS_FD, buffer, (size_t)size, MSG_DONTWAIT | MSG_NOSIGNAL) >= 0;
	say(sent ? "done: sent" : "%s", strerrorname_np(errno));
}

/* log MIBIBYTES: into our log */
static void try_log(char **w)
{
	static char line[65536];
	long written = 0, wanted = number(w[1]) * 1048576;

	memset(line, '#', sizeof(line));
	line[sizeof(line) - 1] = '\n';
	while (written < wanted) {
		ssize_t n = write(STDERR_FILENO, line, sizeof(line));

		if (n <= 0) {
			result(n);
			return;
		}
		written += n;
	}
	result(written);
}

static const struct {
	const char *name;
	int words;
	void (*run)(char **w);
} attempts[] = {
	{"reach", 5, try_reach},       {"pod", 4, try_pod},         {"flood", 2, try_flood},
	{"nonsense", 3, try_nonsense}, {"short", 1, try_short},     {"open", 2, try_open},
	{"family", 3, try_family},     {"pair", 1, try_pair},       {"bpf", 2, try_bpf},
	{"map", 3, try_map},           {"code", 1, try_code},       {"write", 2, try_write},
	{"process", 3, try_process},   {"start", 3, try_start},     {"namespace", 2, try_namespace},
	{"connect", 3, try_connect},   {"send", 5, try_send},       {"bind", 4, try_bind},
	{"listen", 2, try_listen},     {"option", 4, try_option},   {"ask-option", 4, try_ask_option},
	{"shutdown", 3, try_shutdown}, {"control", 3, try_control}, {"log", 2, try_log},
	{"records", 4, try_records},
};

static void obey(char *line)
{
	char *w[WORDS_MAX + 1] = {NULL}, *rest = line;
	int count = 0;

	while (count < WORDS_MAX && (w[count] = strtok_r(rest, " \n", &rest)))
		count++;
	say("no such attempt");
	for (size_t i = 0; i < RF_ARRAY_SIZE(attempts); i++)
		if (count >= attempts[i].words && strcmp(w[0], attempts[i].name) == 0)
			attempts[i].run(w);
}

static void on_connection(int from)
{
	socklen_t size = sizeof(now);
	char line[512];
	ssize_t n;

	client = accept4(from, NULL, NULL, SOCK_CLOEXEC);
	if (client < 0)
		return;
	if (getsockopt(client, IPPROTO_IP, RF_SO_ORIGINAL_DST, &now, &size) < 0) {
		close(client);
		return;
	}
	n = recv(client, line, sizeof(line) - 1, 0);
	if (n > 0) {
		line[n] = '\0';
		obey(line);
		send(client, answer, strlen(answer), MSG_NOSIGNAL);
	}
	close(client);
}

static bool bare(void)
{
	char self[PATH_MAX];
	ssize_t n = readlink("/proc/self/exe", self, sizeof(self) - 1);

	return n > 5 && memcmp(self + n - 5, "-bare", 5) == 0;
}

int main(void)
{
	struct rf_sockd_message m;
	struct epoll_event event;
	int fd;

	loop = epoll_create1(EPOLL_CLOEXEC);
	pending = epoll_create1(EPOLL_CLOEXEC);
	if (loop < 0 || pending < 0 || prctl(PR_SET_DUMPABLE, 0) < 0 || (!bare() && rf_checker_confine() < 0))
		return 1;
	watch(RF_CHECKER_BROKER_FD);
	for (;;) {
		if (epoll_wait(loop, &event, 1, -1) < 1)
			return 1;
		if (event.data.fd != RF_CHECKER_BROKER_FD) {
			on_connection(event.data.fd);
			continue;
		}
		fd = -1;
		if (rf_fdpass_recv(RF_CHECKER_BROKER_FD, &m, sizeof(m), &fd) < 0)
			return 0;
		if (m.op == RF_SOCKD_LISTENER && fd >= 0)
			on_listener(&m, fd);
		if (m.op == RF_SOCKD_ALIVE)
			give_sign(&m);
	}
}
