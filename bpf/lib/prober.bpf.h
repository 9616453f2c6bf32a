/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only */
/* The node's health probers, recognised by the cgroup of the socket that made the packet: an address proves nothing. */
#pragma once

#include "lib/common.bpf.h"

/* prober: ARRAY[1]. Writer: agent. Reader: tc. Never full. A half-written row names a cgroup at a wrong depth and is nobody. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct rf_prober);
} prober SEC(".maps");

static __always_inline struct rf_prober *rf_prober_row(void)
{
	__u32 zero = 0;

	return bpf_map_lookup_elem(&prober, &zero);
}

static __always_inline int rf_has_prober(void)
{
	struct rf_prober *row = rf_prober_row();

	return row && row->cgroup_id;
}

/* Did a prober's socket make this packet? The kernel keeps the socket from the sender on this machine to the veth's egress; packets that
 * come from an interface, other pods' too, have none there. */
static __always_inline int rf_is_probers(struct __sk_buff *skb)
{
	struct rf_prober *row = rf_prober_row();
	__u64 id = row ? row->cgroup_id : 0;

	return id && bpf_skb_ancestor_cgroup_id(skb, (int)row->level) == id;
}
