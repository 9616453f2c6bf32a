/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only */
/*
 * Functions that are not static and take and return nothing but scalars: the verifier walks each of them once a program, whoever calls them
 * with whatever, and takes what they return for any number. That is what keeps the decision, which is asked in many places, cheap to
 * verify. Pointers as arguments are not for every supported kernel (5.12), hence the packing here.
 */
#pragma once

#include <ringfence/question.h>

#include "lib/common.bpf.h"

#define RF_GLOBAL __attribute__((noinline))

/* An address in two words. */
#define RF_HIGH(addr) ((__u64)(addr)->be[0] | (__u64)(addr)->be[1] << 32)
#define RF_LOW(addr)  ((__u64)(addr)->be[2] | (__u64)(addr)->be[3] << 32)

static __always_inline struct rf_addr rf_addr_of(__u64 high, __u64 low)
{
	return (struct rf_addr){{(__u32)high, (__u32)(high >> 32), (__u32)low, (__u32)(low >> 32)}};
}

/* Epoch, port, protocol and whether to count: what every table is asked with. */
static __always_inline __u64 rf_ask_word(rf_epoch_t epoch, const struct rf_question *q)
{
	return epoch | (__u64)q->port << 32 | (__u64)q->proto << 48 | (__u64)q->count_hit << 56;
}
#define RF_ASK_EPOCH(word) ((rf_epoch_t)(word))
#define RF_ASK_PORT(word)  ((__u16)((word) >> 32))
#define RF_ASK_PROTO(word) ((__u8)((word) >> 48))
#define RF_ASK_COUNT(word) ((word) >> 56)

/* struct rf_answer in a word: rule, reason, verdict, and what would have been the reason. */
#define RF_SAY(verdict, reason, rule) ((__u64)(rule) | (__u64)(reason) << 32 | (__u64)(verdict) << 40)
#define RF_SAID_RULE(said)            ((__u32)(said))
#define RF_SAID_REASON(said)          ((__u32)((said) >> 32) & 0xff)
#define RF_SAID_VERDICT(said)         ((__u32)((said) >> 40) & 0xff)
#define RF_SAID_WOULD(said)           ((__u32)((said) >> 48) & 0xff)
_Static_assert(_RF_REASON_MAX <= 256, "a reason has eight bits of an answer's word");

static __always_inline struct rf_answer rf_answer_of(rf_epoch_t epoch, __u64 said)
{
	return (struct rf_answer){
		.verdict = RF_SAID_VERDICT(said),
		.reason = RF_SAID_REASON(said),
		.rule_id = RF_SAID_RULE(said),
		.epoch = epoch,
		.would = RF_SAID_WOULD(said),
	};
}
