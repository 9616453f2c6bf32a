/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/columns.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

int rf_columns_add(struct rf_columns *c, const char *const *cells)
{
	const char *(*row)[RF_COLUMNS_MAX] = RF_ARENA_PUSH(c->arena, c->rows, c->row_count);

	if (!row)
		return -ENOMEM;
	for (size_t i = 0; i < c->width; i++) {
		(*row)[i] = cells[i] && *cells[i] ? rf_arena_strdup(c->arena, cells[i]) : "-";
		if (!(*row)[i])
			return -ENOMEM;
	}
	return 0;
}

static size_t column_width(const struct rf_columns *c, size_t column)
{
	size_t width = 0;

	for (size_t i = 0; i < c->row_count; i++)
		width = strlen(c->rows[i][column]) > width ? strlen(c->rows[i][column]) : width;
	return width;
}

void rf_columns_print(const struct rf_columns *c)
{
	size_t widths[RF_COLUMNS_MAX];

	for (size_t i = 0; i < c->width; i++)
		widths[i] = i + 1 < c->width ? column_width(c, i) + 2 : 0;
	for (size_t i = 0; i < c->row_count; i++) {
		for (size_t k = 0; k < c->width; k++)
			printf("%-*s", (int)widths[k], c->rows[i][k]);
		putchar('\n');
	}
}
