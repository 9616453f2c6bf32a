/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only */
/* What tc says to one packet of a pod whose addresses were checked: TCP segments, datagrams, everything else. Each returns the reason to
 * drop, or 0. */
#pragma once

#include "lib/flows.bpf.h"
#include "lib/pods.bpf.h"

/* Neither end in the mesh: nothing is tracked, nothing is dropped. */
static __always_inline int rf_is_unmeshed(const struct rf_question *q)
{
	struct rf_answer a = {};

	rf_decide(rf_live_epoch(), q, &a);
	return a.reason == RF_REASON_ALLOW_UNMESHED;
}

/* Everything that has no flow. Only between ends outside the mesh; a fragment or option is judged by the addresses alone. */
static __always_inline __u32 rf_judge_other(const struct rf_question *q, __u32 parse_reason)
{
	struct rf_answer a = {};

	rf_decide(rf_live_epoch(), q, &a);
	if (a.reason == RF_REASON_ALLOW_UNMESHED)
		return 0;
	return parse_reason ? parse_reason : (a.verdict == RF_VERDICT_DENY ? a.reason : RF_REASON_IP_PROTOCOL);
}

/* Two processors may lose each other's bit; the sweep then falls back to the idle time. */
static __always_inline __u16 rf_life_bits(const struct rf_packet *p, int from_responder)
{
	__u16 bits = from_responder ? RF_FLOW_ANSWERED : 0;

	if (p->fin)
		bits |= from_responder ? RF_FLOW_FIN_BACK : RF_FLOW_FIN_THERE;
	return p->rst ? bits | RF_FLOW_RESET : bits;
}

/* A segment that opens no connection. q is as if it did, for telling and for ends outside the mesh. owner: whose socket made it;
 * check_owner: on leaving a pod, where that is known. */
static __always_inline __u32 rf_judge_segment(const struct rf_packet *p, const struct rf_question *q, __u32 owner, int check_owner)
{
	struct rf_found f;

	if (p->rst && p->data_len)
		return RF_REASON_MALFORMED; /* nobody reads it but who waits for it in secret */
	rf_flow_find(&p->tuple, q, &f);
	if (!f.flow) {
		/* The kernel ends a connection that is older than the mesh with an RST from the connection's own socket: the other end is
		 * to be told. It carries nothing, and its source address was checked. */
		if (p->rst && owner != RF_TAG_NONE)
			return 0;
		return rf_is_unmeshed(q) ? 0 : RF_REASON_NO_FLOW;
	}
	f.flow->life |= rf_life_bits(p, f.from_responder);
	if (p->rst)
		return 0; /* the end of a connection that was revoked must be told too */
	/* Payload and FIN must come from the socket that opened the connection: the pod's own, or the checker's if that did, so that a raw
	 * socket of the pod adds no byte behind the checker's back. Empty ACKs of TIME_WAIT have no full socket. */
	if (check_owner && (p->data_len || p->fin)) {
		if (owner == RF_TAG_NONE)
			return RF_REASON_NO_TAG;
		if (!f.from_responder && f.flow->via_checker && owner != RF_TAG_CHECKER)
			return RF_REASON_CHECKER_BYPASS;
	}
	return rf_flow_use(f.flow, &f.key, p);
}

static __always_inline int rf_opens(const struct rf_packet *p)
{
	return p->tuple.proto == RF_PROTO_TCP && p->syn && !p->has_ack;
}

/* A datagram of a known exchange, in either direction. Returns RF_REASON_NO_FLOW if there is none that speaks for it: then it may open one
 * of its own. */
static __always_inline __u32 rf_judge_talk(const struct rf_packet *p, const struct rf_question *q)
{
	struct rf_found f;
	__u32 reason;

	rf_flow_find(&p->tuple, q, &f);
	if (!f.flow || bpf_ktime_get_ns() - f.flow->seen_ns > RF_FLOW_UDP_IDLE_NS)
		return RF_REASON_NO_FLOW;
	reason = rf_flow_use(f.flow, &f.key, p);
	if (reason)
		return f.from_responder ? RF_REASON_NO_FLOW : reason; /* no answer any more, but perhaps welcome by itself */
	f.flow->life |= rf_life_bits(p, f.from_responder);
	return 0;
}
