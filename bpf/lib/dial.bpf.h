/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only */
/*
 * What happens to a dial (connect, or a datagram's destination) of a pod's socket: Service address to backend, decision, redirect.
 * Over plain structs; the programs in connect.bpf.c and sendmsg.bpf.c only move fields.
 */
#pragma once

#include "lib/decide.bpf.h"
#include "lib/events.bpf.h"
#include "lib/pods.bpf.h"
#include "lib/talks.bpf.h"

struct rf_dialing { /* in */
	struct rf_addr addr;
	__u16 port;
	__u8 proto;
	__u8 bound_device;
};

struct rf_dialed { /* out */
	struct rf_answer answer;
	struct rf_dial dial; /* goes to `real`, or with via_checker to the pod's own checker */
	__u64 local;         /* the pod itself: nothing to remember */
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

/* Service address -> one of its backends. sk: NULL, or the datagram socket that is to keep it. Returns a reason to refuse, or 0. */
static __always_inline __u32 rf_translate(rf_epoch_t epoch, void *sk, const struct rf_dialing *in, struct rf_addr *addr, __u16 *port)
{
	struct rf_service_key key = {.addr = in->addr, .port = in->port, .proto = in->proto};
	struct rf_service_value *service = rf_find(&services, epoch, &key);
	struct rf_config *cfg = rf_config_of(epoch);

	if (!cfg)
		return RF_REASON_NO_POLICY;
	if (service)
		return sk ? rf_talk_pick(sk, epoch, service, &in->addr, addr, port) : rf_pick(epoch, service, addr, port);
	for (int i = 0; i < 2; i++)
		if (i < cfg->service_ranges && rf_range_has(&cfg->service[i], &in->addr))
			return RF_REASON_NO_SERVICE;
	return 0;
}

/* What the policy admits can still be of a kind that a pod of the mesh cannot send. Returns a reason to refuse, or 0. */
static __always_inline __u32 rf_kind_refused(const struct rf_pod *pod, const struct rf_addr *addr)
{
	if (rf_addr_is_none(rf_own_addr(pod, addr)) || rf_addr_is_odd(addr))
		return RF_REASON_FAMILY;
	return rf_addr_is_multicast(addr) ? RF_REASON_MULTICAST : 0;
}

/* Stays inside the pod's network namespace; the checker does not listen on 127.0.0.1 or ::1. "Any" is "this host": for a socket bound to
 * the pod's address that address, where it does. */
static __always_inline void rf_dial_local(const struct rf_pod *pod, const struct rf_dialing *in, struct rf_dialed *out)
{
	if (rf_addr_is_any(&in->addr) && in->port == pod->checker_port)
		return rf_refuse(out, RF_REASON_CHECKER_DIALED);
	out->local = 1;
	out->answer.verdict = RF_VERDICT_ALLOW;
	out->answer.reason = RF_REASON_ALLOW_SELF;
}

static __always_inline void rf_dial_checker(const struct rf_pod *pod, const struct rf_dialing *in, struct rf_dialed *out)
{
	if (in->proto != RF_PROTO_TCP)
		return rf_refuse(out, RF_REASON_DATAGRAM);
	if (!(pod->flags & RF_POD_CHECKER_READY))
		return rf_refuse(out, RF_REASON_CHECKER_DOWN);
	if (in->bound_device) /* routed by its device, it would never reach a local address: it would hang */
		return rf_refuse(out, RF_REASON_BOUND_DEVICE);
	out->dial.via_checker = 1;
}

/* sk: the socket, if it sends datagrams, else NULL. */
static __always_inline void rf_dial_judge(const struct rf_pod *pod, void *sk, const struct rf_dialing *in, struct rf_dialed *out)
{
	rf_epoch_t epoch = rf_live_epoch();
	struct rf_question q = {.src = pod->identity, .proto = in->proto, .count_hit = in->proto == RF_PROTO_TCP};
	struct rf_peer *peer;
	__u32 reason;

	out->answer.epoch = epoch;
	out->dial.src = pod->identity;
	if (rf_addr_is_loopback(&in->addr) || rf_addr_is_any(&in->addr))
		return rf_dial_local(pod, in, out);
	out->dial.real = in->addr;
	out->dial.real_port = in->port;
	reason = rf_translate(epoch, sk, in, &out->dial.real, &out->dial.real_port);
	if (reason)
		return rf_refuse(out, reason);
	out->dial.dialed = in->addr;
	out->dial.dialed_port = in->port;
	if (rf_addr_equal(&out->dial.real, rf_own_addr(pod, &out->dial.real))) {
		if (out->dial.real_port == pod->checker_port && in->proto == RF_PROTO_TCP)
			return rf_refuse(out, RF_REASON_CHECKER_DIALED);
		out->answer.verdict = RF_VERDICT_ALLOW;
		out->answer.reason = RF_REASON_ALLOW_SELF;
		return;
	}
	peer = rf_peer_of(&out->dial.real);
	q.dst = out->dial.dst = peer ? peer->identity : 0;
	q.saddr = *rf_own_addr(pod, &out->dial.real);
	q.daddr = out->dial.real;
	q.port = out->dial.real_port;
	q.dialed = in->addr;
	q.dialed_port = in->port;
	out->answer = rf_answer_of(epoch, rf_decide(epoch, &q));
	if (out->answer.reason == RF_REASON_NO_POLICY)
		return;
	reason = rf_kind_refused(pod, &out->dial.real);
	if (reason && !(reason == RF_REASON_MULTICAST && out->answer.reason == RF_REASON_ALLOW_UNMESHED))
		return rf_refuse(out, reason);
	if (out->answer.verdict == RF_VERDICT_L7)
		rf_dial_checker(pod, in, out);
}
