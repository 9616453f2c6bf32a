/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which pod addresses are taken. The network's first address is its name, the second the node's own on every veth, the last the
 * broadcast: pods never get these. Addresses are handed out in turn, so one that was just given back is the last to be used again.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

struct rf_addresses;

/* -EINVAL: larger than a /8 or without room for a single pod. */
int rf_addresses_new(uint32_t net_be, uint32_t mask_be, struct rf_addresses **ret);
void rf_addresses_free(struct rf_addresses *pool); /* NULL-safe */
static inline void rf_addresses_freep(struct rf_addresses **p)
{
	rf_addresses_free(*p);
}

/* A particular one: -ERANGE (not an address for pods of this network), -EADDRINUSE. */
int rf_addresses_take(struct rf_addresses *pool, uint32_t addr_be);
/* Any: -ENOSPC. */
int rf_addresses_next(struct rf_addresses *pool, uint32_t *ret_be);
/* One that is not taken is no error. */
void rf_addresses_release(struct rf_addresses *pool, uint32_t addr_be);
