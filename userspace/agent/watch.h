/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Notices pods that end (cgroup.events, "populated", Documentation/admin-guide/cgroup-v2.rst) and hooks that vanish.
 */
#pragma once

struct rf_agent;
struct rf_local_pod;

/* A pod that nothing was started in for so long is given up. */
#define RF_CREATED_MAX_S 60

void rf_watch_add(struct rf_agent *agent, struct rf_local_pod *pod);
void rf_watch_remove(struct rf_agent *agent, struct rf_local_pod *pod);
/* Its last process is gone: unhooks it, frees its address, keeps record and log. */
void rf_watch_ended(struct rf_agent *agent, struct rf_local_pod *pod);
