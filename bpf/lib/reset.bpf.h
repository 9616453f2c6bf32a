/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only */
/*
 * A denied TCP segment is turned, in place, into the RST that its receiver would send (RFC 9293 section 3.5.2, "reset generation"), and
 * sent back through the interface it came by: the sender learns at once, never by a timeout. The answer is marked so that our programs on
 * its way back let it pass. A pod cannot forge the mark: crossing from its network namespace clears it.
 */
#pragma once

#include "lib/packet.bpf.h"

#define RF_RESET_MARK 0x52464e43 /* "RFNC" */

static __always_inline __u16 rf_fold(__u64 sum)
{
	sum = (sum & 0xffffffff) + (sum >> 32);
	sum = (sum & 0xffff) + (sum >> 16);
	sum = (sum & 0xffff) + (sum >> 16);
	sum = (sum & 0xffff) + (sum >> 16);
	return (__u16)~sum;
}

struct rf_reset_packet {
	struct ethhdr eth;
	struct iphdr ip;
	struct tcphdr tcp;
} __attribute__((packed));

struct rf_tcp_pseudo {
	__u32 saddr, daddr;
	__u8 zero, proto;
	__u16 len;
};

static __always_inline void rf_reset_fill(struct rf_reset_packet *r, const struct rf_packet *p)
{
	struct rf_tcp_pseudo pseudo = {
		.saddr = p->tuple.daddr_be,
		.daddr = p->tuple.saddr_be,
		.proto = RF_PROTO_TCP,
		.len = bpf_htons(sizeof(struct tcphdr)),
	};
	struct iphdr ip = {
		.version = 4,
		.ihl = 5,
		.tot_len = bpf_htons(sizeof(struct iphdr) + sizeof(struct tcphdr)),
		.frag_off = bpf_htons(0x4000), /* do not fragment */
		.ttl = 64,
		.protocol = RF_PROTO_TCP,
		.saddr = p->tuple.daddr_be,
		.daddr = p->tuple.saddr_be,
	};
	struct tcphdr tcp = {.source = bpf_htons(p->tuple.dport), .dest = bpf_htons(p->tuple.sport), .doff = 5, .rst = 1};

	if (p->has_ack) {
		tcp.seq = bpf_htonl(p->ack);
	} else {
		tcp.ack = 1;
		tcp.ack_seq = bpf_htonl(p->seq + p->data_len + p->syn + p->fin);
	}
	ip.check = rf_fold((__u64)bpf_csum_diff(NULL, 0, (__be32 *)&ip, sizeof(ip), 0));
	tcp.check = rf_fold((__u64)bpf_csum_diff(NULL, 0, (__be32 *)&tcp, sizeof(tcp),
						 (__wsum)bpf_csum_diff(NULL, 0, (__be32 *)&pseudo, sizeof(pseudo), 0)));
	__builtin_memcpy(&r->ip, &ip, sizeof(ip));
	__builtin_memcpy(&r->tcp, &tcp, sizeof(tcp));
}

/* flags: 0 to answer a pod (back out of its veth), BPF_F_INGRESS to answer the side of the host. Returns the action; any failure drops. */
static __always_inline int rf_reset(struct __sk_buff *skb, const struct rf_packet *p, __u64 flags)
{
	struct rf_reset_packet r = {};

	if (p->proto != RF_PROTO_TCP || p->rst)
		return TC_ACT_SHOT;
	if (bpf_skb_load_bytes(skb, 0, &r.eth, sizeof(r.eth)))
		return TC_ACT_SHOT;
	if (bpf_skb_change_tail(skb, sizeof(r), 0))
		return TC_ACT_SHOT;
	__u8 dest[ETH_ALEN];
	__builtin_memcpy(dest, r.eth.h_dest, ETH_ALEN);
	__builtin_memcpy(r.eth.h_dest, r.eth.h_source, ETH_ALEN);
	__builtin_memcpy(r.eth.h_source, dest, ETH_ALEN);
	rf_reset_fill(&r, p);
	if (bpf_skb_store_bytes(skb, 0, &r, sizeof(r), 0))
		return TC_ACT_SHOT;
	skb->mark = RF_RESET_MARK;
	return (int)bpf_redirect(skb->ifindex, flags);
}
