/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only */
/*
 * sockops on the pods' parent cgroup. TCP_CONNECT_CB runs before the SYN leaves, when the local port is known: the moment to say where a
 * redirected connection was going. Besides, the life cycle of a pod's own connections for flow records. It observes and decides nothing.
 */
#include "lib/events.bpf.h"
#include "lib/origdst.bpf.h"
#include "lib/pods.bpf.h"

char _license[] SEC("license") = "Dual BSD/GPL";

static __always_inline void remember_origin(struct bpf_sock_ops *ctx, const struct rf_dial *dial, const struct rf_tag *tag)
{
	struct rf_tuple key = {
		.saddr_be = ctx->local_ip4,
		.daddr_be = ctx->remote_ip4,
		.sport = (__u16)ctx->local_port,
		.dport = (__u16)bpf_ntohl(ctx->remote_port),
	};
	struct rf_origdst value = {
		.family = RF_AF_INET,
		.port_be = bpf_htons(dial->real_port),
		.addr_be = dial->real_be,
		.src = dial->src,
		.dst = dial->dst,
		.pod = tag->pod,
		.dialed_be = dial->dialed_be,
		.dialed_port = dial->dialed_port,
	};

	/* On failure the checker finds no origin and closes the connection: closed, not open. */
	bpf_map_update_elem(&origdst, &key, &value, BPF_ANY);
}

static __always_inline void report_close(struct bpf_sock_ops *ctx, const struct rf_dial *dial)
{
	__u64 now = bpf_ktime_get_ns();
	struct rf_event event = {
		.time_ns = now,
		.src = dial->src,
		.dst = dial->dst,
		.saddr_be = ctx->local_ip4,
		.daddr_be = dial->real_be,
		.sport = (__u16)ctx->local_port,
		.dport = dial->real_port,
		.kind = RF_EVENT_CLOSE,
		.proto = RF_PROTO_TCP,
		.reason = RF_REASON_ALLOW_FLOW,
		.bytes = ctx->bytes_received + ctx->bytes_acked,
		.duration_ns = now - dial->started_ns,
	};

	rf_event_send(&event);
}

SEC("sockops")
int rf_sockops(struct bpf_sock_ops *ctx)
{
	struct bpf_sock *sk = ctx->sk;
	struct rf_dial *dial;
	struct rf_tag *tag;

	if (!sk)
		return 1;
	if (ctx->op != BPF_SOCK_OPS_TCP_CONNECT_CB && ctx->op != BPF_SOCK_OPS_ACTIVE_ESTABLISHED_CB && ctx->op != BPF_SOCK_OPS_STATE_CB)
		return 1;
	dial = bpf_sk_storage_get(&dials, sk, NULL, 0);
	if (!dial)
		return 1;
	if (ctx->op == BPF_SOCK_OPS_TCP_CONNECT_CB) {
		tag = bpf_sk_storage_get(&tags, sk, NULL, 0);
		if (dial->via_checker && tag)
			remember_origin(ctx, dial, tag);
	} else if (dial->via_checker) {
		return 1; /* the checker reports each request */
	} else if (ctx->op == BPF_SOCK_OPS_ACTIVE_ESTABLISHED_CB) {
		bpf_sock_ops_cb_flags_set(ctx, ctx->bpf_sock_ops_cb_flags | BPF_SOCK_OPS_STATE_CB_FLAG);
	} else if (ctx->args[1] == BPF_TCP_CLOSE) {
		report_close(ctx, dial);
	}
	return 1;
}
