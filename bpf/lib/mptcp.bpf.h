/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only */
/*
 * The TCP sockets below an MPTCP socket are made by the kernel, without the sock_create hook: they have no tag. They get the tag of the
 * MPTCP socket they belong to, which a process of a pod made. Kernels before 5.19 cannot tell which that is: no tag, denied.
 */
#pragma once

#include "lib/pods.bpf.h"

const volatile __u8 rf_has_mptcp = 1; /* probed by the loader */

static __always_inline struct rf_tag *rf_subflow_tag(void *sk)
{
	struct mptcp_sock *whole;
	struct rf_tag *tag;
	struct rf_tag copy;

	if (!rf_has_mptcp)
		return NULL;
	whole = bpf_skc_to_mptcp_sock(sk);
	if (!whole)
		return NULL;
	tag = bpf_sk_storage_get(&tags, whole, NULL, 0);
	if (!tag)
		return NULL;
	copy = *tag;
	return bpf_sk_storage_get(&tags, sk, &copy, BPF_SK_STORAGE_GET_F_CREATE);
}

/* getpeername is asked of the MPTCP socket, which shows where its first subflow went: so later ones change nothing. */
static __always_inline void rf_subflow_dialed(void *sk, struct rf_dial *dial)
{
	struct mptcp_sock *whole;

	if (!rf_has_mptcp)
		return;
	whole = bpf_skc_to_mptcp_sock(sk);
	if (whole)
		bpf_sk_storage_get(&dials, whole, dial, BPF_SK_STORAGE_GET_F_CREATE);
}
