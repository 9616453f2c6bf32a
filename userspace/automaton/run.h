/* SPDX-License-Identifier: Apache-2.0 */
/* Running an automaton, for run.c's public functions and decide.c. */
#pragma once

#include "automaton/automaton.h"

struct rf_subject { /* "method SP path" */
	const char *method;
	size_t method_len;
	const char *path;
	size_t path_len;
};

/*
 * The accept set that the subject ends in, 0 = none. base: what the head's offsets count from. granted: bitmap of the sets that a source
 * may use, or NULL; where an NFA reaches several sets a granted one is returned rather than another, then the lowest. A method that is
 * empty or holds a space is no method: 0. So is everything when there is no memory to simulate an NFA.
 */
uint32_t rf_automaton_match(const struct rf_automaton *automaton, const void *base, const uint64_t *granted, const struct rf_subject *s);

static inline bool rf_set_granted(const uint64_t *granted, uint32_t set)
{
	return granted[set / 64] >> (set % 64) & 1;
}
