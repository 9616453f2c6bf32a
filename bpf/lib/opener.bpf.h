/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only */
/* The decision on a connection that somebody opens, as tc sees it: rf_decide, and what its opener (enum rf_opener) makes of the answer. */
#pragma once

#include "lib/decide.bpf.h"
#include "lib/prober.bpf.h"

/*
 * May the checker open, for its pod, what the pod itself may open without it? Only where that gains a captured checker nothing: between two
 * pods of the mesh, where the pod could do it just as well (a rule that is no longer checked, permissive mode, audit). Not the unmeshed
 * world, not what an exclusion or an IngressBackend opens, and of egress only the ports that an Egress checks for this source:
 * there the checker may connect in any case, as far as that entry's ranges go, and with enableEgress switched on its open connections
 * must go on.
 */
static __always_inline int rf_checker_may(rf_epoch_t epoch, const struct rf_question *q, __u64 said)
{
	__u32 reason = RF_SAID_REASON(said);

	if (reason == RF_REASON_ALLOW_RULE || reason == RF_REASON_ALLOW_PERMISSIVE)
		return 1;
	if (reason == RF_REASON_ALLOW_AUDIT)
		return RF_SAID_WOULD(said) == RF_REASON_NO_RULE;
	if (reason != RF_REASON_ALLOW_EGRESS)
		return 0;
	said = rf_decide_egress(rf_ask_word(epoch, q), q->src, RF_HIGH(&q->daddr), RF_LOW(&q->daddr));
	return RF_SAID_VERDICT(said) == RF_VERDICT_L7;
}

/* What is checked must come from the checker. */
static __always_inline __u64 rf_decide_checker(rf_epoch_t epoch, const struct rf_question *q, __u64 said)
{
	if (q->proto == RF_PROTO_UDP)
		return RF_SAY(RF_VERDICT_DENY, RF_REASON_DATAGRAM, 0);
	if (RF_SAID_VERDICT(said) == RF_VERDICT_L7)
		return RF_SAY(RF_VERDICT_ALLOW, RF_REASON_ALLOW_CHECKER, RF_SAID_RULE(said));
	return rf_checker_may(epoch, q, said) ? said : RF_SAY(RF_VERDICT_DENY, RF_REASON_CHECKER_BYPASS, RF_SAID_RULE(said));
}

/* A probe wants an answer from a pod of the mesh, whatever its policy; while nobody is configured as prober nobody was one. */
static __always_inline int rf_is_probe(rf_epoch_t epoch, const struct rf_question *q)
{
	return q->proto == RF_PROTO_TCP && rf_has_prober() && rf_mode(epoch) && rf_standing(epoch, q->dst);
}

_Static_assert(RF_OPENER_CHECKER == 1 && !(RF_OPENER_POD & 1) && !(RF_OPENER_PROBER & 1), "one bit tells the checker");

/* Sets q->inside. */
static __always_inline __u64 rf_decide_opened(rf_epoch_t epoch, struct rf_question *q, __u32 opener)
{
	__u64 said;

	q->inside = opener & RF_OPENER_CHECKER; /* without a branch, which the verifier would follow twice */
	if (opener == RF_OPENER_PROBER && rf_is_probe(epoch, q))
		return RF_SAY(RF_VERDICT_ALLOW, RF_REASON_ALLOW_PROBE, 0);
	said = rf_decide(epoch, q);
	if (RF_SAID_VERDICT(said) == RF_VERDICT_DENY)
		return said;
	if (opener == RF_OPENER_CHECKER)
		return rf_decide_checker(epoch, q, said);
	if (RF_SAID_VERDICT(said) == RF_VERDICT_L7)
		return RF_SAY(RF_VERDICT_DENY, RF_REASON_CHECKER_BYPASS, RF_SAID_RULE(said));
	return said;
}
