/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only */
/*
 * Service address -> backend, and for datagram sockets back again: a socket keeps the backend it was given for a Service, and sees its
 * answers come from the Service's address.
 */
#pragma once

#include "lib/pods.bpf.h"
#include "lib/revision.bpf.h"

#define RF_STICKY_BACKENDS 16 /* Services with more: a kept backend is only checked to be a pod */

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

/* A kept backend that no longer is one of the Service, or whose pod is gone, is chosen anew. */
static __always_inline int rf_is_backend(rf_epoch_t epoch, const struct rf_service_value *service, const struct rf_talk *row)
{
	if (!rf_peer_of(&row->backend))
		return 0;
	if (service->count > RF_STICKY_BACKENDS)
		return 1;
	for (__u32 i = 0; i < RF_STICKY_BACKENDS; i++) {
		__u32 index = service->first + i;
		struct rf_backend *b;

		if (i >= service->count)
			break;
		b = rf_find(&backends, epoch, &index);
		if (b && b->port == row->backend_port && rf_addr_equal(&b->addr, &row->backend))
			return 1;
	}
	return 0;
}

/* One of the Service's backends, by chance with equal weight. Returns a reason to refuse, or 0. */
static __always_inline __u32 rf_pick(rf_epoch_t epoch, const struct rf_service_value *service, struct rf_addr *addr, __u16 *port)
{
	struct rf_backend *backend;
	__u32 index;

	if (!service->count)
		return RF_REASON_NO_BACKEND;
	index = service->first + bpf_get_prandom_u32() % service->count;
	backend = rf_find(&backends, epoch, &index);
	if (!backend || rf_addr_is_none(&backend->addr) || rf_addr_is4(&backend->addr) != rf_addr_is4(addr))
		return RF_REASON_NO_BACKEND;
	*addr = backend->addr;
	*port = backend->port;
	return 0;
}

/* The same for a datagram socket, which keeps what it got. A Service address without a memory of it could not answer: refused. */
static __always_inline __u32 rf_talk_pick(void *sk, rf_epoch_t epoch, const struct rf_service_value *service, struct rf_addr *addr,
					  __u16 *port)
{
	struct rf_talks *t = bpf_sk_storage_get(&talks, sk, NULL, BPF_SK_STORAGE_GET_F_CREATE);
	struct rf_talk *row = NULL;
	__u32 slot, reason;

	if (!t)
		return RF_REASON_STORAGE_FULL;
	for (int i = 0; i < RF_TALKS; i++) {
		if (t->rows[i].service_port == *port && rf_addr_equal(&t->rows[i].service, addr)) {
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
	struct rf_talk fresh = {.service = *addr, .service_port = *port};

	reason = rf_pick(epoch, service, addr, port);
	if (reason)
		return reason;
	fresh.backend = *addr;
	fresh.backend_port = *port;
	*row = fresh;
	return 0;
}
