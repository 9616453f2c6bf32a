/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The text of one policy file and how to name places in it. Offsets are bytes from the start of the file; lines and columns count from 1,
 * columns in bytes, a line ends at '\n' (as editors and grep count them).
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "core/arena.h"
#include "core/diag.h"

struct rf_source {
	const char *name;
	const char *text; /* with a NUL behind it */
	size_t len;
	bool json;
	size_t *lines; /* offset of every line's first byte; of the first line behind a byte order mark */
	size_t line_count;
};

/* Copies name and text into the arena. -ENOMEM. */
int rf_source_init(struct rf_source *source, struct rf_arena *arena, const char *name, const char *text, size_t len);
struct rf_place rf_source_place(const struct rf_source *source, size_t offset);
/* First byte that is no valid UTF-8 (RFC 3629: shortest form, no surrogates, up to U+10FFFF) or is NUL; len if all is well. */
size_t rf_source_bad_byte(const char *text, size_t len);
/* Bytes of the UTF-8 sequence that starts with this (valid) byte. */
size_t rf_utf8_len(unsigned char first);
bool rf_name_ends(const char *name, const char *suffix);
