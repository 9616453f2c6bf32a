/* SPDX-License-Identifier: Apache-2.0 */
/* The tables that all pods share, in the running kernel: the sweep, what goes with a pod, and what an unfinished takeover left. */
#include "datapath_world.h"

#include <sys/stat.h>

#include "core/cleanup.h"
#include "datapath/carry.h"
#include "datapath/flows.h"
#include "datapath/walk.h"

#define SECOND 1000000000ull
#define OTHER  78ull /* a second pod */

static uint64_t now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * SECOND + (uint64_t)t.tv_nsec;
}

static struct rf_tuple tuple(uint32_t number, uint8_t proto)
{
	return (struct rf_tuple){.saddr = rf_addr4(htonl(0x0a000000 + number)),
				 .daddr = pod_addr6(),
				 .sport = (uint16_t)number,
				 .dport = 80,
				 .proto = proto};
}

static size_t count(enum rf_map_id id)
{
	RF_CLEANUP(rf_walk_done) struct rf_walk walk = {};
	size_t total = 0;
	int n;

	assert_int_equal(rf_walk_open(&walk, dp->maps[id]), 0);
	while ((n = rf_walk_next(&walk)) > 0)
		total += (size_t)n;
	assert_int_equal(n, 0);
	return total;
}

static void make_row(uint64_t pod, uint64_t flows)
{
	struct rf_usage usage = {.flows = flows};

	assert_int_equal(bpf_map_update_elem(dp->maps[RF_MAP_USAGE], &pod, &usage, BPF_ANY), 0);
}

static void put_flow(uint32_t number, uint8_t proto, uint64_t pod, uint16_t life, uint64_t seen_ns)
{
	struct rf_tuple key = tuple(number, proto);
	struct rf_flow flow = {.pod = pod, .life = life, .seen_ns = seen_ns};

	assert_int_equal(bpf_map_update_elem(dp->maps[RF_MAP_FLOWS], &key, &flow, BPF_ANY), 0);
}

static bool has_flow(uint32_t number, uint8_t proto)
{
	struct rf_tuple key = tuple(number, proto);
	struct rf_flow flow;

	return bpf_map_lookup_elem(dp->maps[RF_MAP_FLOWS], &key, &flow) == 0;
}

static void on_over(void *arg, const struct rf_tuple *key, const struct rf_flow *flow)
{
	struct rf_flow there;

	assert_true(flow->seen_ns != 0);
	assert_true(rf_datapath_flow(dp, key, &there) == -ENOENT); /* told after it is gone */
	++*(size_t *)arg;
}

static void sweep_all(size_t *ret_seen, size_t *ret_removed, size_t *ret_calls)
{
	int r = 1;

	*ret_seen = *ret_removed = *ret_calls = 0;
	while (r == 1) {
		size_t seen = 0, removed = 0, told = 0;

		r = rf_datapath_flows_sweep(dp, on_over, &told, &seen, &removed);
		assert_int_equal(told, removed);
		*ret_seen += seen;
		*ret_removed += removed;
		(*ret_calls)++;
	}
	assert_int_equal(r, 0);
}

static int empty_flows(void **state)
{
	RF_CLEANUP(rf_walk_done) struct rf_walk walk = {};
	int n;

	(void)state;
	if (rf_walk_open(&walk, dp->maps[RF_MAP_FLOWS]) < 0)
		return -1;
	while ((n = rf_walk_next(&walk)) > 0)
		for (int i = 0; i < n; i++)
			bpf_map_delete_elem(dp->maps[RF_MAP_FLOWS], rf_walk_key(&walk, i));
	return n;
}

static void test_what_is_over(void **state)
{
	const uint64_t now = 1000000 * SECOND, fins = RF_FLOW_FIN_THERE | RF_FLOW_FIN_BACK;
	const struct {
		uint64_t life, idle_s;
		uint8_t proto;
		bool over;
	} cases[] = {
		{fins, RF_FLOW_ENDED_S - 1, IPPROTO_TCP, false},
		{fins, RF_FLOW_ENDED_S, IPPROTO_TCP, true},
		{RF_FLOW_RESET, RF_FLOW_ENDED_S, IPPROTO_TCP, true},
		{RF_FLOW_FIN_THERE | RF_FLOW_ANSWERED, RF_FLOW_UNANSWERED_S, IPPROTO_TCP, false},
		{0, RF_FLOW_UNANSWERED_S - 1, IPPROTO_TCP, false},
		{0, RF_FLOW_UNANSWERED_S, IPPROTO_TCP, true},
		{RF_FLOW_ANSWERED | RF_FLOW_HALF_OPEN, RF_FLOW_UNANSWERED_S - 1, IPPROTO_TCP, false},
		{RF_FLOW_ANSWERED | RF_FLOW_HALF_OPEN, RF_FLOW_UNANSWERED_S, IPPROTO_TCP, true}, /* a SYN with somebody else's address */
		{RF_FLOW_ANSWERED, RF_FLOW_IDLE_S - 1, IPPROTO_TCP, false},
		{RF_FLOW_ANSWERED, RF_FLOW_IDLE_S, IPPROTO_TCP, true},
		{RF_FLOW_ANSWERED, RF_FLOW_UDP_IDLE_NS / SECOND - 1, IPPROTO_UDP, false},
		{0, RF_FLOW_UDP_IDLE_NS / SECOND, IPPROTO_UDP, true},
	};

	(void)state;
	for (size_t i = 0; i < RF_ARRAY_SIZE(cases); i++) {
		struct rf_tuple key = {.proto = cases[i].proto};
		struct rf_flow flow = {.life = (uint16_t)cases[i].life, .seen_ns = now - cases[i].idle_s * SECOND};

		assert_int_equal(rf_flow_is_over(&key, &flow, now), cases[i].over);
	}
}

static void test_sweep(void **state)
{
	uint64_t now = now_ns(), long_ago = now - 20 * SECOND;
	size_t seen, removed, calls;
	struct rf_usage usage;

	(void)state;
	make_row(POD_ID, 4);
	put_flow(1, IPPROTO_TCP, POD_ID, RF_FLOW_RESET, long_ago);
	put_flow(2, IPPROTO_TCP, POD_ID, RF_FLOW_ANSWERED, long_ago);
	put_flow(3, IPPROTO_UDP, POD_ID, 0, long_ago);
	put_flow(4, IPPROTO_TCP, POD_ID, RF_FLOW_FIN_THERE | RF_FLOW_FIN_BACK, long_ago);
	put_flow(5, IPPROTO_TCP, 999, RF_FLOW_ANSWERED, now); /* of a pod that is gone */
	sweep_all(&seen, &removed, &calls);
	assert_int_equal(seen, 5);
	assert_int_equal(removed, 3);
	assert_true(has_flow(2, IPPROTO_TCP) && has_flow(3, IPPROTO_UDP));
	assert_int_equal(rf_datapath_usage(dp, POD_ID, &usage), 0);
	assert_int_equal(usage.flows, 2);
	assert_int_equal(rf_datapath_usage(dp, 999, &usage), -ENOENT);
}

#define MANY  1000000u
#define CHUNK 10000u

/* Every second one is over. */
static void fill_flows(void)
{
	_cleanup_free_ struct rf_tuple *keys = calloc(CHUNK, sizeof(*keys));
	_cleanup_free_ struct rf_flow *flows = calloc(CHUNK, sizeof(*flows));
	uint64_t now = now_ns();

	assert_non_null(keys);
	assert_non_null(flows);
	for (uint32_t first = 0; first < MANY; first += CHUNK) {
		LIBBPF_OPTS(bpf_map_batch_opts, opts);
		__u32 n = CHUNK;

		for (uint32_t i = 0; i < CHUNK; i++) {
			keys[i] = tuple(first + i, IPPROTO_TCP);
			flows[i] = (struct rf_flow){
				.pod = POD_ID, .life = (first + i) % 2 ? RF_FLOW_ANSWERED : RF_FLOW_RESET, .seen_ns = now - 20 * SECOND};
		}
		assert_int_equal(bpf_map_update_batch(dp->maps[RF_MAP_FLOWS], keys, flows, &n, &opts), 0);
	}
}

static void test_a_million_flows_in_pieces(void **state)
{
	size_t seen, removed, calls;
	struct rf_usage usage;

	(void)state;
	make_row(POD_ID, MANY);
	fill_flows();
	sweep_all(&seen, &removed, &calls);
	print_message("%zu seen, %zu removed in %zu calls\n", seen, removed, calls);
	assert_true(calls > 1);
	assert_int_equal(seen, MANY);
	assert_int_equal(removed, MANY / 2);
	assert_int_equal(count(RF_MAP_FLOWS), MANY / 2);
	assert_int_equal(rf_datapath_usage(dp, POD_ID, &usage), 0);
	assert_int_equal(usage.flows, MANY / 2);
}

static void put_origin(uint32_t number, uint64_t pod)
{
	struct rf_tuple key = tuple(number, IPPROTO_TCP);
	struct rf_origdst value = {.pod = pod};

	assert_int_equal(bpf_map_update_elem(dp->maps[RF_MAP_ORIGDST], &key, &value, BPF_ANY), 0);
}

static void test_what_goes_with_a_pod(void **state)
{
	struct rf_pod_hook hook = {
		.cgroup_id = POD_ID,
		.pod = {.identity = DST, .addr4 = rf_addr4(POD_ADDR), .addr6 = pod_addr6(), .ifindex = 999999},
		.key = "no_such",
	};
	struct rf_peer peer = {.identity = SRC, .pod = OTHER, .flags = RF_PEER_LOCAL};
	struct rf_usage usage;

	(void)state;
	/* an interface that does not exist: everything but the attachment */
	assert_true(rf_datapath_pod_add(dp, &hook) < 0);
	assert_int_equal(rf_datapath_usage(dp, POD_ID, &usage), 0);
	make_row(OTHER, 1);
	/* its IPv4 address is another pod's by now */
	assert_int_equal(bpf_map_update_elem(dp->maps[RF_MAP_PEERS], &hook.pod.addr4, &peer, BPF_EXIST), 0);
	put_flow(1, IPPROTO_TCP, POD_ID, RF_FLOW_ANSWERED, now_ns());
	put_flow(2, IPPROTO_UDP, POD_ID, RF_FLOW_ANSWERED, now_ns());
	put_flow(3, IPPROTO_TCP, OTHER, RF_FLOW_ANSWERED, now_ns());
	put_origin(1, POD_ID);
	put_origin(2, OTHER);
	assert_int_equal(rf_datapath_pod_remove(dp, &hook), 0);
	assert_int_equal(count(RF_MAP_FLOWS), 1);
	assert_true(has_flow(3, IPPROTO_TCP));
	assert_int_equal(count(RF_MAP_ORIGDST), 1);
	assert_int_equal(rf_datapath_usage(dp, POD_ID, &usage), -ENOENT);
	assert_int_equal(rf_datapath_usage(dp, OTHER, &usage), 0);
	assert_int_equal(bpf_map_lookup_elem(dp->maps[RF_MAP_PEERS], &hook.pod.addr4, &peer), 0);
	assert_true(bpf_map_lookup_elem(dp->maps[RF_MAP_PEERS], &hook.pod.addr6, &peer) < 0);
	assert_int_equal(rf_datapath_pod_remove(dp, &hook), 0); /* twice is once */
}

static void test_live_that_cannot_be_pinned(void **state)
{
	char path[4300];

	(void)state;
	publish(false, false, true);
	assert_string_equal(rf_datapath_warning(dp, RF_DATAPATH_WARNING_LIVE), "");
	snprintf(path, sizeof(path), "%s/live/allow", instance.bpffs_dir);
	assert_int_equal(unlink(path), 0);
	assert_int_equal(mkdir(path, 0700), 0);
	publish(false, false, true);
	assert_non_null(strstr(rf_datapath_warning(dp, RF_DATAPATH_WARNING_LIVE), "live/allow"));
	assert_int_equal(rmdir(path), 0);
	publish(false, false, true);
	assert_string_equal(rf_datapath_warning(dp, RF_DATAPATH_WARNING_LIVE), "");
}

/* ---- what a killed takeover leaves ---- */

static void beside(char *ret, size_t size, const char *suffix)
{
	snprintf(ret, size, "%s%s", instance.bpffs_dir, suffix);
}

static void reopen(void)
{
	rf_datapath_close(dp);
	dp = NULL;
	if (rf_datapath_open(&instance, &dp) < 0)
		fail_msg("%s", rf_datapath_error(dp));
}

static void test_killed_between_the_renames(void **state)
{
	char old[4300], fresh[4300];

	(void)state;
	publish(false, false, true);
	beside(old, sizeof(old), "_old");
	beside(fresh, sizeof(fresh), "_new");
	assert_int_equal(rename(instance.bpffs_dir, old), 0);
	assert_int_equal(mkdir(fresh, 0700), 0);
	reopen();
	assert_int_equal(access(old, F_OK), -1);
	assert_int_equal(access(fresh, F_OK), -1);
	assert_int_equal(ask_from(SRC, POD_ADDR, DST, 8080, IPPROTO_TCP, RF_ASK_CONNECT), RF_REASON_ALLOW_RULE);
}

/* A map as `flows` is, types and all. */
static int another_flows(void)
{
	struct bpf_map_info info = {};
	__u32 len = sizeof(info);
	LIBBPF_OPTS(bpf_map_create_opts, opts);
	int fd;

	assert_int_equal(bpf_obj_get_info_by_fd(dp->maps[RF_MAP_FLOWS], &info, &len), 0);
	opts.map_flags = info.map_flags;
	opts.btf_fd = (__u32)bpf_btf_get_fd_by_id(info.btf_id);
	opts.btf_key_type_id = info.btf_key_type_id;
	opts.btf_value_type_id = info.btf_value_type_id;
	fd = bpf_map_create(BPF_MAP_TYPE_HASH, "flows", info.key_size, info.value_size, info.max_entries, &opts);
	close((int)opts.btf_fd);
	assert_true(fd >= 0);
	return fd;
}

static uint64_t seen_of(uint32_t number)
{
	struct rf_tuple key = tuple(number, IPPROTO_TCP);
	struct rf_flow flow;

	assert_int_equal(bpf_map_lookup_elem(dp->maps[RF_MAP_FLOWS], &key, &flow), 0);
	return flow.seen_ns;
}

/* Tree and old tree: what came into the old one late is carried, the flag and the tree go. */
static void test_killed_before_the_end(void **state)
{
	static const struct {
		uint64_t seen_ns;
	} late[] = {{50}, {500}, {5}}; /* not there; later than what is there; earlier */
	_cleanup_close_ int flows = another_flows();
	struct rf_control control;
	char old[4300], maps[4400];
	__u32 zero = 0;

	(void)state;
	beside(old, sizeof(old), "_old");
	snprintf(maps, sizeof(maps), "%s/maps", old);
	assert_int_equal(mkdir(old, 0700) + mkdir(maps, 0700), 0);
	assert_int_equal(rf_dp_pin(flows, old, "maps", "flows"), 0);
	assert_int_equal(rf_dp_pin(dp->maps[RF_MAP_CONTROL], old, "maps", "control"), 0);
	for (uint32_t i = 0; i < 3; i++) {
		struct rf_tuple key = tuple(i, IPPROTO_TCP);
		struct rf_flow flow = {.pod = POD_ID, .seen_ns = late[i].seen_ns};

		assert_int_equal(bpf_map_update_elem(flows, &key, &flow, BPF_ANY), 0);
	}
	put_flow(1, IPPROTO_TCP, POD_ID, 0, 100);
	put_flow(2, IPPROTO_TCP, POD_ID, 0, 100);
	assert_int_equal(bpf_map_lookup_elem(dp->maps[RF_MAP_CONTROL], &zero, &control), 0);
	control.flags |= RF_CONTROL_TAKEOVER;
	assert_int_equal(bpf_map_update_elem(dp->maps[RF_MAP_CONTROL], &zero, &control, BPF_ANY), 0);
	reopen();
	assert_int_equal(seen_of(0), 50);
	assert_int_equal(seen_of(1), 500);
	assert_int_equal(seen_of(2), 100);
	assert_int_equal(access(old, F_OK), -1);
	assert_int_equal(bpf_map_lookup_elem(dp->maps[RF_MAP_CONTROL], &zero, &control), 0);
	assert_int_equal(control.flags, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_what_is_over),
		cmocka_unit_test_teardown(test_sweep, empty_flows),
		cmocka_unit_test_teardown(test_a_million_flows_in_pieces, empty_flows),
		cmocka_unit_test_teardown(test_what_goes_with_a_pod, empty_flows),
		cmocka_unit_test(test_live_that_cannot_be_pinned),
		cmocka_unit_test(test_killed_between_the_renames),
		cmocka_unit_test_teardown(test_killed_before_the_end, empty_flows),
	};

	return cmocka_run_group_tests_name("tables", tests, open_instance, close_instance);
}
