/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/nearest.h"

#include "core/words.h"

struct rf_nearest rf_nearest_to(const char *word)
{
	return (struct rf_nearest){.word = word, .best = "", .distance = RF_WORD_SLIPS + 1};
}

void rf_nearest_offer(struct rf_nearest *nearest, const char *candidate)
{
	size_t d = rf_word_distance(nearest->word, candidate);

	if (d >= nearest->distance)
		return;
	nearest->distance = d;
	nearest->best = candidate;
}
