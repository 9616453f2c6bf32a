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

/* The pseudo headers of both families have the same sum: words that are zero add nothing (RFC 8200 section 8.1). */
struct rf_tcp_pseudo {
	struct rf_addr saddr, daddr;
	__u32 len;
	__u32 proto;
};

static __always_inline void rf_pseudo_addr(struct rf_addr *to, const struct rf_addr *from)
{
	*to = *from;
	if (rf_addr_is4(from))
		to->be[2] = 0;
}

static __always_inline void rf_reset_tcp(struct tcphdr *tcp, const struct rf_packet *p)
{
	struct rf_tcp_pseudo pseudo = {.len = bpf_htonl(sizeof(*tcp)), .proto = bpf_htonl(RF_PROTO_TCP)};

	tcp->source = bpf_htons(p->tuple.dport);
	tcp->dest = bpf_htons(p->tuple.sport);
	tcp->doff = 5;
	tcp->rst = 1;
	if (p->has_ack) {
		tcp->seq = bpf_htonl(p->ack);
	} else {
		tcp->ack = 1;
		tcp->ack_seq = bpf_htonl(p->seq + p->data_len + p->syn + p->fin);
	}
	rf_pseudo_addr(&pseudo.saddr, &p->tuple.daddr);
	rf_pseudo_addr(&pseudo.daddr, &p->tuple.saddr);
	tcp->check = rf_fold((__u64)bpf_csum_diff(NULL, 0, (__be32 *)tcp, sizeof(*tcp),
						  (__wsum)bpf_csum_diff(NULL, 0, (__be32 *)&pseudo, sizeof(pseudo), 0)));
}

static __always_inline int rf_reset_store4(struct __sk_buff *skb, const struct rf_packet *p)
{
	struct iphdr ip = {
		.version = 4,
		.ihl = 5,
		.tot_len = bpf_htons(sizeof(struct iphdr) + sizeof(struct tcphdr)),
		.frag_off = bpf_htons(0x4000), /* do not fragment */
		.ttl = 64,
		.protocol = RF_PROTO_TCP,
		.saddr = p->tuple.daddr.be[3],
		.daddr = p->tuple.saddr.be[3],
	};

	ip.check = rf_fold((__u64)bpf_csum_diff(NULL, 0, (__be32 *)&ip, sizeof(ip), 0));
	return (int)bpf_skb_store_bytes(skb, ETH_HLEN, &ip, sizeof(ip), 0);
}

static __always_inline int rf_reset_store6(struct __sk_buff *skb, const struct rf_packet *p)
{
	struct ipv6hdr ip = {.version = 6, .payload_len = bpf_htons(sizeof(struct tcphdr)), .nexthdr = RF_PROTO_TCP, .hop_limit = 64};

	__builtin_memcpy(&ip.saddr, &p->tuple.daddr, sizeof(ip.saddr));
	__builtin_memcpy(&ip.daddr, &p->tuple.saddr, sizeof(ip.daddr));
	return (int)bpf_skb_store_bytes(skb, ETH_HLEN, &ip, sizeof(ip), 0);
}

static __always_inline int rf_reset_swap_ends(struct __sk_buff *skb)
{
	struct ethhdr was, now;

	if (bpf_skb_load_bytes(skb, 0, &was, sizeof(was)))
		return -1;
	__builtin_memcpy(now.h_dest, was.h_source, ETH_ALEN);
	__builtin_memcpy(now.h_source, was.h_dest, ETH_ALEN);
	now.h_proto = was.h_proto;
	return (int)bpf_skb_store_bytes(skb, 0, &now, sizeof(now), 0);
}

/* Rewrites the packet; 0, or -1: it is to be dropped. Only after rf_parse found a whole TCP header. */
static __always_inline int rf_reset_write(struct __sk_buff *skb, const struct rf_packet *p)
{
	struct tcphdr tcp = {};

	if (p->tuple.proto != RF_PROTO_TCP || p->rst)
		return -1;
	if (rf_reset_swap_ends(skb) || bpf_skb_change_tail(skb, p->l4 + sizeof(tcp), 0))
		return -1;
	rf_reset_tcp(&tcp, p);
	if (rf_addr_is4(&p->tuple.saddr) ? rf_reset_store4(skb, p) : rf_reset_store6(skb, p))
		return -1;
	if (bpf_skb_store_bytes(skb, p->l4, &tcp, sizeof(tcp), 0))
		return -1;
	skb->mark = RF_RESET_MARK;
	return 0;
}

/* Our own answer, on its way through an interface of ours. A process of the machine may be able to set the mark, too: it gains an RST by
 * it, and that without options. */
static __always_inline int rf_is_own_reset(const struct __sk_buff *skb, const struct rf_packet *p, __u32 reason)
{
	if (skb->mark != RF_RESET_MARK || reason)
		return 0;
	return p->tuple.proto == RF_PROTO_TCP && p->rst && !p->syn && !p->fin && skb->len == p->l4 + sizeof(struct tcphdr);
}
