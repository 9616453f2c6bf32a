/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only */
/*
 * sockops on the pods' parent cgroup. TCP_CONNECT_CB runs before the SYN leaves, when the local port is known: the moment to say where a
 * redirected connection was going. Besides, the life cycle of a pod's own connections for flow records, and the tag of listening MPTCP
 * sockets. It observes and decides nothing.
 */
#include "lib/events.bpf.h"
#include "lib/mptcp.bpf.h"
#include "lib/origdst.bpf.h"
#include "lib/pods.bpf.h"

char _license[] SEC("license") = "Dual BSD/GPL";

/* An IPv6 socket that speaks IPv4 has the IPv4 fields filled, and its IPv6 ones not at every moment. */
static __always_inline void tuple_of(struct bpf_sock_ops *ctx, struct rf_tuple *key)
{
	struct rf_addr remote = RF_WORDS(ctx->remote_ip6);
	struct rf_addr local = RF_WORDS(ctx->local_ip6);

	if (ctx->family != RF_AF_INET6 || rf_addr_is4(&remote)) {
		remote = rf_addr4(RF_WORD(ctx->remote_ip4));
		local = rf_addr4(RF_WORD(ctx->local_ip4));
	}
	key->saddr = local;
	key->daddr = remote;
	key->sport = (__u16)ctx->local_port;
	key->dport = (__u16)bpf_ntohl(ctx->remote_port);
	key->proto = RF_PROTO_TCP;
}

/* What is told of a pod's connection; the caller submits it. */
static __always_inline void fill_event(struct rf_event *event, const struct rf_tuple *key, const struct rf_dial *dial)
{
	event->src = dial->src;
	event->dst = dial->dst;
	event->saddr = key->saddr;
	event->daddr = dial->real;
	event->sport = key->sport;
	event->dport = dial->real_port;
	event->proto = RF_PROTO_TCP;
}

static __always_inline void tell_busy(const struct rf_tuple *key, const struct rf_dial *dial, __u64 pod)
{
	struct rf_event *event = rf_event_of(RF_REASON_CHECKER_BUSY, pod);

	if (!event)
		return;
	fill_event(event, key, dial);
	event->kind = RF_EVENT_CONNECT;
	bpf_ringbuf_submit(event, 0);
}

static __always_inline void remember_origin(struct bpf_sock_ops *ctx, const struct rf_dial *dial, __u64 pod)
{
	struct rf_tuple key = {};
	struct rf_origdst value = {
		.real = dial->real,
		.dialed = dial->dialed,
		.real_port = dial->real_port,
		.dialed_port = dial->dialed_port,
		.src = dial->src,
		.dst = dial->dst,
		.pod = pod,
	};

	tuple_of(ctx, &key);
	/* On failure the checker finds no origin and closes the connection: closed, not open. */
	if (rf_origin_store(&key, &value))
		tell_busy(&key, dial, pod);
}

static __always_inline void report_close(struct bpf_sock_ops *ctx, const struct rf_dial *dial, __u64 pod)
{
	struct rf_event *event = rf_event_new(pod);
	struct rf_tuple key = {};

	if (!event)
		return;
	tuple_of(ctx, &key);
	fill_event(event, &key, dial);
	event->kind = RF_EVENT_CLOSE;
	event->reason = RF_REASON_ALLOW_FLOW;
	event->bytes = ctx->bytes_received + ctx->bytes_acked;
	event->duration_ns = event->time_ns - dial->started_ns;
	bpf_ringbuf_submit(event, 0);
}

static __always_inline void on_close(struct bpf_sock_ops *ctx, const struct rf_dial *dial, __u64 pod)
{
	struct rf_tuple key = {};

	if (!dial->via_checker) /* the checker reports each request */
		return report_close(ctx, dial, pod);
	tuple_of(ctx, &key);
	rf_origin_remove(&key); /* never accepted, or gone already */
}

static __always_inline void watch_states(struct bpf_sock_ops *ctx)
{
	bpf_sock_ops_cb_flags_set(ctx, ctx->bpf_sock_ops_cb_flags | BPF_SOCK_OPS_STATE_CB_FLAG);
}

SEC("sockops")
int rf_sockops(struct bpf_sock_ops *ctx)
{
	struct bpf_sock *sk = ctx->sk;
	struct rf_dial *dial;
	struct rf_tag *tag;

	if (!sk)
		return 1;
	if (ctx->op != BPF_SOCK_OPS_TCP_CONNECT_CB && ctx->op != BPF_SOCK_OPS_ACTIVE_ESTABLISHED_CB && ctx->op != BPF_SOCK_OPS_STATE_CB &&
	    ctx->op != BPF_SOCK_OPS_TCP_LISTEN_CB)
		return 1;
	tag = bpf_sk_storage_get(&tags, sk, NULL, 0);
	if (ctx->op == BPF_SOCK_OPS_TCP_LISTEN_CB) {
		if (!tag)
			rf_subflow_tag(sk); /* accepted sockets inherit it */
		return 1;
	}
	dial = bpf_sk_storage_get(&dials, sk, NULL, 0);
	if (!dial || !tag)
		return 1;
	if (ctx->op == BPF_SOCK_OPS_TCP_CONNECT_CB && dial->via_checker) {
		remember_origin(ctx, dial, tag->pod);
		watch_states(ctx);
	} else if (ctx->op == BPF_SOCK_OPS_ACTIVE_ESTABLISHED_CB && !dial->via_checker) {
		watch_states(ctx);
	} else if (ctx->op == BPF_SOCK_OPS_STATE_CB && ctx->args[1] == BPF_TCP_CLOSE) {
		on_close(ctx, dial, tag->pod);
	}
	return 1;
}
