/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Real sockets and packets at the edges of the mesh: a pod behind a veth with the real programs on it, servers on this side of it. What
 * connect decided must be what tc decides, in this revision and the next; what is counted is counted once.
 */
#include "pod_world.h"

#include "datapath/cut.h"

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
	assert_int_equal(dial(SOCK_STREAM, STRANGER, SERVER, NULL), errno_of_denial());
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

static size_t cut(void)
{
	char path[64];
	size_t count = 77;

	snprintf(path, sizeof(path), "/proc/%d/fd/%d", getpid(), pod_ns);
	if (rf_datapath_cut(dp, path, &hook, &count) < 0)
		fail_msg("%s", rf_datapath_error(dp));
	return count;
}

/* Who cuts what a new revision does not allow asks what the flow was opened with. */
static void test_cut_knows_what_was_dialed(void **state)
{
	int client = -1, accepted;
	char c;

	(void)state;
	one_service(PORT_OUT, IPPROTO_TCP, STRANGER);
	publish_exits(false, false, EXCLUDES_ALL);
	assert_int_equal(dial(SOCK_STREAM, SERVICE, PORT_OUT, &client), 0);
	accepted = accept(server, NULL, NULL);
	assert_true(accepted >= 0);
	publish_exits(false, false, EXCLUDES_ALL);
	assert_int_equal(cut(), 0);
	talk(client, accepted);
	publish_exits(false, false, 0);
	assert_int_equal(cut(), 1);
	assert_int_equal(recv(client, &c, 1, 0), -1);
	assert_int_equal(errno, ECONNABORTED);
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
	assert_int_equal(dial(SOCK_STREAM, SERVICE, PORT_OUT, NULL), errno_of_denial());
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
	assert_int_equal(dial(SOCK_STREAM, STRANGER, EGRESS_TCP, NULL), errno_of_denial());
	assert_int_equal(dial(SOCK_STREAM, BEYOND, EGRESS_HTTP, NULL), errno_of_denial()); /* no checker in this pod */
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

static void keep_audited(void *arg, const struct rf_event *event)
{
	if (event->reason == RF_REASON_ALLOW_AUDIT)
		*(struct rf_event *)arg = *event;
	else
		assert_int_equal(event->would, 0);
}

static void test_audit_is_told(void **state)
{
	struct rf_event event = {};

	(void)state;
	publish_exits(false, false, 0);
	assert_int_equal(dial(SOCK_STREAM, CHECKED_BY, SERVER, NULL), 0);
	close(accept(server, NULL, NULL));
	assert_int_equal(rf_datapath_events_drain(dp, keep_audited, &event), 0);
	assert_int_equal(event.reason, RF_REASON_ALLOW_AUDIT);
	assert_int_equal(event.would, RF_REASON_NO_RULE);
	assert_int_equal(event.dst, AUDITED);
	assert_int_equal(event.dport, SERVER);
	assert_int_equal(event.kind, RF_EVENT_PACKET);
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

/* Half of a pod's share is kept from outsiders, whatever admits them; the node's probes are none. */
static void test_outsiders_leave_room(void **state)
{
	int listener = bound(pod_ns, "pod", SOCK_STREAM, PORT_IN);
	uint64_t refused = counter(RF_REASON_FLOW_QUOTA);
	char path[4200];

	(void)state;
	publish_exits(false, false, EXCLUDES_ALL);
	cgroup_path(path, "prober");
	assert_int_equal(rf_datapath_prober(dp, cgroup_id(path), depth_of(path)), 0);
	assert_int_equal(probe_from(NULL, PORT_IN, NULL), 0);
	set_usage(hook.cgroup_id, RF_FLOWS_FROM_OUTSIDE);
	assert_int_equal(probe_from(NULL, PORT_IN, NULL), -ECONNREFUSED);
	assert_int_equal(counter(RF_REASON_FLOW_QUOTA), refused + 1);
	assert_int_equal(probe_from("prober", PORT_IN, NULL), 0);
	set_usage(hook.cgroup_id, RF_FLOWS_PER_POD);
	assert_int_equal(probe_from("prober", PORT_IN, NULL), -ECONNREFUSED);
	set_usage(hook.cgroup_id, 0);
	assert_int_equal(rf_datapath_prober(dp, 0, 0), 0);
	close(listener);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_dialed_address_is_remembered),
		cmocka_unit_test(test_cut_knows_what_was_dialed),
		cmocka_unit_test(test_excluded_range_is_the_dialed_one),
		cmocka_unit_test(test_egress_counts_hits),
		cmocka_unit_test(test_audit_is_told),
		cmocka_unit_test(test_audit_counts_connections),
		cmocka_unit_test(test_audit_counts_exchanges),
		cmocka_unit_test(test_audit_table_full),
		cmocka_unit_test(test_probes),
		cmocka_unit_test(test_outsiders_leave_room),
	};

	return cmocka_run_group_tests_name("exits", tests, open_world, close_world);
}
