/* SPDX-License-Identifier: Apache-2.0 */
/* Egress: shape and decoder for the table in decode_policy.c. Internal to objects/. */
#pragma once

#include "objects/decode.h"

extern const struct rf_field rf_egress_fields[];
int rf_decode_egress(struct rf_decode *d);

/* A list of CIDR ranges, judged by the schema before. 0 or -ENOMEM. */
int rf_decode_ranges(struct rf_decode *d, const struct rf_node *list, struct rf_cidr **items, size_t *count);

/* An item of a list of references: apiGroup, kind, name. */
extern const struct rf_field rf_reference_item;
