/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only */
/*
 * THE decision: may this source open a connection to this destination port? One pure function over plain structs and the tables of one
 * revision, used by connect, by tc on both sides and by the `ask` program that tests and `why` run, so they cannot disagree.
 *
 * Precedence:
 *  1. no policy published                          deny  no-policy
 *  2. neither side in the mesh                     allow allow-unmeshed
 *  3. neither TCP nor UDP                          deny  icmp / ip-protocol
 *  4. source in the mesh, its way out excluded     from here on it counts as outside; destination outside: allow allow-excluded (never for
 *                                                  what the checker opens: it goes to backends, and what was dialled was not excluded)
 *  5. source outside, way in excluded              allow allow-excluded
 *  6. source outside                               IngressBackend for (destination, protocol, port, source address), else deny no-ingress
 *  7. destination outside                          enableEgress: allow allow-egress; else Egress for (source, protocol, port, address):
 *                                                  allow-egress-rule, allow-egress-l7 through the checker, else deny no-egress
 *  8. permissive mode                              allow allow-permissive; TCP with strictAuthority, if the allow list has the port for
 *                                                  every source (0): allow-l7, the checker looks at the names
 *  9. allow list, exact port; 10. allow list, any port; the first entry found is final
 * 11. UDP to a destination that no UDPRoute names  allow allow-datagram
 * 12. nothing                                      deny  no-rule
 * Last: where the destination is under audit no-rule and no-ingress, where the source is no-egress become allow-audit. No other denial
 * does: what cannot be judged, or goes around the checker, is never let through to be counted.
 */
#pragma once

#include "lib/audit.bpf.h"
#include "lib/exclude.bpf.h"

/* What the policy says of an account, in one word: 0 for whoever is not in the mesh. */
#define RF_IS_MESHED     0x100
#define RF_HAS_DATAGRAMS 0x200 /* rf_ident.datagrams */
#define RF_AUDITS        0xff  /* RF_AUDIT_* */

RF_GLOBAL __u64 rf_standing(__u64 epoch, __u64 identity)
{
	rf_identity_t key = identity;
	struct rf_ident *i;

	if (!identity)
		return 0;
	i = rf_find(&idents, (rf_epoch_t)epoch, &key);
	if (!i || !i->meshed)
		return 0;
	return RF_IS_MESHED | (i->datagrams ? RF_HAS_DATAGRAMS : 0) | i->audit;
}

/* The same of the whole revision: its epoch in the low half, so 0 is none. */
#define RF_IS_PERMISSIVE    (1ull << 32)
#define RF_HAS_EGRESS       (1ull << 33)
#define RF_IS_NAMED         (1ull << 34) /* RF_PERMISSIVE_NAMED */
#define RF_EXCLUSIONS(mode) ((mode) >> 40)

RF_GLOBAL __u64 rf_mode(__u64 epoch)
{
	struct rf_config *cfg = rf_config_of((rf_epoch_t)epoch);

	if (!cfg)
		return 0;
	return cfg->epoch | (cfg->permissive ? RF_IS_PERMISSIVE : 0) | (cfg->permissive == RF_PERMISSIVE_NAMED ? RF_IS_NAMED : 0) |
	       (cfg->egress ? RF_HAS_EGRESS : 0) | (__u64)cfg->exclusions << 40;
}

RF_GLOBAL __u64 rf_decide_ingress(__u64 ask, __u64 dst, __u64 high, __u64 low)
{
	struct rf_ingress_key key = {
		.prefixlen = RF_INGRESS_FIXED_BITS + 128,
		.port = RF_ASK_PORT(ask),
		.proto = RF_ASK_PROTO(ask),
		.dst = dst,
		.addr = rf_addr_of(high, low),
	};
	struct rf_ingress_value *v = rf_find(&ingress, RF_ASK_EPOCH(ask), &key);

	if (!v)
		return RF_SAY(RF_VERDICT_DENY, RF_REASON_NO_INGRESS, 0);
	if (RF_ASK_COUNT(ask))
		__sync_fetch_and_add(&v->hits, 1);
	return RF_SAY(RF_VERDICT_ALLOW, RF_REASON_ALLOW_INGRESS, v->rule_id);
}

RF_GLOBAL __u64 rf_decide_egress(__u64 ask, __u64 src, __u64 high, __u64 low)
{
	struct rf_egress_key key = {
		.prefixlen = RF_EGRESS_FIXED_BITS + 128,
		.port = RF_ASK_PORT(ask),
		.proto = RF_ASK_PROTO(ask),
		.src = src,
		.addr = rf_addr_of(high, low),
	};
	struct rf_egress_value *v = rf_find(&egress, RF_ASK_EPOCH(ask), &key);

	if (!v)
		return RF_SAY(RF_VERDICT_DENY, RF_REASON_NO_EGRESS, 0);
	if (RF_ASK_COUNT(ask))
		__sync_fetch_and_add(&v->hits, 1);
	if (v->verdict == RF_VERDICT_ALLOW)
		return RF_SAY(RF_VERDICT_ALLOW, RF_REASON_ALLOW_EGRESS_RULE, v->rule_id);
	if (v->verdict == RF_VERDICT_L7)
		return RF_SAY(RF_VERDICT_L7, RF_REASON_ALLOW_EGRESS_L7, v->rule_id);
	return RF_SAY(RF_VERDICT_DENY, RF_REASON_NO_EGRESS, v->rule_id);
}

/* Datagrams are protected where a UDPRoute names the destination (SMI traffic-specs: UDPRoute), and only there. datagrams: RF_HAS_DATAGRAMS
 * of the destination. */
RF_GLOBAL __u64 rf_decide_pair(__u64 ask, __u64 src, __u64 dst, __u64 datagrams)
{
	struct rf_allow_key key = {.src = src, .dst = dst, .port = RF_ASK_PORT(ask), .proto = RF_ASK_PROTO(ask)};
	struct rf_allow_value *v = rf_find(&allow, RF_ASK_EPOCH(ask), &key);

	if (!v) {
		key.port = 0;
		v = rf_find(&allow, RF_ASK_EPOCH(ask), &key);
	}
	if (!v && RF_ASK_PROTO(ask) == RF_PROTO_UDP && !datagrams)
		return RF_SAY(RF_VERDICT_ALLOW, RF_REASON_ALLOW_DATAGRAM, 0);
	if (!v)
		return RF_SAY(RF_VERDICT_DENY, RF_REASON_NO_RULE, 0);
	if (RF_ASK_COUNT(ask))
		__sync_fetch_and_add(&v->hits, 1);
	if (v->verdict == RF_VERDICT_ALLOW)
		return RF_SAY(RF_VERDICT_ALLOW, RF_REASON_ALLOW_RULE, v->rule_id);
	if (v->verdict == RF_VERDICT_L7)
		return RF_SAY(RF_VERDICT_L7, RF_REASON_ALLOW_L7, v->rule_id);
	return RF_SAY(RF_VERDICT_DENY, RF_REASON_NO_RULE, v->rule_id);
}

/* Everything in the mesh is open, but under RF_IS_NAMED ports that have names are the checker's: a pair's decision with source 0. */
static __always_inline __u64 rf_decide_permissive(__u64 ask, __u64 mode, const struct rf_question *q, __u64 dst)
{
	__u64 said = 0;

	if ((mode & RF_IS_NAMED) && q->proto == RF_PROTO_TCP)
		said = rf_decide_pair(ask, 0, q->dst, dst & RF_HAS_DATAGRAMS);
	return RF_SAID_VERDICT(said) == RF_VERDICT_L7 ? said : RF_SAY(RF_VERDICT_ALLOW, RF_REASON_ALLOW_PERMISSIVE, 0);
}

/* The destination is of the mesh, the source counts as outside. */
static __always_inline __u64 rf_decide_outsider(__u64 ask, __u64 mode, const struct rf_question *q)
{
	__u64 excluded = rf_excluded_port_in(ask, RF_EXCLUSIONS(mode), RF_HIGH(&q->daddr), RF_LOW(&q->daddr));

	if (excluded)
		return RF_SAY(RF_VERDICT_ALLOW, RF_REASON_ALLOW_EXCLUDED, (__u32)excluded);
	return rf_decide_ingress(ask, q->dst, RF_HIGH(&q->saddr), RF_LOW(&q->saddr));
}

/* src, dst: rf_standing. */
static __always_inline __u64 rf_decide_meshed(__u64 mode, const struct rf_question *q, __u64 src, __u64 dst)
{
	__u64 ask = rf_ask_word((rf_epoch_t)mode, q), excluded = 0;

	if (src && RF_EXCLUSIONS(mode) && !q->inside)
		excluded = rf_excluded_out((rf_epoch_t)mode, RF_EXCLUSIONS(mode), q);
	if (excluded && !dst)
		return RF_SAY(RF_VERDICT_ALLOW, RF_REASON_ALLOW_EXCLUDED, (__u32)excluded);
	if (excluded || !src)
		return rf_decide_outsider(ask, mode, q);
	if (!dst && (mode & RF_HAS_EGRESS))
		return RF_SAY(RF_VERDICT_ALLOW, RF_REASON_ALLOW_EGRESS, 0);
	if (!dst)
		return rf_decide_egress(ask, q->src, RF_HIGH(&q->daddr), RF_LOW(&q->daddr));
	if (mode & RF_IS_PERMISSIVE)
		return rf_decide_permissive(ask, mode, q, dst);
	return rf_decide_pair(ask, q->src, q->dst, dst & RF_HAS_DATAGRAMS);
}

static __always_inline __u64 rf_decide_any(__u64 mode, const struct rf_question *q, __u64 src, __u64 dst)
{
	if (!mode)
		return RF_SAY(RF_VERDICT_DENY, RF_REASON_NO_POLICY, 0);
	if (!src && !dst)
		return RF_SAY(RF_VERDICT_ALLOW, RF_REASON_ALLOW_UNMESHED, 0);
	if (q->proto == RF_PROTO_ICMP || q->proto == RF_PROTO_ICMPV6)
		return RF_SAY(RF_VERDICT_DENY, RF_REASON_ICMP, 0);
	if (q->proto != RF_PROTO_TCP && q->proto != RF_PROTO_UDP)
		return RF_SAY(RF_VERDICT_DENY, RF_REASON_IP_PROTOCOL, 0);
	return rf_decide_meshed(mode, q, src, dst);
}

/* Returns RF_SAY. A function of its own: what it needs of the stack is not on its callers' frames, which are full. */
static __noinline __u64 rf_decide(rf_epoch_t epoch, const struct rf_question *q)
{
	__u64 mode = rf_mode(epoch), src = rf_standing(epoch, q->src), dst = rf_standing(epoch, q->dst);
	__u64 said = rf_decide_any(mode, q, src, dst);

	return rf_audited(said, rf_ask_word(epoch, q), q->src, q->dst, (src & RF_AUDIT_FROM) | (dst & RF_AUDIT_TO));
}
