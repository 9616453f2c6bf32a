/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Carrying entries from a map of one layout to one of another, member by member as their BTF says (layout.h). Works on hashes, tries and
 * arrays, also per CPU; not on what hangs on sockets.
 */
#pragma once

#include <stddef.h>

#include "datapath/layout.h"

struct rf_carried {
	size_t moved;
	size_t lost; /* no room, or the entry ended meanwhile */
};

/* The types of keys and values on both sides. */
struct rf_carry_types {
	struct rf_layout from_key, from_value, to_key, to_value;
};

/* types NULL: what the kernel keeps of the two maps. Entries of `to` are overwritten. Adds to ret. 0; -EPROTO: the one cannot be made from
 * the other (another kind of map, keys that would lose something, nothing in common); -errno. */
int rf_carry_map(int from, int to, const struct rf_carry_types *types, struct rf_carried *ret);

/* The same for `flows` while programs write to both: an entry that is in `to` already stays, unless `from` has seen a later packet. */
int rf_carry_flows(int from, int to, struct rf_carried *ret);
/* And for any hash: what is in `to` already stays. */
int rf_carry_missing(int from, int to, struct rf_carried *ret);
