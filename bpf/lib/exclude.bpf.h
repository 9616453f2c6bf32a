/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only */
/* What the exclusion lists of MeshConfig and of pods take out of the mesh. Nothing is looked up that the revision does not have. */
#pragma once

#include "lib/revision.bpf.h"
#include "lib/scalars.bpf.h"

RF_REVISION_TABLE(exclusions, BPF_MAP_TYPE_LPM_TRIE, struct rf_exclusion_key, struct rf_exclusion_value, BPF_F_NO_PREALLOC);

#define RF_EXCLUDED (1ull << 32) /* besides the rule id, which may be 0 */

/* MeshConfig's list, then the pod's own. has: rf_config.exclusions. Returns RF_EXCLUDED and the rule, or 0. */
static __always_inline __u64 rf_exclusion_find(rf_epoch_t epoch, __u64 has, struct rf_exclusion_key *key, struct rf_addr pod)
{
	struct rf_exclusion_value *v = NULL;

	if (has & RF_EXCLUDES_MESH(key->kind))
		v = rf_find(&exclusions, epoch, key);
	if (!v && (has & RF_EXCLUDES_PODS(key->kind))) {
		key->pod = pod;
		v = rf_find(&exclusions, epoch, key);
	}
	return v ? RF_EXCLUDED | v->rule_id : 0;
}

/* ask: rf_ask_word, its port the one that was dialled. */
RF_GLOBAL __u64 rf_excluded_port_out(__u64 ask, __u64 has, __u64 pod_high, __u64 pod_low)
{
	struct rf_exclusion_key key = {.prefixlen = RF_EXCLUSION_FIXED_BITS, .port = RF_ASK_PORT(ask), .kind = RF_EXCLUSION_PORT_OUT};

	return rf_exclusion_find(RF_ASK_EPOCH(ask), has, &key, rf_addr_of(pod_high, pod_low));
}

RF_GLOBAL __u64 rf_excluded_port_in(__u64 ask, __u64 has, __u64 pod_high, __u64 pod_low)
{
	struct rf_exclusion_key key = {.prefixlen = RF_EXCLUSION_FIXED_BITS, .port = RF_ASK_PORT(ask), .kind = RF_EXCLUSION_PORT_IN};

	return rf_exclusion_find(RF_ASK_EPOCH(ask), has, &key, rf_addr_of(pod_high, pod_low));
}

/* ask_has: the epoch, and rf_config.exclusions above it. */
RF_GLOBAL __u64 rf_excluded_range_out(__u64 ask_has, __u64 pod_high, __u64 pod_low, __u64 high, __u64 low)
{
	struct rf_exclusion_key key = {
		.prefixlen = RF_EXCLUSION_FIXED_BITS + 128, .kind = RF_EXCLUSION_RANGE_OUT, .addr = rf_addr_of(high, low)};

	return rf_exclusion_find((rf_epoch_t)ask_has, ask_has >> 32, &key, rf_addr_of(pod_high, pod_low));
}

/* The way out of the source. What tc sees of a datagram is the backend, and connect must not answer another question: for UDP the
 * destination itself counts. */
static __always_inline __u64 rf_excluded_out(rf_epoch_t epoch, __u64 has, const struct rf_question *q)
{
	__u64 ask = rf_ask_word(epoch, q), high = RF_HIGH(&q->daddr), low = RF_LOW(&q->daddr), found;

	if (q->proto == RF_PROTO_TCP && !rf_addr_is_none(&q->dialed)) {
		ask = epoch | (__u64)q->dialed_port << 32;
		high = RF_HIGH(&q->dialed);
		low = RF_LOW(&q->dialed);
	}
	found = rf_excluded_port_out(ask, has, RF_HIGH(&q->saddr), RF_LOW(&q->saddr));
	return found ? found : rf_excluded_range_out(epoch | has << 32, RF_HIGH(&q->saddr), RF_LOW(&q->saddr), high, low);
}
