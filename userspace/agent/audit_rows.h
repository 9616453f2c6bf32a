/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Requests that an audit annotation let pass, counted by source, destination, port, reason, method and path template. Bounded: of one
 * destination at most RF_AUDIT_PATHS templates, the rest of it is counted in rows with the path "...", and methods that no policy can name
 * as "..." there, so that no client fills the table with words of its own; RF_AUDIT_ROWS rows in all, what has none is counted as lost.
 * Pure but for load and save. Times are CLOCK_REALTIME nanoseconds.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#define RF_AUDIT_ROWS     4096
#define RF_AUDIT_PATHS    200
#define RF_AUDIT_PATH_MAX 256
#define RF_AUDIT_METHOD   72 /* room for a method of sixteen bytes, all of them escaped */
#define RF_AUDIT_OTHERS   "..."

struct rf_audit_row {
	char *source, *destination; /* "ns/sa" or "outside" */
	char *method, *path;        /* path: a template */
	uint16_t port, would;       /* enum rf_reason */
	uint64_t count, first_ns, last_ns;
};

struct rf_audit_rows;

int rf_audit_rows_new(struct rf_audit_rows **ret);
void rf_audit_rows_free(struct rf_audit_rows *rows); /* NULL-safe */
static inline void rf_audit_rows_freep(struct rf_audit_rows **p)
{
	rf_audit_rows_free(*p);
}

/* One request. Texts are copied; row->path and row->method are as received, whatever their bytes; count is 1, first_ns and last_ns are
 * when. A row that cannot be kept is counted as lost. */
void rf_audit_rows_count(struct rf_audit_rows *rows, const struct rf_audit_row *row);
size_t rf_audit_rows_size(const struct rf_audit_rows *rows);
const struct rf_audit_row *rf_audit_rows_at(const struct rf_audit_rows *rows, size_t index); /* in the order in which they came */
uint64_t rf_audit_rows_lost(const struct rf_audit_rows *rows);
void rf_audit_rows_clear(struct rf_audit_rows *rows);

/* The file is replaced in one rename. load adds to empty rows: -ENOENT: there is none; -EBADMSG: it is broken, the rows stay empty. */
int rf_audit_rows_save(const struct rf_audit_rows *rows, const char *path);
int rf_audit_rows_load(struct rf_audit_rows *rows, const char *path);
