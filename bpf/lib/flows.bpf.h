/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only */
/* Connections that a decision admitted or denied, as tc sees them. */
#pragma once

#include "lib/decide.bpf.h"
#include "lib/packet.bpf.h"

#define RF_FLOWS_MAX 262144

/* flows: initiator -> responder. Writer and reader: tc. Lifetime: until an RST or both FINs were seen and the agent's sweep, or reuse of
 * the tuple. Full: a new flow is denied (flow-table-full), existing ones are untouched. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, RF_FLOWS_MAX);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, struct rf_tuple);
	__type(value, struct rf_flow);
} flows SEC(".maps");

/* The first 8 bytes of struct rf_flow. */
union rf_flow_word {
	struct {
		rf_epoch_t epoch;
		__u16 verdict;
		__u16 reason;
	};
	__u64 word;
};

static __always_inline struct rf_tuple rf_reversed(const struct rf_tuple *t)
{
	struct rf_tuple r = {.saddr_be = t->daddr_be, .daddr_be = t->saddr_be, .sport = t->dport, .dport = t->sport};

	return r;
}

/* A new connection: decided, remembered if admitted. A denied one leaves no entry, so denials cannot fill the table. */
static __always_inline void rf_flow_open(const struct rf_packet *p, const struct rf_question *q, __u32 via_checker, struct rf_answer *a)
{
	struct rf_flow flow = {.src = q->src, .dst = q->dst, .via_checker = (__u16)via_checker, .bytes = p->ip_len};

	rf_decide_opened(rf_live_epoch(), q, via_checker, a);
	if (a->verdict == RF_VERDICT_DENY) {
		/* an older connection may have used this very tuple: it is over */
		bpf_map_delete_elem(&flows, &p->tuple);
		return;
	}
	if (a->reason == RF_REASON_ALLOW_UNMESHED)
		return; /* outside the mesh nothing is tracked */
	flow.epoch = a->epoch;
	flow.verdict = (__u16)a->verdict;
	flow.reason = (__u16)a->reason;
	flow.rule_id = a->rule_id;
	flow.seen_ns = bpf_ktime_get_ns();
	if (bpf_map_update_elem(&flows, &p->tuple, &flow, BPF_ANY))
		rf_answer(a, RF_VERDICT_DENY, RF_REASON_FLOW_FULL, 0);
}

/* A packet of a known connection, whose tuple (initiator's view) is key. Decided again if another revision is live. Returns the reason to
 * drop, or 0. */
static __always_inline __u32 rf_flow_use(struct rf_flow *flow, const struct rf_tuple *key, const struct rf_packet *p)
{
	rf_epoch_t epoch = rf_live_epoch();
	union rf_flow_word w = {.word = *(volatile __u64 *)flow};
	struct rf_answer a = {};

	if (w.epoch != epoch) {
		struct rf_question q = {
			.src = flow->src, .dst = flow->dst, .saddr_be = key->saddr_be, .port = key->dport, .proto = RF_PROTO_TCP};

		rf_decide_opened(epoch, &q, flow->via_checker, &a);
		w.epoch = epoch;
		w.verdict = (__u16)a.verdict;
		w.reason = (__u16)a.reason;
		flow->rule_id = a.rule_id;
		*(volatile __u64 *)flow = w.word;
	}
	if (w.verdict != RF_VERDICT_ALLOW)
		return RF_REASON_REVOKED;
	flow->seen_ns = bpf_ktime_get_ns();
	__sync_fetch_and_add(&flow->bytes, p->ip_len);
	return 0;
}
