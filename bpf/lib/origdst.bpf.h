/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only */
/* Where a connection to the checker was really going. See struct rf_origdst. */
#pragma once

#include "lib/quota.bpf.h"

#define RF_ORIGDST_MAX 65536

/* origdst: 4-tuple (client -> checker) -> original destination. Writer: sockops, which also removes what was never accepted. Reader and
 * remover: getsockopt. Lifetime: from SYN to accept. Full, or the pod's share is: no entry, and the checker closes that connection. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, RF_ORIGDST_MAX);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, struct rf_tuple);
	__type(value, struct rf_origdst);
} origdst SEC(".maps");

/* Removes the entry, if it is there, from the table and from its pod's account. */
static __always_inline void rf_origin_remove(const struct rf_tuple *key)
{
	struct rf_origdst *old = bpf_map_lookup_elem(&origdst, key);
	struct rf_usage *u;
	__u64 pod;

	if (!old)
		return;
	pod = old->pod;
	if (bpf_map_delete_elem(&origdst, key))
		return; /* another processor was faster: it counted */
	u = rf_usage_of(pod);
	if (u)
		rf_quota_give(&u->origins);
}

/* 0, or -1: no room. */
static __always_inline int rf_origin_store(const struct rf_tuple *key, const struct rf_origdst *value)
{
	struct rf_usage *u = rf_usage_of(value->pod);

	rf_origin_remove(key); /* of an older connection of this tuple */
	if (!u || rf_quota_take(u, &u->origins, RF_ORIGINS_PER_POD))
		return -1;
	if (!bpf_map_update_elem(&origdst, key, value, BPF_NOEXIST))
		return 0;
	rf_quota_give(&u->origins);
	return -1;
}
