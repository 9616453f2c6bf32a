/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only */
/*
 * Service address -> backend, and for datagram sockets back again: a socket keeps the backend it was given for a Service, and sees its
 * answers come from the Service's address.
 */
#pragma once

#include "lib/pods.bpf.h"
#include "lib/revision.bpf.h"
#include "lib/scalars.bpf.h"

#define RF_STICKY_BACKENDS                                                                                                                 \
	16               /* Services with more (or with parts without a pod before them): a kept backend is only checked to be a pod       \
			  */
#define RF_SPLIT_STEPS 6 /* 2^6 = RF_SPLIT_PARTS_MAX */
_Static_assert(1 << RF_SPLIT_STEPS == RF_SPLIT_PARTS_MAX, "every part can be reached");

static __always_inline void rf_talk_show(void *sk, struct rf_addr *addr, __u16 *port)
{
	struct rf_talks *t = bpf_sk_storage_get(&talks, sk, NULL, 0);

	if (!t)
		return;
	for (int i = 0; i < RF_TALKS; i++) {
		struct rf_talk *row = &t->rows[i];

		if (row->backend_port != *port || !rf_addr_equal(&row->backend, addr) || rf_addr_is_none(&row->service))
			continue;
		*addr = row->service;
		*port = row->service_port;
		return;
	}
}

/* Two numbers in a word: epoch and port, first and count. */
#define RF_TWO(low, high) ((__u64)(low) | (__u64)(high) << 32)

#define RF_NO_PART (~0ull)

/* Part number i of a Service, first and count in `backends`: of its TrafficSplit, or the one (run) of a Service without. */
static __always_inline __u64 rf_part_of(rf_epoch_t epoch, __u64 run, __u64 parts, __u32 i)
{
	__u32 index = (__u32)parts + i;
	struct rf_split_part *part;

	if (!(parts >> 32))
		return i == 0 ? run : RF_NO_PART;
	part = i < parts >> 32 ? rf_find(&splits, epoch, &index) : NULL;
	return part ? RF_TWO(part->first, part->count) : RF_NO_PART;
}

/* Is this address and port one of the Service's backends? ask: epoch, port; run: first, count; parts: first, number. More than can be
 * looked through: yes. */
RF_GLOBAL int rf_has_backend(__u64 ask, __u64 run, __u64 parts, __u64 high, __u64 low)
{
	struct rf_addr addr = rf_addr_of(high, low);
	__u32 part = 0, first = 0, count = 0;

	for (int i = 0; i < RF_STICKY_BACKENDS; i++) {
		struct rf_backend *b;

		if (!count) {
			__u64 next = rf_part_of((rf_epoch_t)ask, run, parts, part++);

			if (next == RF_NO_PART)
				return 0;
			first = (__u32)next;
			count = (__u32)(next >> 32);
			if (!count)
				continue; /* a part without a pod */
		}
		b = rf_find(&backends, (rf_epoch_t)ask, &first);
		if (b && b->port == (__u16)(ask >> 32) && rf_addr_equal(&b->addr, &addr))
			return 1;
		first++;
		count--;
	}
	return count || rf_part_of((rf_epoch_t)ask, run, parts, part) != RF_NO_PART;
}

/* A kept backend that no longer is one of the Service, or whose pod is gone, is chosen anew. */
static __always_inline int rf_is_backend(rf_epoch_t epoch, const struct rf_service_value *service, const struct rf_talk *row)
{
	if (!rf_peer_of(&row->backend))
		return 0;
	return rf_has_backend(RF_TWO(epoch, row->backend_port), RF_TWO(service->first, service->count),
			      RF_TWO(service->parts_first, service->parts), RF_HIGH(&row->backend), RF_LOW(&row->backend));
}

/* The part of a TrafficSplit for a new connection, first and count: the first part whose `until` is above a random number. Found by
 * halving, a step for each bit of RF_SPLIT_PARTS_MAX. */
RF_GLOBAL __u64 rf_split_pick(__u64 epoch, __u64 parts)
{
	__u32 low = 0, high = (__u32)(parts >> 32) - 1, index = (__u32)parts + high, chance;
	struct rf_split_part *part = rf_find(&splits, (rf_epoch_t)epoch, &index);

	if (!part || !part->until || high >= RF_SPLIT_PARTS_MAX)
		return RF_NO_PART;
	chance = bpf_get_prandom_u32() % part->until;
	for (int i = 0; i < RF_SPLIT_STEPS && low < high; i++) {
		__u32 middle = (low + high) / 2;

		index = (__u32)parts + middle;
		part = rf_find(&splits, (rf_epoch_t)epoch, &index);
		if (!part)
			return RF_NO_PART;
		if (part->until > chance)
			high = middle;
		else
			low = middle + 1;
	}
	return rf_part_of((rf_epoch_t)epoch, 0, parts, low);
}

/* One of the Service's backends, by chance: the part by weight, its pods alike. Returns a reason to refuse, or 0. */
static __always_inline __u32 rf_pick(rf_epoch_t epoch, const struct rf_service_value *service, struct rf_addr *addr, __u16 *port)
{
	__u64 run = RF_TWO(service->first, service->count);
	struct rf_backend *backend;
	__u32 index;

	if (service->parts)
		run = rf_split_pick(epoch, RF_TWO(service->parts_first, service->parts));
	if (run == RF_NO_PART || !(__u32)(run >> 32))
		return RF_REASON_NO_BACKEND;
	index = (__u32)run + bpf_get_prandom_u32() % (__u32)(run >> 32);
	backend = rf_find(&backends, epoch, &index);
	if (!backend || rf_addr_is_none(&backend->addr) || rf_addr_is4(&backend->addr) != rf_addr_is4(addr))
		return RF_REASON_NO_BACKEND;
	*addr = backend->addr;
	*port = backend->port;
	return 0;
}

/* The same for a datagram socket, which keeps what it got. A Service address without a memory of it could not answer: refused. asked: the
 * Service's address, which addr and port hold, too, until they are overwritten. */
static __always_inline __u32 rf_talk_pick(void *sk, rf_epoch_t epoch, const struct rf_service_value *service, const struct rf_addr *asked,
					  struct rf_addr *addr, __u16 *port)
{
	struct rf_talks *t = bpf_sk_storage_get(&talks, sk, NULL, BPF_SK_STORAGE_GET_F_CREATE);
	struct rf_talk *row = NULL;
	__u16 asked_port = *port;
	__u32 slot, reason;

	if (!t)
		return RF_REASON_STORAGE_FULL;
	for (int i = 0; i < RF_TALKS; i++) {
		if (t->rows[i].service_port == asked_port && rf_addr_equal(&t->rows[i].service, asked)) {
			row = &t->rows[i];
			break;
		}
	}
	if (row && rf_is_backend(epoch, service, row)) {
		*addr = row->backend;
		*port = row->backend_port;
		return 0;
	}
	if (!row) {
		slot = t->next++ % RF_TALKS;
		row = &t->rows[slot & (RF_TALKS - 1)];
	}
	reason = rf_pick(epoch, service, addr, port);
	if (reason)
		return reason;
	row->service = *asked;
	row->backend = *addr;
	row->service_port = asked_port;
	row->backend_port = *port;
	return 0;
}
