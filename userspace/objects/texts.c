/* SPDX-License-Identifier: Apache-2.0 */
#include "objects/texts.h"

#include <stdlib.h>
#include <string.h>

#include "core/arena.h"
#include "core/cleanup.h"

#define LOOKED_FOR_MAX 64 /* longer ones are hardly ever said twice */
#define ROOM_FIRST     64

/* FNV-1a, as in headers/ringfence/identity.h. Whoever makes collisions makes his own file slow to read, which its size bounds. */
static size_t hash(const char *text, size_t len)
{
	uint64_t h = 0xcbf29ce484222325ULL;

	for (size_t i = 0; i < len; i++)
		h = (h ^ (unsigned char)text[i]) * 0x100000001b3ULL;
	return (size_t)(h ^ h >> 32);
}

/* Where it is, or the free slot where it would be. */
static size_t find(const struct rf_texts *t, const char *text, size_t len)
{
	size_t at = hash(text, len) & (t->room - 1);

	while (t->slots[at] && (t->lengths[at] != len || memcmp(t->slots[at], text, len) != 0))
		at = (at + 1) & (t->room - 1);
	return at;
}

static int grow(struct rf_texts *t)
{
	struct rf_texts bigger = {.room = t->room ? 2 * t->room : ROOM_FIRST, .count = t->count};

	bigger.slots = calloc(bigger.room, sizeof(*bigger.slots));
	bigger.lengths = calloc(bigger.room, sizeof(*bigger.lengths));
	if (!bigger.slots || !bigger.lengths) {
		rf_texts_done(&bigger);
		return -1;
	}
	for (size_t i = 0; i < t->room; i++) {
		size_t at;

		if (!t->slots[i])
			continue;
		at = find(&bigger, t->slots[i], t->lengths[i]);
		bigger.slots[at] = t->slots[i];
		bigger.lengths[at] = t->lengths[i];
	}
	rf_texts_done(t);
	*t = bigger;
	return 0;
}

const char *rf_texts_keep(struct rf_texts *texts, struct rf_arena *arena, const char *text, size_t len)
{
	size_t at;

	if (len > LOOKED_FOR_MAX)
		return rf_arena_strndup(arena, text, len);
	if (2 * texts->count >= texts->room && grow(texts) < 0)
		return NULL;
	at = find(texts, text, len);
	if (texts->slots[at])
		return texts->slots[at];
	texts->slots[at] = rf_arena_strndup(arena, text, len);
	if (!texts->slots[at])
		return NULL;
	texts->lengths[at] = (uint32_t)len;
	texts->count++;
	return texts->slots[at];
}

void rf_texts_done(struct rf_texts *texts)
{
	free(texts->slots);
	free(texts->lengths);
	*texts = (struct rf_texts){};
}
