/* SPDX-License-Identifier: Apache-2.0 */
/* The order of the compiled tables: allow by source, destination, port, protocol; ingress by destination, port, range; egress by source,
 * port, range; exclusions by kind, pod, port, range. */
#pragma once

#include <ringfence/tables.h>

int rf_allow_compare(const struct rf_allow_key *a, const struct rf_allow_key *b);
int rf_ingress_compare(const struct rf_ingress_key *a, const struct rf_ingress_key *b);
int rf_egress_compare(const struct rf_egress_key *a, const struct rf_egress_key *b);
int rf_exclusion_compare(const struct rf_exclusion_key *a, const struct rf_exclusion_key *b);
