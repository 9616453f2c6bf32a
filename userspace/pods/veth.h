/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The routed link of a pod: host side `veth` <-> pod side "eth0". No bridge, no ARP and no neighbour discovery (permanent neighbours on
 * both sides), no link-local addresses. Built on rtnetlink(7). Everything is "create or replace", so a half-made link is finished.
 */
#pragma once

#include <stdint.h>

#include "pods/fail.h"
#include "pods/pods.h"

#define RF_POD_IFNAME "eth0"

struct rf_node_address {
	uint32_t addr_be;
	struct rf_addr addr6;
};

/* room: netns, veth, addr_be and addr6 filled. node_be, node6: the node's own addresses on every veth; none in room->addr6: no IPv6. alias:
 * whose veth it is (pods/names.h); an interface of that name with another alias is not touched (-EEXIST). */
int rf_veth_make(const struct rf_pod_room *room, const char *alias, const struct rf_node_address *node, uint32_t *ret_ifindex,
		 struct rf_pod_error *error);
/* Deletes the pair at once if its alias is this one or empty. 0 if there is none, -EEXIST if it is somebody else's. */
int rf_veth_remove(const char *veth, const char *alias);
/* -ENODEV if there is none, -EEXIST if it is somebody else's. */
int rf_veth_find(const char *veth, const char *alias, uint32_t *ret_ifindex);
