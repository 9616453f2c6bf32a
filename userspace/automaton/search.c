/* SPDX-License-Identifier: Apache-2.0 */
#include "automaton/search.h"

#include <stdlib.h>

static int compare(uint64_t a, uint64_t b)
{
	return (a > b) - (a < b);
}

static const void *find(const void *blob, uint64_t off, uint32_t count, size_t size, const void *key,
			int (*order)(const void *key, const void *item))
{
	return bsearch(key, (const char *)blob + off, count, size, order);
}

static int by_identity(const void *key, const void *item)
{
	return compare(*(const rf_identity_t *)key, ((const struct rf_route_ident *)item)->identity);
}

const struct rf_route_ident *rf_routes_ident(const void *blob, rf_identity_t identity)
{
	const struct rf_routes_head *head = blob;

	return identity ? find(blob, head->idents_off, head->ident_count, sizeof(struct rf_route_ident), &identity, by_identity) : NULL;
}

static int by_pair(const void *key, const void *item)
{
	const struct rf_route_pair *a = key, *b = item;
	int r = compare(a->src, b->src);

	if (!r)
		r = compare(a->dst, b->dst);
	return r ? r : compare(a->port, b->port);
}

const struct rf_route_pair *rf_routes_pair(const void *blob, rf_identity_t src, rf_identity_t dst, uint16_t port)
{
	const struct rf_routes_head *head = blob;
	struct rf_route_pair key = {.src = src, .dst = dst, .port = port};
	const struct rf_route_pair *found = find(blob, head->pairs_off, head->pair_count, sizeof(key), &key, by_pair);

	key.port = 0;
	return found || port == 0 ? found : find(blob, head->pairs_off, head->pair_count, sizeof(key), &key, by_pair);
}

static int by_egress(const void *key, const void *item)
{
	const struct rf_route_egress *a = key, *b = item;
	const int r = compare(a->src, b->src);

	return r ? r : compare(a->port, b->port);
}

const struct rf_route_egress *rf_routes_egress(const void *blob, rf_identity_t src, uint16_t port)
{
	const struct rf_routes_head *head = blob;
	const struct rf_route_egress key = {.src = src, .port = port};

	return find(blob, head->egresses_off, head->egress_count, sizeof(key), &key, by_egress);
}
