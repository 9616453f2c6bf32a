/* SPDX-License-Identifier: Apache-2.0 */
#include "automaton/runes.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "automaton/unicode.h"
#include "core/arena.h"

#define ORBIT_MAX 4 /* most characters that fold together, e.g. U+03B8 U+03D1 U+0398 U+03F4 */

int rf_runes_add(struct rf_arena *arena, struct rf_runes *set, uint32_t lo, uint32_t hi)
{
	if (set->count == set->room) {
		const size_t room = set->room ? set->room * 2 : 4;
		struct rf_rune_range *grown = rf_arena_alloc(arena, room * sizeof(*grown));

		if (!grown)
			return -ENOMEM;
		if (set->count)
			memcpy(grown, set->ranges, set->count * sizeof(*grown));
		set->ranges = grown;
		set->room = room;
	}
	set->ranges[set->count++] = (struct rf_rune_range){lo, hi};
	return 0;
}

int rf_runes_add_all(struct rf_arena *arena, struct rf_runes *set, const struct rf_rune_range *ranges, size_t count)
{
	int r = 0;

	for (size_t i = 0; i < count && r == 0; i++)
		r = rf_runes_add(arena, set, ranges[i].lo, ranges[i].hi);
	return r;
}

static int by_lo(const void *a, const void *b)
{
	const struct rf_rune_range *x = a, *y = b;

	return (x->lo > y->lo) - (x->lo < y->lo);
}

void rf_runes_normalise(struct rf_runes *set)
{
	size_t n = 0;

	if (set->count < 2)
		return;
	qsort(set->ranges, set->count, sizeof(*set->ranges), by_lo);
	for (size_t i = 1; i < set->count; i++) {
		struct rf_rune_range *last = &set->ranges[n];

		if (set->ranges[i].lo > last->hi + 1)
			set->ranges[++n] = set->ranges[i];
		else if (set->ranges[i].hi > last->hi)
			last->hi = set->ranges[i].hi;
	}
	set->count = n + 1;
}

int rf_runes_negate(struct rf_arena *arena, struct rf_runes *set)
{
	struct rf_runes out = {0};
	uint32_t next = 0;
	int r = 0;

	rf_runes_normalise(set);
	for (size_t i = 0; i < set->count && r == 0; i++) {
		if (set->ranges[i].lo > next)
			r = rf_runes_add(arena, &out, next, set->ranges[i].lo - 1);
		next = set->ranges[i].hi + 1;
	}
	if (r == 0 && next <= RF_RUNE_MAX)
		r = rf_runes_add(arena, &out, next, RF_RUNE_MAX);
	if (r == 0)
		*set = out;
	return r;
}

/* The first range that ends at `rune` or behind it. */
static size_t first_from(const struct rf_runes *set, uint32_t rune)
{
	size_t low = 0, high = set->count;

	while (low < high) {
		const size_t middle = low + (high - low) / 2;

		if (set->ranges[middle].hi < rune)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

/* One step of the orbit for every member of the range that takes part in this fold. */
static int fold_range(struct rf_arena *arena, struct rf_runes *to, struct rf_rune_range range, const struct rf_unicode_fold *f)
{
	const uint32_t hi = range.hi < f->hi ? range.hi : f->hi;
	uint32_t lo = range.lo > f->lo ? range.lo : f->lo;
	int r = 0;

	if (f->stride == 2)
		lo += (lo - f->lo) & 1;
	if (lo > hi)
		return 0;
	if (f->stride == 1)
		return rf_runes_add(arena, to, lo + (uint32_t)f->delta, hi + (uint32_t)f->delta);
	for (uint32_t c = lo; c <= hi && r == 0; c += 2)
		r = rf_runes_add(arena, to, c + (uint32_t)f->delta, c + (uint32_t)f->delta);
	return r;
}

/* One step for every member of `from`, which is normalised; so is what it gives. */
static int fold_step(struct rf_arena *arena, const struct rf_runes *from, struct rf_runes *to)
{
	int r = 0;

	for (size_t i = 0; i < rf_unicode_fold_count && r == 0; i++) {
		const struct rf_unicode_fold *f = &rf_unicode_folds[i];

		for (size_t k = first_from(from, f->lo); k < from->count && from->ranges[k].lo <= f->hi && r == 0; k++)
			r = fold_range(arena, to, from->ranges[k], f);
	}
	rf_runes_normalise(to);
	return r;
}

int rf_runes_fold(struct rf_arena *arena, struct rf_runes *set)
{
	struct rf_runes from, to;
	int r = 0;

	rf_runes_normalise(set);
	from = *set;
	for (int step = 1; step < ORBIT_MAX && r == 0; step++, from = to) {
		to = (struct rf_runes){0};
		r = fold_step(arena, &from, &to);
		if (r == 0) /* behind what `from` sees of it, where they share memory */
			r = rf_runes_add_all(arena, set, to.ranges, to.count);
	}
	rf_runes_normalise(set);
	return r;
}
