/* SPDX-License-Identifier: Apache-2.0 */
/* Packets of both families for tests of tc's verdicts, flows put into the table by hand, and the world they are tried in. */
#pragma once

#include "datapath_world.h"

struct frame6 {
	struct ethhdr eth;
	struct ip6_hdr ip;
	union {
		struct tcphdr tcp;
		struct udphdr udp;
		char bytes[96];
	};
} __attribute__((packed));

#define HEAD6 (sizeof(struct ethhdr) + sizeof(struct ip6_hdr))
#define HEAD4 (sizeof(struct ethhdr) + sizeof(struct iphdr))
#define TCP6  (HEAD6 + sizeof(struct tcphdr))
#define UDP4  (HEAD4 + sizeof(struct udphdr))
#define UDP6  (HEAD6 + sizeof(struct udphdr))

static inline struct frame6 make_frame6(struct rf_addr saddr, struct rf_addr daddr, uint8_t next, uint16_t payload)
{
	struct frame6 f = {
		.eth = {.h_dest = {2, 0, 0, 0, 0, 1}, .h_source = {2, 0, 0, 0, 0, 2}, .h_proto = htons(ETH_P_IPV6)},
		.ip = {.ip6_flow = htonl(0x60000000), .ip6_plen = htons(payload), .ip6_nxt = next, .ip6_hlim = 64},
	};

	memcpy(&f.ip.ip6_src, &saddr, 16);
	memcpy(&f.ip.ip6_dst, &daddr, 16);
	return f;
}

static inline struct frame6 make_tcp6(struct rf_addr saddr, struct rf_addr daddr, uint16_t sport, uint16_t dport)
{
	struct frame6 f = make_frame6(saddr, daddr, IPPROTO_TCP, sizeof(struct tcphdr));

	f.tcp = (struct tcphdr){.th_sport = htons(sport), .th_dport = htons(dport), .th_seq = htonl(1000), .th_off = 5, .th_flags = TH_SYN};
	return f;
}

static inline struct frame6 make_udp6(struct rf_addr saddr, struct rf_addr daddr, uint16_t sport, uint16_t dport)
{
	struct frame6 f = make_frame6(saddr, daddr, IPPROTO_UDP, sizeof(struct udphdr));

	f.udp = (struct udphdr){.uh_sport = htons(sport), .uh_dport = htons(dport), .uh_ulen = htons(sizeof(struct udphdr))};
	return f;
}

static inline struct frame make_udp4(uint32_t saddr, uint32_t daddr, uint16_t sport, uint16_t dport)
{
	struct frame f = make_frame(saddr, daddr, sport, dport);
	struct udphdr udp = {.uh_sport = htons(sport), .uh_dport = htons(dport), .uh_ulen = htons(sizeof(udp))};

	f.ip.protocol = IPPROTO_UDP;
	f.ip.tot_len = htons(sizeof(struct iphdr) + sizeof(udp));
	memset(&f.tcp, 0, sizeof(f.tcp));
	memcpy(&f.tcp, &udp, sizeof(udp));
	return f;
}

static inline void expect_pass(const char *program, const void *in, size_t size)
{
	assert_int_equal(run_tc(program, in, size, NULL), (uint32_t)TC_ACT_UNSPEC);
}

static inline struct rf_tuple tuple(struct rf_addr saddr, uint16_t sport, struct rf_addr daddr, uint16_t dport, uint8_t proto)
{
	return (struct rf_tuple){.saddr = saddr, .daddr = daddr, .sport = sport, .dport = dport, .proto = proto};
}

static inline bool flow_is_known(struct rf_tuple key, struct rf_flow *ret)
{
	struct rf_flow flow;

	return bpf_map_lookup_elem(dp->maps[RF_MAP_FLOWS], &key, ret ? ret : &flow) == 0;
}

/* A flow as tc would have stored it, decided by the live revision. */
static inline void put_flow(struct rf_tuple key, rf_identity_t src, rf_identity_t dst, uint64_t seen_ns)
{
	struct rf_flow flow = {.verdict = RF_VERDICT_ALLOW, .reason = RF_REASON_ALLOW_RULE, .src = src, .dst = dst, .seen_ns = seen_ns};

	flow.pod = POD_ID;
	assert_int_equal(rf_datapath_epoch(dp, &flow.epoch), 0);
	assert_int_equal(bpf_map_update_elem(dp->maps[RF_MAP_FLOWS], &key, &flow, BPF_ANY), 0);
	set_usage(POD_ID, 1);
}

static inline uint64_t now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000000 + (uint64_t)t.tv_nsec;
}

static inline void setup(bool rules)
{
	hook_pod();
	publish(false, false, rules);
}
