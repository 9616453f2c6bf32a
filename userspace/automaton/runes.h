/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Sets of Unicode code points ("runes") as ranges: what a literal, a class or a dot of a pattern stands for. The memory is the arena's.
 * Functions return 0 or -ENOMEM.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct rf_arena;

#define RF_RUNE_MAX 0x10ffffu

struct rf_rune_range { /* both ends included */
	uint32_t lo;
	uint32_t hi;
};

struct rf_runes {
	struct rf_rune_range *ranges;
	size_t count;
	size_t room;
};

int rf_runes_add(struct rf_arena *arena, struct rf_runes *set, uint32_t lo, uint32_t hi);
int rf_runes_add_all(struct rf_arena *arena, struct rf_runes *set, const struct rf_rune_range *ranges, size_t count);

/* Sorts and joins: afterwards ranges ascend and neither overlap nor touch. */
void rf_runes_normalise(struct rf_runes *set);

/* Everything up to RF_RUNE_MAX that is not in the set. The result is normalised. */
int rf_runes_negate(struct rf_arena *arena, struct rf_runes *set);

/* Adds what differs from a member only in case (Unicode simple case folding). The result is normalised. */
int rf_runes_fold(struct rf_arena *arena, struct rf_runes *set);
