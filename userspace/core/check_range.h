/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Is an address range in use by the machine? The comparison is pure; the collecting reads /proc/net/route,
 * /proc/net/ipv6_route and the interfaces.
 */
#pragma once

#include <ringfence/address.h>

enum rf_range_clash {
	RF_RANGE_FREE,
	RF_RANGE_INSIDE, /* the other one lies in ours: both would claim the same addresses */
	RF_RANGE_AROUND, /* the other one contains ours: our addresses would hide a part of it */
};

/* A default route (IPv4: mask of the last 32 bits 0; IPv6: mask 0) clashes with nothing, and the families not with each other. */
enum rf_range_clash rf_range_compare(const struct rf_range *range, const struct rf_range *other);
/* Of the last 32 bits for IPv4, of all 128 for IPv6. */
int rf_range_prefix(const struct rf_range *range);
