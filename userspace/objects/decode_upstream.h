/* SPDX-License-Identifier: Apache-2.0 */
/* UpstreamTrafficSetting and Retry: shapes for the table in decode_policy.c. Internal to objects/. */
#pragma once

#include "objects/decode.h"

extern const struct rf_field rf_upstream_fields[];
extern const struct rf_field rf_retry_fields[];

/* A kind that is checked and listed but not enforced. 0 or -ENOMEM. */
int rf_decode_plain(struct rf_decode *d);
int rf_decode_retry(struct rf_decode *d);
