/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/nearest.h"

#include <string.h>

#define SLIPS 2

static size_t distance(const char *a, size_t la, const char *b, size_t lb)
{
	size_t row[RF_NEAREST_MAX + 1];

	for (size_t j = 0; j <= lb; j++)
		row[j] = j;
	for (size_t i = 1; i <= la; i++) {
		size_t corner = row[0];

		row[0] = i;
		for (size_t j = 1; j <= lb; j++) {
			size_t best = corner + (a[i - 1] != b[j - 1]);

			corner = row[j];
			best = best < row[j] + 1 ? best : row[j] + 1;
			row[j] = best < row[j - 1] + 1 ? best : row[j - 1] + 1;
		}
	}
	return row[lb];
}

struct rf_nearest rf_nearest_to(const char *word)
{
	return (struct rf_nearest){.word = word, .best = "", .distance = SLIPS + 1};
}

void rf_nearest_offer(struct rf_nearest *nearest, const char *candidate)
{
	size_t la = strlen(nearest->word), lb = strlen(candidate), d;

	if (la > RF_NEAREST_MAX || lb > RF_NEAREST_MAX || (la > lb ? la - lb : lb - la) >= nearest->distance)
		return;
	d = distance(nearest->word, la, candidate, lb);
	if (d >= nearest->distance)
		return;
	nearest->distance = d;
	nearest->best = candidate;
}
