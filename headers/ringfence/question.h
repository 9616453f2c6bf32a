/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only */
/* A question to the policy and its answer, as plain structs: the interface of bpf/lib/decide.bpf.h and of the `ask` program. */
#pragma once

#include <ringfence/tables.h>

struct rf_question {
	rf_identity_t src;     /* 0 = outside */
	rf_identity_t dst;     /* 0 = outside */
	struct rf_addr saddr;  /* of the initiator, for IngressBackend ranges and the exclusions of its pod */
	struct rf_addr daddr;  /* of the responder, for Egress ranges and the exclusions of its pod */
	struct rf_addr dialed; /* what the initiator asked for, a Service or the responder, for its exclusions; none: daddr and port */
	__u16 port;            /* of the responder, host order */
	__u16 dialed_port;
	__u8 proto;
	__u8 count_hit; /* a real connection: count it on the rule, and in `audit` */
	__u8 inside;    /* the source's exclusions do not apply: the programs set it for what the checker opens */
	__u8 pad;
};
RF_STATIC_ASSERT(sizeof(struct rf_question) == 72, "asked through packet bytes");

struct rf_answer {
	__u32 verdict; /* enum rf_verdict */
	__u32 reason;  /* enum rf_reason */
	__u32 rule_id;
	rf_epoch_t epoch;
	__u32 would; /* reason ALLOW_AUDIT: the enum rf_reason that would have denied, else 0 */
	__u32 pad;
};
RF_STATIC_ASSERT(sizeof(struct rf_answer) == 24, "answered through packet bytes");

/* The `ask` program gets this as packet data of PROG_TEST_RUN and fills in the answer. `lead` stands where an Ethernet header would. */
struct rf_ask {
	__u8 lead[16];
	struct rf_question question;
	__u32 opener; /* enum rf_opener, or RF_ASK_CONNECT: at connect(), before anybody opened anything */
	__u32 pad;
	struct rf_answer answer;
};
#define RF_ASK_CONNECT 0x100
RF_STATIC_ASSERT(sizeof(struct rf_ask) == 120, "asked through packet bytes");
