/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Texts of one policy file, each kept once: a file says "namespace" and the name of its namespace dozens of times. Long ones are not looked
 * for. The texts live in the arena; the table is only for while they come in.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

struct rf_arena;

struct rf_texts { /* zeroed = empty */
	const char **slots;
	uint32_t *lengths;
	size_t room; /* 0 or a power of two */
	size_t count;
};

/* The text with a NUL behind it, or NULL without memory. `text` need not be terminated and may contain NULs. */
const char *rf_texts_keep(struct rf_texts *texts, struct rf_arena *arena, const char *text, size_t len);
void rf_texts_done(struct rf_texts *texts); /* the texts stay */
