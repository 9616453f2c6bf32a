/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Rooms without a record: an agent died while it made or removed a pod, or the run directory is gone. Nobody could say whose they are, so
 * nothing of them may live: processes, interface, namespace, cgroup, entries in the kernel. Each is noted.
 */
#pragma once

struct rf_agent;

/* Once, after rf_pods_adopt. What cannot be cleared away is logged and stays as it is: hooked by the parent cgroup, so denied. 0, -ENOMEM,
 * or -errno of the bpffs tree. */
int rf_pods_clear_orphans(struct rf_agent *agent);
