/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only */
/*
 * tc on the host side of every pod's veth: the backstop that drops what no decision admitted. rf_from_pod sees what leaves the pod (the
 * interface's ingress), rf_to_pod what enters it (egress). TC_ACT_UNSPEC passes on to other programs on the interface.
 */
#include "lib/events.bpf.h"
#include "lib/icmp.bpf.h"
#include "lib/judge.bpf.h"
#include "lib/reset.bpf.h"

char _license[] SEC("license") = "Dual BSD/GPL";

/* One packet on its way through a pod's interface. */
struct rf_passage {
	struct rf_packet p;
	struct rf_opening o;  /* its pod: of this interface; 0: not known */
	__u64 said;           /* the decision, where this packet made one: RF_SAY */
	struct rf_peer *peer; /* who is at the other end; NULL: outside */
	rf_epoch_t epoch;     /* of the decision */
};

static __always_inline struct rf_pod *pod_behind(struct __sk_buff *skb, __u64 *ret_id)
{
	__u32 ifindex = skb->ifindex;
	__u64 *id = bpf_map_lookup_elem(&links, &ifindex);

	if (!id)
		return NULL;
	*ret_id = *id;
	return bpf_map_lookup_elem(&pods, id);
}

static __always_inline void tell(const struct rf_passage *w, __u32 reason)
{
	struct rf_event *event = rf_event_of(reason, w->o.pod);

	if (!event)
		return;
	event->src = w->o.ends.src;
	event->dst = w->o.ends.dst;
	event->saddr = w->p.tuple.saddr;
	event->daddr = w->p.tuple.daddr;
	event->sport = w->p.tuple.sport;
	event->dport = w->p.tuple.dport;
	event->kind = RF_EVENT_PACKET;
	event->proto = w->p.tuple.proto;
	event->rule_id = RF_SAID_RULE(w->said);
	event->epoch = w->epoch ? w->epoch : rf_live_epoch();
	event->would = RF_SAID_WOULD(w->said);
	bpf_ringbuf_submit(event, 0);
}

/* Whose socket made this packet: RF_TAG_POD, RF_OWNER_RAW, RF_TAG_CHECKER, RF_OWNER_LINK, or RF_TAG_NONE (other pods' sockets, the kernel's
 * own, as for the ACKs of TIME_WAIT and the resets of closed ports, no socket at all). */
static __always_inline __u32 owner_of(struct __sk_buff *skb, __u64 pod)
{
	struct bpf_sock *sk = skb->sk;
	struct rf_tag *tag;

	if (!sk)
		return RF_TAG_NONE;
	sk = bpf_sk_fullsock(sk);
	if (!sk)
		return RF_TAG_NONE;
	if (sk->family != RF_AF_INET && sk->family != RF_AF_INET6)
		return RF_OWNER_LINK;
	tag = bpf_sk_storage_get(&tags, sk, NULL, 0);
	if (!tag || tag->pod != pod)
		return RF_TAG_NONE;
	return tag->kind == RF_TAG_POD && sk->type == RF_SOCK_RAW ? RF_OWNER_RAW : tag->kind;
}

/* What the judges left open: a new flow, which is told of once, and ends outside the mesh. */
static __always_inline __u32 conclude(struct rf_passage *w, __u32 reason)
{
	if (rf_is_mesh_only(reason))
		return rf_unless_unmeshed(&w->o.ends, reason);
	if (reason != RF_MAY_OPEN)
		return reason;
	w->epoch = rf_live_epoch();
	w->said = rf_flow_open(w->epoch, &w->p, &w->o);
	if (RF_SAID_VERDICT(w->said) != RF_VERDICT_ALLOW)
		return RF_SAID_REASON(w->said);
	tell(w, RF_SAID_REASON(w->said));
	return 0;
}

static __always_inline void dialed_itself(struct rf_passage *w)
{
	w->o.dialed = w->p.tuple.daddr;
	w->o.dialed_port = w->p.tuple.dport;
}

/* What the application dialled, if this packet goes where connect sent its socket; else the packet's own destination stands. */
static __always_inline void recall_dialed(struct __sk_buff *skb, struct rf_passage *w)
{
	struct bpf_sock *sk = skb->sk;
	struct rf_dial *dial;

	dialed_itself(w);
	if (!sk || !rf_opens(&w->p))
		return;
	sk = bpf_sk_fullsock(sk);
	if (!sk)
		return;
	dial = bpf_sk_storage_get(&dials, sk, NULL, 0);
	if (!dial || dial->real_port != w->p.tuple.dport || !rf_addr_equal(&dial->real, &w->p.tuple.daddr))
		return;
	w->o.dialed = dial->dialed;
	w->o.dialed_port = dial->dialed_port;
}

static __always_inline int is_local(const struct rf_peer *peer)
{
	return peer && (peer->flags & RF_PEER_LOCAL);
}

/* Neither TCP nor UDP. flags: RF_ICMP_* */
static __always_inline __u32 judge_other(struct __sk_buff *skb, const struct rf_passage *w, __u32 flags)
{
	if (!rf_is_icmp(&w->p))
		return RF_REASON_IP_PROTOCOL;
	if (!rf_is_related(skb, &w->p, &w->o.ends, flags))
		return RF_REASON_ICMP;
	tell(w, RF_REASON_ALLOW_RELATED);
	return 0;
}

/* Is this a packet of the pod at all? */
static __always_inline __u32 judge_source(const struct rf_passage *w, const struct rf_pod *pod)
{
	const struct rf_addr *own = rf_own_addr(pod, &w->p.tuple.saddr);

	if (rf_addr_is_none(own))
		return RF_REASON_FAMILY;
	return rf_addr_equal(&w->p.tuple.saddr, own) ? 0 : RF_REASON_SPOOFED;
}

static __always_inline __u32 judge_leaving(struct __sk_buff *skb, const struct rf_passage *w, __u32 owner)
{
	int datagram = w->p.tuple.proto == RF_PROTO_UDP;

	if (rf_addr_is_multicast(&w->p.tuple.daddr))
		return RF_REASON_MULTICAST;
	if (w->p.tuple.proto != RF_PROTO_TCP && !datagram)
		return judge_other(skb, w, is_local(w->peer) ? 0 : RF_ICMP_LAST);
	if (rf_is_nobodys(owner) && (datagram || rf_opens(&w->p)))
		return RF_REASON_NO_TAG;
	if (datagram && owner == RF_TAG_CHECKER)
		return RF_REASON_DATAGRAM;
	return rf_opens(&w->p) ? RF_MAY_OPEN : rf_judge_known(&w->p, &w->o.ends, owner, 1);
}

/* The machine need not forward IPv6 (a setting of the whole machine, and not ours) for two pods on it to talk: what was admitted goes
 * straight to the other pod's interface, where it is judged again. What stands behind the packet's end stays here, as if it were
 * forwarded: nobody has judged it. */
static __always_inline int hand_over(struct __sk_buff *skb, const struct rf_packet *p)
{
	struct rf_peer *peer;
	struct rf_pod *there;

	if (rf_addr_is4(&p->tuple.daddr))
		return TC_ACT_UNSPEC;
	peer = rf_peer_of(&p->tuple.daddr);
	if (!is_local(peer))
		return TC_ACT_UNSPEC;
	there = bpf_map_lookup_elem(&pods, &peer->pod);
	if (!there || (skb->len > ETH_HLEN + p->ip_len && bpf_skb_change_tail(skb, ETH_HLEN + p->ip_len, 0)))
		return TC_ACT_SHOT;
	return (int)bpf_redirect_neigh(there->ifindex, NULL, 0, 0);
}

/* flags: 0 to answer a pod (back out of its veth), BPF_F_INGRESS to answer the side of the host. */
static __always_inline int refuse(struct __sk_buff *skb, const struct rf_passage *w, __u32 reason, __u64 flags)
{
	tell(w, reason);
	if (reason == RF_REASON_NO_FLOW && (rf_live_flags() & RF_CONTROL_TAKEOVER))
		return TC_ACT_SHOT; /* it may be known in a moment: the sender shall try again */
	if (rf_reset_write(skb, &w->p))
		return TC_ACT_SHOT;
	return (int)bpf_redirect(skb->ifindex, flags);
}

static __always_inline int drop(const struct rf_passage *w, __u32 reason)
{
	tell(w, reason);
	return TC_ACT_SHOT;
}

static __always_inline int leave(struct __sk_buff *skb, struct rf_passage *w, __u32 parsed)
{
	struct rf_pod *pod = pod_behind(skb, &w->o.pod);
	__u32 reason, owner;

	if (!pod)
		return drop(w, RF_REASON_NO_POD);
	w->o.ends.src = pod->identity;
	if (parsed == RF_REASON_ETHERTYPE || parsed == RF_REASON_MALFORMED)
		return drop(w, parsed);
	/* Also outside the mesh: an interface that comes up announces itself, and nobody is to hear it. */
	if (!rf_addr_is4(&w->p.tuple.daddr) && rf_addr_is_multicast(&w->p.tuple.daddr))
		return drop(w, RF_REASON_MULTICAST);
	w->peer = rf_peer_of(&w->p.tuple.daddr);
	w->o.ends.dst = w->peer ? w->peer->identity : 0;
	w->o.count_hit = w->p.tuple.proto == RF_PROTO_UDP; /* connections are counted where they are dialled */
	w->o.share = RF_FLOWS_PER_POD;
	reason = judge_source(w, pod);
	if (reason)
		return drop(w, reason);
	owner = owner_of(skb, w->o.pod);
	w->o.opener = owner == RF_TAG_CHECKER ? RF_OPENER_CHECKER : RF_OPENER_POD;
	recall_dialed(skb, w);
	reason = conclude(w, parsed ? parsed : judge_leaving(skb, w, owner));
	if (!reason)
		return hand_over(skb, &w->p);
	return parsed ? drop(w, reason) : refuse(skb, w, reason, 0);
}

SEC("tc")
int rf_from_pod(struct __sk_buff *skb)
{
	struct rf_passage w = {};
	__u32 parsed = rf_parse(skb, &w.p);

	if (rf_is_own_reset(skb, &w.p, parsed))
		return hand_over(skb, &w.p);
	return leave(skb, &w, parsed);
}

/* A local pod's packet must come from that pod's interface: an address alone proves nothing. */
static __always_inline int comes_from(struct __sk_buff *skb, const struct rf_peer *peer)
{
	struct rf_pod *source = bpf_map_lookup_elem(&pods, &peer->pod);

	return source && source->ifindex == skb->ingress_ifindex;
}

static __always_inline __u32 judge_arriving(struct __sk_buff *skb, const struct rf_passage *w, const struct rf_pod *pod)
{
	int local = is_local(w->peer);
	__u32 reason;

	if (w->p.tuple.proto != RF_PROTO_TCP && w->p.tuple.proto != RF_PROTO_UDP)
		return judge_other(skb, w, RF_ICMP_LAST | (w->peer ? 0 : RF_ICMP_BY_ROUTER));
	if (w->p.tuple.proto == RF_PROTO_TCP && w->p.tuple.dport == pod->checker_port)
		return RF_REASON_CHECKER_DIALED;
	if (rf_opens(&w->p) && !local)
		return RF_MAY_OPEN;
	reason = rf_judge_known(&w->p, &w->o.ends, local ? RF_TAG_POD : RF_TAG_NONE, 0);
	/* What opens a flow from a local pod, and its socket, was judged when it left there. */
	return reason == RF_MAY_OPEN && local ? RF_REASON_NO_FLOW : reason;
}

static __always_inline int enter(struct __sk_buff *skb, struct rf_passage *w, __u32 parsed)
{
	struct rf_pod *pod = pod_behind(skb, &w->o.pod);
	const struct rf_addr *own;
	__u32 reason;

	if (!pod)
		return drop(w, RF_REASON_NO_POD);
	w->o.ends.dst = pod->identity;
	w->o.count_hit = 1;
	w->o.share = RF_FLOWS_PER_POD;
	if (parsed == RF_REASON_ETHERTYPE || parsed == RF_REASON_MALFORMED)
		return drop(w, parsed);
	w->peer = rf_peer_of(&w->p.tuple.saddr);
	w->o.ends.src = w->peer ? w->peer->identity : 0;
	dialed_itself(w);
	own = rf_own_addr(pod, &w->p.tuple.daddr);
	if (rf_addr_is_none(own) || !rf_addr_equal(&w->p.tuple.daddr, own))
		return drop(w, rf_addr_is_multicast(&w->p.tuple.daddr) ? RF_REASON_MULTICAST : RF_REASON_NOT_ADDRESSED);
	if (is_local(w->peer) && !comes_from(skb, w->peer))
		return drop(w, RF_REASON_SPOOFED);
	if (!is_local(w->peer) && rf_opens(&w->p) && rf_is_probers(skb))
		w->o.opener = RF_OPENER_PROBER;
	else /* what comes from outside counts on the pod that is dialled, and leaves it half of its share, also for its probes */
		w->o.share = RF_FLOWS_FROM_OUTSIDE;
	reason = conclude(w, parsed ? parsed : judge_arriving(skb, w, pod));
	if (!reason)
		return TC_ACT_UNSPEC;
	return parsed ? drop(w, reason) : refuse(skb, w, reason, BPF_F_INGRESS);
}

SEC("tc")
int rf_to_pod(struct __sk_buff *skb)
{
	struct rf_passage w = {};
	__u32 parsed = rf_parse(skb, &w.p);

	if (rf_is_own_reset(skb, &w.p, parsed))
		return TC_ACT_UNSPEC;
	return enter(skb, &w, parsed);
}
