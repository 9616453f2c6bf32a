/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only */
/*
 * cgroup/connect4, connect6, getpeername4, getpeername6 on the pods' parent cgroup. Thin: context in, rf_dial_judge, verdict out. A denial
 * fails the system call at once with ECONNREFUSED (EPERM where the kernel has no bpf_set_retval).
 */
#include "lib/mptcp.bpf.h"
#include "lib/refuse.bpf.h"

char _license[] SEC("license") = "Dual BSD/GPL";

/* Judges, remembers, and says where to connect: in->addr and in->port are rewritten on success. */
static __always_inline int dial(struct bpf_sock_addr *ctx, struct rf_dialing *in)
{
	struct rf_dialed out = {};
	struct rf_tag *tag = bpf_sk_storage_get(&tags, ctx->sk, NULL, 0);
	struct rf_dial *dial;
	struct rf_pod *pod;
	__u32 reason = 0;

	if (!tag)
		tag = rf_subflow_tag(ctx->sk);
	pod = rf_pod_of(tag, bpf_get_netns_cookie(ctx), &reason);
	if (!pod || !tag)
		return rf_refused_early(reason, in);
	rf_dial_judge(pod, in->proto == RF_PROTO_UDP ? ctx->sk : NULL, in, &out);
	if (out.answer.verdict == RF_VERDICT_DENY)
		return rf_refused(pod, tag->pod, &out, in);
	if (out.local) {
		bpf_sk_storage_delete(&dials, ctx->sk); /* a socket may be dialled again: forget the former destination */
		return RF_ALLOWED;
	}
	out.dial.started_ns = bpf_ktime_get_ns();
	dial = bpf_sk_storage_get(&dials, ctx->sk, &out.dial, BPF_SK_STORAGE_GET_F_CREATE);
	if (!dial) {
		rf_refuse(&out, RF_REASON_STORAGE_FULL);
		return rf_refused(pod, tag->pod, &out, in);
	}
	*dial = out.dial; /* GET_F_CREATE keeps an old value */
	rf_subflow_dialed(ctx->sk, &out.dial);
	in->addr = out.dial.via_checker ? *rf_own_addr(pod, &out.dial.real) : out.dial.real;
	in->port = out.dial.via_checker ? pod->checker_port : out.dial.real_port;
	return RF_ALLOWED;
}

static __always_inline __u8 dial_proto(struct bpf_sock_addr *ctx)
{
	/* MPTCP (262) is TCP on the wire; anything else keeps its number and is denied for pods of the mesh. */
	if (ctx->type == RF_SOCK_STREAM)
		return RF_PROTO_TCP;
	return ctx->type == RF_SOCK_DGRAM ? RF_PROTO_UDP : 255;
}

SEC("cgroup/connect4")
int rf_connect4(struct bpf_sock_addr *ctx)
{
	struct rf_dialing in = {
		.addr = rf_addr4(ctx->user_ip4),
		.port = bpf_ntohs((__u16)ctx->user_port),
		.proto = dial_proto(ctx),
		.bound_device = ctx->sk->bound_dev_if != 0,
	};

	if (dial(ctx, &in) == RF_DENIED)
		return RF_DENIED;
	ctx->user_ip4 = in.addr.be[3];
	ctx->user_port = bpf_htons(in.port);
	return RF_ALLOWED;
}

/* ::ffff:a.b.c.d is IPv4 and judged as such. */
SEC("cgroup/connect6")
int rf_connect6(struct bpf_sock_addr *ctx)
{
	struct rf_dialing in = {
		.addr = RF_WORDS(ctx->user_ip6),
		.port = bpf_ntohs((__u16)ctx->user_port),
		.proto = dial_proto(ctx),
		.bound_device = ctx->sk->bound_dev_if != 0,
	};

	if (dial(ctx, &in) == RF_DENIED)
		return RF_DENIED;
	rf_show6(ctx, &in.addr, in.port);
	return RF_ALLOWED;
}

/* The application sees the address it dialled, not the pod or the checker behind it. Answering cannot fail and decides nothing. */
SEC("cgroup/getpeername4")
int rf_getpeername4(struct bpf_sock_addr *ctx)
{
	struct rf_dial *dial = bpf_sk_storage_get(&dials, ctx->sk, NULL, 0);

	if (dial && rf_addr_is4(&dial->dialed)) {
		ctx->user_ip4 = dial->dialed.be[3];
		ctx->user_port = bpf_htons(dial->dialed_port);
	}
	return 1;
}

SEC("cgroup/getpeername6")
int rf_getpeername6(struct bpf_sock_addr *ctx)
{
	struct rf_dial *dial = bpf_sk_storage_get(&dials, ctx->sk, NULL, 0);

	if (dial)
		rf_show6(ctx, &dial->dialed, dial->dialed_port);
	return 1;
}
