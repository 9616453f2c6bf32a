/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only */
/* Would-be denials: what passes only because its ServiceAccount is under audit. Counting can fail, passing then does not. */
#pragma once

#include "lib/counters.bpf.h"
#include "lib/scalars.bpf.h"

/* audit: source, destination, port, protocol, reason -> how often and when. Writers: connect and tc; the agent removes on request. Reader:
 * agent. Lifetime: until it is cleared, over revisions and agents. Full: no row, counted in `lost`. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, RF_AUDIT_MAX);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, struct rf_audit_key);
	__type(value, struct rf_audit);
} audit SEC(".maps");

static __always_inline void rf_audit_count(struct rf_audit_key *key)
{
	struct rf_audit fresh = {.first_ns = bpf_ktime_get_ns()};
	struct rf_audit *row = bpf_map_lookup_elem(&audit, key);

	if (!row) {
		bpf_map_update_elem(&audit, key, &fresh, BPF_NOEXIST); /* or another processor does */
		row = bpf_map_lookup_elem(&audit, key);
	}
	if (!row)
		return rf_count(&lost, RF_LOST_AUDIT);
	__sync_fetch_and_add(&row->count, 1);
	row->last_ns = fresh.first_ns;
}

/* Turns the denials that audit is about into admissions. under: RF_AUDIT_TO of the destination, RF_AUDIT_FROM of the source. */
RF_GLOBAL __u64 rf_audited(__u64 said, __u64 ask, __u64 src, __u64 dst, __u64 under)
{
	__u32 reason = RF_SAID_REASON(said), by = 0;
	struct rf_audit_key key = {.src = src, .dst = dst, .port = RF_ASK_PORT(ask), .would = (__u16)reason, .proto = RF_ASK_PROTO(ask)};

	if (reason == RF_REASON_NO_EGRESS)
		by = RF_AUDIT_FROM;
	else if (reason == RF_REASON_NO_RULE || reason == RF_REASON_NO_INGRESS)
		by = RF_AUDIT_TO;
	if (!(under & by))
		return said;
	if (RF_ASK_COUNT(ask))
		rf_audit_count(&key);
	return RF_SAY(RF_VERDICT_ALLOW, RF_REASON_ALLOW_AUDIT, (__u32)said) | (__u64)reason << 48;
}
