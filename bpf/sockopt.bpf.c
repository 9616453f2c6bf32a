/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only */
/*
 * cgroup/getsockopt on the broker's cgroup, whose sockets the checker's listeners are: answers SO_ORIGINAL_DST on an accepted connection
 * from `origdst` and removes the entry, so it speaks for one connection only. No entry: the kernel's own error stands, the checker closes.
 * And RF_SO_CONTROL with the live revision, which an old kernel tells an unprivileged checker in no other way.
 */
#include "lib/origdst.bpf.h"
#include "lib/revision.bpf.h"

char _license[] SEC("license") = "Dual BSD/GPL";

#define RF_SOL_IP          0
#define RF_SO_ORIGINAL_DST 80 /* linux/netfilter_ipv4.h */

static __always_inline int tell_control(struct bpf_sockopt *ctx)
{
	struct rf_control *answer = ctx->optval, *live;
	__u32 zero = 0;

	if ((void *)(answer + 1) > ctx->optval_end)
		return 1;
	live = bpf_map_lookup_elem(&control, &zero);
	if (!live)
		return 1;
	*answer = (struct rf_control){};
	answer->layout = live->layout;
	answer->epoch = *(volatile rf_epoch_t *)&live->epoch;
	ctx->optlen = sizeof(*answer);
	asm volatile("" ::: "memory"); /* as below */
	ctx->retval = 0;
	return 1;
}

SEC("cgroup/getsockopt")
int rf_getsockopt(struct bpf_sockopt *ctx)
{
	struct rf_origdst *answer = ctx->optval;
	struct bpf_sock *sk = ctx->sk;
	struct rf_tuple key = {.proto = RF_PROTO_TCP};
	struct rf_origdst *found;

	if (ctx->level == RF_SOL_IP && ctx->optname == RF_SO_CONTROL)
		return tell_control(ctx);
	if (ctx->level != RF_SOL_IP || ctx->optname != RF_SO_ORIGINAL_DST || !sk)
		return 1;
	if ((void *)(answer + 1) > ctx->optval_end)
		return 1; /* our checker always asks for the whole struct */
	if (sk->family == RF_AF_INET6) {
		key.saddr = (struct rf_addr)RF_WORDS(sk->dst_ip6);
		key.daddr = (struct rf_addr)RF_WORDS(sk->src_ip6);
	} else {
		key.saddr = rf_addr4(sk->dst_ip4);
		key.daddr = rf_addr4(sk->src_ip4);
	}
	key.sport = bpf_ntohs((__u16)sk->dst_port);
	key.dport = (__u16)sk->src_port;
	found = bpf_map_lookup_elem(&origdst, &key);
	if (!found)
		return 1;
	*answer = *found;
	rf_origin_remove(&key);
	ctx->optlen = sizeof(*answer);
	/* Two adjacent context stores may be merged by the compiler into one that the verifier refuses. */
	asm volatile("" ::: "memory");
	ctx->retval = 0;
	return 1;
}
