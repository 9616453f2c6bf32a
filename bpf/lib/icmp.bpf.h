/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only */
/*
 * ICMP errors (RFC 792 types 3, 11, 12; RFC 4443 types 1 to 4) about an admitted flow. The error must come from the very end that the
 * quoted packet was sent to and go to the end that sent it. Between pods there is no router; on the way outside there are, and of them
 * one error is admitted: "your packet is too big" (RFC 1191 section 4, RFC 8201 section 4), for without it connections hang. What is quoted
 * must be the first bytes of a plain TCP or UDP packet of a flow that stands; and no error is longer than its RFC lets it be (RFC 1812
 * section 4.3.2.3: 576 bytes; RFC 4443 section 2.4 c: 1280 bytes).
 */
#pragma once

#include "lib/flows.bpf.h"
#include "lib/pods.bpf.h"

#define RF_ICMP_HEADER    8
#define RF_ICMP_MAX       576
#define RF_ICMPV6_MAX     1280
#define RF_QUOTED_PORTS   8 /* at least this much of the transport header is quoted */
#define RF_ICMP_LEAST(ip) (sizeof(ip) + RF_ICMP_HEADER + sizeof(ip) + RF_QUOTED_PORTS)

struct rf_quoted_ports {
	__be16 source, dest;
	__u32 rest;
};

static __always_inline int rf_is_icmp_error(const struct rf_packet *p, __u8 type)
{
	if (rf_addr_is4(&p->tuple.saddr))
		return type == 3 || type == 11 || type == 12;
	return type >= 1 && type <= 4;
}

static __always_inline int rf_is_too_big(const struct rf_packet *p, __u8 type, __u8 code)
{
	return rf_addr_is4(&p->tuple.saddr) ? type == 3 && code == 4 : type == 2;
}

static __always_inline int rf_quoted4(struct __sk_buff *skb, const struct rf_packet *p, struct rf_tuple *quoted)
{
	struct iphdr ip;

	if (p->ip_len < RF_ICMP_LEAST(ip) || p->ip_len > RF_ICMP_MAX)
		return -1;
	if (bpf_skb_load_bytes(skb, p->l4 + RF_ICMP_HEADER, &ip, sizeof(ip)))
		return -1;
	if (ip.version != 4 || ip.ihl != 5 || (ip.frag_off & bpf_htons(RF_IP_FRAGMENT)))
		return -1;
	if (bpf_ntohs(ip.tot_len) < sizeof(ip) + RF_QUOTED_PORTS)
		return -1;
	quoted->saddr = rf_addr4(ip.saddr);
	quoted->daddr = rf_addr4(ip.daddr);
	quoted->proto = ip.protocol;
	return sizeof(ip);
}

static __always_inline int rf_quoted6(struct __sk_buff *skb, const struct rf_packet *p, struct rf_tuple *quoted)
{
	struct ipv6hdr ip;

	if (p->ip_len < RF_ICMP_LEAST(ip) || p->ip_len > RF_ICMPV6_MAX)
		return -1;
	if (bpf_skb_load_bytes(skb, p->l4 + RF_ICMP_HEADER, &ip, sizeof(ip)))
		return -1;
	if (ip.version != 6 || bpf_ntohs(ip.payload_len) < RF_QUOTED_PORTS)
		return -1;
	__builtin_memcpy(&quoted->saddr, &ip.saddr, sizeof(quoted->saddr));
	__builtin_memcpy(&quoted->daddr, &ip.daddr, sizeof(quoted->daddr));
	quoted->proto = ip.nexthdr;
	return sizeof(ip);
}

#define RF_ICMP_BY_ROUTER 0x1 /* it arrived from an address of no pod */
#define RF_ICMP_LAST      0x2 /* nobody judges it after this */

/* Who asked is told an answer and says that nobody listens there any more: whoever has the port next has not asked (RFC 1122 section
 * 3.2.2.1; RFC 4443 section 3.1). */
static __always_inline void rf_end_exchange(const struct rf_packet *p, const __u8 *kind, const struct rf_found *f)
{
	int is4 = rf_addr_is4(&p->tuple.saddr);

	if (f->from_responder && f->key.proto == RF_PROTO_UDP && kind[0] == (is4 ? 3 : 1) && kind[1] == (is4 ? 3 : 4))
		rf_flow_remove(&f->key, f->flow->pod);
}

/* ends: of the ICMP packet itself. flags: RF_ICMP_* */
static __always_inline int rf_is_related(struct __sk_buff *skb, const struct rf_packet *p, const struct rf_ends *ends, __u32 flags)
{
	struct rf_ends back = {.src = ends->dst, .dst = ends->src};
	struct rf_quoted_ports ports;
	struct rf_found f = {}; /* what is quoted */
	int header;
	__u8 kind[2]; /* type, code */

	if (bpf_skb_load_bytes(skb, p->l4, kind, sizeof(kind)) || !rf_is_icmp_error(p, kind[0]))
		return 0;
	header = rf_addr_is4(&p->tuple.saddr) ? rf_quoted4(skb, p, &f.key) : rf_quoted6(skb, p, &f.key);
	if (header < 0 || (f.key.proto != RF_PROTO_TCP && f.key.proto != RF_PROTO_UDP))
		return 0;
	if (!rf_addr_equal(&f.key.saddr, &p->tuple.daddr))
		return 0;
	if (!rf_addr_equal(&f.key.daddr, &p->tuple.saddr) &&
	    (!(flags & RF_ICMP_BY_ROUTER) || !rf_is_too_big(p, kind[0], kind[1]) || rf_peer_of(&f.key.daddr)))
		return 0;
	if (bpf_skb_load_bytes(skb, p->l4 + RF_ICMP_HEADER + (__u32)header, &ports, sizeof(ports)))
		return 0;
	f.key.sport = bpf_ntohs(ports.source);
	f.key.dport = bpf_ntohs(ports.dest);
	rf_flow_find(&back, &f);
	if (!f.flow || !rf_flow_stands(f.flow, &f.key))
		return 0;
	if (flags & RF_ICMP_LAST)
		rf_end_exchange(p, kind, &f);
	return 1;
}
