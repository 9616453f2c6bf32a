/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only */
/*
 * cgroup/sendmsg4, sendmsg6, recvmsg4, recvmsg6 on the pods' parent cgroup: datagrams with a destination of their own are judged one by
 * one and their Service address becomes a backend's; answers of that backend show the Service's address. A connected socket's datagrams
 * without a destination do not come here: connect chose, tc decides.
 */
#include "lib/flows.bpf.h"
#include "lib/refuse.bpf.h"

char _license[] SEC("license") = "Dual BSD/GPL";

/* A server answers whom it was asked by, also if it might not have begun: tc remembers the question. */
static __always_inline int is_answer(struct bpf_sock_addr *ctx, const struct rf_pod *pod, const struct rf_dialing *in)
{
	struct rf_peer *peer = rf_peer_of(&in->addr);
	struct rf_ends ends = {.src = pod->identity, .dst = peer ? peer->identity : 0};
	struct rf_found f = {
		.key =
			{
				.saddr = *rf_own_addr(pod, &in->addr),
				.daddr = in->addr,
				.sport = (__u16)ctx->sk->src_port,
				.dport = in->port,
				.proto = RF_PROTO_UDP,
			},
	};

	rf_flow_find(&ends, &f);
	if (!f.flow || !f.from_responder || (__s64)(bpf_ktime_get_ns() - f.flow->seen_ns) > (__s64)RF_FLOW_UDP_IDLE_NS)
		return 0;
	return rf_flow_stands(f.flow, &f.key);
}

static __always_inline int judge_datagram(struct bpf_sock_addr *ctx, struct rf_dialing *in)
{
	struct rf_tag *tag = bpf_sk_storage_get(&tags, ctx->sk, NULL, 0);
	struct rf_dialed out = {};
	struct rf_pod *pod;
	__u32 reason = 0;

	pod = rf_pod_of(tag, bpf_get_netns_cookie(ctx), &reason);
	if (!pod || !tag)
		return rf_refused_early(reason, in);
	rf_dial_judge(pod, ctx->sk, in, &out);
	if (out.answer.verdict == RF_VERDICT_DENY)
		return is_answer(ctx, pod, in) ? RF_ALLOWED : rf_refused(pod, tag->pod, &out, in);
	if (out.local)
		return RF_ALLOWED;
	in->addr = out.dial.real;
	in->port = out.dial.real_port;
	return RF_ALLOWED;
}

SEC("cgroup/sendmsg4")
int rf_sendmsg4(struct bpf_sock_addr *ctx)
{
	struct rf_dialing in = {.addr = rf_addr4(ctx->user_ip4), .port = bpf_ntohs((__u16)ctx->user_port), .proto = RF_PROTO_UDP};

	if (judge_datagram(ctx, &in) == RF_DENIED)
		return RF_DENIED;
	ctx->user_ip4 = in.addr.be[3];
	ctx->user_port = bpf_htons(in.port);
	return RF_ALLOWED;
}

SEC("cgroup/sendmsg6")
int rf_sendmsg6(struct bpf_sock_addr *ctx)
{
	struct rf_dialing in = {.addr = RF_WORDS(ctx->user_ip6), .port = bpf_ntohs((__u16)ctx->user_port), .proto = RF_PROTO_UDP};

	if (judge_datagram(ctx, &in) == RF_DENIED)
		return RF_DENIED;
	rf_show6(ctx, &in.addr, in.port);
	return RF_ALLOWED;
}

SEC("cgroup/recvmsg4")
int rf_recvmsg4(struct bpf_sock_addr *ctx)
{
	struct rf_addr addr = rf_addr4(ctx->user_ip4);
	__u16 port = bpf_ntohs((__u16)ctx->user_port);

	rf_talk_show(ctx->sk, &addr, &port);
	ctx->user_ip4 = addr.be[3];
	ctx->user_port = bpf_htons(port);
	return 1;
}

SEC("cgroup/recvmsg6")
int rf_recvmsg6(struct bpf_sock_addr *ctx)
{
	struct rf_addr addr = RF_WORDS(ctx->user_ip6);
	__u16 port = bpf_ntohs((__u16)ctx->user_port);

	rf_talk_show(ctx->sk, &addr, &port);
	rf_show6(ctx, &addr, port);
	return 1;
}
