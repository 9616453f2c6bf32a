/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Notices pods that end (cgroup.events, "populated", Documentation/admin-guide/cgroup-v2.rst) and hooks that vanish.
 */
#pragma once

struct rf_agent;
struct rf_local_pod;

#define RF_LOOK_MS 500 /* every pod and the node are looked at so often, */
#define RF_SOON_MS 50  /* and so soon after the kernel told of a change; never more often than that */

/* Something may have drifted: look soon. */
void rf_watch_soon(struct rf_agent *agent);

/* A pod that nothing was started in for so long is given up. */
#define RF_CREATED_MAX_S 60

void rf_watch_add(struct rf_agent *agent, struct rf_local_pod *pod);
void rf_watch_remove(struct rf_agent *agent, struct rf_local_pod *pod);
/* Its last process is gone: unhooks it, frees its address, keeps record and log. */
void rf_watch_ended(struct rf_agent *agent, struct rf_local_pod *pod);
