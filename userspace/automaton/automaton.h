/* SPDX-License-Identifier: Apache-2.0 */
/*
 * RE2-syntax patterns -> one deterministic automaton over bytes, full match, linear time (https://github.com/google/re2/wiki/Syntax).
 * Subjects are bytes; patterns are UTF-8 and match UTF-8 sequences. No backreferences, no look-around, as in RE2.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <ringfence/routes.h>

#define RF_PATTERN_MAX         4096    /* bytes of one pattern */
#define RF_PATTERN_REPEAT_MAX  1000    /* as RE2 */
#define RF_PATTERN_RANGES_MAX  100000  /* ranges of characters in the classes of one pattern, each time that it names them; \pL has 600 */
#define RF_PATTERN_NODES_MAX   100000  /* NFA states of one pattern after unfolding repeats */
#define RF_DFA_STATES_MAX      10000   /* default state budget of one destination */
#define RF_TEXT_STATES_MAX     2000    /* state budget of a text automaton: there may be many of them */
#define RF_ROUTE_ATOMS_MAX     16384   /* routes of one destination */
#define RF_AUTOMATON_NODES_MAX 1000000 /* NFA states of one destination */

struct rf_pattern_error {
	size_t offset; /* byte in the pattern */
	char text[160];
};

/* Is this pattern acceptable? 0, -EINVAL (error filled), -E2BIG (a limit above, error filled), -ENOMEM. */
int rf_pattern_check(const char *pattern, size_t len, struct rf_pattern_error *error);

/* A condition of an atom; see enum rf_cond_kind. Any one of the patterns, any one of the ranges. */
struct rf_route_condition {
	enum rf_cond_kind kind;
	const char *name;            /* HEADER: as written; compared without regard to case */
	const char *const *patterns; /* HEADER, AUTHORITY: RE2 syntax; AUTHORITY ignores letter case */
	size_t pattern_count;
	const struct rf_range *ranges; /* ADDRESS */
	size_t range_count;
};

/* One route: matches "METHOD path" if METHOD is one of methods (count 0 = any token, RFC 9110 section 5.6.2) and path full-matches the
 * pattern. A method "*" is refused: the caller turns it into count 0. NULL or "" as pattern is ".*", as OSM reads an absent pathRegex. */
struct rf_route_atom {
	const char *const *methods;
	size_t method_count;
	const char *path_pattern;
	const struct rf_route_condition *conditions; /* all must hold */
	size_t condition_count;
	uint32_t rule_id;
};

/*
 * An automaton in its own memory, to be placed into the blob.
 *
 * Accept sets. DFA: set n is one distinct set of atoms that match the same requests; exactly one set (or 0, none) matches a request.
 * NFA: set n is the single atom n - 1; several may match one request and rf_routes_decide looks at all of them. Either way a decision
 * walks the atoms that match: `sets` of the head.
 *
 * Rebasing. Offsets in head and conditions count from the start of `body`; in the blob they count from the start of the blob.
 * rf_automaton_place does all of it, also for the text automata of conditions, which lie in the same body.
 */
struct rf_automaton_image {
	struct rf_automaton head;
	uint64_t *body;   /* tables, owned */
	size_t body_size; /* bytes, multiple of 8 */
};

/* Compiles all atoms of one destination into one automaton. states_max: budget; past it the image is RF_AUTOMATON_NFA. No atoms: a DFA
 * that matches nothing. 0, -EINVAL (a pattern or method is bad; ask rf_pattern_check first), -E2BIG (a limit), -ENOMEM. */
int rf_automaton_build(const struct rf_route_atom *atoms, size_t atom_count, size_t states_max, struct rf_automaton_image **ret);
/* A text automaton: matches a text (a header's value, a host) that full-matches any of the patterns. Its matches are all of one accept
 * set. Same errors. */
int rf_text_automaton_build(const char *const *patterns, size_t count, bool ignore_case, struct rf_automaton_image **ret);
void rf_automaton_image_free(struct rf_automaton_image *image); /* NULL-safe */
static inline void rf_automaton_image_freep(struct rf_automaton_image **image)
{
	rf_automaton_image_free(*image);
}

/* Bytes that rf_automaton_place will write, a multiple of 8. */
size_t rf_automaton_place_size(const struct rf_automaton_image *image);

/* Writes head and body, rebased, at `offset` (a multiple of 8) of a blob that has rf_automaton_place_size bytes of room there. `offset`
 * then is the grant's automaton_off. Returns the bytes written. */
size_t rf_automaton_place(const struct rf_automaton_image *image, void *blob, size_t offset);

/* Runs the automaton at `off` of a validated blob over `method SP path`. Returns the accept-set number, 0 = none (NFA: the lowest of
 * the matching ones). An NFA needs scratch memory; on any failure 0 is returned (denies). */
uint32_t rf_automaton_run(const void *blob, uint64_t off, const char *method, size_t method_len, const char *path, size_t path_len);

/* Same, on an image (tests, property checks). */
uint32_t rf_automaton_image_run(const struct rf_automaton_image *image, const char *method, size_t method_len, const char *path,
				size_t path_len);

/* Runs a text automaton. Without memory for an NFA: false. */
bool rf_text_automaton_image_run(const struct rf_automaton_image *image, const char *text, size_t len);

/* Checks every offset and index of a blob of `size` bytes once, so that later look-ups need no checks. The blob must be 8-byte aligned.
 * 0, -EBADMSG or -ENOMEM. */
int rf_routes_validate(const void *blob, size_t size);

/* One header line, as received. */
struct rf_header_field {
	const char *name;
	size_t name_len;
	const char *value; /* without surrounding SP and HTAB */
	size_t value_len;
};

/* What is asked. Texts need no NUL. */
struct rf_request_question {
	rf_identity_t src;
	rf_identity_t dst;   /* 0 = nobody that is known */
	struct rf_addr addr; /* where the connection goes: the chosen backend */
	uint16_t port;       /* its own port */
	bool tls;            /* the question is about a whole TLS connection: authority is its server name, method and target are ignored */
	const char *method;
	size_t method_len;
	const char *target; /* as received: origin-form, query allowed, or absolute-form already reduced by the caller */
	size_t target_len;
	const char *authority; /* Host as received; length 0 = none */
	size_t authority_len;
	const struct rf_header_field *fields; /* every header line, also Host */
	size_t field_count;
};

struct rf_request_answer {
	enum rf_reason reason;
	enum rf_reason would; /* reason ALLOW_AUDIT: what would have denied, else RF_REASON_UNSPEC */
	uint32_t rule_id; /* the deciding rule, 0 = none: the granted atom's; for ROUTE_OTHERS the first matching atom's; else the pair's */
};

/*
 * The request decision of checker and `why`, one pure function over the blob. The first of these that applies:
 *	src 0 (unknown) or not of the mesh        NO_RULE, permissive or not
 *	dst not of the mesh                       enableEgress: ALLOW_EGRESS; no entry for (src, port), or of the other kind: NO_EGRESS;
 *	                                          else as a pair that is checked, admitted as ALLOW_EGRESS_L7 (tls, no atom: SERVER_NAME)
 *	tls                                       NO_RULE: inside the mesh nothing is decided by a server name
 *	permissive                                ALLOW_PERMISSIVE, any pair, the path is not looked at; strictAuthority: AUTHORITY first
 *	pair (exact port, then port 0) missing    NO_RULE
 *	pair denied / plain L4                    NO_RULE / ALLOW_RULE, the path is not looked at
 *	the path has no canonical form            BAD_PATH (ringfence/path.h; also "*" and the authority-form)
 *	the authority is not of the grant's       AUTHORITY
 *	path or conditions cost more than one request may (decide.c, holds.h)  BAD_REQUEST
 *	raw or canonical path matches no atom     NO_ROUTE
 *	one of them only atoms for others         ROUTE_OTHERS
 *	both are granted                          ALLOW_L7
 * An atom matches if method and path do and all its conditions hold. Where the destination is under audit NO_RULE, AUTHORITY, NO_ROUTE and
 * ROUTE_OTHERS become ALLOW_AUDIT (where the source is: NO_EGRESS and SERVER_NAME, and what denies an Egress' request). BAD_PATH never
 * does: such a request cannot be judged, audit or not. Patterns match valid UTF-8 only. Without memory the answer is a denial.
 */
void rf_routes_decide(const void *blob, const struct rf_request_question *question, struct rf_request_answer *ret);

/* Does a new connection of this source to this destination begin with a TLS ClientHello? It does where an https port of Egress speaks. */
bool rf_routes_tls(const void *blob, rf_identity_t src, rf_identity_t dst, uint16_t port);
