/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only */
/*
 * Fixed-width types that both worlds agree on. BPF objects get them from the kernel's UAPI, user space from the same header, so one
 * struct definition serves kernel programs, the agent, the checker and the tests.
 */
#pragma once

#include <linux/types.h>

#ifdef __bpf__
#define RF_STATIC_ASSERT(cond, msg) _Static_assert(cond, msg)
#else
#include <assert.h>
#define RF_STATIC_ASSERT(cond, msg) static_assert(cond, msg)
#endif

/* 64-bit hash of "namespace/name" of a ServiceAccount; 0 is no identity and never matches a rule. See identity.h. */
typedef __u64 rf_identity_t;

/* Number of the compiled policy that is or was live. Starts at 1; 0 means "no policy was ever published": everything is denied. */
typedef __u32 rf_epoch_t;
