/* SPDX-License-Identifier: Apache-2.0 */
/* The order of the compiled allow list: source, destination, port, protocol. */
#pragma once

#include <ringfence/tables.h>

int rf_allow_compare(const struct rf_allow_key *a, const struct rf_allow_key *b);
