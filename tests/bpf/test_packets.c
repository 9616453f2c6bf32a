/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tc verdicts on made-up packets of every kind: IPv6, datagrams, ICMP errors. A made-up packet
 * has no tagged socket, so nothing that leaves is admitted here but what needs no socket; tests/e2e has real ones.
 */
#include "packets_world.h"

static void test_ipv6_enters_and_is_refused(void **state)
{
	struct frame6 f = make_tcp6(outsider6(), pod_addr6(), 40000, 80), r;
	struct rf_addr stranger = {{htonl(0x20010db8), 0, 0, htonl(1)}};
	char out[OUT_MAX];

	(void)state;
	setup(true);
	expect_pass("rf_to_pod", &f, TCP6);
	assert_true(flow_is_known(tuple(outsider6(), 40000, pod_addr6(), 80, IPPROTO_TCP), NULL));
	f = make_tcp6(stranger, pod_addr6(), 40000, 80);
	expect_drop("rf_to_pod", &f, TCP6, RF_REASON_NO_INGRESS, true);
	assert_int_equal(run_tc("rf_to_pod", &f, TCP6, out), TC_ACT_REDIRECT);
	memcpy(&r, out, sizeof(r));
	assert_memory_equal(&r.ip.ip6_dst, &stranger, 16);
	assert_int_equal(r.tcp.th_flags, TH_RST | TH_ACK);
	assert_int_equal(ntohl(r.tcp.th_ack), 1001);
	assert_int_equal(fold(sum16(&r.tcp, 20) + sum16(&r.ip.ip6_src, 32) + IPPROTO_TCP + 20), 0xffff);
	f = make_tcp6(outsider6(), stranger, 40000, 80);
	expect_drop("rf_to_pod", &f, TCP6, RF_REASON_NOT_ADDRESSED, false);
}

static void test_ipv6_leaving(void **state)
{
	struct rf_addr all_nodes = {{htonl(0xff020000), 0, 0, htonl(1)}}, none = {};
	struct frame6 f = make_tcp6(pod_addr6(), outsider6(), 40000, 80);

	(void)state;
	setup(true);
	expect_drop("rf_from_pod", &f, TCP6, RF_REASON_NO_TAG, true);
	f = make_tcp6(outsider6(), outsider6(), 40000, 80);
	expect_drop("rf_from_pod", &f, TCP6, RF_REASON_SPOOFED, false);
	/* what a kernel says by itself when an interface comes up */
	f = make_frame6(none, all_nodes, IPPROTO_ICMPV6, 8);
	expect_drop("rf_from_pod", &f, HEAD6 + 8, RF_REASON_MULTICAST, false);
	f = make_frame6(none, all_nodes, IPPROTO_HOPOPTS, 8);
	expect_drop("rf_from_pod", &f, HEAD6 + 8, RF_REASON_MULTICAST, false);
	expect_drop("rf_to_pod", &f, HEAD6 + 8, RF_REASON_MULTICAST, false);
	/* on the wire no address is v4-mapped: it would be taken for the pod's IPv4 address */
	f = make_tcp6(rf_addr4(POD_ADDR), rf_addr4(OUTSIDER), 40000, 80);
	expect_drop("rf_from_pod", &f, TCP6, RF_REASON_MALFORMED, false);
}

static void test_pod_without_ipv6(void **state)
{
	struct rf_pod pod = {.identity = DST, .addr4 = rf_addr4(POD_ADDR), .ifindex = 1, .checker_port = 15001};
	struct rf_addr none = {};
	struct frame6 f = make_tcp6(none, outsider6(), 40000, 80);
	uint64_t id = POD_ID;

	(void)state;
	setup(true);
	assert_int_equal(bpf_map_update_elem(dp->maps[RF_MAP_PODS], &id, &pod, BPF_ANY), 0);
	expect_drop("rf_from_pod", &f, TCP6, RF_REASON_FAMILY, false);
	f = make_tcp6(outsider6(), none, 40000, 80);
	expect_drop("rf_to_pod", &f, TCP6, RF_REASON_NOT_ADDRESSED, false);
}

static void test_extension_headers(void **state)
{
	static const uint8_t extensions[] = {
		IPPROTO_HOPOPTS, IPPROTO_ROUTING, IPPROTO_ESP, IPPROTO_AH, IPPROTO_NONE, IPPROTO_DSTOPTS, 135, 139, 140};
	struct frame6 f;

	(void)state;
	setup(true);
	for (size_t i = 0; i < sizeof(extensions); i++) {
		f = make_frame6(outsider6(), pod_addr6(), extensions[i], 40);
		f.bytes[0] = IPPROTO_TCP;
		expect_drop("rf_to_pod", &f, HEAD6 + 40, RF_REASON_EXTENSION, false);
	}
	f = make_frame6(outsider6(), pod_addr6(), IPPROTO_FRAGMENT, 40);
	expect_drop("rf_to_pod", &f, HEAD6 + 40, RF_REASON_FRAGMENT, false);
	f = make_frame6(outsider6(), pod_addr6(), IPPROTO_SCTP, 40);
	expect_drop("rf_to_pod", &f, HEAD6 + 40, RF_REASON_IP_PROTOCOL, false);
	f = make_frame6(outsider6(), pod_addr6(), IPPROTO_ICMP, 40); /* ICMP of the other family */
	expect_drop("rf_to_pod", &f, HEAD6 + 40, RF_REASON_IP_PROTOCOL, false);
}

static void test_truncated(void **state)
{
	struct frame6 f = make_tcp6(outsider6(), pod_addr6(), 40000, 80);
	struct frame g = make_udp4(OUTSIDER, POD_ADDR, 40000, 5353);
	struct udphdr udp;

	(void)state;
	setup(true);
	for (size_t size = HEAD6; size < TCP6; size++)
		expect_drop("rf_to_pod", &f, size, RF_REASON_MALFORMED, false);
	f.ip.ip6_plen = htons(100); /* says more than there is */
	expect_drop("rf_to_pod", &f, TCP6, RF_REASON_MALFORMED, false);
	f.ip.ip6_plen = htons(19);
	expect_drop("rf_to_pod", &f, TCP6, RF_REASON_MALFORMED, false);
	f = make_tcp6(outsider6(), pod_addr6(), 40000, 80);
	f.tcp.th_off = 4;
	expect_drop("rf_to_pod", &f, TCP6, RF_REASON_MALFORMED, false);
	f.tcp.th_off = 6;
	expect_drop("rf_to_pod", &f, TCP6, RF_REASON_MALFORMED, false);
	f = make_tcp6(outsider6(), pod_addr6(), 40000, 80);
	f.ip.ip6_vfc = 0x50;
	expect_drop("rf_to_pod", &f, TCP6, RF_REASON_MALFORMED, false);
	for (size_t size = HEAD4; size < UDP4; size++)
		expect_drop("rf_to_pod", &g, size, RF_REASON_MALFORMED, false);
	memcpy(&udp, &g.tcp, sizeof(udp));
	udp.uh_ulen = htons(9); /* one more than the IP packet has */
	memcpy(&g.tcp, &udp, sizeof(udp));
	expect_drop("rf_to_pod", &g, UDP4, RF_REASON_MALFORMED, false);
	udp.uh_ulen = htons(7);
	memcpy(&g.tcp, &udp, sizeof(udp));
	expect_drop("rf_to_pod", &g, UDP4, RF_REASON_MALFORMED, false);
}

static void test_datagrams_enter(void **state)
{
	struct rf_tuple key = tuple(rf_addr4(OUTSIDER), 40000, rf_addr4(POD_ADDR), 5353, IPPROTO_UDP);
	struct frame f = make_udp4(OUTSIDER, POD_ADDR, 40000, 5353);
	struct frame6 f6 = make_udp6(outsider6(), pod_addr6(), 40000, 5353);
	struct rf_flow flow = {};

	(void)state;
	setup(true);
	expect_pass("rf_to_pod", &f, UDP4);
	assert_true(flow_is_known(key, &flow));
	assert_int_equal(flow.bytes, 28);
	expect_pass("rf_to_pod", &f, UDP4);
	assert_true(flow_is_known(key, &flow));
	assert_int_equal(flow.bytes, 56);
	assert_int_equal(usage_of(POD_ID).flows, 1);
	expect_pass("rf_to_pod", &f6, UDP6);
	assert_int_equal(usage_of(POD_ID).flows, 2);
	f = make_udp4(OUTSIDER, POD_ADDR, 40000, 80); /* named for TCP only */
	expect_drop("rf_to_pod", &f, UDP4, RF_REASON_NO_INGRESS, false);
	f = make_udp4(POD_ADDR, OUTSIDER, 5353, 40000); /* the answer, but of no socket of the pod */
	expect_drop("rf_from_pod", &f, UDP4, RF_REASON_NO_TAG, false);
	publish(false, false, false);
	f = make_udp4(OUTSIDER, POD_ADDR, 40000, 5353);
	expect_drop("rf_to_pod", &f, UDP4, RF_REASON_REVOKED, false);
}

/* Datagrams to the pod that asked: the exchange is known until it is idle, then the sender is decided for itself. */
static void test_answers_of_an_idle_exchange(void **state)
{
	struct rf_tuple key = tuple(rf_addr4(POD_ADDR), 40000, rf_addr4(STRANGER), 53, IPPROTO_UDP);
	struct frame f = make_udp4(STRANGER, POD_ADDR, 53, 40000);
	struct rf_flow flow = {};

	(void)state;
	hook_pod();
	publish(false, true, true);
	expect_drop("rf_to_pod", &f, UDP4, RF_REASON_NO_INGRESS, false);
	put_flow(key, DST, 0, now_ns());
	expect_pass("rf_to_pod", &f, UDP4);
	assert_true(flow_is_known(key, &flow));
	assert_true(flow.life & RF_FLOW_ANSWERED);
	put_flow(key, DST, 0, now_ns() - RF_FLOW_UDP_IDLE_NS - 1000000000);
	expect_drop("rf_to_pod", &f, UDP4, RF_REASON_NO_INGRESS, false);
	/* the identity behind the address is another now */
	put_flow(key, SRC, 0, now_ns());
	expect_drop("rf_to_pod", &f, UDP4, RF_REASON_NO_INGRESS, false);
}

/* A local sender's datagram needs the flow that its own interface made. */
static void test_local_datagram_needs_its_flow(void **state)
{
	struct rf_addr there = rf_addr4(htonl(0x0ac90007));
	struct rf_pod pod = {.identity = SRC, .addr4 = there, .ifindex = 0}; /* a test run comes from interface 0 */
	struct rf_peer peer = {.identity = SRC, .pod = 79, .flags = RF_PEER_LOCAL};
	struct frame f = make_udp4(there.be[3], POD_ADDR, 40000, 53);
	uint64_t id = 79;

	(void)state;
	setup(true);
	assert_int_equal(bpf_map_update_elem(dp->maps[RF_MAP_PODS], &id, &pod, BPF_ANY), 0);
	assert_int_equal(bpf_map_update_elem(dp->maps[RF_MAP_PEERS], &there, &peer, BPF_ANY), 0);
	if (run_tc("rf_to_pod", &f, UDP4, NULL) != TC_ACT_SHOT)
		fail_msg("a datagram passed that its own interface had not admitted");
	put_flow(tuple(there, 40000, rf_addr4(POD_ADDR), 53, IPPROTO_UDP), SRC, DST, now_ns());
	expect_pass("rf_to_pod", &f, UDP4);
	assert_int_equal(bpf_map_delete_elem(dp->maps[RF_MAP_PEERS], &there), 0);
	assert_int_equal(bpf_map_delete_elem(dp->maps[RF_MAP_PODS], &id), 0);
}

/* ---- ICMP errors ---- */

struct icmp_error4 {
	struct ethhdr eth;
	struct iphdr ip;
	uint8_t type, code;
	uint16_t check;
	uint32_t rest;
	struct iphdr quoted;
	uint16_t sport, dport;
	uint32_t more;
	char padding[64];
} __attribute__((packed));
#define ICMP4 offsetof(struct icmp_error4, padding)

/* STRANGER says to the pod that its datagram from port 40000 to port 53 did not arrive. */
static struct icmp_error4 make_icmp4(void)
{
	struct frame f = make_frame(STRANGER, POD_ADDR, 0, 0);
	struct icmp_error4 e = {.eth = f.eth, .ip = f.ip, .type = 3, .code = 3, .quoted = f.ip, .sport = htons(40000), .dport = htons(53)};

	e.ip.protocol = IPPROTO_ICMP;
	e.ip.tot_len = htons(ICMP4 - sizeof(e.eth));
	e.quoted.saddr = POD_ADDR;
	e.quoted.daddr = STRANGER;
	e.quoted.protocol = IPPROTO_UDP;
	e.quoted.tot_len = htons(28);
	return e;
}

static void test_icmp_errors(void **state)
{
	struct rf_tuple key = tuple(rf_addr4(POD_ADDR), 40000, rf_addr4(STRANGER), 53, IPPROTO_UDP);
	static const uint8_t others[] = {0, 4, 5, 8, 10, 13, 17, 255};
	struct icmp_error4 e = make_icmp4(), bad;
	uint64_t related;

	(void)state;
	hook_pod();
	publish(false, true, true);
	expect_drop("rf_to_pod", &e, ICMP4, RF_REASON_ICMP, false);
	put_flow(key, DST, 0, now_ns());
	related = counter(RF_REASON_ALLOW_RELATED);
	expect_pass("rf_to_pod", &e, ICMP4);
	e.type = 11;
	expect_pass("rf_to_pod", &e, ICMP4);
	e.type = 12;
	expect_pass("rf_to_pod", &e, ICMP4);
	assert_int_equal(counter(RF_REASON_ALLOW_RELATED), related + 3);
	for (size_t i = 0; i < sizeof(others); i++) {
		bad = e;
		bad.type = others[i];
		expect_drop("rf_to_pod", &bad, ICMP4, RF_REASON_ICMP, false);
	}
	for (size_t size = ICMP4 - 29; size < ICMP4; size++) { /* cut short, honestly */
		bad = e;
		bad.ip.tot_len = htons((uint16_t)(size - sizeof(e.eth)));
		expect_drop("rf_to_pod", &bad, size, RF_REASON_ICMP, false);
	}
	/* the flow must still be admitted */
	publish(false, false, true);
	expect_drop("rf_to_pod", &e, ICMP4, RF_REASON_ICMP, false);
}

static void test_icmp_errors_about_others(void **state)
{
	struct rf_tuple key = tuple(rf_addr4(POD_ADDR), 40000, rf_addr4(STRANGER), 53, IPPROTO_UDP);
	struct icmp_error4 e = make_icmp4(), bad;

	(void)state;
	hook_pod();
	publish(false, true, true);
	put_flow(key, DST, 0, now_ns());
	expect_pass("rf_to_pod", &e, ICMP4);
#define EXPECT_BAD(field, value)                                                                                                           \
	do {                                                                                                                               \
		bad = e;                                                                                                                   \
		bad.field = (value);                                                                                                       \
		expect_drop("rf_to_pod", &bad, ICMP4, RF_REASON_ICMP, false);                                                              \
	} while (0)
	EXPECT_BAD(quoted.saddr, STRANGER);
	EXPECT_BAD(quoted.daddr, OUTSIDER);
	EXPECT_BAD(ip.saddr, OUTSIDER); /* a router between them */
	EXPECT_BAD(quoted.protocol, IPPROTO_TCP);
	EXPECT_BAD(quoted.protocol, IPPROTO_ICMP);
	EXPECT_BAD(quoted.ihl, 6);
	EXPECT_BAD(quoted.version, 6);
	EXPECT_BAD(quoted.frag_off, htons(0x2000));
	EXPECT_BAD(quoted.frag_off, htons(1));
	EXPECT_BAD(quoted.tot_len, htons(27));
	EXPECT_BAD(sport, htons(40001));
	EXPECT_BAD(dport, htons(54));
#undef EXPECT_BAD
}

static void test_icmpv6_errors(void **state)
{
	struct rf_tuple key = tuple(pod_addr6(), 40000, outsider6(), 53, IPPROTO_UDP);
	struct frame6 f = make_frame6(outsider6(), pod_addr6(), IPPROTO_ICMPV6, 8 + 40 + 8),
		      quoted = make_udp6(pod_addr6(), outsider6(), 40000, 53);
	size_t size = HEAD6 + 8 + 40 + 8;

	(void)state;
	hook_pod();
	publish(false, true, true);
	memcpy(f.bytes + 8, &quoted.ip, 40);
	memcpy(f.bytes + 48, &quoted.udp, 8);
	for (int type = 0; type < 256; type++) {
		no_flows();
		f.bytes[0] = (char)type;
		expect_drop("rf_to_pod", &f, size, RF_REASON_ICMP, false);
		put_flow(key, DST, 0, now_ns());
		if (type >= 1 && type <= 4)
			expect_pass("rf_to_pod", &f, size);
		else
			expect_drop("rf_to_pod", &f, size, RF_REASON_ICMP, false);
	}
	f.bytes[0] = 1;
	f.bytes[8 + 6] = IPPROTO_FRAGMENT;
	expect_drop("rf_to_pod", &f, size, RF_REASON_ICMP, false);
}

/* "Too big" may come from any router between the pod and the outside, about what the pod sent there. */
static void test_too_big(void **state)
{
	struct rf_tuple out = tuple(rf_addr4(POD_ADDR), 40000, rf_addr4(STRANGER), 53, IPPROTO_UDP), in = out;
	struct icmp_error4 e = make_icmp4(), bad;
	struct rf_peer peer = {.identity = SRC}; /* of another machine */

	(void)state;
	hook_pod();
	publish(false, true, true);
	e.ip.saddr = htonl(0x0a636363); /* nobody we know */
	e.code = 4;
	expect_drop("rf_to_pod", &e, ICMP4, RF_REASON_ICMP, false);
	put_flow(out, DST, 0, now_ns());
	expect_pass("rf_to_pod", &e, ICMP4);
	for (int code = 0; code < 256; code++) {
		bad = e;
		bad.code = (uint8_t)code;
		if (code != 4)
			expect_drop("rf_to_pod", &bad, ICMP4, RF_REASON_ICMP, false);
	}
	bad = e;
	bad.type = 11;
	expect_drop("rf_to_pod", &bad, ICMP4, RF_REASON_ICMP, false);
	bad = e;
	bad.quoted.saddr = OUTSIDER; /* not sent by the pod */
	expect_drop("rf_to_pod", &bad, ICMP4, RF_REASON_ICMP, false);
	bad = e;
	bad.sport = htons(40001);
	expect_drop("rf_to_pod", &bad, ICMP4, RF_REASON_ICMP, false);
	publish(false, false, true);
	expect_drop("rf_to_pod", &e, ICMP4, RF_REASON_ICMP, false);
	/* between pods there is no router, whatever flow there is */
	publish(false, true, true);
	expect_pass("rf_to_pod", &e, ICMP4);
	in.daddr = rf_addr4(e.quoted.daddr = htonl(0x0ac90009));
	assert_int_equal(bpf_map_update_elem(dp->maps[RF_MAP_PEERS], &in.daddr, &peer, BPF_ANY), 0);
	put_flow(in, DST, SRC, now_ns());
	expect_drop("rf_to_pod", &e, ICMP4, RF_REASON_ICMP, false);
	e.ip.saddr = e.quoted.daddr;
	expect_pass("rf_to_pod", &e, ICMP4);
	assert_int_equal(bpf_map_delete_elem(dp->maps[RF_MAP_PEERS], &in.daddr), 0);
}

static void test_too_big6(void **state)
{
	struct rf_tuple key = tuple(pod_addr6(), 40000, outsider6(), 53, IPPROTO_UDP);
	struct rf_addr router = {{htonl(0x20010db8), 0, 0, htonl(99)}};
	struct frame6 f = make_frame6(router, pod_addr6(), IPPROTO_ICMPV6, 8 + 40 + 8),
		      quoted = make_udp6(pod_addr6(), outsider6(), 40000, 53);
	size_t size = HEAD6 + 8 + 40 + 8;

	(void)state;
	hook_pod();
	publish(false, true, true);
	memcpy(f.bytes + 8, &quoted.ip, 40);
	memcpy(f.bytes + 48, &quoted.udp, 8);
	put_flow(key, DST, 0, now_ns());
	for (int type = 0; type < 256; type++) {
		f.bytes[0] = (char)type;
		if (type == 2)
			expect_pass("rf_to_pod", &f, size);
		else
			expect_drop("rf_to_pod", &f, size, RF_REASON_ICMP, false);
	}
	f.bytes[0] = 2;
	no_flows();
	expect_drop("rf_to_pod", &f, size, RF_REASON_ICMP, false);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_ipv6_enters_and_is_refused),
		cmocka_unit_test(test_ipv6_leaving),
		cmocka_unit_test(test_pod_without_ipv6),
		cmocka_unit_test(test_extension_headers),
		cmocka_unit_test(test_truncated),
		cmocka_unit_test(test_datagrams_enter),
		cmocka_unit_test(test_answers_of_an_idle_exchange),
		cmocka_unit_test(test_local_datagram_needs_its_flow),
		cmocka_unit_test(test_icmp_errors),
		cmocka_unit_test(test_icmp_errors_about_others),
		cmocka_unit_test(test_icmpv6_errors),
		cmocka_unit_test(test_too_big),
		cmocka_unit_test(test_too_big6),
	};

	return cmocka_run_group_tests_name("packets", tests, open_instance, close_instance);
}
