/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The real broker and the real checker with real maps and the real getsockopt program, driven connection by connection: this test is agent,
 * client and server. It plays the one part that needs a pod, sockops, by writing `origdst` itself. Everything lives in a network namespace
 * and an instance of its own. Needs root and the built programs beside the test's directory.
 */
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
#define CHECKER_ADDR "127.0.0.77"
#define CHECKER_PORT 15001
#define SERVER_PORT  8080
#define PATIENCE_MS  5000
#define EVERY        ".*"
#define HOST         "Host: s\r\n"

static struct rf_instance instance;
static struct rf_datapath *dp;
static pid_t broker;
static int agent = -1, records = -1, server = -1, origdst = -1;
static rf_identity_t buyer, store;

/* ---- the world ---- */

static int64_t now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

static rf_identity_t identity(const char *name)
{
	return rf_identity_hash(name, (uint32_t)strlen(name));
}

static void add(struct rf_objects *objects, const char *text)
{
	assert_int_equal(rf_objects_add(objects, "test.yaml", text, strlen(text)), 0);
	if (objects->diags.error_count)
		fail_msg("%s", objects->diags.items[0].text);
}

/* buyer may use GET|POST on the pattern; another account may use /others; strangers nothing. NULL: buyer is not named at all. */
static void publish(const char *pattern)
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
	struct rf_endpoint pod = {.ns = "shop",
				  .name = "store-1",
				  .service_account = "store",
				  .labels = &label,
				  .label_count = 1,
				  .addr_be = htonl(INADDR_LOOPBACK)};
	struct rf_policy_input input = {.endpoints = &pod,
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

static int listen_on(const char *address, uint16_t port)
{
	struct sockaddr_in at = {.sin_family = AF_INET, .sin_port = htons(port)};
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), one = 1;

	inet_pton(AF_INET, address, &at.sin_addr);
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	if (fd < 0 || bind(fd, (struct sockaddr *)&at, sizeof(at)) < 0 || listen(fd, 16) < 0)
		return -1;
	return fd;
}

static int loopback_up(void)
{
	struct ifreq ifr = {.ifr_name = "lo", .ifr_flags = IFF_UP | IFF_RUNNING};
	int fd = socket(AF_INET, SOCK_DGRAM, 0), r;

	r = fd < 0 ? -1 : ioctl(fd, SIOCSIFFLAGS, &ifr);
	close(fd);
	return r;
}

static void program_path(char *ret, size_t size, const char *name)
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

static int start_broker(void)
{
	char path[PATH_MAX];

	program_path(path, sizeof(path), "ringfence-sockd");
	if (access(path, X_OK) < 0) {
		print_error("%s is not built: run make\n", path);
		return -1;
	}
	broker = fork();
	if (broker == 0) {
		execl(path, path, "--instance", instance.name, (char *)NULL);
		_exit(127);
	}
	return broker < 0 ? -1 : 0;
}

static int connect_agent(void)
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

static int ask(struct rf_sockd_message *message, int fd, int *ret_fd)
{
	struct pollfd p = {.fd = agent, .events = POLLIN};

	if (rf_fdpass_send(agent, message, sizeof(*message), fd) < 0 || poll(&p, 1, PATIENCE_MS) != 1)
		return -1;
	return rf_fdpass_recv(agent, message, sizeof(*message), ret_fd);
}

static int add_pod(void)
{
	struct rf_sockd_message message = {.op = RF_SOCKD_POD_ADD, .pod = POD, .port = CHECKER_PORT};
	int ns = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC), r;

	inet_pton(AF_INET, CHECKER_ADDR, &message.addr_be);
	r = ask(&message, ns, NULL);
	close(ns);
	return r < 0 || message.op != RF_SOCKD_POD_STATE ? -1 : message.error;
}

static int open_world(void **state)
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
	if (unshare(CLONE_NEWNET) < 0 || loopback_up() < 0)
		return -1;
	if (rf_datapath_open(&instance, &dp) < 0) {
		print_error("%s\n", rf_datapath_error(dp));
		return -1;
	}
	snprintf(path, sizeof(path), "%s/maps/origdst", instance.bpffs_dir);
	origdst = bpf_obj_get(path);
	server = listen_on("127.0.0.1", SERVER_PORT);
	agent = connect_agent();
	if (origdst < 0 || server < 0 || agent < 0 || add_pod() != 0)
		return -1;
	return ask(&message, -1, &records) < 0 || records < 0 ? -1 : 0;
}

static void nothing(void *arg, const char *what)
{
	(void)arg;
	(void)what;
}

static int close_world(void **state)
{
	static const char *const locks[] = {"sockd.lock", "agent.lock"};
	int status = 0;

	(void)state;
	close(agent);
	close(records);
	close(server);
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

static void patience(int fd)
{
	struct timeval tv = {.tv_sec = PATIENCE_MS / 1000};

	assert_int_equal(setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &tv, sizeof(tv)), 0);
	assert_int_equal(setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &tv, sizeof(tv)), 0);
}

/* A connection as the kernel would redirect it; redirected false: dialled by hand. */
static int dial_to(rf_identity_t src, uint16_t port, bool redirected)
{
	struct sockaddr_in me = {.sin_family = AF_INET}, to = {.sin_family = AF_INET, .sin_port = htons(CHECKER_PORT)};
	struct rf_origdst dst = {
		.family = AF_INET, .port_be = htons(port), .addr_be = htonl(INADDR_LOOPBACK), .src = src, .dst = store, .pod = POD};
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	socklen_t size = sizeof(me);
	struct rf_tuple key;

	assert_true(fd >= 0);
	inet_pton(AF_INET, CHECKER_ADDR, &to.sin_addr);
	inet_pton(AF_INET, CHECKER_ADDR, &me.sin_addr);
	assert_int_equal(bind(fd, (struct sockaddr *)&me, sizeof(me)), 0);
	assert_int_equal(getsockname(fd, (struct sockaddr *)&me, &size), 0);
	key = (struct rf_tuple){me.sin_addr.s_addr, to.sin_addr.s_addr, ntohs(me.sin_port), CHECKER_PORT};
	if (redirected)
		assert_int_equal(bpf_map_update_elem(origdst, &key, &dst, BPF_ANY), 0);
	assert_int_equal(connect(fd, (struct sockaddr *)&to, sizeof(to)), 0);
	patience(fd);
	return fd;
}

static int dial(void)
{
	return dial_to(buyer, SERVER_PORT, true);
}

static int take(void)
{
	struct pollfd p = {.fd = server, .events = POLLIN};
	int fd;

	assert_int_equal(poll(&p, 1, PATIENCE_MS), 1);
	fd = accept4(server, NULL, NULL, SOCK_CLOEXEC);
	assert_true(fd >= 0);
	patience(fd);
	return fd;
}

static void assert_nobody_came(void)
{
	struct pollfd p = {.fd = server, .events = POLLIN};

	assert_int_equal(poll(&p, 1, 0), 0);
}

static void say(int fd, const char *text)
{
	assert_int_equal(send(fd, text, strlen(text), MSG_NOSIGNAL), strlen(text));
}

/* Exactly these bytes come next. */
static void hear(int fd, const char *text)
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

static void hear_end(int fd)
{
	char byte;
	ssize_t n = recv(fd, &byte, 1, 0);

	if (n > 0)
		fail_msg("wanted the end, got '%c'", byte);
	assert_int_equal(n, 0);
	close(fd);
}

static void hear_reset(int fd)
{
	char byte;

	assert_int_equal(recv(fd, &byte, 1, 0), -1);
	assert_int_equal(errno, ECONNRESET);
	close(fd);
}

/* An answer of the checker: its status and that the connection ends. */
static void hear_refusal(int fd, const char *status)
{
	char got[1024];
	ssize_t n = recv(fd, got, sizeof(got) - 1, 0);

	assert_true(n > 0);
	got[n] = '\0';
	assert_memory_equal(got, status, strlen(status));
	assert_non_null(strstr(got, "Connection: close\r\n"));
	hear_end(fd);
}

static struct rf_access_record next_record(void)
{
	struct pollfd p = {.fd = records, .events = POLLIN};
	struct rf_access_record record;

	assert_int_equal(poll(&p, 1, PATIENCE_MS), 1);
	assert_int_equal(recv(records, &record, sizeof(record), 0), sizeof(record));
	return record;
}

static void forget_records(void)
{
	struct rf_access_record record;

	while (recv(records, &record, sizeof(record), MSG_DONTWAIT) > 0)
		;
}

#define NOT_FOUND "HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n"
#define DENIED    "HTTP/1.1 403 Forbidden\r\nContent-Type: text/plain\r\nContent-Length: 19\r\n\r\nRBAC: access denied"
#define OK        "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"

/* ---- tests ---- */

static void test_no_policy_refuses(void **state)
{
	int client = dial();

	(void)state;
	say(client, "GET / HTTP/1.1\r\n" HOST "\r\n");
	hear_refusal(client, "HTTP/1.1 503 ");
	assert_int_equal(next_record().reason, RF_REASON_NO_POLICY);
	assert_nobody_came();
}

static void test_dialled_by_hand(void **state)
{
	struct rf_access_record record;

	(void)state;
	forget_records();
	hear_reset(dial_to(buyer, SERVER_PORT, false));
	record = next_record();
	assert_int_equal(record.reason, RF_REASON_CHECKER_DIALED);
	assert_int_equal(record.pod, POD);
}

static void test_keep_alive_and_denials(void **state)
{
	struct rf_access_record record;
	int client, up;

	(void)state;
	publish("/ok.*");
	forget_records();
	client = dial();
	/* denied before there is an upstream connection: the connection stays usable */
	say(client, "GET /no HTTP/1.1\r\n" HOST "\r\n");
	hear(client, NOT_FOUND);
	record = next_record();
	assert_int_equal(record.reason, RF_REASON_NO_ROUTE);
	assert_int_equal(record.status, 404);
	say(client, "GET /others HTTP/1.1\r\n" HOST "\r\n");
	hear(client, DENIED);
	assert_int_equal(next_record().reason, RF_REASON_ROUTE_OTHERS);
	assert_nobody_came();
	say(client, "GET /ok?x=1 HTTP/1.1\r\nHost:  s \r\nX: y\r\n\r\n");
	up = take();
	hear(up, "GET /ok?x=1 HTTP/1.1\r\nHost:  s \r\nX: y\r\n\r\n");
	say(up, OK);
	hear(client, OK);
	record = next_record();
	assert_int_equal(record.reason, RF_REASON_ALLOW_L7);
	assert_int_equal(record.status, 200);
	assert_int_equal(record.src, buyer);
	assert_int_equal(record.dst_port, SERVER_PORT);
	assert_string_equal(record.method, "GET");
	assert_string_equal(record.path, "/ok");
	assert_int_equal(record.request_bytes, strlen("GET /ok?x=1 HTTP/1.1\r\nHost:  s \r\nX: y\r\n\r\n"));
	assert_int_equal(record.response_bytes, strlen(OK));
	/* pipelined: allowed, denied with body, HEAD denied, allowed; answers in order, one upstream connection */
	say(client,
	    "GET /ok1 HTTP/1.1\r\n" HOST "\r\nPOST /no HTTP/1.1\r\n" HOST "Content-Length: 3\r\n\r\nabcHEAD /others HTTP/1.1\r\n" HOST
	    "\r\nPOST /ok2 HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked\r\n\r\n3;e\r\nabc\r\n0\r\n\r\n");
	hear(up, "GET /ok1 HTTP/1.1\r\n" HOST "\r\n");
	say(up, OK);
	hear(client, OK NOT_FOUND "HTTP/1.1 403 Forbidden\r\nContent-Type: text/plain\r\nContent-Length: 19\r\n\r\n");
	hear(up, "POST /ok2 HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked\r\n\r\n3;e\r\nabc\r\n0\r\n\r\n");
	say(up, "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nx\r\n0\r\n\r\n");
	hear(client, "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nx\r\n0\r\n\r\n");
	assert_nobody_came();
	/* the server closes the idle connection: so does the checker */
	close(up);
	hear_end(client);
}

static void test_policy_changes_under_a_connection(void **state)
{
	int client, up;

	(void)state;
	publish(EVERY);
	client = dial();
	say(client, "GET /a HTTP/1.1\r\n" HOST "\r\n");
	up = take();
	hear(up, "GET /a HTTP/1.1\r\n" HOST "\r\n");
	publish("/b"); /* the request in flight finishes, the next one is decided anew */
	say(up, OK);
	hear(client, OK);
	say(client, "GET /a HTTP/1.1\r\n" HOST "\r\n");
	hear(client, NOT_FOUND);
	say(client, "GET /b HTTP/1.1\r\n" HOST "\r\n");
	hear(up, "GET /b HTTP/1.1\r\n" HOST "\r\n");
	say(up, OK);
	hear(client, OK);
	publish(NULL); /* the pair is gone: what connect would say, an end */
	say(client, "GET /b HTTP/1.1\r\n" HOST "\r\n");
	hear_reset(client);
	close(up);
	publish(EVERY);
}

static void test_refusals_forward_nothing(void **state)
{
	static const struct {
		const char *text, *status;
	} cases[] = {
		{"GET / HTTP/1.1\nHost: s\r\n\r\n", "HTTP/1.1 400 "},
		{"POST / HTTP/1.1\r\n" HOST "Content-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n", "HTTP/1.1 400 "},
		{"GET / HTTP/2.0\r\n\r\n", "HTTP/1.1 505 "},
		{"\x16\x03\x01", "HTTP/1.1 400 "},
		{"GET /%00 HTTP/1.1\r\n" HOST "\r\n", "HTTP/1.1 400 "},
		{"GET /a/../../b HTTP/1.1\r\n" HOST "\r\n", "HTTP/1.1 400 "},
	};
	char *large;
	int client;

	(void)state;
	for (size_t i = 0; i < RF_ARRAY_SIZE(cases); i++) {
		client = dial();
		say(client, cases[i].text);
		hear_refusal(client, cases[i].status);
	}
	large = malloc(70001);
	assert_non_null(large);
	memset(large, 'a', 70000);
	large[70000] = '\0';
	memcpy(large, "GET /", 5);
	client = dial();
	(void)send(client, large, 70000, MSG_NOSIGNAL); /* may be cut short by the answer */
	hear_refusal(client, "HTTP/1.1 414 ");
	memcpy(large, "GET / HTTP/1.1\r\nX: ", 19);
	client = dial();
	(void)send(client, large, 70000, MSG_NOSIGNAL);
	hear_refusal(client, "HTTP/1.1 431 ");
	free(large);
	assert_nobody_came();
}

static void test_upstream_failures(void **state)
{
	int client = dial_to(buyer, 1, true), up; /* no Service names port 1: not allowed at all */

	(void)state;
	say(client, "GET / HTTP/1.1\r\n" HOST "\r\n");
	hear_reset(client);
	/* nobody listens */
	close(server);
	forget_records();
	client = dial();
	say(client, "GET / HTTP/1.1\r\n" HOST "\r\n");
	hear_refusal(client, "HTTP/1.1 503 ");
	assert_int_equal(next_record().reason, RF_REASON_UPSTREAM_FAILED);
	server = listen_on("127.0.0.1", SERVER_PORT);
	assert_true(server >= 0);
	/* a response that cannot be framed safely */
	client = dial();
	say(client, "GET / HTTP/1.1\r\n" HOST "\r\n");
	up = take();
	hear(up, "GET / HTTP/1.1\r\n" HOST "\r\n");
	say(up, "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab");
	hear_refusal(client, "HTTP/1.1 502 ");
	close(up);
	/* the same after a part has been relayed: reset */
	client = dial();
	say(client, "GET / HTTP/1.1\r\n" HOST "\r\n");
	up = take();
	hear(up, "GET / HTTP/1.1\r\n" HOST "\r\n");
	say(up, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n");
	hear(client, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n");
	say(up, "zz\r\n");
	hear_reset(client);
	close(up);
}

static void test_bad_body_never_completes(void **state)
{
	int client = dial(), up;

	(void)state;
	say(client, "POST / HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked\r\n\r\n");
	up = take();
	hear(up, "POST / HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked\r\n\r\n");
	say(client, "+1\r\na\r\n0\r\n\r\n");
	hear_reset(up);
	hear_refusal(client, "HTTP/1.1 400 ");
}

static void test_ends_are_passed_on(void **state)
{
	int client = dial(), up;
	struct linger rst = {1, 0};

	(void)state;
	/* close-delimited response after a half-close by the client */
	say(client, "GET / HTTP/1.0\r\n\r\n");
	assert_int_equal(shutdown(client, SHUT_WR), 0);
	up = take();
	hear(up, "GET / HTTP/1.0\r\n\r\n");
	say(up, "HTTP/1.0 200 OK\r\n\r\nall of it");
	close(up);
	hear(client, "HTTP/1.0 200 OK\r\n\r\nall of it");
	hear_end(client);
	/* the client resets in the middle of a response */
	client = dial();
	say(client, "GET / HTTP/1.1\r\n" HOST "\r\n");
	up = take();
	hear(up, "GET / HTTP/1.1\r\n" HOST "\r\n");
	assert_int_equal(setsockopt(client, SOL_SOCKET, SO_LINGER, &rst, sizeof(rst)), 0);
	close(client);
	hear_reset(up);
	/* the server does */
	client = dial();
	say(client, "GET / HTTP/1.1\r\n" HOST "\r\n");
	up = take();
	hear(up, "GET / HTTP/1.1\r\n" HOST "\r\n");
	assert_int_equal(setsockopt(up, SOL_SOCKET, SO_LINGER, &rst, sizeof(rst)), 0);
	close(up);
	hear_reset(client);
}

static void test_tunnel(void **state)
{
	int client = dial(), up;

	(void)state;
	say(client, "GET /ws HTTP/1.1\r\n" HOST "Connection: Upgrade\r\nUpgrade: websocket\r\n\r\n");
	up = take();
	hear(up, "GET /ws HTTP/1.1\r\n" HOST "Connection: Upgrade\r\nUpgrade: websocket\r\n\r\n");
	say(up, "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n\x01");
	hear(client, "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n\x01");
	say(client, "\x02not http\n");
	hear(up, "\x02not http\n");
	assert_int_equal(shutdown(client, SHUT_WR), 0);
	assert_int_equal(recv(up, (char[1]){0}, 1, 0), 0);
	say(up, "last words");
	hear(client, "last words");
	close(up);
	hear_end(client);
	/* 101 that nobody asked for is no tunnel */
	client = dial();
	say(client, "GET / HTTP/1.1\r\n" HOST "Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AA\r\n\r\n");
	up = take();
	hear(up, "GET / HTTP/1.1\r\n" HOST "\r\n");
	say(up, "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n\r\n");
	hear_refusal(client, "HTTP/1.1 502 ");
	close(up);
}

#define LARGE (48ull * 1024 * 1024)

/* One end writes a large body while the other reads nothing: the writer is stopped by back-pressure; then everything arrives unchanged. */
static void push_large(int from, int to)
{
	static unsigned char out[65536], in[65536];
	unsigned long long sent = 0, received = 0, stalled_at = 0;

	fcntl(from, F_SETFL, O_NONBLOCK);
	fcntl(to, F_SETFL, O_NONBLOCK);
	while (received < LARGE) {
		struct pollfd p[2] = {{.fd = from, .events = sent < LARGE ? POLLOUT : 0}, {.fd = to, .events = stalled_at ? POLLIN : 0}};
		int r = poll(p, 2, stalled_at ? PATIENCE_MS : 200);

		if (r == 0 && !stalled_at) {
			stalled_at = sent; /* nobody reads, so nobody takes any more */
			continue;
		}
		assert_true(r > 0);
		if (p[0].revents & POLLOUT) {
			size_t n = LARGE - sent < sizeof(out) ? (size_t)(LARGE - sent) : sizeof(out);
			ssize_t w;

			for (size_t i = 0; i < n; i++)
				out[i] = (unsigned char)((sent + i) * 31 >> 3);
			w = send(from, out, n, MSG_NOSIGNAL);
			assert_true(w > 0 || errno == EAGAIN);
			sent += w > 0 ? (unsigned long long)w : 0;
		}
		if (p[1].revents & POLLIN) {
			ssize_t n = recv(to, in, sizeof(in), 0);

			assert_true(n > 0);
			for (ssize_t i = 0; i < n; i++)
				if (in[i] != (unsigned char)((received + (unsigned long long)i) * 31 >> 3))
					fail_msg("byte %llu differs", received + (unsigned long long)i);
			received += (unsigned long long)n;
		}
	}
	assert_true(stalled_at && stalled_at < LARGE);
	fcntl(from, F_SETFL, 0);
	fcntl(to, F_SETFL, 0);
}

static void test_large_bodies(void **state)
{
	int client = dial(), up;
	char head[128], answer[128];

	(void)state;
	snprintf(head, sizeof(head), "POST /up HTTP/1.1\r\n" HOST "Content-Length: %llu\r\n\r\n", LARGE);
	snprintf(answer, sizeof(answer), "HTTP/1.1 200 OK\r\nContent-Length: %llu\r\n\r\n", LARGE);
	say(client, head);
	up = take();
	hear(up, head);
	push_large(client, up);
	say(up, answer);
	hear(client, answer);
	push_large(up, client);
	close(client);
	hear_end(up);
}

static void test_broker_answers(void **state)
{
	struct rf_sockd_message message = {.op = RF_SOCKD_STATUS};
	pid_t checker;
	int64_t until = now_ms() + PATIENCE_MS;
	int client, up;

	(void)state;
	assert_int_equal(ask(&message, -1, NULL), 0);
	assert_int_equal(message.port, 1);
	checker = (pid_t)message.pid;
	assert_true(checker > 0);
	/* the port is taken by somebody else */
	message = (struct rf_sockd_message){.op = RF_SOCKD_POD_ADD, .pod = POD + 1, .addr_be = htonl(INADDR_LOOPBACK), .port = SERVER_PORT};
	up = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
	assert_int_equal(ask(&message, up, NULL), 0);
	assert_int_equal(message.op, RF_SOCKD_POD_STATE);
	assert_int_equal(message.error, EADDRINUSE);
	close(up);
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
	do {
		assert_true(now_ms() < until);
		message = (struct rf_sockd_message){.op = RF_SOCKD_STATUS};
		assert_int_equal(ask(&message, -1, NULL), 0);
	} while (!message.pid);
	assert_int_not_equal(message.pid, checker);
	assert_int_equal(message.restarts, 1);
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

static void test_replay_drops_what_is_not_named(void **state)
{
	struct rf_sockd_message message = {.op = RF_SOCKD_SYNCED};
	struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(CHECKER_PORT)};
	int fd;

	(void)state;
	close(agent);
	agent = connect_agent();
	assert_true(agent >= 0);
	assert_int_equal(add_pod(), 0);
	assert_int_equal(rf_fdpass_send(agent, &message, sizeof(message), -1), 0);
	message = (struct rf_sockd_message){.op = RF_SOCKD_STATUS};
	assert_int_equal(ask(&message, -1, NULL), 0);
	assert_int_equal(message.port, 1);
	close(agent);
	agent = connect_agent();
	message = (struct rf_sockd_message){.op = RF_SOCKD_SYNCED};
	assert_int_equal(rf_fdpass_send(agent, &message, sizeof(message), -1), 0);
	message = (struct rf_sockd_message){.op = RF_SOCKD_STATUS};
	assert_int_equal(ask(&message, -1, NULL), 0);
	assert_int_equal(message.port, 0);
	/* and the checker has let go of it, too */
	inet_pton(AF_INET, CHECKER_ADDR, &to.sin_addr);
	for (int64_t until = now_ms() + PATIENCE_MS;;) {
		int r;

		fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
		r = connect(fd, (struct sockaddr *)&to, sizeof(to));
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
		cmocka_unit_test(test_no_policy_refuses),
		cmocka_unit_test(test_dialled_by_hand),
		cmocka_unit_test(test_keep_alive_and_denials),
		cmocka_unit_test(test_policy_changes_under_a_connection),
		cmocka_unit_test(test_refusals_forward_nothing),
		cmocka_unit_test(test_upstream_failures),
		cmocka_unit_test(test_bad_body_never_completes),
		cmocka_unit_test(test_ends_are_passed_on),
		cmocka_unit_test(test_tunnel),
		cmocka_unit_test(test_large_bodies),
		cmocka_unit_test(test_broker_answers),
		cmocka_unit_test(test_checker_is_powerless),
		cmocka_unit_test(test_replay_drops_what_is_not_named),
	};

	return cmocka_run_group_tests_name("checker", tests, open_world, close_world);
}
