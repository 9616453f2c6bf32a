/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The listeners in the pods, one a pod with a door for each family, given by the broker. A pod at its connection limit is not accepted from
 * until one ends.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/queue.h>

struct rf_checker;
TAILQ_HEAD(rf_conn_list, rf_conn);

#define RF_DOORS 2 /* IPv4, IPv6 */
struct rf_door {
	struct rf_listener *listener;
	struct rf_source *source;
	int fd; /* -1: none of that family */
	bool paused;
};

struct rf_listener {
	TAILQ_ENTRY(rf_listener) link;
	struct rf_checker *checker;
	uint64_t pod;
	struct rf_door doors[RF_DOORS];
	size_t conns;                 /* connections accepted through both and still open */
	struct rf_conn_list in_turns; /* turns.h */
	bool late;                    /* a turn was long, or connections wait for theirs */
	uint64_t told_ns;             /* when it was last said that the pod is at its limit */
	bool retired;                 /* the pod is gone, only connections are left */
};
TAILQ_HEAD(rf_listeners, rf_listener);

/* fd becomes the listener's; a former one of the pod and family is replaced. 0 or -errno (fd closed). */
int rf_listener_add(struct rf_checker *checker, uint64_t pod, bool six, int fd);
void rf_listener_remove(struct rf_checker *checker, uint64_t pod);
/* A connection ended: accounts for it and accepts again where that was paused. */
void rf_listener_released(struct rf_listener *listener);
/* Tries again after a pause for want of descriptors or memory. */
void rf_listeners_resume(struct rf_checker *checker);
