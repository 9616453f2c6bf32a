/* SPDX-License-Identifier: Apache-2.0 */
#include "core/arena.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Chunks double from the first size to the second: a policy directory of thousands of small files has an arena for each. */
#define CHUNK_FIRST 2048
#define CHUNK_SIZE  (64 * 1024)
#define ALIGNMENT   16

struct chunk {
	struct chunk *next;
	size_t size;
	size_t used;
	size_t pad; /* keeps data[] aligned to 16 */
	char data[];
};

struct rf_arena {
	struct chunk *chunks;
	size_t next_size; /* 0 = CHUNK_FIRST */
};

struct rf_arena *rf_arena_new(void)
{
	return calloc(1, sizeof(struct rf_arena));
}

void rf_arena_free(struct rf_arena *arena)
{
	if (!arena)
		return;
	for (struct chunk *c = arena->chunks, *next; c; c = next) {
		next = c->next;
		free(c);
	}
	free(arena);
}

static struct chunk *chunk_add(struct rf_arena *arena, size_t need)
{
	size_t next = arena->next_size ? arena->next_size : CHUNK_FIRST;
	size_t size = need > next / 4 ? need : next - sizeof(struct chunk);
	struct chunk *c = calloc(1, sizeof(*c) + size);

	if (!c)
		return NULL;
	c->size = size;
	arena->next_size = next < CHUNK_SIZE ? 2 * next : CHUNK_SIZE;
	/* A large block gets a chunk of its own behind the current one, whose free space stays in use. */
	if (size == need && arena->chunks) {
		c->next = arena->chunks->next;
		arena->chunks->next = c;
	} else {
		c->next = arena->chunks;
		arena->chunks = c;
	}
	return c;
}

void *rf_arena_alloc(struct rf_arena *arena, size_t size)
{
	struct chunk *c = arena->chunks;
	void *p;

	if (size > SIZE_MAX / 2)
		return NULL;
	size = (size + ALIGNMENT - 1) & ~(size_t)(ALIGNMENT - 1);
	if (!size)
		size = ALIGNMENT;
	if (!c || c->size - c->used < size)
		c = chunk_add(arena, size);
	if (!c)
		return NULL;
	p = c->data + c->used;
	c->used += size;
	return p;
}

char *rf_arena_strndup(struct rf_arena *arena, const char *text, size_t len)
{
	char *p = rf_arena_alloc(arena, len + 1);

	if (p)
		memcpy(p, text, len);
	return p;
}

char *rf_arena_strdup(struct rf_arena *arena, const char *text)
{
	return rf_arena_strndup(arena, text, strlen(text));
}

char *rf_arena_printf(struct rf_arena *arena, const char *format, ...)
{
	va_list ap;
	char *p;
	int n;

	va_start(ap, format);
	n = vsnprintf(NULL, 0, format, ap);
	va_end(ap);
	if (n < 0)
		return NULL;
	p = rf_arena_alloc(arena, (size_t)n + 1);
	if (!p)
		return NULL;
	va_start(ap, format);
	vsnprintf(p, (size_t)n + 1, format, ap);
	va_end(ap);
	return p;
}

void *rf_arena_push(struct rf_arena *arena, void **items, size_t *count, size_t item_size)
{
	size_t n = *count;

	/* Capacity is the next power of two: grow when count reaches one. The old copy stays in the arena until it is freed. */
	if ((n & (n - 1)) == 0) {
		void *grown = rf_arena_alloc(arena, (n ? 2 * n : 1) * item_size);

		if (!grown)
			return NULL;
		if (n)
			memcpy(grown, *items, n * item_size);
		*items = grown;
	}
	*count = n + 1;
	return (char *)*items + n * item_size;
}
