/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only */
/*
 * IPv4, IPv6, TCP, UDP and ICMP headers of a packet at tc (RFC 791, 8200, 9293, 768, 792, 4443), read once into a plain struct. Lengths are
 * checked here and nowhere else.
 */
#pragma once

#include <linux/if_ether.h>
#include <linux/ip.h>
#include <linux/ipv6.h>
#include <linux/pkt_cls.h>
#include <linux/tcp.h>
#include <linux/udp.h>

#include "lib/common.bpf.h"

#define RF_IP_FRAGMENT 0x3fff /* more-fragments flag and offset */

/* IPv6 next headers that are no transport */
#define RF_NEXT_HOPOPTS  0
#define RF_NEXT_ROUTING  43
#define RF_NEXT_FRAGMENT 44
#define RF_NEXT_ESP      50
#define RF_NEXT_AH       51
#define RF_NEXT_NONE     59
#define RF_NEXT_DSTOPTS  60
#define RF_NEXT_MOBILITY 135
#define RF_NEXT_HIP      139
#define RF_NEXT_SHIM6    140

struct rf_packet {
	struct rf_tuple tuple; /* ICMP: no ports */
	__u32 ip_len;          /* of the IP packet, bytes */
	__u32 l4;              /* offset of the transport header in the frame */
	__u32 data_len;        /* TCP payload, bytes */
	__u32 seq;
	__u32 ack;
	__u8 syn, fin, rst, has_ack;
};

static __always_inline int rf_is_icmp(const struct rf_packet *p)
{
	return p->tuple.proto == (rf_addr_is4(&p->tuple.saddr) ? RF_PROTO_ICMP : RF_PROTO_ICMPV6);
}

static __always_inline __u32 rf_parse_tcp(struct __sk_buff *skb, struct rf_packet *p)
{
	struct tcphdr tcp;
	__u32 header;

	if (bpf_skb_load_bytes(skb, p->l4, &tcp, sizeof(tcp)))
		return RF_REASON_MALFORMED;
	header = p->l4 - ETH_HLEN + tcp.doff * 4;
	if (tcp.doff < 5 || header > p->ip_len)
		return RF_REASON_MALFORMED;
	p->data_len = p->ip_len - header;
	p->tuple.sport = bpf_ntohs(tcp.source);
	p->tuple.dport = bpf_ntohs(tcp.dest);
	p->seq = bpf_ntohl(tcp.seq);
	p->ack = bpf_ntohl(tcp.ack_seq);
	p->syn = tcp.syn;
	p->fin = tcp.fin;
	p->rst = tcp.rst;
	p->has_ack = tcp.ack;
	return 0;
}

static __always_inline __u32 rf_parse_udp(struct __sk_buff *skb, struct rf_packet *p)
{
	__u32 room = p->ip_len - (p->l4 - ETH_HLEN);
	struct udphdr udp;
	__u32 len;

	if (bpf_skb_load_bytes(skb, p->l4, &udp, sizeof(udp)))
		return RF_REASON_MALFORMED;
	len = bpf_ntohs(udp.len);
	if (len < sizeof(udp) || len > room)
		return RF_REASON_MALFORMED;
	p->tuple.sport = bpf_ntohs(udp.source);
	p->tuple.dport = bpf_ntohs(udp.dest);
	return 0;
}

/* Total length as the header says it; 0 for GSO packets that are longer than it can say: then the buffer is trusted. Link-layer padding is
 * no payload. */
static __always_inline __u32 rf_take_length(struct rf_packet *p, __u32 said)
{
	if (said > p->ip_len || (said && said < p->l4 - ETH_HLEN))
		return RF_REASON_MALFORMED;
	if (said)
		p->ip_len = said;
	return 0;
}

static __always_inline __u32 rf_parse4(struct __sk_buff *skb, struct rf_packet *p)
{
	struct iphdr ip;

	if (bpf_skb_load_bytes(skb, ETH_HLEN, &ip, sizeof(ip)))
		return RF_REASON_MALFORMED;
	p->tuple.saddr = rf_addr4(ip.saddr);
	p->tuple.daddr = rf_addr4(ip.daddr);
	p->tuple.proto = ip.protocol;
	p->l4 = ETH_HLEN + sizeof(ip);
	if (ip.version != 4 || ip.ihl < 5)
		return RF_REASON_MALFORMED;
	if (ip.ihl != 5)
		return RF_REASON_IP_OPTIONS;
	if (ip.frag_off & bpf_htons(RF_IP_FRAGMENT))
		return RF_REASON_FRAGMENT;
	return rf_take_length(p, bpf_ntohs(ip.tot_len));
}

static __always_inline int rf_is_extension(__u8 next)
{
	switch (next) {
	case RF_NEXT_HOPOPTS:
	case RF_NEXT_ROUTING:
	case RF_NEXT_ESP:
	case RF_NEXT_AH:
	case RF_NEXT_NONE:
	case RF_NEXT_DSTOPTS:
	case RF_NEXT_MOBILITY:
	case RF_NEXT_HIP:
	case RF_NEXT_SHIM6:
		return 1;
	default:
		return 0;
	}
}

/* A v4-mapped address on the wire is no address (RFC 4291 section 2.5.5.2): it would be taken for the IPv4 address it names. */
static __always_inline __u32 rf_parse6(struct __sk_buff *skb, struct rf_packet *p)
{
	struct ipv6hdr ip;
	__u32 payload;

	if (bpf_skb_load_bytes(skb, ETH_HLEN, &ip, sizeof(ip)))
		return RF_REASON_MALFORMED;
	__builtin_memcpy(&p->tuple.saddr, &ip.saddr, sizeof(p->tuple.saddr));
	__builtin_memcpy(&p->tuple.daddr, &ip.daddr, sizeof(p->tuple.daddr));
	p->tuple.proto = ip.nexthdr;
	p->l4 = ETH_HLEN + sizeof(ip);
	if (ip.version != 6 || rf_addr_is4(&p->tuple.saddr) || rf_addr_is4(&p->tuple.daddr))
		return RF_REASON_MALFORMED;
	if (ip.nexthdr == RF_NEXT_FRAGMENT)
		return RF_REASON_FRAGMENT;
	if (rf_is_extension(ip.nexthdr))
		return RF_REASON_EXTENSION;
	payload = bpf_ntohs(ip.payload_len);
	return rf_take_length(p, payload ? payload + sizeof(ip) : 0);
}

/* 0, or the reason why this packet cannot be judged. The tuple's addresses are filled whenever there was an IP header. */
static __always_inline __u32 rf_parse(struct __sk_buff *skb, struct rf_packet *p)
{
	__u32 reason;

	p->ip_len = skb->len - ETH_HLEN;
	if (skb->len <= ETH_HLEN)
		return RF_REASON_MALFORMED;
	if (skb->protocol == bpf_htons(ETH_P_IP))
		reason = rf_parse4(skb, p);
	else if (skb->protocol == bpf_htons(ETH_P_IPV6))
		reason = rf_parse6(skb, p);
	else
		return RF_REASON_ETHERTYPE;
	if (reason)
		return reason;
	if (p->tuple.proto == RF_PROTO_TCP)
		return rf_parse_tcp(skb, p);
	return p->tuple.proto == RF_PROTO_UDP ? rf_parse_udp(skb, p) : 0;
}
