/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only */
/* The decision on a connection that somebody opens, as tc sees it: rf_decide, and what its opener (enum rf_opener) makes of the answer. */
#pragma once

#include "lib/decide.bpf.h"
#include "lib/prober.bpf.h"

/*
 * May the checker open, for its pod, what the pod itself may open without it? Only where that gains a captured checker nothing: between two
 * pods of the mesh, where the pod could do it just as well (a rule that is no longer checked, permissive mode, audit). Not the unmeshed
 * world, not what an exclusion or an IngressBackend opens to others, and of egress only the ports that an Egress checks for this source:
 * there the checker may connect anywhere in any case, and with enableEgress switched on its open connections must go on.
 */
static __always_inline int rf_checker_may(rf_epoch_t epoch, const struct rf_question *q, const struct rf_answer *a)
{
	__u64 said;

	if (a->reason == RF_REASON_ALLOW_RULE || a->reason == RF_REASON_ALLOW_PERMISSIVE)
		return 1;
	if (a->reason == RF_REASON_ALLOW_AUDIT)
		return a->would == RF_REASON_NO_RULE;
	if (a->reason != RF_REASON_ALLOW_EGRESS)
		return 0;
	said = rf_decide_egress(rf_ask_word(epoch, q), q->src, RF_HIGH(&q->daddr), RF_LOW(&q->daddr));
	return RF_SAID_VERDICT(said) == RF_VERDICT_L7;
}

/* What is checked must come from the checker. */
static __always_inline void rf_decide_checker(rf_epoch_t epoch, const struct rf_question *q, struct rf_answer *a)
{
	if (q->proto == RF_PROTO_UDP)
		rf_answer(a, RF_VERDICT_DENY, RF_REASON_DATAGRAM, 0);
	else if (a->verdict == RF_VERDICT_L7)
		rf_answer(a, RF_VERDICT_ALLOW, RF_REASON_ALLOW_CHECKER, a->rule_id);
	else if (!rf_checker_may(epoch, q, a))
		rf_answer(a, RF_VERDICT_DENY, RF_REASON_CHECKER_BYPASS, a->rule_id);
}

/* A probe wants an answer from a pod of the mesh, whatever its policy; while nobody is configured as prober nobody was one. */
static __always_inline int rf_is_probe(rf_epoch_t epoch, const struct rf_question *q)
{
	return q->proto == RF_PROTO_TCP && rf_has_prober() && rf_mode(epoch) && rf_standing(epoch, q->dst);
}

static __always_inline void rf_decide_opened(rf_epoch_t epoch, const struct rf_question *q, __u32 opener, struct rf_answer *a)
{
	if (opener == RF_OPENER_PROBER && rf_is_probe(epoch, q)) {
		a->epoch = epoch;
		return rf_answer(a, RF_VERDICT_ALLOW, RF_REASON_ALLOW_PROBE, 0);
	}
	rf_decide(epoch, q, a);
	if (a->verdict == RF_VERDICT_DENY)
		return;
	if (opener == RF_OPENER_CHECKER)
		return rf_decide_checker(epoch, q, a);
	if (a->verdict == RF_VERDICT_L7)
		rf_answer(a, RF_VERDICT_DENY, RF_REASON_CHECKER_BYPASS, a->rule_id);
}
