/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The real broker and the real checker with real maps and the real getsockopt program, driven connection by connection: the including test
 * is agent, client and server. It plays the one part that needs a pod, sockops, by writing `origdst` itself. Everything lives in a network
 * namespace and an instance of its own. Needs root and the built programs beside the test's directory.
 */
#pragma once

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <bpf/bpf.h>

#include "core/arena.h"
#include "core/cleanup.h"
#include "core/fdpass.h"
#include "datapath/datapath.h"
#include "objects/objects.h"
#include "pods/cgroup.h"
#include "policy/policy.h"
#include "sockd/protocol.h"

#define POD          4711ull
#define CHECKER_LAST 77 /* last byte of the checker's addresses, which are the pod's */
#define SERVER_LAST  1
#define CHECKER_PORT 15001
#ifndef HASTE
#define HASTE "1" /* what the checker's time limits are divided by */
#endif
#define SERVER_PORT 8080
/* RINGFENCE_PATIENCE: how many times slower than a real one this machine is. */
static inline int patience_ms(void)
{
	const char *factor = getenv("RINGFENCE_PATIENCE");

	return 5000 * (factor && atoi(factor) > 0 ? atoi(factor) : 1);
}
#define PATIENCE_MS patience_ms()
#define EVERY       ".*"
#define HOST        "Host: s\r\n"

static struct rf_instance instance;
static struct rf_datapath *dp;
static pid_t broker;
static int agent = -1, records = -1, server = -1, server6 = -1, origdst = -1;
static rf_identity_t buyer, store;
static uint64_t pod = POD;               /* which pod dials */
static uint32_t pod_last = CHECKER_LAST; /* last byte of its addresses */

/* ---- the world ---- */

static inline int64_t now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

static inline rf_identity_t identity(const char *name)
{
	return rf_identity_hash(name, (uint32_t)strlen(name));
}

static inline void add(struct rf_objects *objects, const char *text)
{
	assert_int_equal(rf_objects_add(objects, "test.yaml", text, strlen(text)), 0);
	if (objects->diags.error_count)
		fail_msg("%s", objects->diags.items[0].text);
}

/* A socket address of either family. */
union address {
	struct sockaddr any;
	struct sockaddr_in four;
	struct sockaddr_in6 six;
};

static inline union address address(const struct rf_addr *addr, uint16_t port)
{
	union address at = {0};

	if (rf_addr_is4(addr)) {
		at.four = (struct sockaddr_in){.sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = addr->be[3]};
		return at;
	}
	at.six = (struct sockaddr_in6){.sin6_family = AF_INET6, .sin6_port = htons(port)};
	memcpy(&at.six.sin6_addr, addr->be, sizeof(addr->be));
	return at;
}

static inline uint16_t port_of(const union address *at)
{
	return ntohs(at->any.sa_family == AF_INET ? at->four.sin_port : at->six.sin6_port);
}

/* 192.0.2.LAST or 2001:db8::LAST (RFC 5737, RFC 3849), all on the loopback interface of the test's namespace. */
static inline struct rf_addr addr_of(int family, uint32_t last)
{
	struct rf_addr six = {{htonl(0x20010db8), 0, 0, htonl(last)}};

	return family == AF_INET ? rf_addr4(htonl(0xc0000200 | last)) : six;
}

/* buyer may use any method on the pattern; another account may use /others; strangers nothing. NULL: buyer is not named at all. more:
 * further objects, or NULL. */
static inline void publish_with(const char *pattern, const char *more)
{
	static const char *const base =
		"apiVersion: v1\nkind: Namespace\nmetadata: {name: shop, labels: {openservicemesh.io/monitored-by: osm}}\n---\n"
		"apiVersion: v1\nkind: ServiceAccount\nmetadata: {name: buyer, namespace: shop}\n---\n"
		"apiVersion: v1\nkind: ServiceAccount\nmetadata: {name: other, namespace: shop}\n---\n"
		"apiVersion: v1\nkind: ServiceAccount\nmetadata: {name: store, namespace: shop}\n---\n"
		"apiVersion: v1\nkind: Service\nmetadata: {name: store, namespace: shop}\n"
		"spec:\n  selector: {app: store}\n  ports: [{name: http-web, port: 8080}]\n";
	static const char *const target =
		"apiVersion: access.smi-spec.io/v1alpha3\nkind: TrafficTarget\nmetadata: {name: %s, namespace: shop}\n"
		"spec:\n  destination: {kind: ServiceAccount, name: store, namespace: shop}\n"
		"  rules: [{kind: HTTPRouteGroup, name: %s, matches: [all]}]\n"
		"  sources: [{kind: ServiceAccount, name: %s, namespace: shop}]\n";
	static const char *const group =
		"apiVersion: specs.smi-spec.io/v1alpha4\nkind: HTTPRouteGroup\nmetadata: {name: %s, namespace: shop}\n"
		"spec: {matches: [{name: all, pathRegex: '%s', methods: ['*']}]}\n";
	struct rf_pair_text label = {.key = "app", .value = "store"};
	struct rf_endpoint endpoint = {.ns = "shop",
				       .name = "store-1",
				       .service_account = "store",
				       .labels = &label,
				       .label_count = 1,
				       .addr4 = addr_of(AF_INET, SERVER_LAST),
				       .addr6 = addr_of(AF_INET6, SERVER_LAST)};
	struct rf_policy_input input = {.endpoints = &endpoint,
					.endpoint_count = 1,
					.mesh_name = "osm",
					.service_net_be = instance.service_net_be,
					.service_mask_be = instance.service_mask_be};
	struct rf_objects *objects = NULL;
	struct rf_policy *policy = NULL;
	struct rf_arena *arena = rf_arena_new();
	struct rf_diags diags = {.arena = arena};
	char text[4096];
	rf_epoch_t live = 0;

	assert_int_equal(rf_objects_new(&objects), 0);
	add(objects, base);
	if (pattern) {
		snprintf(text, sizeof(text), target, "mine", "mine", "buyer");
		add(objects, text);
		snprintf(text, sizeof(text), group, "mine", pattern);
		add(objects, text);
	}
	snprintf(text, sizeof(text), target, "theirs", "theirs", "other");
	add(objects, text);
	snprintf(text, sizeof(text), group, "theirs", "/others");
	add(objects, text);
	if (more)
		add(objects, more);
	assert_int_equal(rf_objects_check(objects), 0);
	assert_int_equal(rf_datapath_epoch(dp, &live), 0);
	input.objects = objects;
	input.epoch = live + 1;
	assert_int_equal(rf_policy_compile(&input, &diags, &policy), 0);
	if (rf_datapath_publish(dp, policy) < 0)
		fail_msg("%s", rf_datapath_error(dp));
	rf_policy_free(policy);
	rf_objects_free(objects);
	rf_arena_free(arena);
}

static inline void publish(const char *pattern)
{
	publish_with(pattern, NULL);
}

static inline int listen_on(int family, uint16_t port)
{
	struct rf_addr addr = addr_of(family, SERVER_LAST);
	union address at = address(&addr, port);
	int fd = socket(family, SOCK_STREAM | SOCK_CLOEXEC, 0), one = 1;

	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	if (fd < 0 || bind(fd, &at.any, sizeof(at)) < 0 || listen(fd, 16) < 0)
		return -1;
	return fd;
}

static inline int add_address6(uint32_t last)
{
	struct { /* struct in6_ifreq of linux/ipv6.h, which does not go with netinet/in.h */
		struct in6_addr addr;
		uint32_t prefixlen;
		int ifindex;
	} request = {.prefixlen = 128, .ifindex = (int)if_nametoindex("lo")};
	struct rf_addr addr = addr_of(AF_INET6, last);
	int fd = socket(AF_INET6, SOCK_DGRAM | SOCK_CLOEXEC, 0), r;

	memcpy(&request.addr, addr.be, sizeof(request.addr));
	r = fd < 0 ? -1 : ioctl(fd, SIOCSIFADDR, &request);
	close(fd);
	return r;
}

/* On the loopback interface every address of an IPv4 prefix is the machine's own. */
static inline int network_up(void)
{
	struct ifreq up = {.ifr_name = "lo", .ifr_flags = IFF_UP | IFF_RUNNING}, address4 = {.ifr_name = "lo:1"};
	struct rf_addr addr = addr_of(AF_INET, SERVER_LAST);
	union address at = address(&addr, 0);
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0), r;

	address4.ifr_addr = at.any;
	r = fd < 0 || ioctl(fd, SIOCSIFFLAGS, &up) < 0 ? -1 : ioctl(fd, SIOCSIFADDR, &address4);
	close(fd);
	return r < 0 || add_address6(SERVER_LAST) < 0 || add_address6(CHECKER_LAST) < 0 ? -1 : add_address6(CHECKER_LAST + 1);
}

static inline void program_path(char *ret, size_t size, const char *name)
{
	char self[PATH_MAX];
	ssize_t n = readlink("/proc/self/exe", self, sizeof(self) - 1);

	self[n < 0 ? 0 : n] = '\0';
	for (int i = 0; i < 3; i++) { /* build/tests/bpf/test_checker */
		char *slash = strrchr(self, '/');

		if (slash)
			*slash = '\0';
	}
	snprintf(ret, size, "%s/%s", self, name);
}

static inline int start_broker(void)
{
	char path[PATH_MAX];

	program_path(path, sizeof(path), "ringfence-sockd");
	if (access(path, X_OK) < 0) {
		print_error("%s is not built: run make\n", path);
		return -1;
	}
	broker = fork();
	if (broker == 0) {
		execl(path, path, "--instance", instance.name, "--haste", HASTE, (char *)NULL);
		_exit(127);
	}
	return broker < 0 ? -1 : 0;
}

static inline int connect_agent(void)
{
	struct sockaddr_un at = {.sun_family = AF_UNIX};
	int64_t until = now_ms() + PATIENCE_MS;

	snprintf(at.sun_path, sizeof(at.sun_path), "%s", instance.sockd_path);
	while (now_ms() < until) {
		int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);

		if (connect(fd, (struct sockaddr *)&at, sizeof(at)) == 0)
			return fd;
		close(fd);
		poll(NULL, 0, 10);
	}
	return -1;
}

static inline int ask(struct rf_sockd_message *message, int fd, int *ret_fd)
{
	struct pollfd p = {.fd = agent, .events = POLLIN};

	if (rf_fdpass_send(agent, message, sizeof(*message), fd) < 0 || poll(&p, 1, PATIENCE_MS) != 1)
		return -1;
	return rf_fdpass_recv(agent, message, sizeof(*message), ret_fd);
}

/* Where the checker listens: the pod's addresses. */
static inline struct rf_addr checker_addr(int family)
{
	return addr_of(family, pod_last);
}

static inline int add_pod(void)
{
	struct rf_sockd_message message = {.op = RF_SOCKD_POD_ADD, .pod = pod, .port = CHECKER_PORT};
	int ns = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC), r;

	message.addr4 = checker_addr(AF_INET);
	message.addr6 = checker_addr(AF_INET6);
	r = ask(&message, ns, NULL);
	close(ns);
	return r < 0 || message.op != RF_SOCKD_POD_STATE ? -1 : message.error;
}

static inline int open_world(void **state)
{
	struct rf_sockd_message message = {.op = RF_SOCKD_RECORDS};
	char path[PATH_MAX], name[32];

	(void)state;
	if (geteuid() != 0) {
		print_message("this test needs root\n");
		return -1;
	}
	snprintf(name, sizeof(name), "rfchk%d", getpid());
	buyer = identity("shop/buyer");
	store = identity("shop/store");
	if (rf_instance_init(&instance, name) < 0 || start_broker() < 0)
		return -1; /* before the agent has maps: the broker waits for them */
	if (unshare(CLONE_NEWNET) < 0 || network_up() < 0)
		return -1;
	if (rf_datapath_open(&instance, &dp) < 0) {
		print_error("%s\n", rf_datapath_error(dp));
		return -1;
	}
	snprintf(path, sizeof(path), "%s/maps/origdst", instance.bpffs_dir);
	origdst = bpf_obj_get(path);
	server = listen_on(AF_INET, SERVER_PORT);
	server6 = listen_on(AF_INET6, SERVER_PORT);
	agent = connect_agent();
	if (origdst < 0 || server < 0 || server6 < 0 || agent < 0 || add_pod() != 0)
		return -1;
	return ask(&message, -1, &records) < 0 || records < 0 ? -1 : 0;
}

static inline void nothing(void *arg, const char *what)
{
	(void)arg;
	(void)what;
}

static inline int close_world(void **state)
{
	static const char *const locks[] = {"sockd.lock", "agent.lock"};
	int status = 0;

	(void)state;
	close(agent);
	close(records);
	close(server);
	close(server6);
	close(origdst);
	if (broker > 0) {
		kill(broker, SIGTERM);
		waitpid(broker, &status, 0);
	}
	rf_datapath_close(dp);
	rf_datapath_uninstall(&instance, false, nothing, NULL);
	rf_cgroup_remove(instance.sockd_cgroup);
	rf_cgroup_remove(instance.pods_cgroup);
	rf_cgroup_remove(instance.cgroup_dir);
	for (size_t i = 0; i < RF_ARRAY_SIZE(locks); i++) {
		char path[PATH_MAX];

		snprintf(path, sizeof(path), "%s/%s", instance.run_dir, locks[i]);
		unlink(path);
	}
	rmdir(instance.run_dir);
	return access(instance.run_dir, F_OK) == 0 || !WIFEXITED(status) || WEXITSTATUS(status) ? -1 : 0;
}

/* ---- client and server ---- */

static inline void patience(int fd)
{
	struct timeval tv = {.tv_sec = PATIENCE_MS / 1000};

	assert_int_equal(setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &tv, sizeof(tv)), 0);
	assert_int_equal(setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &tv, sizeof(tv)), 0);
}

/* A connection as the kernel would redirect it; redirected false: dialled by hand. */
static inline int dial_somebody(int family, rf_identity_t src, rf_identity_t somebody, struct rf_addr real, uint16_t port, bool redirected)
{
	const struct rf_addr at = checker_addr(family);
	struct rf_origdst dst = {
		.real = real, .dialed = real, .real_port = port, .dialed_port = port, .src = src, .dst = somebody, .pod = pod};
	struct rf_tuple key = {.saddr = at, .daddr = at, .dport = CHECKER_PORT, .proto = IPPROTO_TCP};
	union address me = address(&at, 0), to = address(&at, CHECKER_PORT);
	int fd = socket(family, SOCK_STREAM | SOCK_CLOEXEC, 0);
	socklen_t size = sizeof(me);

	assert_true(fd >= 0);
	assert_int_equal(bind(fd, &me.any, sizeof(me)), 0);
	assert_int_equal(getsockname(fd, &me.any, &size), 0);
	key.sport = port_of(&me);
	if (redirected)
		assert_int_equal(bpf_map_update_elem(origdst, &key, &dst, BPF_ANY), 0);
	assert_int_equal(connect(fd, &to.any, sizeof(to)), 0);
	patience(fd);
	return fd;
}

static inline int dial_through(int family, rf_identity_t src, struct rf_addr real, uint16_t port, bool redirected)
{
	return dial_somebody(family, src, store, real, port, redirected);
}

static inline int dial_from(int family, rf_identity_t src, uint16_t port, bool redirected)
{
	return dial_through(family, src, addr_of(family, SERVER_LAST), port, redirected);
}

static inline int dial_to(rf_identity_t src, uint16_t port, bool redirected)
{
	return dial_from(AF_INET, src, port, redirected);
}

static inline int dial(void)
{
	return dial_to(buyer, SERVER_PORT, true);
}

static inline int take_from(int listener)
{
	struct pollfd p = {.fd = listener, .events = POLLIN};
	int fd;

	assert_int_equal(poll(&p, 1, PATIENCE_MS), 1);
	fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
	assert_true(fd >= 0);
	patience(fd);
	return fd;
}

static inline int take(void)
{
	return take_from(server);
}

static inline void assert_nobody_came(void)
{
	struct pollfd p[2] = {{.fd = server, .events = POLLIN}, {.fd = server6, .events = POLLIN}};

	assert_int_equal(poll(p, 2, 0), 0);
}

static inline void say(int fd, const char *text)
{
	assert_int_equal(send(fd, text, strlen(text), MSG_NOSIGNAL), strlen(text));
}

/* Exactly these bytes come next. */
static inline void hear(int fd, const char *text)
{
	char got[65536];
	size_t len = strlen(text), n = 0;

	assert_true(len < sizeof(got));
	while (n < len) {
		ssize_t r = recv(fd, got + n, len - n, 0);

		if (r <= 0) {
			got[n] = '\0';
			fail_msg("wanted \"%s\", got \"%s\" and then %s", text, got, r ? strerror(errno) : "the end");
		}
		n += (size_t)r;
	}
	got[n] = '\0';
	assert_string_equal(got, text);
}

static inline void hear_end(int fd)
{
	char byte;
	ssize_t n = recv(fd, &byte, 1, 0);

	if (n > 0)
		fail_msg("wanted the end, got '%c'", byte);
	assert_int_equal(n, 0);
	close(fd);
}

static inline void hear_reset(int fd)
{
	char byte;

	assert_int_equal(recv(fd, &byte, 1, 0), -1);
	assert_int_equal(errno, ECONNRESET);
	close(fd);
}

/* An answer of the checker: its status and that the connection ends. */
static inline void hear_refusal(int fd, const char *status)
{
	char got[1024];
	ssize_t n = recv(fd, got, sizeof(got) - 1, 0);

	assert_true(n > 0);
	got[n] = '\0';
	assert_memory_equal(got, status, strlen(status));
	assert_non_null(strstr(got, "Connection: close\r\n"));
	hear_end(fd);
}

static inline struct rf_access_record next_record(void)
{
	struct pollfd p = {.fd = records, .events = POLLIN};
	struct rf_access_record record;

	assert_int_equal(poll(&p, 1, PATIENCE_MS), 1);
	assert_int_equal(recv(records, &record, sizeof(record), 0), sizeof(record));
	return record;
}

static inline void forget_records(void)
{
	struct rf_access_record record;

	while (recv(records, &record, sizeof(record), MSG_DONTWAIT) > 0)
		;
}

#define NOT_FOUND "HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n"
#define DENIED    "HTTP/1.1 403 Forbidden\r\nContent-Type: text/plain\r\nContent-Length: 19\r\n\r\nRBAC: access denied"
#define OK        "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
