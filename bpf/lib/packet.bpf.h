/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only */
/* IPv4 and TCP headers of a packet at tc (RFC 791, RFC 9293), read once into a plain struct. Lengths are checked here and nowhere else. */
#pragma once

#include <linux/if_ether.h>
#include <linux/ip.h>
#include <linux/pkt_cls.h>
#include <linux/tcp.h>

#include "lib/common.bpf.h"

#define RF_IP_FRAGMENT 0x3fff /* more-fragments flag and offset */

struct rf_packet {
	struct rf_tuple tuple;
	__u32 ip_len;   /* of the IP packet, bytes */
	__u32 data_len; /* TCP payload, bytes */
	__u32 seq;
	__u32 ack;
	__u8 proto;
	__u8 syn, fin, rst, has_ack;
};

/* Makes sure that Ethernet + IPv4 + TCP headers are readable directly. */
static __always_inline int rf_pull(struct __sk_buff *skb, __u32 len)
{
	if (skb->len < len)
		return -1;
	if ((long)skb->data + len > (long)skb->data_end && bpf_skb_pull_data(skb, len))
		return -1;
	return 0;
}

static __always_inline __u32 rf_parse_tcp(struct __sk_buff *skb, struct rf_packet *p)
{
	struct tcphdr *tcp;
	__u32 header;

	if (rf_pull(skb, ETH_HLEN + sizeof(struct iphdr) + sizeof(struct tcphdr)))
		return RF_REASON_MALFORMED;
	tcp = (void *)(long)skb->data + ETH_HLEN + sizeof(struct iphdr);
	if ((void *)(tcp + 1) > (void *)(long)skb->data_end)
		return RF_REASON_MALFORMED;
	header = sizeof(struct iphdr) + tcp->doff * 4;
	if (tcp->doff < 5 || header > p->ip_len)
		return RF_REASON_MALFORMED;
	p->data_len = p->ip_len - header;
	p->tuple.sport = bpf_ntohs(tcp->source);
	p->tuple.dport = bpf_ntohs(tcp->dest);
	p->seq = bpf_ntohl(tcp->seq);
	p->ack = bpf_ntohl(tcp->ack_seq);
	p->syn = tcp->syn;
	p->fin = tcp->fin;
	p->rst = tcp->rst;
	p->has_ack = tcp->ack;
	return 0;
}

/* 0, or the reason why this packet cannot be judged. The tuple's addresses are filled whenever there was an IPv4 header. */
static __always_inline __u32 rf_parse(struct __sk_buff *skb, struct rf_packet *p)
{
	struct iphdr *ip;

	if (skb->protocol != bpf_htons(ETH_P_IP))
		return RF_REASON_ETHERTYPE;
	if (rf_pull(skb, ETH_HLEN + sizeof(*ip)))
		return RF_REASON_MALFORMED;
	ip = (void *)(long)skb->data + ETH_HLEN;
	if ((void *)(ip + 1) > (void *)(long)skb->data_end)
		return RF_REASON_MALFORMED;
	p->tuple.saddr_be = ip->saddr;
	p->tuple.daddr_be = ip->daddr;
	p->proto = ip->protocol;
	p->ip_len = skb->len - ETH_HLEN; /* tot_len is 0 for big GSO packets: trust the buffer */
	if (ip->version != 4 || ip->ihl < 5)
		return RF_REASON_MALFORMED;
	if (ip->ihl != 5)
		return RF_REASON_IP_OPTIONS;
	if (ip->frag_off & bpf_htons(RF_IP_FRAGMENT))
		return RF_REASON_FRAGMENT;
	if (!p->ip_len || (ip->tot_len && bpf_ntohs(ip->tot_len) > p->ip_len))
		return RF_REASON_MALFORMED;
	if (ip->tot_len)
		p->ip_len = bpf_ntohs(ip->tot_len); /* link-layer padding is no payload */
	return ip->protocol == RF_PROTO_TCP ? rf_parse_tcp(skb, p) : 0;
}
