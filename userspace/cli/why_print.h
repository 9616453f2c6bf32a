/* SPDX-License-Identifier: Apache-2.0 */
/* An answer of `why`, for people and as JSON. */
#pragma once

#include <stdio.h>

#include "cli/why_missing.h"

void rf_why_print(const struct rf_why_world *world, const struct rf_why_answer *answer, const struct rf_why_missing *missing, FILE *out);
/* NULL without memory. */
cJSON *rf_why_json(const struct rf_why_world *world, const struct rf_why_answer *answer, const struct rf_why_missing *missing);
