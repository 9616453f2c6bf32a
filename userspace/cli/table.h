/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Aligned columns for people.
 */
#pragma once

#include <stddef.h>
#include <stdio.h>

#define RF_TABLE_COLUMNS_MAX 10

struct rf_table;

/* titles: static. NULL without memory; every other function takes NULL and does nothing then. */
struct rf_table *rf_table_new(const char *const *titles, size_t columns);
/* Copies one text a column. */
void rf_table_row(struct rf_table *table, const char *const *cells);
void rf_table_print(const struct rf_table *table, FILE *out, const char *indent);
void rf_table_free(struct rf_table *table);
static inline void rf_table_freep(struct rf_table **p)
{
	rf_table_free(*p);
}
