/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only */
/*
 * What happens to a dial (connect, or a datagram's destination) of a pod's socket: Service address to backend, decision, redirect.
 * Over plain structs; the programs in connect.bpf.c only move fields.
 */
#pragma once

#include "lib/decide.bpf.h"
#include "lib/events.bpf.h"
#include "lib/pods.bpf.h"

struct rf_dialing { /* in */
	__u32 addr_be;
	__u16 port;
	__u8 proto;
	__u8 bound_device;
};

struct rf_dialed { /* out */
	struct rf_answer answer;
	struct rf_dial dial;
	__u32 connect_be; /* where the socket is to connect */
	__u16 connect_port;
	__u16 local; /* the pod itself: nothing to remember */
};

static __always_inline void rf_refuse(struct rf_dialed *out, __u32 reason)
{
	out->answer.verdict = RF_VERDICT_DENY;
	out->answer.reason = reason;
}

/* The pod behind a tagged socket, if the socket is where it belongs; NULL with the reason otherwise. */
static __always_inline struct rf_pod *rf_pod_of(const struct rf_tag *tag, __u64 netns_cookie, __u32 *reason)
{
	struct rf_pod *pod;

	if (!tag || tag->kind != RF_TAG_POD) {
		*reason = RF_REASON_NO_TAG;
		return NULL;
	}
	pod = bpf_map_lookup_elem(&pods, &tag->pod);
	if (!pod) {
		*reason = RF_REASON_NO_POD;
		return NULL;
	}
	if (pod->netns_cookie != netns_cookie) {
		*reason = RF_REASON_NETNS_MISMATCH;
		return NULL;
	}
	return pod;
}

/* Service address -> one of its backends, by chance with equal weight. Returns a reason to refuse, or 0. */
static __always_inline __u32 rf_translate(rf_epoch_t epoch, const struct rf_dialing *in, __u32 *addr_be, __u16 *port)
{
	struct rf_service_key key = {.addr_be = in->addr_be, .port = in->port, .proto = in->proto};
	struct rf_service_value *service = rf_find(&services, epoch, &key);
	struct rf_config *cfg = rf_config_of(epoch);
	struct rf_backend *backend;
	__u32 index;

	if (!cfg)
		return RF_REASON_NO_POLICY;
	if (!service)
		return (in->addr_be & cfg->service_mask_be) == cfg->service_net_be ? RF_REASON_NO_SERVICE : 0;
	if (!service->count)
		return RF_REASON_NO_BACKEND;
	index = service->first + bpf_get_prandom_u32() % service->count;
	backend = rf_find(&backends, epoch, &index);
	if (!backend || !backend->addr_be)
		return RF_REASON_NO_BACKEND;
	*addr_be = backend->addr_be;
	*port = backend->port;
	return 0;
}

static __always_inline void rf_dial_judge(const struct rf_pod *pod, const struct rf_dialing *in, struct rf_dialed *out)
{
	rf_epoch_t epoch = rf_live_epoch();
	struct rf_question q = {.src = pod->identity, .saddr_be = pod->addr_be, .proto = in->proto, .count_hit = 1};
	__u32 reason, addr_be = in->addr_be;
	struct rf_peer *peer;
	__u16 port = in->port;

	out->answer.epoch = epoch;
	out->dial.src = pod->identity;
	if ((addr_be & RF_LOOPBACK_MASK) == RF_LOOPBACK_NET || !addr_be) {
		/* Stays inside the pod's network namespace; the checker does not listen on 127.0.0.1. 0.0.0.0 is "this host": for a socket
		 * bound to the pod's address that address, where it does. */
		if (!addr_be && port == pod->checker_port)
			return rf_refuse(out, RF_REASON_CHECKER_DIALED);
		out->local = 1;
		out->answer.verdict = RF_VERDICT_ALLOW;
		out->answer.reason = RF_REASON_ALLOW_SELF;
		return;
	}
	reason = rf_translate(epoch, in, &addr_be, &port);
	if (reason)
		return rf_refuse(out, reason);
	out->connect_be = out->dial.real_be = addr_be;
	out->connect_port = out->dial.real_port = port;
	out->dial.dialed_be = in->addr_be;
	out->dial.dialed_port = in->port;
	if (addr_be == pod->addr_be) {
		if (port == pod->checker_port)
			return rf_refuse(out, RF_REASON_CHECKER_DIALED);
		out->answer.verdict = RF_VERDICT_ALLOW;
		out->answer.reason = RF_REASON_ALLOW_SELF;
		return;
	}
	peer = bpf_map_lookup_elem(&peers, &addr_be);
	q.dst = out->dial.dst = peer ? peer->identity : 0;
	q.port = port;
	rf_decide(epoch, &q, &out->answer);
	if (out->answer.verdict != RF_VERDICT_L7)
		return;
	if (!(pod->flags & RF_POD_CHECKER_READY))
		return rf_refuse(out, RF_REASON_CHECKER_DOWN);
	if (in->bound_device) /* routed by its device, it would never reach a local address: it would hang */
		return rf_refuse(out, RF_REASON_BOUND_DEVICE);
	out->dial.via_checker = 1;
	out->connect_be = pod->addr_be;
	out->connect_port = pod->checker_port;
}
