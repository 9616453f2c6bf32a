/* SPDX-License-Identifier: Apache-2.0 */
/* Which routes the live blob grants to a source at a destination: for a question that names no request. */
#pragma once

#include "cli/why_ask.h"

/* Calls fn with the rule of each granted route (with file:line), at most once each. */
void rf_why_routes_each(const struct rf_why_world *world, const struct rf_why_part *part, void (*fn)(void *arg, const char *rule),
			void *arg);
