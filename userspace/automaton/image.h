/* SPDX-License-Identifier: Apache-2.0 */
/* The body of an image: tables, accept sets, atoms, conditions and the text automata of these, in one piece of memory. */
#pragma once

#include "automaton/dfa.h"
#include "core/arena.h"

#define RF_CONDITIONS_MAX 65536 /* of one destination */

struct rf_text_image {
	uint64_t digest; /* of what it was built from: equal conditions share one automaton */
	const struct rf_route_condition *source;
	struct rf_automaton_image *image; /* owned */
	size_t offset;                    /* in the body */
};

/* The conditions of all atoms, one after the other, before they have offsets. */
struct rf_conditions {
	struct rf_arena *arena; /* not owned */
	const struct rf_route_condition **items;
	size_t count;
	size_t *text_of; /* position in texts; ADDRESS: unused */
	struct rf_text_image *texts;
	size_t text_count;
};

/* 0, -EINVAL, -E2BIG, -ENOMEM. *ret must be zeroed but for the arena, and given to rf_conditions_done in every case. */
int rf_conditions_build(const struct rf_route_atom *atoms, size_t atom_count, struct rf_conditions *ret);
void rf_conditions_done(struct rf_conditions *conditions);

/* Fills image->body and the offsets of its head; kind, counts of states and classes, start and classes are there. sets: lists of atoms;
 * NULL: set n is the single atom n - 1. 0 or -ENOMEM. */
struct rf_image_parts {
	const void *table, *accept;
	size_t table_size, accept_size;
	const struct rf_intern *sets;
	const struct rf_route_atom *atoms;
	size_t atom_count;
	struct rf_conditions *conditions;
};
int rf_image_lay_out(struct rf_automaton_image *image, const struct rf_image_parts *parts);
