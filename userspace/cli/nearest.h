/* SPDX-License-Identifier: Apache-2.0 */
/* The nearest of several names to a mistyped one (Levenshtein's distance, at most two slips). */
#pragma once

#include <stddef.h>

#define RF_NEAREST_MAX 127 /* longer words are like nothing */

struct rf_nearest {
	const char *word;
	const char *best; /* "" = none is near */
	size_t distance;
};

struct rf_nearest rf_nearest_to(const char *word);                        /* keeps word */
void rf_nearest_offer(struct rf_nearest *nearest, const char *candidate); /* keeps it, if it is the best so far */
