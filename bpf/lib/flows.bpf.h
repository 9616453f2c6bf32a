/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only */
/* Connections and datagram exchanges that a decision admitted or denied, as tc sees them. */
#pragma once

#include "lib/opener.bpf.h"
#include "lib/packet.bpf.h"
#include "lib/quota.bpf.h"

#define RF_FLOWS_MAX 1048576

/* flows: initiator -> responder. Writer and reader: tc; the agent's sweep removes through rf_forget. Lifetime: until an RST or both FINs,
 * or for datagrams a silence, were seen and the sweep, or reuse of the tuple. Full: a new flow is denied (flow-table-full, or flow-quota
 * for one pod's share), existing ones are untouched. */
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

/* From the table and from its pod's account. Returns 1 if it was this call that removed it. */
static __always_inline int rf_flow_remove(const struct rf_tuple *key, __u64 pod)
{
	struct rf_usage *u;

	if (bpf_map_delete_elem(&flows, key))
		return 0; /* another processor was faster: it counted */
	u = rf_usage_of(pod);
	if (u)
		rf_quota_give(&u->flows);
	return 1;
}

/* Returns a reason to deny, or 0. */
static __always_inline __u32 rf_flow_insert(const struct rf_tuple *key, const struct rf_flow *flow, __u64 share)
{
	struct rf_usage *u = rf_usage_of(flow->pod);
	long r;

	if (!u || rf_quota_take(u, &u->flows, share))
		return RF_REASON_FLOW_QUOTA;
	r = bpf_map_update_elem(&flows, key, flow, BPF_NOEXIST);
	if (!r)
		return 0;
	rf_quota_give(&u->flows);
	return r == -17 ? 0 : RF_REASON_FLOW_FULL; /* EEXIST: another processor has just opened this very flow */
}

/* Who a packet or a flow is between; 0: nobody that is known. */
struct rf_ends {
	rf_identity_t src, dst;
};

/* What tc knows of a packet that may open a flow, besides its addresses. */
struct rf_opening {
	struct rf_ends ends;
	struct rf_addr dialed;
	__u16 dialed_port;
	__u8 opener; /* enum rf_opener */
	__u8 count_hit;
	__u32 share; /* how many flows its pod may have, this one included */
	__u64 pod;   /* on whose quota */
};

static __always_inline struct rf_question rf_question_of(const struct rf_tuple *t, const struct rf_ends *ends, const struct rf_addr *dialed,
							 __u16 dialed_port)
{
	return (struct rf_question){
		.src = ends->src,
		.dst = ends->dst,
		.saddr = t->saddr,
		.daddr = t->daddr,
		.dialed = *dialed,
		.port = t->dport,
		.dialed_port = dialed_port,
		.proto = t->proto,
	};
}

static __always_inline __u64 rf_flow_decide(rf_epoch_t epoch, const struct rf_tuple *t, const struct rf_opening *o)
{
	struct rf_question q = rf_question_of(t, &o->ends, &o->dialed, o->dialed_port);

	q.count_hit = o->count_hit;
	return rf_decide_opened(epoch, &q, o->opener);
}

/* Decided, remembered if admitted: RF_SAY. A denied one leaves no entry, so denials cannot fill the table. */
static __always_inline __u64 rf_flow_open(rf_epoch_t epoch, const struct rf_packet *p, const struct rf_opening *o)
{
	struct rf_flow *old = bpf_map_lookup_elem(&flows, &p->tuple);
	__u32 refused;
	__u64 said;

	if (old) /* of an older flow of this very tuple: it is over */
		rf_flow_remove(&p->tuple, old->pod);
	said = rf_flow_decide(epoch, &p->tuple, o);
	if (RF_SAID_VERDICT(said) == RF_VERDICT_DENY || RF_SAID_REASON(said) == RF_REASON_ALLOW_UNMESHED)
		return said; /* outside the mesh nothing is tracked */

	struct rf_flow flow = {
		.epoch = epoch,
		.verdict = RF_SAID_VERDICT(said),
		.reason = RF_SAID_REASON(said),
		.src = o->ends.src,
		.dst = o->ends.dst,
		.opener = o->opener,
		.life = p->tuple.proto == RF_PROTO_TCP ? RF_FLOW_HALF_OPEN : 0,
		.rule_id = RF_SAID_RULE(said),
		.seen_ns = bpf_ktime_get_ns(),
		.bytes = p->ip_len,
		.pod = o->pod,
		.dialed = o->dialed,
		.dialed_port = o->dialed_port,
	};

	refused = rf_flow_insert(&p->tuple, &flow, o->share);
	return refused ? RF_SAY(RF_VERDICT_DENY, refused, 0) : said;
}

/* Is the flow, whose tuple (initiator's view) is key, admitted by the live revision? Decided again if another one decided. */
static __always_inline int rf_flow_stands(struct rf_flow *flow, const struct rf_tuple *key)
{
	rf_epoch_t epoch = rf_live_epoch();
	union rf_flow_word w = {.word = *(volatile __u64 *)flow};
	struct rf_ends ends = {.src = flow->src, .dst = flow->dst};

	if (w.epoch != epoch) {
		struct rf_question q = rf_question_of(key, &ends, &flow->dialed, flow->dialed_port);

		__u64 said = rf_decide_opened(epoch, &q, flow->opener);

		w.epoch = epoch;
		w.verdict = RF_SAID_VERDICT(said);
		w.reason = RF_SAID_REASON(said);
		flow->rule_id = RF_SAID_RULE(said);
		*(volatile __u64 *)flow = w.word;
	}
	return w.verdict == RF_VERDICT_ALLOW;
}

/* A packet of a known flow. Returns the reason to drop, or 0. */
static __always_inline __u32 rf_flow_use(struct rf_flow *flow, const struct rf_tuple *key, const struct rf_packet *p)
{
	if (!rf_flow_stands(flow, key))
		return RF_REASON_REVOKED;
	flow->seen_ns = bpf_ktime_get_ns();
	__sync_fetch_and_add(&flow->bytes, p->ip_len);
	return 0;
}

/* The ends of a flow are still who they were: an address that another pod has by now inherits nothing. */
static __always_inline int rf_same_ends(const struct rf_flow *flow, const struct rf_ends *ends, int from_responder)
{
	if (from_responder)
		return flow->src == ends->dst && flow->dst == ends->src;
	return flow->src == ends->src && flow->dst == ends->dst;
}

struct rf_found {
	struct rf_flow *flow; /* NULL: none */
	struct rf_tuple key;  /* initiator's view */
	int from_responder;
};

/* The same in the other direction. In place: the stack of a program is small. */
static __always_inline void rf_flow_turn(struct rf_found *found)
{
	struct rf_tuple *t = &found->key;
	struct rf_addr addr = t->saddr;
	__u16 port = t->sport;

	t->saddr = t->daddr;
	t->daddr = addr;
	t->sport = t->dport;
	t->dport = port;
	found->from_responder = !found->from_responder;
}

/* key and from_responder are set. */
static __always_inline int rf_flow_look(const struct rf_ends *ends, struct rf_found *found)
{
	found->flow = bpf_map_lookup_elem(&flows, &found->key);
	if (found->flow && !rf_same_ends(found->flow, ends, found->from_responder))
		found->flow = NULL;
	return found->flow != NULL;
}

/* The flow that a packet between these ends with the addresses of found->key belongs to, in either direction. Datagrams may have one in
 * each, for either end may begin between the same two ports: then it is an answer, which may be admitted where beginning is not. */
static __always_inline void rf_flow_find(const struct rf_ends *ends, struct rf_found *found)
{
	found->from_responder = 0;
	if (found->key.proto == RF_PROTO_UDP)
		rf_flow_turn(found);
	if (rf_flow_look(ends, found))
		return;
	rf_flow_turn(found);
	rf_flow_look(ends, found);
}
