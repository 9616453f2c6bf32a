/* SPDX-License-Identifier: Apache-2.0 */
/* The nearest of several names to a mistyped one (core/words.h: at most two slips; longer words are like nothing). */
#pragma once

#include <stddef.h>

struct rf_nearest {
	const char *word;
	const char *best; /* "" = none is near */
	size_t distance;
};

struct rf_nearest rf_nearest_to(const char *word);                        /* keeps word */
void rf_nearest_offer(struct rf_nearest *nearest, const char *candidate); /* keeps it, if it is the best so far */
