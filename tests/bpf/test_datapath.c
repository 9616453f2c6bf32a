/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The real BPF programs in the running kernel, through PROG_TEST_RUN: the decision on published tables, and tc verdicts on made-up packets.
 * Everything lives in an instance of its own and is gone at the end. Needs root.
 */
#include <net/if.h>
#include <sched.h>

#include "datapath_world.h"

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

static enum rf_reason ask_udp(rf_identity_t src, uint32_t saddr_be, rf_identity_t dst, uint16_t port)
{
	return ask_from(src, saddr_be, dst, port, IPPROTO_UDP, RF_ASK_CONNECT);
}

/* DST is named by a UDPRoute (port 53 for SRC), SRC is not. */
static void test_datagrams(void **state)
{
	(void)state;
	publish(false, false, true);
	assert_int_equal(ask_udp(SRC, POD_ADDR, DST, 53), RF_REASON_ALLOW_RULE);
	assert_int_equal(ask_udp(SRC, POD_ADDR, DST, 54), RF_REASON_NO_RULE);
	assert_int_equal(ask_udp(SRC, POD_ADDR, DST, 8080), RF_REASON_NO_RULE); /* what TCP may is nothing to UDP */
	assert_int_equal(ask_udp(DST, POD_ADDR, SRC, 12345), RF_REASON_ALLOW_DATAGRAM);
	assert_int_equal(ask_udp(SRC, POD_ADDR, 0, 53), RF_REASON_NO_EGRESS);
	assert_int_equal(ask_udp(SRC, POD_ADDR, PLAIN, 53), RF_REASON_NO_EGRESS);
	assert_int_equal(ask_udp(0, OUTSIDER, DST, 80), RF_REASON_NO_INGRESS); /* the backend is named for TCP */
	assert_int_equal(ask_udp(0, OUTSIDER, DST, 5353), RF_REASON_ALLOW_INGRESS);
	assert_int_equal(ask_udp(0, STRANGER, DST, 5353), RF_REASON_NO_INGRESS);
	assert_int_equal(ask_udp(PLAIN, POD_ADDR, 0, 53), RF_REASON_ALLOW_UNMESHED);
	assert_int_equal(ask_from(SRC, POD_ADDR, DST, 53, IPPROTO_UDP, RF_OPENER_CHECKER), RF_REASON_DATAGRAM);
	assert_int_equal(ask_from(DST, POD_ADDR, SRC, 53, IPPROTO_UDP, RF_OPENER_CHECKER), RF_REASON_DATAGRAM);
	assert_int_equal(ask_from(SRC, POD_ADDR, DST, 53, IPPROTO_UDP, RF_OPENER_POD), RF_REASON_ALLOW_RULE);
	publish(true, true, false);
	assert_int_equal(ask_udp(SRC, POD_ADDR, DST, 54), RF_REASON_ALLOW_PERMISSIVE);
	assert_int_equal(ask_udp(SRC, POD_ADDR, 0, 53), RF_REASON_ALLOW_EGRESS);
}

static void test_protocols(void **state)
{
	(void)state;
	publish(true, true, true);
	assert_int_equal(ask_from(0, OUTSIDER, DST, 80, IPPROTO_ICMP, RF_ASK_CONNECT), RF_REASON_ICMP);
	assert_int_equal(ask_from(SRC, POD_ADDR, DST, 80, IPPROTO_ICMPV6, RF_ASK_CONNECT), RF_REASON_ICMP);
	assert_int_equal(ask_from(SRC, POD_ADDR, DST, 80, IPPROTO_SCTP, RF_ASK_CONNECT), RF_REASON_IP_PROTOCOL);
	assert_int_equal(ask_from(PLAIN, POD_ADDR, 0, 0, IPPROTO_ICMP, RF_ASK_CONNECT), RF_REASON_ALLOW_UNMESHED);
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
	assert_int_equal(ask_from(SRC, POD_ADDR, DST, 80, IPPROTO_TCP, RF_OPENER_POD), RF_REASON_CHECKER_BYPASS);
	assert_int_equal(ask_from(SRC, POD_ADDR, DST, 80, IPPROTO_TCP, RF_OPENER_CHECKER), RF_REASON_ALLOW_CHECKER);
	assert_int_equal(ask_from(SRC, POD_ADDR, DST, 8080, IPPROTO_TCP, RF_OPENER_CHECKER), RF_REASON_ALLOW_RULE);
	/* a captured checker gains neither egress nor forbidden pairs */
	assert_int_equal(ask_from(SRC, POD_ADDR, 0, 80, IPPROTO_TCP, RF_OPENER_CHECKER), RF_REASON_CHECKER_BYPASS);
	assert_int_equal(ask_from(SRC, POD_ADDR, DST, 81, IPPROTO_TCP, RF_OPENER_CHECKER), RF_REASON_NO_RULE);
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
	f.eth.h_proto = htons(ETH_P_ARP);
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
	f.ip.protocol = IPPROTO_ICMP;
	expect_drop("rf_from_pod", &f, 54, RF_REASON_ICMP, false);
	f.ip.protocol = IPPROTO_SCTP;
	expect_drop("rf_from_pod", &f, 54, RF_REASON_IP_PROTOCOL, false);
	f = make_frame(POD_ADDR, OUTSIDER, 40000, 80);
	f.tcp.th_flags = TH_ACK;
	expect_drop("rf_from_pod", &f, 54, RF_REASON_NO_FLOW, true);
	f.tcp.th_flags = TH_RST;
	expect_drop("rf_from_pod", &f, 54, RF_REASON_NO_FLOW, false); /* an RST is never answered with one */
}

static void test_refused_syn_is_reset(void **state)
{
	struct frame f = make_frame(STRANGER, POD_ADDR, 40000, 80), r;
	char out[OUT_MAX];

	(void)state;
	hook_pod();
	publish(false, false, true);
	assert_int_equal(run_tc("rf_to_pod", &f, 54, out), TC_ACT_REDIRECT);
	memcpy(&r, out, sizeof(r));
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
	struct rf_ingress_key entry = {
		.prefixlen = RF_INGRESS_FIXED_BITS + 128, .port = 80, .proto = IPPROTO_TCP, .dst = DST, .addr = rf_addr4(OUTSIDER)};
	struct rf_ingress_value value = {};

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
	assert_int_equal(rf_datapath_ingress_entry(dp, &entry, &value), 0);
	assert_int_equal(value.hits, 1); /* a connection, not its packets */
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
	struct rf_pod pod = {.identity = SRC, .addr4 = rf_addr4(htonl(0x0ac90006)), .ifindex = 999};
	struct rf_addr addr = rf_addr4(htonl(0x0ac90006));
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
		cmocka_unit_test(test_datagrams),
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
