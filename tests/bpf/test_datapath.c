/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The real BPF programs in the running kernel, through PROG_TEST_RUN: the decision on published tables, and tc verdicts on made-up packets.
 * Everything lives in an instance of its own and is gone at the end. Needs root.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/if_ether.h>
#include <net/if.h>
#include <netinet/ip.h>
#include <netinet/tcp.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <bpf/bpf.h>
#include <linux/pkt_cls.h>

#include "datapath/private.h"
#include "policy/policy.h"

#define SRC      0x1111ull /* meshed */
#define DST      0x2222ull /* meshed */
#define PLAIN    0x3333ull /* known, not meshed */
#define POD_ID   77ull     /* cgroup id of the made-up pod on interface 1 */
#define POD_ADDR htonl(0x0ac90005)
#define OUTSIDER htonl(0xc0a80001)
#define STRANGER htonl(0xc0a90001)

static struct rf_instance instance;
static struct rf_datapath *dp;

static int open_instance(void **state)
{
	char name[32];

	(void)state;
	if (geteuid() != 0) {
		print_message("this test needs root\n");
		return -1;
	}
	snprintf(name, sizeof(name), "rfbpf%d", getpid());
	if (rf_instance_init(&instance, name) < 0)
		return -1;
	if (rf_datapath_open(&instance, &dp) < 0) {
		print_error("%s\n", rf_datapath_error(dp));
		return -1;
	}
	return 0;
}

static int close_instance(void **state)
{
	char path[4200];

	(void)state;
	rf_datapath_close(dp);
	rf_datapath_uninstall(&instance, false, NULL, NULL);
	rmdir(instance.pods_cgroup);
	rmdir(instance.sockd_cgroup);
	rmdir(instance.cgroup_dir);
	snprintf(path, sizeof(path), "%s/agent.lock", instance.run_dir);
	unlink(path);
	rmdir(instance.run_dir);
	return access(instance.bpffs_dir, F_OK) == 0 || access(instance.cgroup_dir, F_OK) == 0 ? -1 : 0;
}

/* One revision: SRC -> DST: 8080 ALLOW, 80 L7, any port DENY on 9; OUTSIDER may reach DST:80. */
static void publish(bool permissive, bool egress, bool with_rules)
{
	rf_identity_t meshed[] = {SRC, DST};
	struct rf_ident idents[] = {{.meshed = 1}, {.meshed = 1}};
	struct rf_allow_key keys[] = {
		{.src = SRC, .dst = DST, .port = 8080, .proto = IPPROTO_TCP}, {.src = SRC, .dst = DST, .port = 80, .proto = IPPROTO_TCP},
		{.src = SRC, .dst = DST, .port = 9, .proto = IPPROTO_TCP},    {.src = SRC, .dst = SRC, .port = 0, .proto = IPPROTO_TCP},
		{.src = SRC, .dst = SRC, .port = 7, .proto = IPPROTO_TCP},
	};
	struct rf_allow_value values[] = {
		{.verdict = RF_VERDICT_ALLOW, .rule_id = 1}, {.verdict = RF_VERDICT_L7, .rule_id = 2},
		{.verdict = RF_VERDICT_DENY, .rule_id = 3},  {.verdict = RF_VERDICT_ALLOW, .rule_id = 4},
		{.verdict = RF_VERDICT_DENY, .rule_id = 5},
	};
	struct rf_ingress_key ingress_keys[] = {{.prefixlen = RF_INGRESS_FIXED_BITS + 24,
						 .port = 80,
						 .proto = IPPROTO_TCP,
						 .dst = DST,
						 .addr_be = OUTSIDER & htonl(0xffffff00)}};
	struct rf_ingress_value ingress_values[] = {{.rule_id = 6}};
	struct rf_name names[] = {{"shop/source"}, {"shop/destination"}};
	struct rf_rule rules[7] = {};
	uint64_t blob[2] = {};
	struct rf_policy policy = {
		.idents_keys = meshed,
		.idents_values = idents,
		.idents_count = 2,
		.allow_keys = keys,
		.allow_values = values,
		.allow_count = with_rules ? 5 : 0,
		.ingress_keys = ingress_keys,
		.ingress_values = ingress_values,
		.ingress_count = with_rules ? 1 : 0,
		.names_keys = meshed,
		.names_values = names,
		.names_count = with_rules ? 2 : 1,
		.rules = rules,
		.rule_count = 7,
		.routes = blob,
		.routes_size = sizeof(blob),
	};
	rf_epoch_t live = 0;

	assert_int_equal(rf_datapath_epoch(dp, &live), 0);
	policy.config = (struct rf_config){.epoch = live + 1, .permissive = permissive, .egress = egress};
	if (rf_datapath_publish(dp, &policy) < 0)
		fail_msg("%s", rf_datapath_error(dp));
	assert_int_equal(rf_datapath_epoch(dp, &live), 0);
	assert_int_equal(live, policy.config.epoch);
}

static enum rf_reason ask_from(rf_identity_t src, uint32_t saddr_be, rf_identity_t dst, uint16_t port, uint8_t proto, uint32_t how)
{
	struct rf_question q = {.src = src, .dst = dst, .saddr_be = saddr_be, .port = port, .proto = proto};
	struct rf_answer a = {};

	if (rf_datapath_ask(dp, &q, how, &a) < 0)
		fail_msg("%s", rf_datapath_error(dp));
	assert_int_equal(a.verdict != RF_VERDICT_DENY, rf_reason_admits(a.reason));
	return a.reason;
}

static enum rf_reason ask(rf_identity_t src, rf_identity_t dst, uint16_t port)
{
	return ask_from(src, POD_ADDR, dst, port, IPPROTO_TCP, RF_ASK_CONNECT);
}

static void test_no_policy_denies(void **state)
{
	(void)state;
	assert_int_equal(ask(SRC, DST, 8080), RF_REASON_NO_POLICY);
	assert_int_equal(ask(0, 0, 8080), RF_REASON_NO_POLICY);
}

static void test_pairs(void **state)
{
	(void)state;
	publish(false, false, true);
	assert_int_equal(ask(SRC, DST, 8080), RF_REASON_ALLOW_RULE);
	assert_int_equal(ask(SRC, DST, 80), RF_REASON_ALLOW_L7);
	assert_int_equal(ask(SRC, DST, 9), RF_REASON_NO_RULE);
	assert_int_equal(ask(SRC, DST, 81), RF_REASON_NO_RULE);
	assert_int_equal(ask(DST, SRC, 8080), RF_REASON_NO_RULE);
	/* any port, and an exact denial that an any-port allow cannot widen */
	assert_int_equal(ask(SRC, SRC, 12345), RF_REASON_ALLOW_RULE);
	assert_int_equal(ask(SRC, SRC, 7), RF_REASON_NO_RULE);
}

static void test_edges_of_the_mesh(void **state)
{
	(void)state;
	publish(false, false, true);
	assert_int_equal(ask(PLAIN, 0, 80), RF_REASON_ALLOW_UNMESHED);
	assert_int_equal(ask(0, PLAIN, 80), RF_REASON_ALLOW_UNMESHED);
	assert_int_equal(ask(SRC, 0, 80), RF_REASON_NO_EGRESS);
	assert_int_equal(ask(SRC, PLAIN, 80), RF_REASON_NO_EGRESS);
	assert_int_equal(ask_from(0, OUTSIDER, DST, 80, IPPROTO_TCP, RF_ASK_CONNECT), RF_REASON_ALLOW_INGRESS);
	assert_int_equal(ask_from(PLAIN, OUTSIDER, DST, 80, IPPROTO_TCP, RF_ASK_CONNECT), RF_REASON_ALLOW_INGRESS);
	assert_int_equal(ask_from(0, OUTSIDER, DST, 81, IPPROTO_TCP, RF_ASK_CONNECT), RF_REASON_NO_INGRESS);
	assert_int_equal(ask_from(0, OUTSIDER, SRC, 80, IPPROTO_TCP, RF_ASK_CONNECT), RF_REASON_NO_INGRESS);
	assert_int_equal(ask_from(0, STRANGER, DST, 80, IPPROTO_TCP, RF_ASK_CONNECT), RF_REASON_NO_INGRESS);
	publish(false, true, true);
	assert_int_equal(ask(SRC, 0, 80), RF_REASON_ALLOW_EGRESS);
	assert_int_equal(ask_from(0, STRANGER, DST, 80, IPPROTO_TCP, RF_ASK_CONNECT), RF_REASON_NO_INGRESS);
}

static void test_protocols(void **state)
{
	(void)state;
	publish(true, true, true);
	assert_int_equal(ask_from(SRC, POD_ADDR, DST, 8080, IPPROTO_UDP, RF_ASK_CONNECT), RF_REASON_DATAGRAM);
	assert_int_equal(ask_from(SRC, POD_ADDR, 0, 53, IPPROTO_UDP, RF_ASK_CONNECT), RF_REASON_DATAGRAM);
	assert_int_equal(ask_from(0, OUTSIDER, DST, 80, IPPROTO_ICMP, RF_ASK_CONNECT), RF_REASON_IP_PROTOCOL);
	assert_int_equal(ask_from(PLAIN, POD_ADDR, 0, 53, IPPROTO_UDP, RF_ASK_CONNECT), RF_REASON_ALLOW_UNMESHED);
}

static void test_permissive(void **state)
{
	(void)state;
	publish(true, false, false);
	assert_int_equal(ask(SRC, DST, 1), RF_REASON_ALLOW_PERMISSIVE);
	/* permissive mode opens the mesh to itself, not to strangers */
	assert_int_equal(ask_from(0, STRANGER, DST, 80, IPPROTO_TCP, RF_ASK_CONNECT), RF_REASON_NO_INGRESS);
	assert_int_equal(ask(SRC, 0, 80), RF_REASON_NO_EGRESS);
}

static void test_opener(void **state)
{
	(void)state;
	publish(false, true, true);
	assert_int_equal(ask_from(SRC, POD_ADDR, DST, 80, IPPROTO_TCP, RF_ASK_POD), RF_REASON_CHECKER_BYPASS);
	assert_int_equal(ask_from(SRC, POD_ADDR, DST, 80, IPPROTO_TCP, RF_ASK_CHECKER), RF_REASON_ALLOW_CHECKER);
	assert_int_equal(ask_from(SRC, POD_ADDR, DST, 8080, IPPROTO_TCP, RF_ASK_CHECKER), RF_REASON_ALLOW_RULE);
	/* a captured checker gains neither egress nor forbidden pairs */
	assert_int_equal(ask_from(SRC, POD_ADDR, 0, 80, IPPROTO_TCP, RF_ASK_CHECKER), RF_REASON_CHECKER_BYPASS);
	assert_int_equal(ask_from(SRC, POD_ADDR, DST, 81, IPPROTO_TCP, RF_ASK_CHECKER), RF_REASON_NO_RULE);
}

static void test_empty_policy_admits_nothing(void **state)
{
	(void)state;
	publish(false, false, false);
	assert_int_equal(ask(SRC, DST, 8080), RF_REASON_NO_RULE);
	assert_int_equal(ask_from(0, OUTSIDER, DST, 80, IPPROTO_TCP, RF_ASK_CONNECT), RF_REASON_NO_INGRESS);
}

static void test_names_follow_the_policy(void **state)
{
	char text[RF_IDENTITY_NAME_MAX];

	(void)state;
	publish(false, false, true);
	assert_int_equal(rf_datapath_name(dp, DST, text, sizeof(text)), 0);
	assert_string_equal(text, "shop/destination");
	publish(false, false, false);
	assert_int_equal(rf_datapath_name(dp, DST, text, sizeof(text)), -ENOENT);
	assert_int_equal(rf_datapath_name(dp, SRC, text, sizeof(text)), 0);
}

static void test_publish_refuses_a_gap(void **state)
{
	struct rf_policy policy = {.config = {.epoch = 1000}};
	rf_epoch_t before = 0, after = 1;

	(void)state;
	assert_int_equal(rf_datapath_epoch(dp, &before), 0);
	assert_int_equal(rf_datapath_publish(dp, &policy), -ESTALE);
	assert_int_equal(rf_datapath_epoch(dp, &after), 0);
	assert_int_equal(before, after);
}

/* ---- packets ---- */

struct frame {
	struct ethhdr eth;
	struct iphdr ip;
	struct tcphdr tcp;
	char pad[64];
} __attribute__((packed));

static struct frame make_frame(uint32_t saddr, uint32_t daddr, uint16_t sport, uint16_t dport)
{
	struct frame f = {
		.eth = {.h_dest = {2, 0, 0, 0, 0, 1}, .h_source = {2, 0, 0, 0, 0, 2}, .h_proto = htons(ETH_P_IP)},
		.ip = {.version = 4, .ihl = 5, .tot_len = htons(40), .ttl = 64, .protocol = IPPROTO_TCP, .saddr = saddr, .daddr = daddr},
		.tcp = {.th_sport = htons(sport), .th_dport = htons(dport), .th_seq = htonl(1000), .th_off = 5, .th_flags = TH_SYN},
	};

	return f;
}

/* Runs a tc program on interface 1 (lo of this namespace, which the maps call the pod's). Returns its verdict. */
static uint32_t run_tc(const char *program, const struct frame *in, size_t size, struct frame *out)
{
	struct __sk_buff ctx = {.ifindex = 1};
	struct frame buffer = {};
	LIBBPF_OPTS(bpf_test_run_opts, opts, .data_in = in, .data_size_in = (__u32)size, .data_out = &buffer,
		    .data_size_out = sizeof(buffer), .ctx_in = &ctx, .ctx_size_in = sizeof(ctx));
	int fd = rf_dp_pinned(dp->dir, "progs", program);

	assert_true(fd >= 0);
	assert_int_equal(bpf_prog_test_run_opts(fd, &opts), 0);
	close(fd);
	if (out)
		*out = buffer;
	return opts.retval;
}

static uint64_t counter(enum rf_reason reason)
{
	uint64_t counters[_RF_REASON_MAX], lost;

	assert_int_equal(rf_datapath_reasons(dp, counters, &lost), 0);
	return counters[reason];
}

static void expect_drop(const char *program, const struct frame *in, size_t size, enum rf_reason reason, bool answered)
{
	uint64_t before = counter(reason);
	uint32_t verdict = run_tc(program, in, size, NULL);

	assert_int_equal(verdict, answered ? TC_ACT_REDIRECT : TC_ACT_SHOT);
	assert_int_equal(counter(reason), before + 1);
}

static void hook_pod(void)
{
	struct rf_pod pod = {.identity = DST, .addr_be = POD_ADDR, .ifindex = 1, .checker_port = 15001};
	struct rf_peer peer = {.identity = DST, .pod = POD_ID, .flags = RF_PEER_LOCAL};
	uint64_t id = POD_ID;
	uint32_t ifindex = 1, addr = POD_ADDR;

	assert_int_equal(bpf_map_update_elem(dp->maps[RF_MAP_PODS], &id, &pod, BPF_ANY), 0);
	assert_int_equal(bpf_map_update_elem(dp->maps[RF_MAP_LINKS], &ifindex, &id, BPF_ANY), 0);
	assert_int_equal(bpf_map_update_elem(dp->maps[RF_MAP_PEERS], &addr, &peer, BPF_ANY), 0);
}

static void test_unknown_interface_drops(void **state)
{
	struct frame f = make_frame(OUTSIDER, POD_ADDR, 40000, 80);

	(void)state;
	expect_drop("rf_to_pod", &f, 54, RF_REASON_NO_POD, false);
	expect_drop("rf_from_pod", &f, 54, RF_REASON_NO_POD, false);
}

static void test_leaving(void **state)
{
	struct frame f = make_frame(POD_ADDR, OUTSIDER, 40000, 80);

	(void)state;
	hook_pod();
	publish(false, true, true);
	/* egress is on, but the made-up packet belongs to no tagged socket */
	expect_drop("rf_from_pod", &f, 54, RF_REASON_NO_TAG, true);
	f.ip.saddr = STRANGER;
	expect_drop("rf_from_pod", &f, 54, RF_REASON_SPOOFED, false);
	f = make_frame(POD_ADDR, OUTSIDER, 40000, 80);
	f.eth.h_proto = htons(ETH_P_IPV6);
	expect_drop("rf_from_pod", &f, 54, RF_REASON_ETHERTYPE, false);
	f = make_frame(POD_ADDR, OUTSIDER, 40000, 80);
	f.ip.frag_off = htons(0x2000);
	expect_drop("rf_from_pod", &f, 54, RF_REASON_FRAGMENT, false);
	f = make_frame(POD_ADDR, OUTSIDER, 40000, 80);
	f.ip.ihl = 6;
	expect_drop("rf_from_pod", &f, 58, RF_REASON_IP_OPTIONS, false);
	f = make_frame(POD_ADDR, OUTSIDER, 40000, 80);
	f.ip.ihl = 4;
	expect_drop("rf_from_pod", &f, 54, RF_REASON_MALFORMED, false);
	f = make_frame(POD_ADDR, OUTSIDER, 40000, 80);
	f.ip.protocol = IPPROTO_UDP;
	expect_drop("rf_from_pod", &f, 54, RF_REASON_DATAGRAM, false);
	f.ip.protocol = IPPROTO_ICMP;
	expect_drop("rf_from_pod", &f, 54, RF_REASON_IP_PROTOCOL, false);
	f = make_frame(POD_ADDR, OUTSIDER, 40000, 80);
	f.tcp.th_flags = TH_ACK;
	expect_drop("rf_from_pod", &f, 54, RF_REASON_NO_FLOW, true);
	f.tcp.th_flags = TH_RST;
	expect_drop("rf_from_pod", &f, 54, RF_REASON_NO_FLOW, false); /* an RST is never answered with one */
}

static uint16_t fold(uint32_t sum)
{
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return (uint16_t)sum;
}

static uint32_t sum16(const void *data, size_t len)
{
	const uint8_t *p = data;
	uint32_t sum = 0;

	for (size_t i = 0; i + 1 < len; i += 2)
		sum += (uint32_t)(p[i] << 8 | p[i + 1]);
	return sum;
}

static void test_refused_syn_is_reset(void **state)
{
	struct frame f = make_frame(STRANGER, POD_ADDR, 40000, 80), r = {};

	(void)state;
	hook_pod();
	publish(false, false, true);
	assert_int_equal(run_tc("rf_to_pod", &f, 54, &r), TC_ACT_REDIRECT);
	assert_int_equal(r.ip.saddr, POD_ADDR);
	assert_int_equal(r.ip.daddr, STRANGER);
	assert_int_equal(ntohs(r.tcp.th_sport), 80);
	assert_int_equal(ntohs(r.tcp.th_dport), 40000);
	assert_int_equal(r.tcp.th_flags, TH_RST | TH_ACK);
	assert_int_equal(ntohl(r.tcp.th_ack), 1001);
	assert_memory_equal(r.eth.h_dest, f.eth.h_source, 6);
	assert_int_equal(fold(sum16(&r.ip, 20)), 0xffff);
	assert_int_equal(fold(sum16(&r.tcp, 20) + sum16(&r.ip.saddr, 8) + IPPROTO_TCP + 20), 0xffff);
}

static void test_entering(void **state)
{
	struct frame f = make_frame(OUTSIDER, POD_ADDR, 40001, 80);

	(void)state;
	hook_pod();
	publish(false, false, true);
	/* the middle of a connection that nobody opened */
	f.tcp.th_flags = TH_ACK;
	expect_drop("rf_to_pod", &f, 54, RF_REASON_NO_FLOW, true);
	f.tcp.th_flags = TH_SYN;
	assert_int_equal(run_tc("rf_to_pod", &f, 54, NULL), (uint32_t)TC_ACT_UNSPEC);
	f.tcp.th_flags = TH_ACK;
	assert_int_equal(run_tc("rf_to_pod", &f, 54, NULL), (uint32_t)TC_ACT_UNSPEC);
	/* the policy that admitted it goes: the next packet is refused */
	publish(false, false, false);
	expect_drop("rf_to_pod", &f, 54, RF_REASON_REVOKED, true);
	f = make_frame(OUTSIDER, POD_ADDR, 40002, 15001);
	expect_drop("rf_to_pod", &f, 54, RF_REASON_CHECKER_DIALED, true);
	f = make_frame(OUTSIDER, STRANGER, 40002, 80);
	expect_drop("rf_to_pod", &f, 54, RF_REASON_NOT_ADDRESSED, false);
}

static void test_local_address_from_elsewhere_is_spoofed(void **state)
{
	struct frame f = make_frame(htonl(0x0ac90006), POD_ADDR, 40003, 80);
	struct rf_peer peer = {.identity = SRC, .pod = 78, .flags = RF_PEER_LOCAL};
	struct rf_pod pod = {.identity = SRC, .addr_be = htonl(0x0ac90006), .ifindex = 999};
	uint32_t addr = htonl(0x0ac90006);
	uint64_t id = 78;

	(void)state;
	hook_pod();
	publish(true, false, true);
	assert_int_equal(bpf_map_update_elem(dp->maps[RF_MAP_PODS], &id, &pod, BPF_ANY), 0);
	assert_int_equal(bpf_map_update_elem(dp->maps[RF_MAP_PEERS], &addr, &peer, BPF_ANY), 0);
	expect_drop("rf_to_pod", &f, 54, RF_REASON_SPOOFED, false);
}

static void test_second_agent_is_refused(void **state)
{
	struct rf_datapath *second = NULL;

	(void)state;
	assert_int_equal(rf_datapath_open(&instance, &second), -EBUSY);
	assert_non_null(strstr(rf_datapath_error(second), "another agent"));
	rf_datapath_close(second);
}

static void test_adopting_keeps_the_policy(void **state)
{
	(void)state;
	publish(false, false, true);
	rf_datapath_close(dp);
	dp = NULL;
	assert_int_equal(rf_datapath_open(&instance, &dp), 0);
	assert_int_equal(ask(SRC, DST, 8080), RF_REASON_ALLOW_RULE);
	publish(false, false, false);
	assert_int_equal(ask(SRC, DST, 8080), RF_REASON_NO_RULE);
}

/* Both ways of attaching to an interface, each seen in the kernel; ours is told from nothing and from a deleted filter. */
static void test_tc_links_and_filters(void **state)
{
	uint32_t ifindex;
	int home = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);

	(void)state;
	assert_true(home >= 0);
	assert_int_equal(unshare(CLONE_NEWNET), 0);
	assert_int_equal(system("ip link add rfa type veth peer name rfb"), 0);
	ifindex = if_nametoindex("rfa");
	assert_true(ifindex > 0);
	assert_false(rf_dp_tc_effective(dp, ifindex, true));
	assert_int_equal(rf_dp_tc_attach_filters(dp, ifindex), 0);
	assert_int_equal(rf_dp_tc_attach_filters(dp, ifindex), 0); /* twice is once */
	assert_true(rf_dp_tc_effective(dp, ifindex, true));
	assert_true(rf_dp_tc_effective(dp, ifindex, false));
	assert_int_equal(system("tc filter del dev rfa egress"), 0);
	assert_true(rf_dp_tc_effective(dp, ifindex, true));
	assert_false(rf_dp_tc_effective(dp, ifindex, false));
	assert_int_equal(system("tc qdisc del dev rfa clsact"), 0);
	assert_int_equal(rf_dp_tc_attach(dp, "ns_pod", ifindex), 0);
	assert_int_equal(rf_dp_tc_attach(dp, "ns_pod", ifindex), 0);
	assert_true(rf_dp_tc_effective(dp, ifindex, true));
	assert_true(rf_dp_tc_effective(dp, ifindex, false));
	/* the interface is made again under a pin of the old one */
	assert_int_equal(system("ip link del rfa && ip link add rfa type veth peer name rfb"), 0);
	ifindex = if_nametoindex("rfa");
	assert_false(rf_dp_tc_effective(dp, ifindex, true));
	assert_int_equal(rf_dp_tc_attach(dp, "ns_pod", ifindex), 0);
	assert_true(rf_dp_tc_effective(dp, ifindex, true));
	rf_dp_tc_detach(dp, "ns_pod", ifindex);
	assert_false(rf_dp_tc_effective(dp, ifindex, true));
	assert_int_equal(setns(home, CLONE_NEWNET), 0);
	close(home);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_no_policy_denies),
		cmocka_unit_test(test_unknown_interface_drops),
		cmocka_unit_test(test_pairs),
		cmocka_unit_test(test_edges_of_the_mesh),
		cmocka_unit_test(test_protocols),
		cmocka_unit_test(test_permissive),
		cmocka_unit_test(test_opener),
		cmocka_unit_test(test_empty_policy_admits_nothing),
		cmocka_unit_test(test_names_follow_the_policy),
		cmocka_unit_test(test_publish_refuses_a_gap),
		cmocka_unit_test(test_leaving),
		cmocka_unit_test(test_refused_syn_is_reset),
		cmocka_unit_test(test_entering),
		cmocka_unit_test(test_local_address_from_elsewhere_is_spoofed),
		cmocka_unit_test(test_tc_links_and_filters),
		cmocka_unit_test(test_second_agent_is_refused),
		cmocka_unit_test(test_adopting_keeps_the_policy),
	};

	return cmocka_run_group_tests_name("datapath", tests, open_instance, close_instance);
}
