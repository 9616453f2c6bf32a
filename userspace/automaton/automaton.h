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

#define RF_PATTERN_MAX        4096   /* bytes of one pattern */
#define RF_PATTERN_REPEAT_MAX 1000   /* as RE2 */
#define RF_PATTERN_NODES_MAX  100000 /* NFA states of one pattern after unfolding repeats */
#define RF_DFA_STATES_MAX     10000  /* default state budget of one destination */

struct rf_pattern_error {
	size_t offset; /* byte in the pattern */
	char text[160];
};

/* Is this pattern acceptable? 0, -EINVAL (error filled), -E2BIG (a limit above, error filled), -ENOMEM. */
int rf_pattern_check(const char *pattern, size_t len, struct rf_pattern_error *error);

/* One route: matches "METHOD path" if METHOD is one of methods (count 0 = any token) and path full-matches the pattern. */
struct rf_route_atom {
	const char *const *methods;
	size_t method_count;
	const char *path_pattern;
	uint32_t rule_id;
};

struct rf_automaton_image {       /* built in its own memory; copied into the blob by the policy compiler */
	struct rf_automaton head; /* *_off relative to `body` start; the blob writer rebases them */
	uint64_t *body;           /* tables, owned */
	size_t body_size;         /* bytes, multiple of 8 */
	/* atoms_of_set[n]: which atoms are in accept set n, as a bitmap of atom_words 64-bit words; n from 0 (empty) to head.accept_sets */
	uint64_t *atoms_of_set; /* owned */
	size_t atom_words;
};

/* Compiles all atoms of one destination into one automaton. states_max: budget; past it the image is RF_AUTOMATON_NFA. */
int rf_automaton_build(const struct rf_route_atom *atoms, size_t atom_count, size_t states_max, struct rf_automaton_image **ret);
void rf_automaton_image_free(struct rf_automaton_image *image); /* NULL-safe */

/* Runs the automaton at `off` of a validated blob over `method SP path`. Returns the accept-set number, 0 = none. An NFA needs scratch
 * memory; on any failure 0 is returned (denies). */
uint32_t rf_automaton_run(const void *blob, uint64_t off, const char *method, size_t method_len, const char *path, size_t path_len);

/* Same, on an image (tests, property checks). */
uint32_t rf_automaton_image_run(const struct rf_automaton_image *image, const char *method, size_t method_len, const char *path,
				size_t path_len);

/* Checks every offset and index of a blob of `size` bytes once, so that later look-ups need no checks. 0 or -EBADMSG. */
int rf_routes_validate(const void *blob, size_t size);

/* The request decision of checker and `why`, one pure function over the blob: pair look-up (exact port, then 0), raw AND canonical path.
 * target: the request target as received (origin-form, query allowed, or absolute-form already reduced by the caller).
 * Returns an enum rf_reason: ALLOW_PERMISSIVE, ALLOW_RULE (pair is plain L4), ALLOW_L7, NO_RULE, NO_ROUTE, ROUTE_OTHERS, BAD_PATH.
 * rule_id gets the deciding rule (0 = none). */
enum rf_reason rf_routes_decide(const void *blob, rf_identity_t src, rf_identity_t dst, uint16_t port, const char *method,
				size_t method_len, const char *target, size_t target_len, uint32_t *rule_id);
