/* SPDX-License-Identifier: Apache-2.0 */
/* Numbers for lists of 32-bit words: equal lists get one number, counted from 0 in order of first appearance. */
#pragma once

#include <stddef.h>
#include <stdint.h>

struct rf_intern_item {
	size_t offset; /* in words */
	uint32_t len;
	uint32_t hash;
};

struct rf_intern {
	uint32_t *words;
	size_t used;
	size_t room;
	struct rf_intern_item *items;
	uint32_t count;
	uint32_t item_room;
	uint32_t *buckets; /* item + 1, 0 = free */
	uint32_t bucket_room;
};

/* The list's number. 0 or -ENOMEM. */
int rf_intern(struct rf_intern *t, const uint32_t *list, uint32_t len, uint32_t *ret);
/* List of a number, valid until the next rf_intern. */
static inline const uint32_t *rf_intern_get(const struct rf_intern *t, uint32_t number, uint32_t *ret_len)
{
	*ret_len = t->items[number].len;
	return t->words + t->items[number].offset;
}
void rf_intern_done(struct rf_intern *t);
