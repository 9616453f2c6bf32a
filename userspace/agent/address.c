/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/address.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdlib.h>

#define FIRST_POD 2 /* 0 is the network, 1 the node */

struct rf_addresses {
	uint32_t net;   /* host order */
	uint32_t count; /* of addresses in the network, the broadcast too */
	uint32_t last;  /* index handed out last */
	uint8_t taken[];
};

int rf_addresses_new(uint32_t net_be, uint32_t mask_be, struct rf_addresses **ret)
{
	uint32_t span = ~ntohl(mask_be); /* count - 1 */
	struct rf_addresses *pool;

	if (span >= 1u << 24 || span < FIRST_POD + 1)
		return -EINVAL;
	pool = calloc(1, sizeof(*pool) + span / 8 + 1);
	if (!pool)
		return -ENOMEM;
	pool->net = ntohl(net_be);
	pool->count = span + 1;
	pool->last = FIRST_POD - 1;
	*ret = pool;
	return 0;
}

void rf_addresses_free(struct rf_addresses *pool)
{
	free(pool);
}

static bool is_taken(const struct rf_addresses *pool, uint32_t index)
{
	return pool->taken[index / 8] & 1u << index % 8;
}

static bool is_for_pods(const struct rf_addresses *pool, uint32_t index)
{
	return index >= FIRST_POD && index < pool->count - 1; /* an address below the network wraps to a huge index */
}

int rf_addresses_take(struct rf_addresses *pool, uint32_t addr_be)
{
	uint32_t index = ntohl(addr_be) - pool->net;

	if (!is_for_pods(pool, index))
		return -ERANGE;
	if (is_taken(pool, index))
		return -EADDRINUSE;
	pool->taken[index / 8] |= (uint8_t)(1u << index % 8);
	return 0;
}

int rf_addresses_next(struct rf_addresses *pool, uint32_t *ret_be)
{
	uint32_t index = pool->last;

	for (uint32_t tried = 0; tried < pool->count; tried++) {
		index = index + 1 < pool->count - 1 ? index + 1 : FIRST_POD;
		if (is_taken(pool, index))
			continue;
		pool->taken[index / 8] |= (uint8_t)(1u << index % 8);
		pool->last = index;
		*ret_be = htonl(pool->net + index);
		return 0;
	}
	return -ENOSPC;
}

void rf_addresses_release(struct rf_addresses *pool, uint32_t addr_be)
{
	uint32_t index = ntohl(addr_be) - pool->net;

	if (is_for_pods(pool, index))
		pool->taken[index / 8] &= (uint8_t) ~(1u << index % 8);
}
