/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only */
/*
 * The routes blob: every destination's route automaton and every pair's grant in one position-independent block of 8-byte words, the
 * content of the frozen `routes` map of one revision. The agent writes it, the checker maps it read-only, `why` reads it, and a BPF
 * program could index it word by word later. All offsets are in bytes from the start of the blob and multiples of 8; integers are in
 * host byte order (the blob never leaves the machine).
 *
 *   rf_routes_head | rf_route_ident[], sorted by identity | rf_route_pair[], sorted by (src, dst, port)
 *   | rf_route_egress[], sorted by (src, port) | rf_route_grant[] | automata, atoms, conditions | bitmaps
 *
 * Automaton: a DFA over the bytes of "METHOD path" (one space between), full match. State 0 is the dead state. Transition:
 * next = table[state * class_count + classes[byte]]. accept[state] is an accept-set number, 0 = no route matches, otherwise the number
 * of a distinct set of route atoms, listed in `sets`. An atom is one match of an HTTPRouteGroup (or one of an Egress); it may have
 * conditions beyond method and path, all of which must hold. A grant's bitmap has one bit an atom: set = this source may use it.
 *   an atom that matches and whose bit is set -> allowed, by that atom's rule; atoms that match, none granted -> route for others (403);
 *   no atom matches -> no route (404).
 */
#pragma once

#include <ringfence/tables.h>
#include <ringfence/types.h>

#define RF_ROUTES_MAGIC   0x72666c72u /* "rlfr" */
#define RF_ROUTES_VERSION 2

/* Every request between ServiceAccounts of the mesh passes, but for wrong names where source 0 has a pair. */
#define RF_ROUTES_PERMISSIVE 0x1
#define RF_ROUTES_EGRESS     0x2 /* enableEgress: every request to outside the mesh passes */

struct rf_routes_head {
	__u32 magic;
	__u32 version;
	rf_epoch_t epoch;
	__u32 flags;        /* RF_ROUTES_* */
	__u64 size;         /* of the whole blob */
	__u64 idents_off;   /* struct rf_route_ident[] */
	__u64 pairs_off;    /* struct rf_route_pair[] */
	__u64 egresses_off; /* struct rf_route_egress[] */
	__u64 grants_off;   /* struct rf_route_grant[] */
	__u32 ident_count;
	__u32 pair_count;
	__u32 egress_count;
	__u32 grant_count;
};
RF_STATIC_ASSERT(sizeof(struct rf_routes_head) == 72, "blob layout");

/* The ServiceAccounts of the mesh; any other destination is outside. */
struct rf_route_ident {
	rf_identity_t identity;
	__u32 audit; /* RF_AUDIT_* */
	__u32 ns;    /* equal for ServiceAccounts of one namespace, in this blob */
};
RF_STATIC_ASSERT(sizeof(struct rf_route_ident) == 16, "blob layout");

/* The allow list once more, as the checker sees it. Same look-up order as the kernel: exact port, then port 0. */
struct rf_route_pair {
	rf_identity_t src;
	rf_identity_t dst;
	__u16 port;
	__u16 verdict;   /* enum rf_verdict */
	__u32 routes_id; /* index into grants, RF_ROUTES_NONE unless verdict is RF_VERDICT_L7 */
	__u32 rule_id;
	__u32 local_id; /* src 0: the grant for sources of the destination's own namespace, routes_id is the others'; else 0 */
};
RF_STATIC_ASSERT(sizeof(struct rf_route_pair) == 32, "blob layout");

/* The http and https ports of Egress. One a (src, port). */
enum rf_egress_kind {
	RF_EGRESS_HTTP = 1,  /* requests are decided by host, method and path */
	RF_EGRESS_HTTPS = 2, /* the connection is decided by the server name of its TLS ClientHello (RFC 6066 section 3) */
};
struct rf_route_egress {
	rf_identity_t src;
	__u16 port;
	__u16 kind;      /* enum rf_egress_kind */
	__u32 routes_id; /* index into grants */
	__u32 rule_id;
	__u32 pad;
};
RF_STATIC_ASSERT(sizeof(struct rf_route_egress) == 24, "blob layout");

enum rf_automaton_kind {
	RF_AUTOMATON_DFA = 1,
	RF_AUTOMATON_NFA = 2, /* past the state budget: simulated, still linear */
};

struct rf_route_grant {
	__u64 automaton_off; /* struct rf_automaton; 0 = no route at all: every request is "no route" */
	__u64 atoms_off;     /* __u64 words, one bit an atom of the automaton: granted */
	__u64 authority_off; /* struct rf_automaton of texts that the request's authority must match (strictAuthority); 0 = any */
};
RF_STATIC_ASSERT(sizeof(struct rf_route_grant) == 24, "blob layout");

struct rf_automaton {
	__u32 kind;
	__u32 state_count;
	__u32 class_count;
	__u32 start;
	__u32 accept_sets; /* numbers 1..accept_sets are in use */
	__u32 atom_count;
	__u32 cond_count;
	__u32 pad;
	__u64 table_off;  /* DFA: __u32[state_count * class_count]; NFA: private to userspace/automaton/ */
	__u64 accept_off; /* DFA: __u32[state_count]; NFA: private */
	__u64 sets_off; /* __u32 first[accept_sets + 2], then the atoms: set n is atoms[first[n] .. first[n + 1]), ascending; set 0 empty */
	__u64 atoms_off; /* struct rf_atom_info[atom_count] */
	__u64 conds_off; /* struct rf_route_cond[cond_count] */
	__u8 classes[256];
};
RF_STATIC_ASSERT(sizeof(struct rf_automaton) == 72 + 256, "blob layout");

struct rf_atom_info {
	__u32 rule_id;
	__u32 cond_first; /* index into the automaton's conditions */
	__u32 cond_count; /* 0 = method and path alone */
	__u32 pad;
};
RF_STATIC_ASSERT(sizeof(struct rf_atom_info) == 16, "blob layout");

/* A text automaton (RF_COND_HEADER, RF_COND_AUTHORITY, authority_off) runs over the text alone; any accept set but 0 matches. */
enum rf_cond_kind {
	RF_COND_HEADER = 1,    /* a header of this name is there; each of its values, and all joined by commas, match */
	RF_COND_AUTHORITY = 2, /* Host, :authority or TLS server name matches, letter case aside */
	RF_COND_ADDRESS = 3,   /* the destination's address is in one of the ranges */
};
struct rf_route_cond {
	__u32 kind;
	__u32 count;         /* HEADER: bytes of the name; ADDRESS: ranges */
	__u64 at_off;        /* HEADER: the name in lower case; ADDRESS: struct rf_range[]; AUTHORITY: 0 */
	__u64 automaton_off; /* struct rf_automaton, a text automaton; ADDRESS: 0 */
};
RF_STATIC_ASSERT(sizeof(struct rf_route_cond) == 24, "blob layout");
