/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only */
/*
 * tc on the host side of every pod's veth: the backstop that drops what no decision admitted. rf_from_pod sees what leaves the pod (the
 * interface's ingress), rf_to_pod what enters it (egress). TC_ACT_UNSPEC passes on to other programs on the interface.
 */
#include "lib/events.bpf.h"
#include "lib/flows.bpf.h"
#include "lib/pods.bpf.h"
#include "lib/reset.bpf.h"

char _license[] SEC("license") = "Dual BSD/GPL";

static __always_inline struct rf_pod *pod_behind(struct __sk_buff *skb, __u64 *ret_id)
{
	__u32 ifindex = skb->ifindex;
	__u64 *id = bpf_map_lookup_elem(&links, &ifindex);

	if (!id)
		return NULL;
	*ret_id = *id;
	return bpf_map_lookup_elem(&pods, id);
}

static __always_inline void tell(const struct rf_packet *p, const struct rf_question *q, __u32 reason, __u32 rule_id)
{
	struct rf_event event = {
		.src = q->src,
		.dst = q->dst,
		.saddr_be = p->tuple.saddr_be,
		.daddr_be = p->tuple.daddr_be,
		.sport = p->tuple.sport,
		.dport = p->tuple.dport,
		.kind = RF_EVENT_PACKET,
		.proto = p->proto,
		.reason = (__u16)reason,
		.rule_id = rule_id,
		.epoch = rf_live_epoch(),
	};

	rf_note(&event);
}

/* Whose socket made this packet: RF_TAG_POD, RF_TAG_CHECKER, or RF_TAG_NONE (raw sockets, other pods' sockets, no socket at all). */
static __always_inline __u32 owner_of(struct __sk_buff *skb, __u64 pod)
{
	struct bpf_sock *sk = skb->sk;
	struct rf_tag *tag;

	if (!sk)
		return RF_TAG_NONE;
	sk = bpf_sk_fullsock(sk);
	if (!sk)
		return RF_TAG_NONE;
	tag = bpf_sk_storage_get(&tags, sk, NULL, 0);
	return tag && tag->pod == pod ? tag->kind : RF_TAG_NONE;
}

/* Neither end in the mesh: nothing is tracked, nothing is dropped. */
static __always_inline int is_unmeshed(const struct rf_question *q)
{
	struct rf_answer a = {};

	rf_decide(rf_live_epoch(), q, &a);
	return a.reason == RF_REASON_ALLOW_UNMESHED;
}

/* Everything but TCP. Only between ends outside the mesh; a fragment or option is judged by the addresses alone. */
static __always_inline __u32 judge_other(const struct rf_question *q, __u32 parse_reason)
{
	struct rf_answer a = {};

	rf_decide(rf_live_epoch(), q, &a);
	if (a.reason == RF_REASON_ALLOW_UNMESHED)
		return 0;
	return parse_reason ? parse_reason : (a.verdict == RF_VERDICT_ALLOW ? RF_REASON_IP_PROTOCOL : a.reason);
}

/* Two processors may lose each other's bit; the sweep then falls back to the idle time. */
static __always_inline __u16 life_bits(const struct rf_packet *p, int from_responder)
{
	__u16 bits = from_responder ? RF_FLOW_ANSWERED : 0;

	if (p->fin)
		bits |= from_responder ? RF_FLOW_FIN_BACK : RF_FLOW_FIN_THERE;
	return p->rst ? bits | RF_FLOW_RESET : bits;
}

/* The ends of a flow are still who they were: an address that another pod has by now inherits nothing. */
static __always_inline int same_ends(const struct rf_flow *flow, const struct rf_question *q, int from_responder)
{
	if (from_responder)
		return flow->src == q->dst && flow->dst == q->src;
	return flow->src == q->src && flow->dst == q->dst;
}

/* A segment that opens no connection. q is as if it did, for telling and for ends outside the mesh. owner: whose socket made it;
 * check_owner: on leaving a pod, where that is known. */
static __always_inline __u32 judge_segment(const struct rf_packet *p, const struct rf_question *q, __u32 owner, int check_owner)
{
	struct rf_tuple reversed = rf_reversed(&p->tuple);
	const struct rf_tuple *key = &p->tuple;
	struct rf_flow *flow = bpf_map_lookup_elem(&flows, key);
	int from_responder = 0;

	if (!flow) {
		key = &reversed;
		from_responder = 1;
		flow = bpf_map_lookup_elem(&flows, key);
	}
	if (p->rst && p->data_len)
		return RF_REASON_MALFORMED; /* nobody reads it but who waits for it in secret */
	if (!flow || !same_ends(flow, q, from_responder)) {
		/* The kernel ends a connection that is older than the mesh with an RST from the connection's own socket: the other end is
		 * to be told. It carries nothing, and its source address was checked. */
		if (p->rst && owner != RF_TAG_NONE)
			return 0;
		return is_unmeshed(q) ? 0 : RF_REASON_NO_FLOW;
	}
	flow->life |= life_bits(p, from_responder);
	if (p->rst)
		return 0; /* the end of a connection that was revoked must be told too */
	/* Payload and FIN must come from the socket that opened the connection: the pod's own, or the checker's if that did, so that a raw
	 * socket of the pod adds no byte behind the checker's back. Empty ACKs of TIME_WAIT have no full socket. */
	if (check_owner && (p->data_len || p->fin)) {
		if (owner == RF_TAG_NONE)
			return RF_REASON_NO_TAG;
		if (!from_responder && flow->via_checker && owner != RF_TAG_CHECKER)
			return RF_REASON_CHECKER_BYPASS;
	}
	return rf_flow_use(flow, key, p);
}

static __always_inline int opens(const struct rf_packet *p)
{
	return p->syn && !p->has_ack;
}

static __always_inline int leave(struct __sk_buff *skb, struct rf_packet *p)
{
	struct rf_question q = {};
	struct rf_answer a = {};
	struct rf_peer *peer;
	struct rf_pod *pod;
	__u32 reason, owner;
	__u64 id = 0;

	pod = pod_behind(skb, &id);
	if (!pod) {
		tell(p, &q, RF_REASON_NO_POD, 0);
		return TC_ACT_SHOT;
	}
	q.src = pod->identity;
	reason = rf_parse(skb, p);
	if (reason == RF_REASON_ETHERTYPE || reason == RF_REASON_MALFORMED) {
		tell(p, &q, reason, 0);
		return TC_ACT_SHOT;
	}
	if (p->tuple.saddr_be != pod->addr_be) {
		tell(p, &q, RF_REASON_SPOOFED, 0);
		return TC_ACT_SHOT;
	}
	peer = bpf_map_lookup_elem(&peers, &p->tuple.daddr_be);
	q.dst = peer ? peer->identity : 0;
	q.saddr_be = p->tuple.saddr_be;
	q.port = p->tuple.dport;
	q.proto = p->proto;
	if (reason || p->proto != RF_PROTO_TCP) {
		reason = judge_other(&q, reason);
		if (!reason)
			return TC_ACT_UNSPEC;
		tell(p, &q, reason, 0);
		return TC_ACT_SHOT;
	}
	owner = owner_of(skb, id);
	if (!opens(p)) {
		reason = judge_segment(p, &q, owner, 1);
	} else if (owner == RF_TAG_NONE && !is_unmeshed(&q)) {
		reason = RF_REASON_NO_TAG;
	} else {
		rf_flow_open(p, &q, owner == RF_TAG_CHECKER, &a);
		if (a.verdict == RF_VERDICT_ALLOW) {
			tell(p, &q, a.reason, a.rule_id);
			return TC_ACT_UNSPEC;
		}
		reason = a.reason;
	}
	if (!reason)
		return TC_ACT_UNSPEC;
	tell(p, &q, reason, a.rule_id);
	return rf_reset(skb, p, 0);
}

/* Our own answer, on its way through this interface. A process of the machine may be able to set the mark, too: it gains an empty RST by
 * it. */
static __always_inline int is_own_reset(struct __sk_buff *skb)
{
	struct rf_packet p = {};

	if (skb->mark != RF_RESET_MARK || rf_parse(skb, &p))
		return 0;
	return p.proto == RF_PROTO_TCP && p.rst && !p.syn && !p.fin && !p.data_len;
}

SEC("tc")
int rf_from_pod(struct __sk_buff *skb)
{
	struct rf_packet p = {};

	if (is_own_reset(skb))
		return TC_ACT_UNSPEC;
	return leave(skb, &p);
}

/* A local pod's packet must come from that pod's interface: an address alone proves nothing. */
static __always_inline int comes_from(struct __sk_buff *skb, const struct rf_peer *peer)
{
	struct rf_pod *source = bpf_map_lookup_elem(&pods, &peer->pod);

	return source && source->ifindex == skb->ingress_ifindex;
}

static __always_inline __u32 judge_arrival(const struct rf_packet *p, const struct rf_question *q, const struct rf_peer *peer,
					   struct rf_answer *a)
{
	int local = peer && (peer->flags & RF_PEER_LOCAL);

	if (!opens(p) || local) /* a local sender's SYN and its socket were judged when it left its pod */
		return judge_segment(p, q, local ? RF_TAG_POD : RF_TAG_NONE, 0);
	rf_flow_open(p, q, 0, a);
	return a->verdict == RF_VERDICT_ALLOW ? 0 : a->reason;
}

static __always_inline int enter(struct __sk_buff *skb, struct rf_packet *p)
{
	struct rf_question q = {.count_hit = 1};
	struct rf_answer a = {};
	struct rf_peer *peer;
	struct rf_pod *pod;
	__u32 reason;
	__u64 id = 0;

	pod = pod_behind(skb, &id);
	if (!pod) {
		tell(p, &q, RF_REASON_NO_POD, 0);
		return TC_ACT_SHOT;
	}
	q.dst = pod->identity;
	reason = rf_parse(skb, p);
	if (reason == RF_REASON_ETHERTYPE || reason == RF_REASON_MALFORMED) {
		tell(p, &q, reason, 0);
		return TC_ACT_SHOT;
	}
	peer = bpf_map_lookup_elem(&peers, &p->tuple.saddr_be);
	q.src = peer ? peer->identity : 0;
	q.saddr_be = p->tuple.saddr_be;
	q.port = p->tuple.dport;
	q.proto = p->proto;
	if (p->tuple.daddr_be != pod->addr_be) {
		tell(p, &q, RF_REASON_NOT_ADDRESSED, 0);
		return TC_ACT_SHOT;
	}
	if (peer && (peer->flags & RF_PEER_LOCAL) && !comes_from(skb, peer)) {
		tell(p, &q, RF_REASON_SPOOFED, 0);
		return TC_ACT_SHOT;
	}
	if (reason || p->proto != RF_PROTO_TCP)
		reason = judge_other(&q, reason);
	else if (p->tuple.dport == pod->checker_port)
		reason = RF_REASON_CHECKER_DIALED;
	else
		reason = judge_arrival(p, &q, peer, &a);
	if (!reason) {
		if (a.verdict == RF_VERDICT_ALLOW)
			tell(p, &q, a.reason, a.rule_id);
		return TC_ACT_UNSPEC;
	}
	tell(p, &q, reason, a.rule_id);
	return rf_reset(skb, p, BPF_F_INGRESS);
}

SEC("tc")
int rf_to_pod(struct __sk_buff *skb)
{
	struct rf_packet p = {};

	if (is_own_reset(skb))
		return TC_ACT_UNSPEC;
	return enter(skb, &p);
}
