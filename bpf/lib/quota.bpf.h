/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only */
/*
 * What one pod may occupy of the tables that all pods share. Counted with plain atomic adds, because kernels before 5.12 have no
 * fetch-and-add: processors that meet at the limit may exceed it by one entry each.
 */
#pragma once

#include "lib/common.bpf.h"

/* usage: cgroup id -> what the pod occupies. Writers: the agent makes and removes rows, programs count in them; row 0 is made here for
 * events that belong to no pod. Reader: agent. Lifetime: the pod's. Full: the pod is not started. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, RF_PODS_MAX);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, __u64);
	__type(value, struct rf_usage);
} usage SEC(".maps");

static __always_inline struct rf_usage *rf_usage_of(__u64 pod)
{
	return bpf_map_lookup_elem(&usage, &pod);
}

/* One entry more for this counter of the pod's row, if the pod may have it. No row: no. */
static __always_inline int rf_quota_take(struct rf_usage *u, __u64 *count, __u64 limit)
{
	/* Signed: entries that were carried over to another layout while they ended may be given back twice. */
	if (*(volatile __s64 *)count >= (__s64)limit) {
		__sync_fetch_and_add(&u->refused, 1);
		return -1;
	}
	__sync_fetch_and_add(count, 1);
	return 0;
}

static __always_inline void rf_quota_give(__u64 *count)
{
	__sync_fetch_and_add(count, -1);
}

/* May the pod send another event in this second? Two processors that begin a second together may lose a few counts: the budget is about
 * orders of magnitude. */
static __always_inline int rf_quota_event(__u64 pod, __u64 now)
{
	struct rf_usage *u = rf_usage_of(pod);
	__u64 window = now >> 30;

	if (!u) {
		struct rf_usage fresh = {.window = window};

		pod = 0;
		bpf_map_update_elem(&usage, &pod, &fresh, BPF_NOEXIST);
		u = rf_usage_of(pod);
		if (!u)
			return 0;
	}
	if (u->window != window) {
		u->window = window;
		u->events = 0;
	}
	if (*(volatile __u64 *)&u->events >= RF_EVENTS_PER_POD) {
		__sync_fetch_and_add(&u->events_lost, 1);
		return 0;
	}
	__sync_fetch_and_add(&u->events, 1);
	return 1;
}
