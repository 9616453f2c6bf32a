/* SPDX-License-Identifier: Apache-2.0 */
#include "core/words.h"

#include <ctype.h>
#include <string.h>

static int differ(char a, char b)
{
	return tolower((unsigned char)a) != tolower((unsigned char)b);
}

size_t rf_word_distance(const char *a, const char *b)
{
	size_t la = strlen(a), lb = strlen(b), row[RF_WORD_MAX + 1];

	if (la > RF_WORD_MAX || lb > RF_WORD_MAX)
		return RF_WORD_MAX;
	for (size_t j = 0; j <= lb; j++)
		row[j] = j;
	for (size_t i = 1; i <= la; i++) {
		size_t corner = row[0];

		row[0] = i;
		for (size_t j = 1; j <= lb; j++) {
			size_t best = corner + (size_t)differ(a[i - 1], b[j - 1]);

			corner = row[j];
			best = best < row[j] + 1 ? best : row[j] + 1;
			row[j] = best < row[j - 1] + 1 ? best : row[j - 1] + 1;
		}
	}
	return row[lb];
}
