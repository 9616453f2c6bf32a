/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Messages about policy files with their place: "file:line:column: message". Errors make a set of objects unusable; warnings name what
 * is accepted but contributes nothing or is not enforced yet (shown by validate and status).
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

struct rf_arena;

struct rf_place {
	const char *file; /* as given on the command line or relative to the policy directory */
	unsigned line;    /* from 1; 0 = whole file */
	unsigned column;  /* from 1, in bytes */
};

struct rf_diag {
	bool is_error;
	struct rf_place place;
	const char *text;
};

struct rf_diags {
	struct rf_arena *arena; /* owner of texts and array; not owned */
	struct rf_diag *items;
	size_t count;
	size_t error_count;
};

/* Both return -EINVAL for errors and 0 for warnings, -ENOMEM without memory, so that callers can return them. */
int rf_diag_error(struct rf_diags *d, struct rf_place at, const char *format, ...) __attribute__((format(printf, 3, 4)));
int rf_diag_warning(struct rf_diags *d, struct rf_place at, const char *format, ...) __attribute__((format(printf, 3, 4)));
