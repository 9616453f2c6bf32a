/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only */
/*
 * cgroup/connect4, connect6, sendmsg4, sendmsg6, getpeername4, getpeername6 on the pods' parent cgroup. Thin: context in, rf_dial_judge,
 * verdict out. A denial fails the system call at once with ECONNREFUSED (EPERM where the kernel has no bpf_set_retval).
 */
#include "lib/dial.bpf.h"

char _license[] SEC("license") = "Dual BSD/GPL";

const volatile __u8 rf_has_set_retval = 1; /* probed by the loader */

#define RF_DENIED       0
#define RF_ALLOWED      1
#define RF_ECONNREFUSED 111

static __always_inline int refuse(const struct rf_pod *pod, const struct rf_dialed *out, const struct rf_dialing *in)
{
	struct rf_event event = {
		.src = out->dial.src,
		.dst = out->dial.dst,
		.saddr_be = pod ? pod->addr_be : 0,
		.daddr_be = in->addr_be,
		.dport = in->port,
		.kind = RF_EVENT_CONNECT,
		.proto = in->proto,
		.reason = (__u16)out->answer.reason,
		.rule_id = out->answer.rule_id,
		.epoch = out->answer.epoch,
	};

	rf_note(&event);
	if (rf_has_set_retval)
		bpf_set_retval(-RF_ECONNREFUSED);
	return RF_DENIED;
}

/* Judges, remembers, and says where to connect. in->addr_be and in->port are rewritten on success. */
static __always_inline int dial(struct bpf_sock_addr *ctx, struct rf_dialing *in)
{
	struct rf_dialed out = {};
	struct rf_tag *tag = bpf_sk_storage_get(&tags, ctx->sk, NULL, 0);
	struct rf_dial *dial;
	struct rf_pod *pod;
	__u32 reason = 0;

	pod = rf_pod_of(tag, bpf_get_netns_cookie(ctx), &reason);
	if (!pod) {
		rf_refuse(&out, reason);
		return refuse(NULL, &out, in);
	}
	rf_dial_judge(pod, in, &out);
	if (out.answer.verdict == RF_VERDICT_DENY)
		return refuse(pod, &out, in);
	if (out.local) {
		bpf_sk_storage_delete(&dials, ctx->sk); /* a socket may be dialled again: forget the former destination */
		return RF_ALLOWED;
	}
	out.dial.started_ns = bpf_ktime_get_ns();
	dial = bpf_sk_storage_get(&dials, ctx->sk, &out.dial, BPF_SK_STORAGE_GET_F_CREATE);
	if (!dial) {
		rf_refuse(&out, RF_REASON_STORAGE_FULL);
		return refuse(pod, &out, in);
	}
	*dial = out.dial; /* GET_F_CREATE keeps an old value */
	in->addr_be = out.connect_be;
	in->port = out.connect_port;
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
		.addr_be = ctx->user_ip4,
		.port = bpf_ntohs((__u16)ctx->user_port),
		.proto = dial_proto(ctx),
		.bound_device = ctx->sk->bound_dev_if != 0,
	};

	if (dial(ctx, &in) == RF_DENIED)
		return RF_DENIED;
	ctx->user_ip4 = in.addr_be;
	ctx->user_port = bpf_htons(in.port);
	return RF_ALLOWED;
}

/* ::1 stays in the pod; ::ffff:a.b.c.d is IPv4 and judged as such; everything else is not admitted. */
static __always_inline int dial6(struct bpf_sock_addr *ctx, __u8 proto)
{
	struct rf_dialing in = {.proto = proto, .port = bpf_ntohs((__u16)ctx->user_port), .bound_device = ctx->sk->bound_dev_if != 0};
	__u32 a0 = ctx->user_ip6[0], a1 = ctx->user_ip6[1], a2 = ctx->user_ip6[2], a3 = ctx->user_ip6[3];
	struct rf_dialed out = {};

	if (!a0 && !a1 && !a2 && (!a3 || a3 == bpf_htonl(1))) {
		bpf_sk_storage_delete(&dials, ctx->sk); /* of a former destination */
		return RF_ALLOWED;
	}
	if (a0 || a1 || a2 != bpf_htonl(0xffff)) {
		rf_refuse(&out, RF_REASON_FAMILY);
		return refuse(NULL, &out, &in);
	}
	in.addr_be = a3;
	if (dial(ctx, &in) == RF_DENIED)
		return RF_DENIED;
	ctx->user_ip6[3] = in.addr_be;
	ctx->user_port = bpf_htons(in.port);
	return RF_ALLOWED;
}

SEC("cgroup/connect6")
int rf_connect6(struct bpf_sock_addr *ctx)
{
	return dial6(ctx, dial_proto(ctx));
}

/* Unconnected datagrams: judged, never rewritten in this version (no UDP Services), and remembered nowhere. */
static __always_inline int judge_datagram(struct bpf_sock_addr *ctx, __u32 addr_be)
{
	struct rf_dialing in = {.addr_be = addr_be, .port = bpf_ntohs((__u16)ctx->user_port), .proto = RF_PROTO_UDP};
	struct rf_tag *tag = bpf_sk_storage_get(&tags, ctx->sk, NULL, 0);
	struct rf_dialed out = {};
	struct rf_pod *pod;
	__u32 reason = 0;

	pod = rf_pod_of(tag, bpf_get_netns_cookie(ctx), &reason);
	if (!pod) {
		rf_refuse(&out, reason);
		return refuse(NULL, &out, &in);
	}
	rf_dial_judge(pod, &in, &out);
	return out.answer.verdict == RF_VERDICT_DENY ? refuse(pod, &out, &in) : RF_ALLOWED;
}

SEC("cgroup/sendmsg4")
int rf_sendmsg4(struct bpf_sock_addr *ctx)
{
	return judge_datagram(ctx, ctx->user_ip4);
}

SEC("cgroup/sendmsg6")
int rf_sendmsg6(struct bpf_sock_addr *ctx)
{
	__u32 a0 = ctx->user_ip6[0], a1 = ctx->user_ip6[1], a2 = ctx->user_ip6[2], a3 = ctx->user_ip6[3];
	struct rf_dialing in = {.proto = RF_PROTO_UDP, .port = bpf_ntohs((__u16)ctx->user_port)};
	struct rf_dialed out = {};

	if (!a0 && !a1 && !a2 && (!a3 || a3 == bpf_htonl(1)))
		return RF_ALLOWED;
	if (!a0 && !a1 && a2 == bpf_htonl(0xffff))
		return judge_datagram(ctx, a3);
	rf_refuse(&out, RF_REASON_FAMILY);
	return refuse(NULL, &out, &in);
}

/* The application sees the address it dialled, not the pod or the checker behind it. Answering cannot fail and decides nothing. */
SEC("cgroup/getpeername4")
int rf_getpeername4(struct bpf_sock_addr *ctx)
{
	struct rf_dial *dial = bpf_sk_storage_get(&dials, ctx->sk, NULL, 0);

	if (dial) {
		ctx->user_ip4 = dial->dialed_be;
		ctx->user_port = bpf_htons(dial->dialed_port);
	}
	return 1;
}

SEC("cgroup/getpeername6")
int rf_getpeername6(struct bpf_sock_addr *ctx)
{
	struct rf_dial *dial = bpf_sk_storage_get(&dials, ctx->sk, NULL, 0);

	if (dial && ctx->user_ip6[2] == bpf_htonl(0xffff)) {
		ctx->user_ip6[3] = dial->dialed_be;
		ctx->user_port = bpf_htons(dial->dialed_port);
	}
	return 1;
}
