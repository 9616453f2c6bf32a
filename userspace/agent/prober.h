/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The node's health probers (semantics row 25): a cgroup, the kubelet's, whose processes may connect to every pod of the mesh. It is named
 * by its path, but the kernel compares numbers, and a cgroup that goes and comes back, as at every restart of a service, has another
 * number: the path is looked up again at every look of the agent's.
 */
#pragma once

#include <linux/limits.h>
#include <stdbool.h>
#include <stdint.h>

#include "core/instance.h"

struct rf_agent;

struct rf_prober_watch {
	const char *option;  /* --prober-cgroup, or NULL: $RINGFENCE_PROBER_CGROUP decides */
	char path[PATH_MAX]; /* absolute, below the cgroup2 mount; "" = none is configured */
	uint32_t level;      /* how many directories below the mount */
	bool found;          /* at the last look */
	bool looked;
	bool failed; /* the kernel could not be told */
};

/* Option and environment -> path and level. -EINVAL, having said why in the log: not a path below the mount, the root itself (everybody
 * would be a prober), or one that holds pods or is inside of them (a pod would be). -ENAMETOOLONG. */
int rf_prober_set(struct rf_prober_watch *prober, const struct rf_instance *instance);
/* Looks the path up and tells the kernel if it has anything else; a path that is not there means no prober. */
void rf_prober_look(struct rf_agent *agent);
