/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only */
/*
 * THE decision: may this source open a connection to this destination port? One pure function over plain structs and the tables of one
 * revision, used by connect, by tc on both sides and by the `ask` program that tests and `why` run, so they cannot disagree.
 *
 * Precedence:
 *  1. no policy published                          deny  no-policy
 *  2. neither side in the mesh                     allow allow-unmeshed
 *  3. neither TCP nor UDP                          deny  icmp / ip-protocol
 *  4. source outside the mesh                      IngressBackend for (destination, protocol, port, source address), else deny no-ingress
 *  5. destination outside the mesh                 enableEgress, else deny no-egress
 *  6. permissive mode                              allow allow-permissive
 *  7. allow list, exact port; 8. allow list, any port; the first entry found is final
 *  9. UDP to a destination that no UDPRoute names  allow allow-datagram
 * 10. nothing                                      deny  no-rule
 */
#pragma once

#include <ringfence/question.h>

#include "lib/revision.bpf.h"

static __always_inline void rf_answer(struct rf_answer *a, __u32 verdict, __u32 reason, __u32 rule_id)
{
	a->verdict = verdict;
	a->reason = reason;
	a->rule_id = rule_id;
}

static __always_inline void rf_decide_ingress(rf_epoch_t epoch, const struct rf_question *q, struct rf_answer *a)
{
	struct rf_ingress_key key = {
		.prefixlen = RF_INGRESS_FIXED_BITS + 128,
		.port = q->port,
		.proto = q->proto,
		.dst = q->dst,
		.addr = q->saddr,
	};
	struct rf_ingress_value *v = rf_find(&ingress, epoch, &key);

	if (v)
		rf_answer(a, RF_VERDICT_ALLOW, RF_REASON_ALLOW_INGRESS, v->rule_id);
	else
		rf_answer(a, RF_VERDICT_DENY, RF_REASON_NO_INGRESS, 0);
}

/* No entry for the pair. Datagrams are protected where a UDPRoute names the destination (SMI traffic-specs: UDPRoute), and only there. */
static __always_inline void rf_decide_unlisted(rf_epoch_t epoch, const struct rf_question *q, struct rf_answer *a)
{
	struct rf_ident *ident;

	if (q->proto == RF_PROTO_UDP) {
		ident = rf_find(&idents, epoch, &q->dst);
		if (ident && !ident->datagrams)
			return rf_answer(a, RF_VERDICT_ALLOW, RF_REASON_ALLOW_DATAGRAM, 0);
	}
	rf_answer(a, RF_VERDICT_DENY, RF_REASON_NO_RULE, 0);
}

static __always_inline void rf_decide_pair(rf_epoch_t epoch, const struct rf_question *q, struct rf_answer *a)
{
	struct rf_allow_key key = {.src = q->src, .dst = q->dst, .port = q->port, .proto = q->proto};
	struct rf_allow_value *v = rf_find(&allow, epoch, &key);

	if (!v) {
		key.port = 0;
		v = rf_find(&allow, epoch, &key);
	}
	if (!v)
		return rf_decide_unlisted(epoch, q, a);
	if (q->count_hit)
		__sync_fetch_and_add(&v->hits, 1);
	if (v->verdict == RF_VERDICT_ALLOW)
		return rf_answer(a, RF_VERDICT_ALLOW, RF_REASON_ALLOW_RULE, v->rule_id);
	if (v->verdict == RF_VERDICT_L7)
		return rf_answer(a, RF_VERDICT_L7, RF_REASON_ALLOW_L7, v->rule_id);
	rf_answer(a, RF_VERDICT_DENY, RF_REASON_NO_RULE, v->rule_id);
}

static __always_inline void rf_decide(rf_epoch_t epoch, const struct rf_question *q, struct rf_answer *a)
{
	struct rf_config *cfg = rf_config_of(epoch);
	int src_meshed, dst_meshed;

	a->epoch = epoch;
	if (!cfg)
		return rf_answer(a, RF_VERDICT_DENY, RF_REASON_NO_POLICY, 0);
	src_meshed = rf_is_meshed(epoch, q->src);
	dst_meshed = rf_is_meshed(epoch, q->dst);
	if (!src_meshed && !dst_meshed)
		return rf_answer(a, RF_VERDICT_ALLOW, RF_REASON_ALLOW_UNMESHED, 0);
	if (q->proto == RF_PROTO_ICMP || q->proto == RF_PROTO_ICMPV6)
		return rf_answer(a, RF_VERDICT_DENY, RF_REASON_ICMP, 0);
	if (q->proto != RF_PROTO_TCP && q->proto != RF_PROTO_UDP)
		return rf_answer(a, RF_VERDICT_DENY, RF_REASON_IP_PROTOCOL, 0);
	if (!src_meshed)
		return rf_decide_ingress(epoch, q, a);
	if (!dst_meshed)
		return cfg->egress ? rf_answer(a, RF_VERDICT_ALLOW, RF_REASON_ALLOW_EGRESS, 0)
				   : rf_answer(a, RF_VERDICT_DENY, RF_REASON_NO_EGRESS, 0);
	if (cfg->permissive)
		return rf_answer(a, RF_VERDICT_ALLOW, RF_REASON_ALLOW_PERMISSIVE, 0);
	rf_decide_pair(epoch, q, a);
}

/* A connection as tc sees it also has an opener: the pod's own socket may not open what must be checked, and the checker may open only
 * what some pair of its pod allows (never egress or the unmeshed world: a captured checker gains nothing there). */
static __always_inline void rf_decide_opened(rf_epoch_t epoch, const struct rf_question *q, __u32 via_checker, struct rf_answer *a)
{
	rf_decide(epoch, q, a);
	if (a->verdict == RF_VERDICT_DENY)
		return;
	if (!via_checker) {
		if (a->verdict == RF_VERDICT_L7)
			rf_answer(a, RF_VERDICT_DENY, RF_REASON_CHECKER_BYPASS, a->rule_id);
		return;
	}
	if (q->proto == RF_PROTO_UDP)
		return rf_answer(a, RF_VERDICT_DENY, RF_REASON_DATAGRAM, 0);
	if (a->reason == RF_REASON_ALLOW_L7)
		rf_answer(a, RF_VERDICT_ALLOW, RF_REASON_ALLOW_CHECKER, a->rule_id);
	else if (a->reason != RF_REASON_ALLOW_RULE && a->reason != RF_REASON_ALLOW_PERMISSIVE)
		rf_answer(a, RF_VERDICT_DENY, RF_REASON_CHECKER_BYPASS, a->rule_id);
}
