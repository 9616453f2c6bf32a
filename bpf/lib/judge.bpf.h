/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only */
/* What tc says to one packet of a pod whose addresses were checked: TCP segments, datagrams, everything else. Each returns the reason to
 * drop, or 0. */
#pragma once

#include "lib/flows.bpf.h"
#include "lib/pods.bpf.h"

/* Neither end in the mesh: nothing is tracked, nothing is dropped. So what the judges say below stands only if this does not lift it.
 * Returns the reason to drop, or 0. */
static __always_inline __u32 rf_unless_unmeshed(const struct rf_ends *ends, __u32 reason)
{
	rf_epoch_t epoch = rf_live_epoch();

	if (!rf_mode(epoch))
		return RF_REASON_NO_POLICY;
	return rf_standing(epoch, ends->src) || rf_standing(epoch, ends->dst) ? reason : 0;
}

/* Reasons that say nothing against ends outside the mesh. */
static __always_inline int rf_is_mesh_only(__u32 reason)
{
	switch (reason) {
	case RF_REASON_NO_TAG:
	case RF_REASON_NO_FLOW:
	case RF_REASON_ICMP:
	case RF_REASON_IP_PROTOCOL:
	case RF_REASON_FRAGMENT:
	case RF_REASON_IP_OPTIONS:
	case RF_REASON_EXTENSION:
	case RF_REASON_MULTICAST:
		return 1;
	default:
		return 0;
	}
}

static __always_inline __u16 rf_life_bits(const struct rf_packet *p, int from_responder)
{
	__u16 bits = from_responder ? RF_FLOW_ANSWERED : 0;

	if (p->fin)
		bits |= from_responder ? RF_FLOW_FIN_BACK : RF_FLOW_FIN_THERE;
	return p->rst ? bits | RF_FLOW_RESET : bits;
}

/* Two processors may lose each other's bit; the sweep then falls back to the idle time. */
static __always_inline void rf_flow_live(struct rf_flow *flow, const struct rf_packet *p, int from_responder)
{
	__u16 life = flow->life | rf_life_bits(p, from_responder);

	if (!from_responder && p->has_ack)
		life &= (__u16)~RF_FLOW_HALF_OPEN;
	if (life != flow->life)
		flow->life = life;
}

/* Not a reason: nothing is known of this packet's flow, and it may open one. */
#define RF_MAY_OPEN 0x10000

static __always_inline int rf_opens(const struct rf_packet *p)
{
	return p->tuple.proto == RF_PROTO_TCP && p->syn && !p->has_ack;
}

/* Owners of packets besides enum rf_tag_kind. */
#define RF_OWNER_RAW  0x100 /* a raw socket of the pod: it writes what it likes into the TCP header */
#define RF_OWNER_LINK 0x101 /* a packet socket: nobody's, and it writes what it likes */

static __always_inline int rf_is_nobodys(__u32 owner)
{
	return owner == RF_TAG_NONE || owner == RF_OWNER_LINK;
}

static __always_inline int rf_is_handmade(__u32 owner)
{
	return owner == RF_OWNER_RAW || owner == RF_OWNER_LINK;
}

/* Payload and FIN must come from the socket that opened the connection: the pod's own, or the checker's if that did, so that the pod adds
 * no byte behind the checker's back; nor an option of a handmade empty segment. Those of TIME_WAIT and of closed ports have no full socket,
 * or one of the kernel's. */
static __always_inline __u32 rf_judge_owner(const struct rf_packet *p, const struct rf_found *f, __u32 owner)
{
	int checked = !f->from_responder && f->flow->opener == RF_OPENER_CHECKER;

	if (!p->data_len && !p->fin && !(checked && rf_is_handmade(owner)))
		return 0;
	if (rf_is_nobodys(owner))
		return RF_REASON_NO_TAG;
	return checked && owner != RF_TAG_CHECKER ? RF_REASON_CHECKER_BYPASS : 0;
}

/* What is found in the other direction is over, and must not be found again. */
static __always_inline __u32 rf_begins_anew(const struct rf_found *f)
{
	if (f->flow && f->from_responder)
		rf_flow_remove(&f->key, f->flow->pod);
	return RF_MAY_OPEN;
}

/* A TCP segment that opens no connection, or a datagram. owner: whose socket made it; check_owner: on leaving a
 * pod, where that is known. */
static __always_inline __u32 rf_judge_known(const struct rf_packet *p, const struct rf_ends *ends, __u32 owner, int check_owner)
{
	int datagram = p->tuple.proto == RF_PROTO_UDP;
	struct rf_found f = {.key = p->tuple};
	__u32 reason;

	if (p->rst && p->data_len)
		return RF_REASON_MALFORMED; /* nobody reads it but who waits for it in secret */
	rf_flow_find(ends, &f);
	/* Signed: another processor may have seen a packet of it after this one has read the clock. */
	if (datagram && (!f.flow || (__s64)(bpf_ktime_get_ns() - f.flow->seen_ns) > (__s64)RF_FLOW_UDP_IDLE_NS))
		return rf_begins_anew(&f);
	if (!f.flow) /* The kernel ends a connection that is older than the mesh with an RST from the connection's own socket: the other
		      * end is to be told. The kernel wrote it, so it carries nothing, and its source address was checked. */
		return p->rst && !rf_is_nobodys(owner) && owner != RF_OWNER_RAW ? 0 : RF_REASON_NO_FLOW;
	reason = check_owner && !datagram ? rf_judge_owner(p, &f, owner) : 0;
	if (reason)
		return reason;
	rf_flow_live(f.flow, p, f.from_responder);
	if (p->rst && !rf_is_handmade(owner))
		return 0; /* the end of a connection that was revoked must be told too */
	reason = rf_flow_use(f.flow, &f.key, p);
	/* No answer any more: as a datagram perhaps welcome by itself. */
	return reason && datagram && f.from_responder ? rf_begins_anew(&f) : reason;
}
