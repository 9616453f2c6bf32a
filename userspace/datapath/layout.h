/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the bytes of a map's key or value mean, as its BTF says: whether two layouts are the same, and how to turn an entry of one into an
 * entry of the other. Pure: works on BTF, not on maps. (libbpf's own reuse check compares sizes only.)
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <linux/types.h>

struct btf;

struct rf_layout {             /* btf NULL or type 0: not known */
	const struct btf *btf; /* borrowed */
	__u32 type;
};

/* Over the members' names, offsets, sizes and kinds, through nested structs and arrays; names of types do not count. 0: not known, or a
 * type that no map of ours has (pointers, bitfields, unions). */
uint64_t rf_layout_hash(struct rf_layout layout);
uint32_t rf_layout_size(struct rf_layout layout); /* bytes, 0: not known */

/* One run of bytes that both have. */
struct rf_layout_move {
	uint32_t from, to, size;
};
#define RF_LAYOUT_MOVES_MAX 128
struct rf_layout_plan {
	struct rf_layout_move moves[RF_LAYOUT_MOVES_MAX];
	size_t count;
	uint32_t to_size;
	bool whole; /* nothing of either side is left over, so different entries stay different: what a key needs */
};

/* Members of the same path and size are moved, all others of the new side are zero. 0, -EPROTO (nothing in common, or not known), -E2BIG.
 */
int rf_layout_plan(struct rf_layout from, struct rf_layout to, struct rf_layout_plan *ret);
void rf_layout_apply(const struct rf_layout_plan *plan, const void *from, void *to);
