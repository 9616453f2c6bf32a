/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Is the room of a running pod still as it was made, and mending it in place: the processes in it go on.
 */
#pragma once

#include <stdint.h>

#include "pods/pods.h"

/* A mask of RF_DRIFT_ROOM's kinds (datapath/drift.h). room: netns, veth, addr_be and ifindex filled. Changes nothing. */
uint32_t rf_pod_room_look(const struct rf_pod_room *room);

/* Puts back what is in drift. *room keeps its netns_cookie; its ifindex and cgroup_id may be others afterwards. The network namespace is
 * found again through a process of the pod (-ESRCH: none lives in the one it had); a new one is never made. error gets a sentence. */
int rf_pod_room_mend(const struct rf_instance *instance, const char *ns, const char *name, struct rf_pod_room *room, uint32_t drift,
		     char *error, size_t size);
