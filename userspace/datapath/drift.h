/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Drift: where what the kernel holds is not what the agent means. One bit a kind; a look gives a mask, the agent repairs and counts by
 * kind, `ringfence status` tells with or without an agent. Looking changes nothing.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "datapath/datapath.h"

/* X(symbol, bit, "name-for-people", "what is the matter", "what to do where the agent cannot") */
#define RF_DRIFTS(X)                                                                                                                       \
	/* of a pod */                                                                                                                     \
	X(CGROUP_PROGRAMS, 0, "cgroup-programs", "a program of ours does not run for its sockets", "ringfence check")                      \
	X(CGROUP_REMADE, 1, "cgroup-remade", "its cgroup is not the one that was hooked", "stop the pod and run it again")                 \
	X(TC_FROM_POD, 2, "tc-from-pod", "our program does not run on what leaves it", "ringfence check")                                  \
	X(TC_TO_POD, 3, "tc-to-pod", "our program does not run on what enters it", "ringfence check")                                      \
	X(TC_NOT_FIRST, 4, "tc-not-first", "another program runs before ours on its interface and can let packets pass by",                \
	  "bpftool net show; detach the other program")                                                                                    \
	X(MAP_ENTRIES, 5, "map-entries", "its entries in the tables of the kernel are missing or altered", "ringfence check")              \
	X(LINK_PIN, 6, "link-pin", "the pin of a link of ours is missing or another's", "ringfence check")                                 \
	X(VETH_GONE, 7, "veth-gone", "its interface is gone", "stop the pod and run it again")                                             \
	X(VETH_RENAMED, 8, "veth-renamed", "its interface has another name", "ip link set dev NAME name ITS-NAME")                         \
	X(VETH_DOWN, 9, "veth-down", "its interface is down", "ip link set dev NAME up")                                                   \
	X(ROUTE, 10, "route", "the machine has no route to it through its interface", "stop the pod and run it again")                     \
	X(NETNS_PIN, 11, "netns-pin", "its network namespace is not mounted where it was", "stop the pod and run it again")                \
	/* of the node */                                                                                                                  \
	X(NODE_PROGRAMS, 16, "node-programs", "a program of ours is not attached to the cgroups of this instance", "ringfence check")      \
	X(EPOCH, 17, "epoch", "the kernel decides with another revision than the one that was published", "ringfence check")               \
	X(LIVE_PIN, 18, "live-pin", "a pin below live/ is missing or another's", "ringfence check")                                        \
	X(MAP_PIN, 19, "map-pin", "a pin below maps/ is missing or another's", "ringfence check")                                          \
	X(PROGRAM_PIN, 20, "program-pin", "a pin below progs/ is missing or another's", "ringfence check")                                 \
	X(NODE_LINK_PIN, 21, "node-link-pin", "a pin below links/ is missing or another's", "ringfence check")                             \
	X(NO_TABLES, 22, "no-tables", "the tables of the live revision are not there: everything is denied", "ringfence check")            \
	/* nothing of ours is missing, but people should know */                                                                           \
	X(BESIDE, 31, "program-beside",                                                                                                    \
	  "a program that is not ours runs on connect() of this pod; what it sends elsewhere is judged again "                             \
	  "when it leaves the pod",                                                                                                        \
	  "bpftool cgroup tree")

enum rf_drift_kind {
#define RF_DRIFT_ENUM(sym, bit, name, text, help) RF_DRIFT_##sym = (int)(1u << (bit)),
	RF_DRIFTS(RF_DRIFT_ENUM)
#undef RF_DRIFT_ENUM
};
#define RF_DRIFT_BITS    32
#define RF_DRIFT_NOTICES ((uint32_t)RF_DRIFT_BESIDE) /* no drift: repaired by nobody, no failure */
#define RF_DRIFT_PINS    ((uint32_t)(RF_DRIFT_LIVE_PIN | RF_DRIFT_MAP_PIN | RF_DRIFT_PROGRAM_PIN | RF_DRIFT_NODE_LINK_PIN))
#define RF_DRIFT_ROOM    ((uint32_t)(RF_DRIFT_VETH_GONE | RF_DRIFT_VETH_RENAMED | RF_DRIFT_VETH_DOWN | RF_DRIFT_ROUTE | RF_DRIFT_NETNS_PIN))

/* For bit numbers 0..31; NULL: none. Static strings. */
const char *rf_drift_name(unsigned bit);
const char *rf_drift_text(unsigned bit);
const char *rf_drift_help(unsigned bit);

/* What the kernel says of one pod: programs (by number, ours that are live, not of the same name), pins, entries. The room's own kinds are
 * rf_pod_room_look's. cgroup_path may be gone. */
uint32_t rf_datapath_pod_drift(struct rf_datapath *dp, const struct rf_pod_hook *hook, const char *cgroup_path);
/* hook was old until now: entries of the tables that only old had are removed. */
void rf_datapath_pod_moved(struct rf_datapath *dp, const struct rf_pod_hook *old, const struct rf_pod_hook *hook);

/* For who has no agent to ask, from the kernel's tables: the entry of a cgroup (-ENOENT); is the identity in the mesh; may it reach anybody
 * only through the checker (asks the whole allow list). */
int rf_datapath_pod_look_up(struct rf_datapath *dp, uint64_t cgroup_id, struct rf_pod *ret);
bool rf_datapath_is_meshed(struct rf_datapath *dp, rf_identity_t identity);
bool rf_datapath_needs_checker(struct rf_datapath *dp, rf_identity_t src);

/* The node's own kinds. epoch: what the agent published last; 0 = not known, then the kernel's own number is taken at its word. */
uint32_t rf_datapath_node_drift(struct rf_datapath *dp, rf_epoch_t epoch);
/* Puts back what of it drifted (agent only). 0 or -errno of the first thing that failed. */
int rf_datapath_node_repair(struct rf_datapath *dp, rf_epoch_t epoch, uint32_t drift);
