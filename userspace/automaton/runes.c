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

/* One step of the orbit for every member of [lo, hi] that has one. */
static int fold_range(struct rf_arena *arena, struct rf_runes *set, struct rf_rune_range range)
{
	int r = 0;

	for (size_t i = 0; i < rf_unicode_fold_count && r == 0; i++) {
		const struct rf_unicode_fold *f = &rf_unicode_folds[i];
		uint32_t lo = range.lo > f->lo ? range.lo : f->lo;
		const uint32_t hi = range.hi < f->hi ? range.hi : f->hi;

		if (f->stride == 2)
			lo += (lo - f->lo) & 1;
		if (lo > hi)
			continue;
		if (f->stride == 1)
			r = rf_runes_add(arena, set, lo + (uint32_t)f->delta, hi + (uint32_t)f->delta);
		for (uint32_t c = lo; f->stride == 2 && c <= hi && r == 0; c += 2)
			r = rf_runes_add(arena, set, c + (uint32_t)f->delta, c + (uint32_t)f->delta);
	}
	return r;
}

int rf_runes_fold(struct rf_arena *arena, struct rf_runes *set)
{
	size_t from = 0;
	int r = 0;

	rf_runes_normalise(set);
	for (int step = 1; step < ORBIT_MAX && r == 0; step++) {
		const size_t to = set->count;

		for (size_t i = from; i < to && r == 0; i++)
			r = fold_range(arena, set, set->ranges[i]);
		from = to;
	}
	rf_runes_normalise(set);
	return r;
}
