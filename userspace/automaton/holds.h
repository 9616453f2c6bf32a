/* SPDX-License-Identifier: Apache-2.0 */
/* Do the conditions of an atom hold for a request? Over a validated blob. Whatever cannot be found out does not hold. */
#pragma once

#include "automaton/automaton.h"

bool rf_atom_holds(const char *base, const struct rf_automaton *automaton, uint32_t atom, const struct rf_request_question *question);

/* Does the text automaton at `off` match the authority (RFC 9110 section 7.2) or server name, which must be there and ASCII? */
bool rf_authority_holds(const char *base, uint64_t off, const struct rf_request_question *question);
