/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Is an address range in use by the machine? The comparison is pure; the collecting reads /proc/net/route and the interfaces.
 */
#pragma once

#include <stdint.h>

enum rf_range_clash {
	RF_RANGE_FREE,
	RF_RANGE_INSIDE, /* the other one lies in ours: both would claim the same addresses */
	RF_RANGE_AROUND, /* the other one contains ours: our addresses would hide a part of it */
};

/* All in network byte order. A default route (mask 0) clashes with nothing. */
enum rf_range_clash rf_range_compare(uint32_t net_be, uint32_t mask_be, uint32_t other_be, uint32_t other_mask_be);
