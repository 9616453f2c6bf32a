/* SPDX-License-Identifier: Apache-2.0 */
/* How alike two words are, for "did you mean". */
#pragma once

#include <stddef.h>

#define RF_WORD_MAX   127
#define RF_WORD_SLIPS 2 /* more than two slips are no slip */

/* Levenshtein's distance, capitals and small letters being alike; words longer than RF_WORD_MAX are like nothing (RF_WORD_MAX). */
size_t rf_word_distance(const char *a, const char *b);
