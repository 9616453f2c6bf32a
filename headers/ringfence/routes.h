/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only */
/*
 * The routes blob: every destination's route automaton and every pair's grant in one position-independent block of 8-byte words, the
 * content of the frozen `routes` map of one revision. The agent writes it, the checker maps it read-only, `why` reads it, and a BPF
 * program could index it word by word later. All offsets are in bytes from the start of the blob and multiples of 8; integers are in
 * host byte order (the blob never leaves the machine).
 *
 *   rf_routes_head | rf_route_pair[pair_count], sorted by (src, dst, port) | rf_route_grant[grant_count] | automata | bitmaps
 *
 * Automaton: a DFA over the bytes of "METHOD path" (one space between), full match. State 0 is the dead state. Transition:
 * next = table[state * class_count + classes[byte]]. accept[state] is an accept-set number, 0 = no route matches, otherwise the number
 * of a distinct set of route atoms. A grant's bitmap has one bit an accept set: set = this source may use a route of that set.
 *   bit set -> allowed; set number != 0, bit clear -> route for others (403); set number 0 -> no route (404).
 */
#pragma once

#include <ringfence/tables.h>
#include <ringfence/types.h>

#define RF_ROUTES_MAGIC   0x72666c72u /* "rlfr" */
#define RF_ROUTES_VERSION 1

struct rf_routes_head {
	__u32 magic;
	__u32 version;
	rf_epoch_t epoch;
	__u32 permissive; /* != 0: every request of a meshed pair passes */
	__u64 size;       /* of the whole blob */
	__u64 pairs_off;  /* struct rf_route_pair[] */
	__u64 grants_off; /* struct rf_route_grant[] */
	__u32 pair_count;
	__u32 grant_count;
};
RF_STATIC_ASSERT(sizeof(struct rf_routes_head) == 48, "blob layout");

/* The allow list once more, as the checker sees it. Same look-up order as the kernel: exact port, then port 0. */
struct rf_route_pair {
	rf_identity_t src;
	rf_identity_t dst;
	__u16 port;
	__u16 verdict;   /* enum rf_verdict */
	__u32 routes_id; /* index into grants, RF_ROUTES_NONE unless verdict is RF_VERDICT_L7 */
	__u32 rule_id;
	__u32 pad;
};
RF_STATIC_ASSERT(sizeof(struct rf_route_pair) == 32, "blob layout");

enum rf_automaton_kind {
	RF_AUTOMATON_DFA = 1,
	RF_AUTOMATON_NFA = 2, /* past the state budget: simulated, still linear */
};

struct rf_route_grant {
	__u64 automaton_off; /* struct rf_automaton; 0 = no route at all: every request is "no route" */
	__u64 bitmap_off;    /* __u64 words, accept_sets + 1 bits, bit 0 always clear */
};
RF_STATIC_ASSERT(sizeof(struct rf_route_grant) == 16, "blob layout");

struct rf_automaton {
	__u32 kind;
	__u32 state_count;
	__u32 class_count;
	__u32 start;
	__u32 accept_sets; /* numbers 1..accept_sets are in use */
	__u32 pad;
	__u64 table_off;  /* DFA: __u32[state_count * class_count]; NFA: private to userspace/automaton/ */
	__u64 accept_off; /* DFA: __u32[state_count]; NFA: private */
	__u64 rules_off;  /* __u32[accept_sets + 1]: a rule_id that explains each accept set (its first route), [0] = 0 */
	__u8 classes[256];
};
RF_STATIC_ASSERT(sizeof(struct rf_automaton) == 48 + 256, "blob layout");
