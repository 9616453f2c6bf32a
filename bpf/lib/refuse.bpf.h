/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only */
/* How the cgroup/sock_addr programs say no, and how they write addresses into their context. */
#pragma once

#include "lib/dial.bpf.h"

const volatile __u8 rf_has_set_retval = 1; /* probed by the loader */

#define RF_DENIED       0
#define RF_ALLOWED      1
#define RF_ECONNREFUSED 111

/* pod: NULL if it is not known; id: whose budget of events pays. */
static __always_inline int rf_refused(const struct rf_pod *pod, __u64 id, const struct rf_dialed *out, const struct rf_dialing *in)
{
	struct rf_event *event = rf_event_of(out->answer.reason, id);

	if (event) {
		event->src = out->dial.src;
		event->dst = out->dial.dst;
		if (pod)
			event->saddr = *rf_own_addr(pod, &in->addr);
		event->daddr = in->addr;
		event->dport = in->port;
		event->kind = RF_EVENT_CONNECT;
		event->proto = in->proto;
		event->rule_id = out->answer.rule_id;
		event->epoch = out->answer.epoch;
		bpf_ringbuf_submit(event, 0);
	}
	if (rf_has_set_retval)
		bpf_set_retval(-RF_ECONNREFUSED);
	return RF_DENIED;
}

/* Before there was a pod to judge. */
static __always_inline int rf_refused_early(__u32 reason, const struct rf_dialing *in)
{
	struct rf_dialed out = {};

	rf_refuse(&out, reason);
	return rf_refused(NULL, 0, &out, in);
}

static __always_inline void rf_show6(struct bpf_sock_addr *ctx, const struct rf_addr *addr, __u16 port)
{
	ctx->user_ip6[0] = addr->be[0];
	ctx->user_ip6[1] = addr->be[1];
	ctx->user_ip6[2] = addr->be[2];
	ctx->user_ip6[3] = addr->be[3];
	ctx->user_port = bpf_htons(port);
}
