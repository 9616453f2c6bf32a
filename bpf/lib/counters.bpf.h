/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only */
/* Counters of which each processor has its own. */
#pragma once

#include "lib/common.bpf.h"

/* reasons: one counter a reason code. Writer: all programs. Reader: agent. Never full. */
struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, _RF_REASON_MAX);
	__type(key, __u32);
	__type(value, __u64);
} reasons SEC(".maps");

/* lost: RF_LOST_*: events the ring, or the budget of their pod, had no room for; would-be denials the audit table had no room for. Writer:
 * all programs. Reader: agent. Never full. */
struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, RF_LOST_MAX);
	__type(key, __u32);
	__type(value, __u64);
} lost SEC(".maps");

static __always_inline void rf_count(void *counters, __u32 index)
{
	__u64 *n = bpf_map_lookup_elem(counters, &index);

	if (n)
		(*n)++; /* per CPU: nobody else writes it */
}
