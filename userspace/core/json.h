/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reading JSON (RFC 8259) that somebody else wrote: every getter has a fallback, so a missing or wrongly typed field is never a NULL.
 * Numbers are doubles: exact up to 2^53, which is why 64-bit identifiers travel as strings.
 */
#pragma once

#include <cjson/cJSON.h>
#include <stdbool.h>
#include <stdint.h>

#include "core/cleanup.h"

static inline void rf_json_freep(cJSON **item)
{
	cJSON_Delete(*item);
}
#define _cleanup_json_ RF_CLEANUP(rf_json_freep)

/* Owned by object; fallback (may be NULL) if the field is missing or of another type. object may be NULL. */
const char *rf_json_text(const cJSON *object, const char *field, const char *fallback);
double rf_json_number(const cJSON *object, const char *field, double fallback);
bool rf_json_bool(const cJSON *object, const char *field, bool fallback);

/* An integer between min and max; 0 (also for a missing field: *ret untouched, so set the default before), -EINVAL for anything else. */
int rf_json_int(const cJSON *object, const char *field, int64_t min, int64_t max, int64_t *ret);
