/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/ranges.h"

#include <errno.h>

#define V4_BITS 96 /* the length of ::ffff:0:0, which in one form for both families is all of IPv4 */

static int add(struct rf_compile *c, struct rf_prefixes *prefixes, const struct rf_addr *net, unsigned len)
{
	struct rf_prefix *prefix = RF_ARENA_PUSH(c->arena, prefixes->items, prefixes->count);

	if (!prefix)
		return -ENOMEM;
	*prefix = (struct rf_prefix){.net = *net, .len = len};
	return 0;
}

static bool bit(const struct rf_addr *a, unsigned n)
{
	return ((const uint8_t *)a)[n / 8] >> (7 - n % 8) & 1;
}

static bool holds_v4(const struct rf_addr *net, unsigned len)
{
	const struct rf_addr v4 = rf_addr4(0);

	for (unsigned n = 0; n < len; n++)
		if (bit(net, n) != bit(&v4, n))
			return false;
	return len < V4_BITS;
}

/* The range that goes along with ::ffff:0:0 for n bits and then leaves it. */
static struct rf_addr beside_v4(unsigned n)
{
	struct rf_addr a = rf_addr4(0);
	uint8_t *bytes = (uint8_t *)&a;

	bytes[n / 8] ^= (uint8_t)(1u << (7 - n % 8));
	for (unsigned i = n + 1; i < 128; i++)
		bytes[i / 8] &= (uint8_t) ~(1u << (7 - i % 8));
	return a;
}

int rf_prefixes_add(struct rf_compile *c, struct rf_prefixes *prefixes, const struct rf_addr *net, unsigned len)
{
	int r = 0;

	if (!holds_v4(net, len))
		return add(c, prefixes, net, len);
	for (unsigned n = len; !r && n < V4_BITS; n++) {
		struct rf_addr side = beside_v4(n);

		r = add(c, prefixes, &side, n + 1);
	}
	return r;
}
