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
#define RF_ROUTE_ATOMS_MAX     16384   /* routes of one destination */
#define RF_AUTOMATON_NODES_MAX 1000000 /* NFA states of one destination */

struct rf_pattern_error {
	size_t offset; /* byte in the pattern */
	char text[160];
};

/* Is this pattern acceptable? 0, -EINVAL (error filled), -E2BIG (a limit above, error filled), -ENOMEM. */
int rf_pattern_check(const char *pattern, size_t len, struct rf_pattern_error *error);

/* One route: matches "METHOD path" if METHOD is one of methods (count 0 = any token, RFC 9110 section 5.6.2) and path full-matches the
 * pattern. A method "*" is refused: the caller turns it into count 0. NULL or "" as pattern is ".*", as OSM reads an absent pathRegex. */
struct rf_route_atom {
	const char *const *methods;
	size_t method_count;
	const char *path_pattern;
	uint32_t rule_id;
};

/*
 * An automaton in its own memory, to be placed into the blob.
 *
 * Accept sets. DFA: set n is one distinct set of atoms that match the same requests; exactly one set (or 0, none) matches a request.
 * NFA: set n is the single atom n - 1; several may match one request and rf_routes_decide looks at all of them. Both kinds are granted
 * the same way: the bit of set n is on for a source that may use ANY atom of atoms_of_set[n].
 *
 * Rebasing. head.table_off, accept_off and rules_off count from the start of `body`. In the blob they count from the start of the blob:
 * with the body copied to offset X, X is added to each of these three and to nothing else; a body (of either kind) has no other offset.
 * rf_automaton_place does all of it.
 */
struct rf_automaton_image {
	struct rf_automaton head;
	uint64_t *body;   /* tables, owned */
	size_t body_size; /* bytes, multiple of 8 */
	/* Row n, atoms_of_set[n * atom_words ...]: bitmap of the atoms in accept set n, atom i is bit i % 64 of word i / 64. Rows 0 (empty)
	 * to head.accept_sets. Owned. */
	uint64_t *atoms_of_set;
	size_t atom_words; /* 64-bit words a row */
};

/* Compiles all atoms of one destination into one automaton. states_max: budget; past it the image is RF_AUTOMATON_NFA. No atoms: a DFA
 * that matches nothing. 0, -EINVAL (a pattern or method is bad; ask rf_pattern_check first), -E2BIG (a limit), -ENOMEM. */
int rf_automaton_build(const struct rf_route_atom *atoms, size_t atom_count, size_t states_max, struct rf_automaton_image **ret);
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

/* Checks every offset and index of a blob of `size` bytes once, so that later look-ups need no checks. The blob must be 8-byte aligned.
 * 0, -EBADMSG or -ENOMEM. */
int rf_routes_validate(const void *blob, size_t size);

/*
 * The request decision of checker and `why`, one pure function over the blob. The first of these that applies:
 *	src or dst 0 (unknown)                    NO_RULE, permissive or not
 *	permissive                                ALLOW_PERMISSIVE, any pair, the path is not looked at
 *	pair (exact port, then port 0) missing    NO_RULE
 *	pair denied / plain L4                    NO_RULE / ALLOW_RULE, the path is not looked at
 *	the path has no canonical form            BAD_PATH (ringfence/path.h; also "*" and the authority-form)
 *	raw or canonical path matches no route    NO_ROUTE
 *	one of them only routes for others        ROUTE_OTHERS
 *	both are granted                          ALLOW_L7
 * target: the request target as received (origin-form, query allowed, or absolute-form already reduced by the caller). Patterns match
 * valid UTF-8 only, so a path that decodes to anything else has no route.
 * rule_id gets the deciding rule (0 = none): the route's for ALLOW_L7 and ROUTE_OTHERS, else the pair's.
 */
enum rf_reason rf_routes_decide(const void *blob, rf_identity_t src, rf_identity_t dst, uint16_t port, const char *method,
				size_t method_len, const char *target, size_t target_len, uint32_t *rule_id);
