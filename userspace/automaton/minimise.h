/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Makes a DFA as small as it can be: states that accept the same sets after every text become one (Hopcroft's partition refinement,
 * n log n), and byte classes with equal columns become one. State 0 stays the dead state; the others are numbered breadth-first from the
 * start, so equal languages give equal tables.
 */
#pragma once

#include "automaton/dfa.h"

int rf_dfa_minimise(struct rf_dfa *dfa); /* 0 or -ENOMEM; on failure the DFA is unchanged */
