/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only */
/* What was decided, for people: a counter a reason and an event a decision. Neither can change a verdict. */
#pragma once

#include "lib/quota.bpf.h"

/* reasons: one counter a reason code. Writer: all programs. Reader: agent. Never full. */
struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, _RF_REASON_MAX);
	__type(key, __u32);
	__type(value, __u64);
} reasons SEC(".maps");

/* lost: events the ring, or the budget of their pod, had no room for. Writer: all programs. Reader: agent. Never full. */
struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u64);
} lost SEC(".maps");

/* events: struct rf_event. Writer: all programs. Reader: agent. Full: counted in `lost`, the verdict stands. */
struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 1024 * 1024);
} events SEC(".maps");

static __always_inline void rf_count(void *counters, __u32 index)
{
	__u64 *n = bpf_map_lookup_elem(counters, &index);

	if (n)
		(*n)++; /* per CPU: nobody else writes it */
}

/* pod: whose budget pays (cgroup id; 0 = nobody's). */
static __always_inline void rf_event_send(const struct rf_event *event, __u64 pod)
{
	if (!rf_quota_event(pod, event->time_ns) || bpf_ringbuf_output(&events, (void *)event, sizeof(*event), 0))
		rf_count(&lost, 0);
}

static __always_inline void rf_note(struct rf_event *event, __u64 pod)
{
	event->time_ns = bpf_ktime_get_ns();
	rf_count(&reasons, event->reason & (_RF_REASON_MAX - 1));
	rf_event_send(event, pod);
}
