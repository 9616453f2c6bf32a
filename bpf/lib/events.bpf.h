/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only */
/* What was decided, for people: a counter a reason and an event a decision. Neither can change a verdict. */
#pragma once

#include "lib/counters.bpf.h"
#include "lib/quota.bpf.h"

/* events: struct rf_event. Writer: all programs. Reader: agent. Full: counted in `lost`, the verdict stands. */
struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 1024 * 1024);
} events SEC(".maps");

/* A new event, empty but for its time, in the ring itself (no stack has room for it); NULL: there was no room, which is counted. pod: whose
 * budget pays (cgroup id; 0 = nobody's). The caller fills it in and calls bpf_ringbuf_submit. */
static __always_inline struct rf_event *rf_event_new(__u64 pod)
{
	__u64 now = bpf_ktime_get_ns();
	struct rf_event *event = NULL;

	if (rf_quota_event(pod, now))
		event = bpf_ringbuf_reserve(&events, sizeof(*event), 0);
	if (!event) {
		rf_count(&lost, RF_LOST_EVENTS);
		return NULL;
	}
	__builtin_memset(event, 0, sizeof(*event));
	event->time_ns = now;
	return event;
}

/* The same for a decision, which is counted in any case. */
static __always_inline struct rf_event *rf_event_of(__u32 reason, __u64 pod)
{
	struct rf_event *event;

	rf_count(&reasons, reason & (_RF_REASON_MAX - 1));
	event = rf_event_new(pod);
	if (event)
		event->reason = (__u16)reason;
	return event;
}
