/* SPDX-License-Identifier: Apache-2.0 */
#include "automaton/intern.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static uint32_t hash_list(const uint32_t *list, uint32_t len)
{
	uint64_t h = 0xcbf29ce484222325ULL ^ len;

	for (uint32_t i = 0; i < len; i++) {
		h = (h ^ list[i]) * 0x100000001b3ULL;
		h ^= h >> 32;
	}
	return (uint32_t)h;
}

static int grow_buckets(struct rf_intern *t)
{
	const uint32_t room = t->bucket_room ? t->bucket_room * 2 : 256;
	uint32_t *buckets;

	if (t->count < t->bucket_room / 2)
		return 0;
	buckets = calloc(room, sizeof(*buckets));
	if (!buckets)
		return -ENOMEM;
	for (uint32_t i = 0; i < t->count; i++) {
		uint32_t at = t->items[i].hash & (room - 1);

		while (buckets[at])
			at = (at + 1) & (room - 1);
		buckets[at] = i + 1;
	}
	free(t->buckets);
	t->buckets = buckets;
	t->bucket_room = room;
	return 0;
}

static int grow_lists(struct rf_intern *t, uint32_t len)
{
	if (t->count == t->item_room) {
		const uint32_t room = t->item_room ? t->item_room * 2 : 64;
		struct rf_intern_item *items = reallocarray(t->items, room, sizeof(*items));

		if (!items)
			return -ENOMEM;
		t->items = items;
		t->item_room = room;
	}
	if (t->room - t->used < len || !t->words) {
		const size_t room = (t->used + len) * 2 + 256;
		uint32_t *words = reallocarray(t->words, room, sizeof(*words));

		if (!words)
			return -ENOMEM;
		t->words = words;
		t->room = room;
	}
	return 0;
}

int rf_intern(struct rf_intern *t, const uint32_t *list, uint32_t len, uint32_t *ret)
{
	const uint32_t hash = hash_list(list, len);
	uint32_t at;
	int r;

	r = grow_buckets(t);
	if (r < 0)
		return r;
	for (at = hash & (t->bucket_room - 1); t->buckets[at]; at = (at + 1) & (t->bucket_room - 1)) {
		const struct rf_intern_item *item = &t->items[t->buckets[at] - 1];

		if (item->hash == hash && item->len == len && memcmp(t->words + item->offset, list, len * sizeof(*list)) == 0) {
			*ret = t->buckets[at] - 1;
			return 0;
		}
	}
	r = grow_lists(t, len);
	if (r < 0)
		return r;
	memcpy(t->words + t->used, list, len * sizeof(*list));
	t->items[t->count] = (struct rf_intern_item){t->used, len, hash};
	t->used += len;
	*ret = t->count++;
	t->buckets[at] = t->count;
	return 0;
}

void rf_intern_done(struct rf_intern *t)
{
	free(t->words);
	free(t->items);
	free(t->buckets);
	*t = (struct rf_intern){0};
}
