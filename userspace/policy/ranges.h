/* SPDX-License-Identifier: Apache-2.0 */
/* Address ranges on their way into an LPM table that holds both families in one form. Internal to policy/. */
#pragma once

#include "policy/compile.h"

struct rf_prefix {
	struct rf_addr net;
	unsigned len; /* of 128 bits */
};

struct rf_prefixes { /* in the compile's scratch arena */
	struct rf_prefix *items;
	size_t count;
};

/* A range that in the table would hold all of IPv4, as ::/0 does, speaks of IPv6 only: it is added as all of it but ::ffff:0:0/96. 0 or
 * -ENOMEM. */
int rf_prefixes_add(struct rf_compile *c, struct rf_prefixes *prefixes, const struct rf_addr *net, unsigned len);
