/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Memory that lives and dies together: one parsed set of objects, one compiled policy. Everything returned is zeroed, aligned to 16
 * bytes and valid until rf_arena_free. Allocation failure returns NULL (callers return -ENOMEM).
 */
#pragma once

#include <stdarg.h>
#include <stddef.h>

struct rf_arena; /* opaque */

struct rf_arena *rf_arena_new(void);
void rf_arena_free(struct rf_arena *arena); /* NULL-safe */
void *rf_arena_alloc(struct rf_arena *arena, size_t size);
char *rf_arena_strndup(struct rf_arena *arena, const char *text, size_t len); /* adds a NUL */
char *rf_arena_strdup(struct rf_arena *arena, const char *text);
char *rf_arena_printf(struct rf_arena *arena, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Grows an array in the arena by one zeroed element and returns it, NULL without memory. items and count are updated on success:
 *	struct thing *t = RF_ARENA_PUSH(arena, list->things, list->thing_count);                                                      */
void *rf_arena_push(struct rf_arena *arena, void **items, size_t *count, size_t item_size);
#define RF_ARENA_PUSH(arena, items, count) ((__typeof__(items))rf_arena_push((arena), (void **)&(items), &(count), sizeof(*(items))))
