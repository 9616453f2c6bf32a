/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A datapath of an instance of its own, a made-up pod on interface 1 and made-up packets: what the tests of the real BPF programs share.
 * Everything is gone at the end. Needs root.
 */
#pragma once

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/if_ether.h>
#include <netinet/ip.h>
#include <netinet/ip6.h>
#include <netinet/tcp.h>
#include <netinet/udp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
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

static inline int open_instance(void **state)
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

static inline int close_instance(void **state)
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

static inline struct rf_addr pod_addr6(void)
{
	return (struct rf_addr){{htonl(0xfd000000), htonl(0x00c90000), 0, POD_ADDR}};
}

static inline struct rf_addr outsider6(void)
{
	return (struct rf_addr){{htonl(0xfd000000), htonl(0x00c80000), 0, OUTSIDER}};
}

/* One revision: SRC -> DST: 8080 ALLOW, 80 L7, any port DENY on 9; UDP 53. OUTSIDER, of either family, may reach DST:80, by UDP 5353. */
static inline void publish(bool permissive, bool egress, bool with_rules)
{
	rf_identity_t meshed[] = {SRC, DST};
	struct rf_ident idents[] = {{.meshed = 1}, {.meshed = 1, .datagrams = 1}};
	struct rf_allow_key keys[] = {
		{.src = SRC, .dst = DST, .port = 8080, .proto = IPPROTO_TCP}, {.src = SRC, .dst = DST, .port = 80, .proto = IPPROTO_TCP},
		{.src = SRC, .dst = DST, .port = 9, .proto = IPPROTO_TCP},    {.src = SRC, .dst = SRC, .port = 0, .proto = IPPROTO_TCP},
		{.src = SRC, .dst = SRC, .port = 7, .proto = IPPROTO_TCP},    {.src = SRC, .dst = DST, .port = 53, .proto = IPPROTO_UDP},
	};
	struct rf_allow_value values[] = {
		{.verdict = RF_VERDICT_ALLOW, .rule_id = 1}, {.verdict = RF_VERDICT_L7, .rule_id = 2},
		{.verdict = RF_VERDICT_DENY, .rule_id = 3},  {.verdict = RF_VERDICT_ALLOW, .rule_id = 4},
		{.verdict = RF_VERDICT_DENY, .rule_id = 5},  {.verdict = RF_VERDICT_ALLOW, .rule_id = 4},
	};
	struct rf_addr net4 = rf_addr4(OUTSIDER & htonl(0xffffff00)), net6 = {{outsider6().be[0], outsider6().be[1]}};
	struct rf_ingress_key ingress_keys[] = {
		{.prefixlen = RF_INGRESS_FIXED_BITS + 96 + 24, .port = 80, .proto = IPPROTO_TCP, .dst = DST, .addr = net4},
		{.prefixlen = RF_INGRESS_FIXED_BITS + 64, .port = 80, .proto = IPPROTO_TCP, .dst = DST, .addr = net6},
		{.prefixlen = RF_INGRESS_FIXED_BITS + 96 + 24, .port = 5353, .proto = IPPROTO_UDP, .dst = DST, .addr = net4},
		{.prefixlen = RF_INGRESS_FIXED_BITS + 64, .port = 5353, .proto = IPPROTO_UDP, .dst = DST, .addr = net6},
	};
	struct rf_ingress_value ingress_values[] = {{.rule_id = 6}, {.rule_id = 6}, {.rule_id = 6}, {.rule_id = 6}};
	struct rf_name names[] = {{"shop/source"}, {"shop/destination"}};
	struct rf_rule rules[7] = {};
	uint64_t blob[2] = {};
	struct rf_policy policy = {
		.idents_keys = meshed,
		.idents_values = idents,
		.idents_count = 2,
		.allow_keys = keys,
		.allow_values = values,
		.allow_count = with_rules ? 6 : 0,
		.ingress_keys = ingress_keys,
		.ingress_values = ingress_values,
		.ingress_count = with_rules ? 4 : 0,
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

static inline enum rf_reason ask_from(rf_identity_t src, uint32_t saddr_be, rf_identity_t dst, uint16_t port, uint8_t proto, uint32_t how)
{
	struct rf_question q = {.src = src, .dst = dst, .saddr = rf_addr4(saddr_be), .port = port, .proto = proto};
	struct rf_answer a = {};

	if (rf_datapath_ask(dp, &q, how, &a) < 0)
		fail_msg("%s", rf_datapath_error(dp));
	assert_int_equal(a.verdict != RF_VERDICT_DENY, rf_reason_admits(a.reason));
	return a.reason;
}

static inline enum rf_reason ask(rf_identity_t src, rf_identity_t dst, uint16_t port)
{
	return ask_from(src, POD_ADDR, dst, port, IPPROTO_TCP, RF_ASK_CONNECT);
}

/* ---- packets ---- */

#define OUT_MAX 256 /* bytes of the packet that run_tc gives back */

struct frame {
	struct ethhdr eth;
	struct iphdr ip;
	struct tcphdr tcp;
	char pad[64];
} __attribute__((packed));

static inline struct frame make_frame(uint32_t saddr, uint32_t daddr, uint16_t sport, uint16_t dport)
{
	struct frame f = {
		.eth = {.h_dest = {2, 0, 0, 0, 0, 1}, .h_source = {2, 0, 0, 0, 0, 2}, .h_proto = htons(ETH_P_IP)},
		.ip = {.version = 4, .ihl = 5, .tot_len = htons(40), .ttl = 64, .protocol = IPPROTO_TCP, .saddr = saddr, .daddr = daddr},
		.tcp = {.th_sport = htons(sport), .th_dport = htons(dport), .th_seq = htonl(1000), .th_off = 5, .th_flags = TH_SYN},
	};

	return f;
}

/* Runs a tc program on interface 1 (lo of this namespace, which the maps call the pod's). Returns its verdict. */
static inline uint32_t run_tc(const char *program, const void *in, size_t size, void *out)
{
	struct __sk_buff ctx = {.ifindex = 1};
	char buffer[OUT_MAX] = {};
	LIBBPF_OPTS(bpf_test_run_opts, opts, .data_in = in, .data_size_in = (__u32)size, .data_out = buffer,
		    .data_size_out = sizeof(buffer), .ctx_in = &ctx, .ctx_size_in = sizeof(ctx));
	int fd = rf_dp_pinned(dp->dir, "progs", program);

	assert_true(fd >= 0);
	assert_int_equal(bpf_prog_test_run_opts(fd, &opts), 0);
	close(fd);
	if (out)
		memcpy(out, buffer, OUT_MAX);
	return opts.retval;
}

static inline uint64_t counter(enum rf_reason reason)
{
	uint64_t counters[_RF_REASON_MAX], lost[RF_LOST_MAX];

	assert_int_equal(rf_datapath_reasons(dp, counters, lost), 0);
	return counters[reason];
}

static inline void expect_drop(const char *program, const void *in, size_t size, enum rf_reason reason, bool answered)
{
	uint64_t before = counter(reason);
	uint32_t verdict = run_tc(program, in, size, NULL);

	assert_int_equal(verdict, answered ? TC_ACT_REDIRECT : TC_ACT_SHOT);
	assert_int_equal(counter(reason), before + 1);
}

static inline struct rf_usage usage_of(uint64_t pod)
{
	struct rf_usage u = {};

	assert_int_equal(bpf_map_lookup_elem(dp->maps[RF_MAP_USAGE], &pod, &u), 0);
	return u;
}

static inline void set_usage(uint64_t pod, uint64_t flows)
{
	struct rf_usage u = {.flows = flows};

	assert_int_equal(bpf_map_update_elem(dp->maps[RF_MAP_USAGE], &pod, &u, BPF_ANY), 0);
}

static inline void no_flows(void)
{
	struct rf_tuple key;

	while (bpf_map_get_next_key(dp->maps[RF_MAP_FLOWS], NULL, &key) == 0)
		assert_int_equal(bpf_map_delete_elem(dp->maps[RF_MAP_FLOWS], &key), 0);
}

/* The made-up pod of account DST, with both addresses, an empty flow table and an account with nothing on it. */
static inline void hook_pod(void)
{
	struct rf_pod pod = {.identity = DST, .addr4 = rf_addr4(POD_ADDR), .addr6 = pod_addr6(), .ifindex = 1, .checker_port = 15001};
	struct rf_peer peer = {.identity = DST, .pod = POD_ID, .flags = RF_PEER_LOCAL};
	uint64_t id = POD_ID;
	uint32_t ifindex = 1;

	assert_int_equal(bpf_map_update_elem(dp->maps[RF_MAP_PODS], &id, &pod, BPF_ANY), 0);
	assert_int_equal(bpf_map_update_elem(dp->maps[RF_MAP_LINKS], &ifindex, &id, BPF_ANY), 0);
	assert_int_equal(bpf_map_update_elem(dp->maps[RF_MAP_PEERS], &pod.addr4, &peer, BPF_ANY), 0);
	assert_int_equal(bpf_map_update_elem(dp->maps[RF_MAP_PEERS], &pod.addr6, &peer, BPF_ANY), 0);
	no_flows();
	set_usage(POD_ID, 0);
}

static inline uint16_t fold(uint32_t sum)
{
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return (uint16_t)sum;
}

static inline uint32_t sum16(const void *data, size_t len)
{
	const uint8_t *p = data;
	uint32_t sum = 0;

	for (size_t i = 0; i + 1 < len; i += 2)
		sum += (uint32_t)(p[i] << 8 | p[i + 1]);
	return sum;
}
