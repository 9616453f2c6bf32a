/* SPDX-License-Identifier: Apache-2.0 */
/* Do the conditions of an atom hold for a request? Over a validated blob. Whatever cannot be found out does not hold. */
#pragma once

#include "automaton/automaton.h"

/* The conditions of one destination times the header of one request is work that a client may choose: a question has a budget for it, in
 * steps. A step is a header line or a byte looked at; of an NFA, which a policy's author chooses, a byte is as many steps as there are
 * states that it is shown to (measured: 3.5 ns each). What is past the budget does not hold. */
#define RF_COND_WORK_MAX (2 * 1024 * 1024)

/* work: what is left of the budget; 0 afterwards = it was used up, and the answer may be wrong on the side of a denial. */
bool rf_atom_holds(const char *base, const struct rf_automaton *automaton, uint32_t atom, const struct rf_request_question *question,
		   size_t *work);

/* Does the text automaton at `off` match the authority (RFC 9110 section 7.2) or server name, which must be there and ASCII? work:
 * as above. */
bool rf_authority_holds(const char *base, uint64_t off, const struct rf_request_question *question, size_t *work);
