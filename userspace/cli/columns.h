/* SPDX-License-Identifier: Apache-2.0 */
/* Tables for people: columns as wide as their widest cell, two spaces between them. */
#pragma once

#include "core/arena.h"

#define RF_COLUMNS_MAX 8

struct rf_columns {
	struct rf_arena *arena; /* of the rows and cells; not owned */
	size_t width;           /* columns */
	const char *(*rows)[RF_COLUMNS_MAX];
	size_t row_count;
};

/* One row of `width` cells, copied; missing or empty ones are shown as "-". -ENOMEM. */
int rf_columns_add(struct rf_columns *c, const char *const *cells);
void rf_columns_print(const struct rf_columns *c);
