/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The live routes table as the checker sees it: the epoch comes from the `control` map at every request, the table of that epoch from the
 * broker, mapped read-only and validated once. A table is used only while its epoch is the live one.
 */
#pragma once

#include <ringfence/routes.h>
#include <stddef.h>

struct rf_tables { /* zeroed (control_fd -1) = nothing yet */
	int control_fd;
	const struct rf_routes_head *blob; /* NULL or validated */
	size_t size;                       /* of the mapping */
};

/* The live epoch, 0 = no policy was ever published. socket: an accepted one, asked where the map may not be read. */
int rf_tables_epoch(const struct rf_tables *tables, int socket, rf_epoch_t *ret);

/* Replaces the mapping by that of fd (stays the caller's), which must be the table of `epoch`. On failure the old one stays mapped, but its
 * epoch is not the live one any more and so it decides nothing. -EBADMSG: not a valid table, or of another epoch. */
int rf_tables_load(struct rf_tables *tables, int fd, rf_epoch_t epoch);

/* The blob of that epoch, or NULL. */
const void *rf_tables_blob(const struct rf_tables *tables, rf_epoch_t epoch);
void rf_tables_clear(struct rf_tables *tables);
