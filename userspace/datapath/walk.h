/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Walking a BPF_MAP_TYPE_HASH a chunk at a time (BPF_MAP_LOOKUP_BATCH, since 5.6), in the order of its buckets: entries may be removed
 * behind the walk and the walk may be interrupted and go on, without one that stays being passed over. The position is the number of a
 * bucket.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include <linux/types.h>

#define RF_WALK_CHUNK 2048 /* entries at a time; more only if one bucket holds more */

struct rf_walk {
	int fd; /* borrowed */
	__u32 key_size, value_size;
	__u32 at; /* where the next chunk begins, if under_way */
	bool under_way, ended;
	__u32 room;
	char *keys, *values; /* owned: the chunk */
};

/* 0, -EINVAL (not a hash), -ENOMEM or -errno. */
int rf_walk_open(struct rf_walk *walk, int fd);
void rf_walk_done(struct rf_walk *walk);
/* How many entries keys and values hold now; 0: the end; -errno. */
int rf_walk_next(struct rf_walk *walk);

static inline void *rf_walk_key(const struct rf_walk *walk, int i)
{
	return walk->keys + (size_t)i * walk->key_size;
}

static inline void *rf_walk_value(const struct rf_walk *walk, int i)
{
	return walk->values + (size_t)i * walk->value_size;
}
