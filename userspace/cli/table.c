/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/table.h"

#include <stdlib.h>
#include <string.h>

struct rf_table {
	size_t columns, rows;
	size_t widths[RF_TABLE_COLUMNS_MAX];
	char **cells; /* rows * columns, the titles first */
};

static void put_row(struct rf_table *t, const char *const *cells)
{
	char **grown = reallocarray(t->cells, (t->rows + 1) * t->columns, sizeof(*grown));

	if (!grown)
		return;
	t->cells = grown;
	for (size_t i = 0; i < t->columns; i++) {
		size_t len = strlen(cells[i]);

		grown[t->rows * t->columns + i] = strdup(cells[i]);
		if (len > t->widths[i])
			t->widths[i] = len;
	}
	t->rows++;
}

struct rf_table *rf_table_new(const char *const *titles, size_t columns)
{
	struct rf_table *t = columns <= RF_TABLE_COLUMNS_MAX ? calloc(1, sizeof(*t)) : NULL;

	if (!t)
		return NULL;
	t->columns = columns;
	put_row(t, titles);
	return t;
}

void rf_table_row(struct rf_table *table, const char *const *cells)
{
	if (table)
		put_row(table, cells);
}

void rf_table_print(const struct rf_table *table, FILE *out, const char *indent)
{
	for (size_t r = 0; table && r < table->rows; r++) {
		fputs(indent, out);
		for (size_t i = 0; i < table->columns; i++) {
			const char *cell = table->cells[r * table->columns + i];

			if (i + 1 < table->columns)
				fprintf(out, "%-*s  ", (int)table->widths[i], cell ? cell : "");
			else
				fprintf(out, "%s\n", cell ? cell : "");
		}
	}
}

void rf_table_free(struct rf_table *table)
{
	if (!table)
		return;
	for (size_t i = 0; i < table->rows * table->columns; i++)
		free(table->cells[i]);
	free(table->cells);
	free(table);
}
