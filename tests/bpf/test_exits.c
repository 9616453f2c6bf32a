/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Real sockets and packets at the edges of the mesh: a pod behind a veth with the real programs on it, servers on this side of it. What
 * connect decided must be what tc decides, in this revision and the next; what is counted is counted once.
 */
#include "exits_world.h"

#include <net/if.h>
#include <sched.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include "datapath/drift.h"

#define HOST_ADDR  htonl(0x0ac90001)
#define CHECKED_BY htonl(0x0ac90007) /* "another node's pod" of account AUDITED, here an address of this side */
#define SERVER     8080
#define POD_MAC    "02:00:00:00:00:05"
#define HOST_MAC   "02:00:00:00:00:01"

static int home_ns = -1, pod_ns = -1, host_ns = -1, server = -1, datagrams = -1;
static char own_cgroup[4200];
static struct rf_pod_hook hook = {.key = "exits_pod"};

static void run(const char *format, ...) __attribute__((format(printf, 1, 2)));
static void run(const char *format, ...)
{
	char command[512];
	va_list ap;

	va_start(ap, format);
	vsnprintf(command, sizeof(command), format, ap);
	va_end(ap);
	if (system(command) != 0)
		fail_msg("%s", command);
}

static void enter(int ns)
{
	assert_int_equal(setns(ns, CLONE_NEWNET), 0);
}

static int new_ns(void)
{
	assert_int_equal(unshare(CLONE_NEWNET), 0);
	return open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
}

static void join_cgroup(const char *dir)
{
	char path[4300], text[32];
	int fd, n = snprintf(text, sizeof(text), "%d", getpid());

	snprintf(path, sizeof(path), "%s/cgroup.procs", dir);
	fd = open(path, O_WRONLY | O_CLOEXEC);
	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, (size_t)n), n);
	close(fd);
}

/* A cgroup of this instance, made if need be. */
static void cgroup_path(char *ret, const char *name)
{
	snprintf(ret, 4200, "%s/%s", strncmp(name, "prober", 6) ? instance.pods_cgroup : instance.cgroup_dir, name);
	if (mkdir(ret, 0755) < 0)
		assert_int_equal(errno, EEXIST);
}

static uint64_t cgroup_id(const char *path)
{
	struct stat st;

	assert_int_equal(stat(path, &st), 0);
	return st.st_ino;
}

/* Where this process is in the cgroup2 hierarchy. */
static void find_own_cgroup(void)
{
	char line[4096];
	FILE *f = fopen("/proc/self/cgroup", "re");

	assert_non_null(f);
	while (fgets(line, sizeof(line), f)) {
		line[strcspn(line, "\n")] = '\0';
		if (!strncmp(line, "0::", 3))
			snprintf(own_cgroup, sizeof(own_cgroup), "%s%s", instance.cgroup_mount, line + 3);
	}
	fclose(f);
	assert_true(own_cgroup[0]);
}

/* A socket made inside a namespace by a process of a cgroup (NULL: this process'); it stays what it was made. */
static int socket_of(const char *cgroup, int ns, int type)
{
	struct timeval patience = {.tv_sec = 5};
	char path[4200];
	int fd;

	if (cgroup) {
		cgroup_path(path, cgroup);
		join_cgroup(path);
	}
	enter(ns);
	fd = socket(AF_INET, type | SOCK_CLOEXEC, 0);
	enter(host_ns);
	join_cgroup(own_cgroup);
	assert_true(fd >= 0);
	assert_int_equal(setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof(patience)), 0);
	assert_int_equal(setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience)), 0);
	return fd;
}

static struct sockaddr_in at(uint32_t addr_be, uint16_t port)
{
	return (struct sockaddr_in){.sin_family = AF_INET, .sin_addr.s_addr = addr_be, .sin_port = htons(port)};
}

/* 0 or -errno. *ret_fd: the socket, unless NULL. */
static int dial(int type, uint32_t addr_be, uint16_t port, int *ret_fd)
{
	struct sockaddr_in to = at(addr_be, port);
	int fd = socket_of("pod", pod_ns, type);
	int r = connect(fd, (struct sockaddr *)&to, sizeof(to)) < 0 ? -errno : 0;

	if (ret_fd && r == 0)
		*ret_fd = fd;
	else
		close(fd);
	return r;
}

static int bound(int ns, const char *cgroup, int type, uint16_t port)
{
	struct sockaddr_in any = at(INADDR_ANY, port);
	int fd = socket_of(cgroup, ns, type), one = 1;

	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	assert_int_equal(bind(fd, (struct sockaddr *)&any, sizeof(any)), 0);
	if (type == SOCK_STREAM)
		assert_int_equal(listen(fd, 64), 0);
	return fd;
}

static void hook_up(void)
{
	char path[4200];
	int probe;
	socklen_t len = sizeof(hook.pod.netns_cookie);

	cgroup_path(path, "pod");
	hook.cgroup_id = cgroup_id(path);
	hook.pod = (struct rf_pod){.identity = SRC, .addr4 = rf_addr4(POD_ADDR), .ifindex = if_nametoindex("rfa"), .checker_port = 15001};
	probe = socket_of(NULL, pod_ns, SOCK_DGRAM);
	assert_int_equal(getsockopt(probe, SOL_SOCKET, 71 /* SO_NETNS_COOKIE */, &hook.pod.netns_cookie, &len), 0);
	close(probe);
	if (rf_datapath_pod_add(dp, &hook) < 0)
		fail_msg("%s", rf_datapath_error(dp));
}

static void network_up(void)
{
	char pod_path[64];

	home_ns = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
	pod_ns = new_ns();
	host_ns = new_ns();
	assert_true(home_ns >= 0 && pod_ns >= 0 && host_ns >= 0);
	snprintf(pod_path, sizeof(pod_path), "/proc/%d/fd/%d", getpid(), pod_ns);
	run("ip link set lo up && ip link add rfa address " HOST_MAC " type veth peer name rfb address " POD_MAC);
	run("ip link set rfb netns %s", pod_path);
	run("ip link set rfa up && ip addr add 10.201.0.1/32 dev rfa && ip route add 10.201.0.5 dev rfa");
	run("ip neigh add 10.201.0.5 lladdr " POD_MAC " nud permanent dev rfa");
	run("for a in 10.201.0.6 10.201.0.7 192.169.0.1 203.0.113.7 198.51.100.9; do ip addr add $a/32 dev lo; done");
	enter(pod_ns);
	run("ip link set lo up && ip link set rfb up && ip addr add 10.201.0.5/32 dev rfb");
	run("ip neigh add 10.201.0.1 lladdr " HOST_MAC " nud permanent dev rfb && ip route add default via 10.201.0.1 dev rfb onlink");
	enter(host_ns);
}

static int open_world(void **state)
{
	struct rf_peer audited = {.identity = AUDITED}, mesh = {.identity = DST};
	struct rf_addr addr = rf_addr4(CHECKED_BY), other = rf_addr4(SECOND);

	if (open_instance(state) < 0)
		return -1;
	find_own_cgroup();
	network_up();
	hook_up();
	assert_int_equal(bpf_map_update_elem(dp->maps[RF_MAP_PEERS], &addr, &audited, BPF_ANY), 0);
	assert_int_equal(bpf_map_update_elem(dp->maps[RF_MAP_PEERS], &other, &mesh, BPF_ANY), 0);
	server = bound(host_ns, NULL, SOCK_STREAM, SERVER);
	datagrams = bound(host_ns, NULL, SOCK_DGRAM, SERVER);
	return 0;
}

static int close_world(void **state)
{
	char path[4200];

	close(server);
	close(datagrams);
	rf_datapath_pod_remove(dp, &hook);
	enter(home_ns);
	close(pod_ns);
	close(host_ns);
	close(home_ns);
	cgroup_path(path, "pod");
	rmdir(path);
	cgroup_path(path, "prober");
	cgroup_path(path, "prober/below");
	rmdir(path);
	cgroup_path(path, "prober");
	rmdir(path);
	return close_instance(state);
}

/* One byte there and one back over an accepted connection. */
static void talk(int client, int accepted)
{
	char c = 'x';

	assert_int_equal(send(client, &c, 1, MSG_NOSIGNAL), 1);
	assert_int_equal(recv(accepted, &c, 1, 0), 1);
	assert_int_equal(send(accepted, &c, 1, MSG_NOSIGNAL), 1);
	assert_int_equal(recv(client, &c, 1, 0), 1);
}

static void one_service(uint16_t port, uint8_t proto, uint32_t backend)
{
	exits_service_keys[0] = (struct rf_service_key){.addr = rf_addr4(SERVICE), .port = port, .proto = proto};
	exits_service_values[0] = (struct rf_service_value){.count = 1};
	exits_backends[0] = (struct rf_backend){.addr = rf_addr4(backend), .port = SERVER};
	exits_services = exits_backend_count = 1;
	exits_split_count = 0;
}

/* The Service's port is excluded, its pods' is not: connect knows what was dialled, and so must tc, now and in the next revision. */
static void test_dialed_address_is_remembered(void **state)
{
	int client = -1, accepted;
	char c = 'x';

	(void)state;
	one_service(PORT_OUT, IPPROTO_TCP, STRANGER);
	publish_exits(false, false, EXCLUDES_ALL);
	assert_int_equal(dial(SOCK_STREAM, STRANGER, SERVER, NULL), -ECONNREFUSED);
	assert_int_equal(dial(SOCK_STREAM, SERVICE, PORT_OUT, &client), 0);
	accepted = accept(server, NULL, NULL);
	assert_true(accepted >= 0);
	talk(client, accepted);
	publish_exits(false, false, EXCLUDES_ALL);
	talk(client, accepted);
	publish_exits(false, false, 0); /* the list is gone: the connection is one to outside again */
	send(client, &c, 1, MSG_NOSIGNAL);
	assert_int_equal(recv(client, &c, 1, 0), -1);
	assert_int_equal(errno, ECONNRESET);
	close(client);
	close(accepted);
}

/* The address of the Service is in an excluded range; and a pod of the mesh behind it wants an IngressBackend. */
static void test_excluded_range_is_the_dialed_one(void **state)
{
	int client = -1, accepted;
	uint64_t refused;

	(void)state;
	one_service(443, IPPROTO_TCP, STRANGER);
	exits_service_keys[0].addr = rf_addr4(EXCLUDED4 + htonl(77));
	publish_exits(false, false, EXCLUDES_ALL);
	assert_int_equal(dial(SOCK_STREAM, EXCLUDED4 + htonl(77), 443, &client), 0);
	accepted = accept(server, NULL, NULL);
	assert_true(accepted >= 0);
	talk(client, accepted);
	close(client);
	close(accepted);
	one_service(PORT_OUT, IPPROTO_TCP, SECOND);
	publish_exits(false, false, EXCLUDES_ALL);
	refused = counter(RF_REASON_NO_INGRESS);
	assert_int_equal(dial(SOCK_STREAM, SERVICE, PORT_OUT, NULL), -ECONNREFUSED);
	assert_int_equal(counter(RF_REASON_NO_INGRESS), refused + 1);
	assert_int_equal(dial(SOCK_STREAM, SECOND, SERVER, NULL), 0); /* not excluded: the pair is allowed */
	close(accept(server, NULL, NULL));
}

static void test_egress_counts_hits(void **state)
{
	struct rf_egress_key key = {
		.prefixlen = RF_EGRESS_FIXED_BITS + 128, .port = EGRESS_TCP, .proto = IPPROTO_TCP, .src = SRC, .addr = rf_addr4(BEYOND)};
	struct rf_egress_value value;
	int listener = bound(host_ns, NULL, SOCK_STREAM, EGRESS_TCP);

	(void)state;
	publish_exits(false, false, 0);
	for (int i = 0; i < 3; i++)
		assert_int_equal(dial(SOCK_STREAM, BEYOND, EGRESS_TCP, NULL), 0);
	assert_int_equal(rf_datapath_egress_entry(dp, &key, &value), 0);
	assert_int_equal(value.hits, 3); /* by connect alone, though tc decides, too */
	assert_int_equal(dial(SOCK_STREAM, STRANGER, EGRESS_TCP, NULL), -ECONNREFUSED);
	assert_int_equal(dial(SOCK_STREAM, BEYOND, EGRESS_HTTP, NULL), -ECONNREFUSED); /* no checker in this pod */
	close(listener);
}

struct rows {
	size_t count;
	struct rf_audit_key key;
	struct rf_audit row;
};

static void keep_row(void *arg, const struct rf_audit_key *key, const struct rf_audit *row)
{
	struct rows *rows = arg;

	rows->count++;
	rows->key = *key;
	rows->row = *row;
}

static struct rows audit_rows(void)
{
	struct rows rows = {};

	assert_int_equal(rf_datapath_audit_each(dp, keep_row, &rows), 0);
	return rows;
}

static size_t clear_audit(void)
{
	size_t removed = 0;

	assert_int_equal(rf_datapath_audit_clear(dp, &removed), 0);
	return removed;
}

static void test_audit_counts_connections(void **state)
{
	struct rows rows;
	uint64_t first;
	int client = -1, accepted;

	(void)state;
	publish_exits(false, false, 0);
	clear_audit();
	assert_int_equal(dial(SOCK_STREAM, CHECKED_BY, SERVER, &client), 0);
	accepted = accept(server, NULL, NULL);
	talk(client, accepted);
	rows = audit_rows();
	assert_int_equal(rows.count, 1);
	assert_int_equal(rows.row.count, 1); /* connect counted it, tc did not again */
	assert_int_equal(rows.key.src, SRC);
	assert_int_equal(rows.key.dst, AUDITED);
	assert_int_equal(rows.key.port, SERVER);
	assert_int_equal(rows.key.proto, IPPROTO_TCP);
	assert_int_equal(rows.key.would, RF_REASON_NO_RULE);
	first = rows.row.first_ns;
	assert_true(first > 0 && rows.row.last_ns == first);
	publish_exits(false, false, 0); /* decided again: not a new connection */
	talk(client, accepted);
	close(client);
	close(accepted);
	assert_int_equal(dial(SOCK_STREAM, CHECKED_BY, SERVER, NULL), 0);
	close(accept(server, NULL, NULL));
	rows = audit_rows();
	assert_int_equal(rows.count, 1);
	assert_int_equal(rows.row.count, 2);
	assert_int_equal(rows.row.first_ns, first);
	assert_true(rows.row.last_ns > first);
	assert_int_equal(clear_audit(), 1);
	assert_int_equal(audit_rows().count, 0);
}

static void test_audit_counts_exchanges(void **state)
{
	struct rows rows;
	int client = -1;

	(void)state;
	publish_exits(false, false, 0);
	clear_audit();
	assert_int_equal(dial(SOCK_DGRAM, CHECKED_BY, SERVER, &client), 0);
	for (int i = 0; i < 3; i++) {
		char c = 'x';

		assert_int_equal(send(client, &c, 1, 0), 1);
		assert_int_equal(recv(datagrams, &c, 1, 0), 1);
	}
	rows = audit_rows();
	assert_int_equal(rows.count, 1);
	assert_int_equal(rows.row.count, 1);
	assert_int_equal(rows.key.proto, IPPROTO_UDP);
	close(client);
	clear_audit();
}

/* Full: the connection passes all the same, and that it is not in the table is counted. */
static void test_audit_table_full(void **state)
{
	struct rf_audit row = {.count = 1};
	uint64_t counters[_RF_REASON_MAX], before[RF_LOST_MAX], after[RF_LOST_MAX];

	(void)state;
	publish_exits(false, false, 0);
	clear_audit();
	for (uint32_t i = 0; i < RF_AUDIT_MAX; i++) {
		struct rf_audit_key key = {.src = i + 1, .port = 1};

		assert_int_equal(bpf_map_update_elem(dp->maps[RF_MAP_AUDIT], &key, &row, BPF_ANY), 0);
	}
	assert_int_equal(rf_datapath_reasons(dp, counters, before), 0);
	assert_int_equal(dial(SOCK_STREAM, CHECKED_BY, SERVER, NULL), 0);
	close(accept(server, NULL, NULL));
	assert_int_equal(rf_datapath_reasons(dp, counters, after), 0);
	assert_int_equal(after[RF_LOST_AUDIT], before[RF_LOST_AUDIT] + 1);
	assert_int_equal(after[RF_LOST_EVENTS], before[RF_LOST_EVENTS]);
	assert_int_equal(clear_audit(), RF_AUDIT_MAX);
}

/* ---- the node's probers ---- */

static int probe_from(const char *cgroup, uint16_t port, int *ret_fd)
{
	struct sockaddr_in to = at(POD_ADDR, port);
	int fd = socket_of(cgroup, host_ns, SOCK_STREAM);
	int r = connect(fd, (struct sockaddr *)&to, sizeof(to)) < 0 ? -errno : 0;

	if (ret_fd && r == 0)
		*ret_fd = fd;
	else
		close(fd);
	return r;
}

static uint32_t depth_of(const char *path)
{
	uint32_t depth = 0;

	for (const char *p = path + strlen(instance.cgroup_mount); *p; p++)
		depth += *p == '/';
	return depth;
}

static void test_probes(void **state)
{
	int listener = bound(pod_ns, "pod", SOCK_STREAM, SERVER), client = -1, accepted;
	uint64_t probes = counter(RF_REASON_ALLOW_PROBE);
	char path[4200];

	(void)state;
	publish_exits(false, false, 0);
	cgroup_path(path, "prober");
	assert_int_equal(probe_from("prober", SERVER, NULL), -ECONNREFUSED); /* nobody is configured */
	assert_int_equal(rf_datapath_prober(dp, cgroup_id(path), depth_of(path)), 0);
	assert_int_equal(probe_from("prober", SERVER, &client), 0);
	accepted = accept(listener, NULL, NULL);
	assert_true(accepted >= 0);
	talk(client, accepted);
	assert_int_equal(counter(RF_REASON_ALLOW_PROBE), probes + 1);
	/* another process of the machine, from the same address */
	assert_int_equal(probe_from(NULL, SERVER, NULL), -ECONNREFUSED);
	/* a port on which nobody listens answers as the pod answers */
	assert_int_equal(probe_from("prober", 9999, NULL), -ECONNREFUSED);
	assert_int_equal(counter(RF_REASON_ALLOW_PROBE), probes + 2);
	/* the checker's port is not for probers either */
	assert_int_equal(probe_from("prober", 15001, NULL), -ECONNREFUSED);
	assert_int_equal(counter(RF_REASON_ALLOW_PROBE), probes + 2);
	/* decided again by the next revision */
	publish_exits(false, false, 0);
	talk(client, accepted);
	/* below the prober's cgroup is the prober's; the wrong depth is nobody's */
	assert_int_equal(probe_from("prober/below", SERVER, NULL), 0);
	close(accept(listener, NULL, NULL));
	assert_int_equal(rf_datapath_prober(dp, cgroup_id(path), depth_of(path) + 1), 0);
	assert_int_equal(probe_from("prober", SERVER, NULL), -ECONNREFUSED);
	/* no prober any more: the next revision ends what is open */
	assert_int_equal(rf_datapath_prober(dp, 0, 0), 0);
	talk(client, accepted);
	publish_exits(false, false, 0);
	send(client, "x", 1, MSG_NOSIGNAL);
	assert_int_equal(recv(client, path, 1, 0), -1);
	close(client);
	close(accepted);
	close(listener);
}

/* ---- TrafficSplit ---- */

#define PARTS 3
#define DIALS 600

/* Three parts of one pod each, then a Service whose second part has no pod. Nothing is sent: where connect sends the socket is in `dials`.
 */
static void split_services(void)
{
	static const uint32_t until[PARTS] = {1, 4, 10};
	const uint32_t pods[PARTS] = {SECOND, CHECKED_BY, STRANGER};

	for (uint32_t i = 0; i < PARTS; i++) {
		exits_backends[i] = (struct rf_backend){.addr = rf_addr4(pods[i]), .port = (uint16_t)(100 + i)};
		exits_splits[i] = (struct rf_split_part){.until = until[i], .first = i, .count = 1};
		exits_splits[PARTS + i] = (struct rf_split_part){.until = until[i], .first = i, .count = i != 1};
	}
	for (uint16_t i = 0; i < 4; i++)
		exits_service_keys[i] =
			(struct rf_service_key){.addr = rf_addr4(SERVICE), .port = (uint16_t)(1000 + i), .proto = IPPROTO_UDP};
	exits_service_values[0] = (struct rf_service_value){.parts_first = 0, .parts = PARTS};
	exits_service_values[1] = (struct rf_service_value){.parts_first = PARTS, .parts = PARTS};
	exits_service_values[2] = (struct rf_service_value){.parts_first = 0, .parts = RF_SPLIT_PARTS_MAX + 1}; /* more than there may be */
	exits_service_values[3] = (struct rf_service_value){.parts_first = 2 * PARTS, .parts = RF_SPLIT_PARTS_MAX - 2 * PARTS};
	for (uint32_t i = 2 * PARTS; i < RF_SPLIT_PARTS_MAX; i++) /* the last one has it all but for one in 2^31 */
		exits_splits[i] = (struct rf_split_part){
			.until = i == RF_SPLIT_PARTS_MAX - 1 ? 0xffffffffu : i - 2 * PARTS + 1, .first = i % PARTS, .count = 1};
	exits_services = 4;
	exits_backend_count = PARTS;
	exits_split_count = RF_SPLIT_PARTS_MAX;
}

/* The backend's port of a socket that was dialled, or -errno. */
static int picked(uint16_t port)
{
	struct rf_dial dialed;
	int fd = -1, r = dial(SOCK_DGRAM, SERVICE, port, &fd);

	if (r < 0)
		return r;
	r = bpf_map_lookup_elem(dp->maps[RF_MAP_DIALS], &fd, &dialed) < 0 ? -errno : dialed.real_port;
	close(fd);
	return r;
}

static void test_split_follows_weights(void **state)
{
	unsigned got[PARTS] = {};

	(void)state;
	split_services();
	publish_exits(true, true, 0);
	for (int i = 0; i < DIALS; i++) {
		int port = picked(1000);

		assert_in_range(port, 100, 100 + PARTS - 1);
		got[port - 100]++;
	}
	/* 60, 180 and 360 expected; five standard deviations are 37, 57 and 60 */
	assert_in_range(got[0], 60 - 37, 60 + 37);
	assert_in_range(got[1], 180 - 57, 180 + 57);
	assert_in_range(got[2], 360 - 60, 360 + 60);
	for (int i = 0; i < 5; i++) /* the last of very many parts */
		assert_int_equal(picked(1003), 100 + (RF_SPLIT_PARTS_MAX - 1) % PARTS);
}

static void test_split_to_nobody(void **state)
{
	unsigned refused = 0;
	uint64_t before;

	(void)state;
	split_services();
	publish_exits(true, true, 0);
	before = counter(RF_REASON_NO_BACKEND);
	for (int i = 0; i < DIALS; i++) {
		int port = picked(1001);

		if (port < 0)
			assert_int_equal(port, -ECONNREFUSED);
		assert_int_not_equal(port, 101);
		refused += port < 0;
	}
	assert_in_range(refused, 180 - 57, 180 + 57);
	assert_int_equal(counter(RF_REASON_NO_BACKEND), before + refused);
	assert_int_equal(picked(1002), -ECONNREFUSED);
}

/* A datagram socket keeps its backend while that has a weight, and only then. */
static void test_split_is_sticky(void **state)
{
	struct sockaddr_in to = at(SERVICE, 1000);
	struct rf_dial first, again;
	int fd = -1;

	(void)state;
	split_services();
	publish_exits(true, true, 0);
	assert_int_equal(dial(SOCK_DGRAM, SERVICE, 1000, &fd), 0);
	assert_int_equal(bpf_map_lookup_elem(dp->maps[RF_MAP_DIALS], &fd, &first), 0);
	for (int i = 0; i < 40; i++) {
		assert_int_equal(connect(fd, (struct sockaddr *)&to, sizeof(to)), 0);
		assert_int_equal(bpf_map_lookup_elem(dp->maps[RF_MAP_DIALS], &fd, &again), 0);
		/* STRANGER is no pod: a kept backend that nobody has is chosen anew, until it is one that stays */
		if (first.real_port == 102)
			first = again;
		assert_int_equal(again.real_port, first.real_port);
	}
	assert_int_not_equal(first.real_port, 102);
	/* all weight to the other pod */
	exits_splits[0] = (struct rf_split_part){.until = 5, .first = first.real_port == 100 ? 1 : 0, .count = 1};
	exits_service_values[0].parts = 1;
	publish_exits(true, true, 0);
	assert_int_equal(connect(fd, (struct sockaddr *)&to, sizeof(to)), 0);
	assert_int_equal(bpf_map_lookup_elem(dp->maps[RF_MAP_DIALS], &fd, &again), 0);
	assert_int_equal(again.real_port, first.real_port == 100 ? 101 : 100);
	close(fd);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_dialed_address_is_remembered),
		cmocka_unit_test(test_excluded_range_is_the_dialed_one),
		cmocka_unit_test(test_egress_counts_hits),
		cmocka_unit_test(test_audit_counts_connections),
		cmocka_unit_test(test_audit_counts_exchanges),
		cmocka_unit_test(test_audit_table_full),
		cmocka_unit_test(test_probes),
		cmocka_unit_test(test_split_follows_weights),
		cmocka_unit_test(test_split_to_nobody),
		cmocka_unit_test(test_split_is_sticky),
	};

	return cmocka_run_group_tests_name("exits", tests, open_world, close_world);
}
