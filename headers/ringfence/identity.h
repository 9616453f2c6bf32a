/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only */
/*
 * The number of a ServiceAccount: 64-bit FNV-1a over "namespace/name" (http://www.isthe.com/chongo/tech/comp/fnv/), the same on every
 * node with no allocator. Two names with one number are refused when a policy is compiled (-EEXIST), so a number names one account.
 * FNV is not keyed: whoever may create ServiceAccounts could search for a collision, and gets a refused policy, not a borrowed identity.
 */
#pragma once

#include <ringfence/types.h>

#define RF_NAMESPACE_MAX     63  /* RFC 1123 label, as Kubernetes limits it */
#define RF_NAME_MAX          253 /* RFC 1123 subdomain */
#define RF_IDENTITY_NAME_MAX 320 /* "namespace/name" and its NUL, rounded up */

static inline rf_identity_t rf_identity_hash(const char *text, __u32 len)
{
	__u64 h = 0xcbf29ce484222325ULL;

	for (__u32 i = 0; i < len; i++) {
		h ^= (__u8)text[i];
		h *= 0x100000001b3ULL;
	}
	return h ? h : 1; /* 0 is reserved for "unknown" */
}
