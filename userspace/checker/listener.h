/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The listeners in the pods, one a pod, given by the broker. A pod at its connection limit is not accepted from until one ends.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/queue.h>

struct rf_checker;

struct rf_listener {
	TAILQ_ENTRY(rf_listener) link;
	struct rf_checker *checker;
	struct rf_source *source;
	uint64_t pod;
	int fd;       /* -1: the pod is gone, only connections are left */
	size_t conns; /* connections accepted here and still open */
	bool paused;
};
TAILQ_HEAD(rf_listeners, rf_listener);

/* fd becomes the listener's; a former listener of the pod is replaced. 0 or -errno (fd closed). */
int rf_listener_add(struct rf_checker *checker, uint64_t pod, int fd);
void rf_listener_remove(struct rf_checker *checker, uint64_t pod);
/* A connection ended: accounts for it and accepts again where that was paused. */
void rf_listener_released(struct rf_listener *listener);
/* Tries again after a pause for want of descriptors or memory. */
void rf_listeners_resume(struct rf_checker *checker);
