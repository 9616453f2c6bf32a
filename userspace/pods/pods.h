/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Local pods. The AGENT makes the room (cgroup, network namespace pinned as a file, routed veth, hosts file: rf_pod_room_*), hooks it,
 * then the CLI's `run` starts a process in it (rf_pod_enter): joins the cgroup, network namespace and new mount, pid, ipc, uts and cgroup
 * namespaces, drops capabilities, becomes a small init that reaps and forwards signals. The agent may die meanwhile: the pod stays.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "core/instance.h"

struct rf_pod_room {
	char key[160];  /* "<ns>_<name>" */
	char dir[4096]; /* <run_dir>/pods/<key> */
	char cgroup[4096];
	char netns[4096]; /* <dir>/netns: a bind mount of the namespace */
	char hosts[4096]; /* <dir>/hosts: bind-mounted into the pod, so written in place, never renamed over */
	char log[4096];   /* <dir>/log */
	char veth[16];    /* host side */
	uint32_t addr_be;
	struct rf_addr addr6;  /* or none */
	uint32_t ifindex;      /* host side */
	uint64_t cgroup_id;    /* st_ino of the cgroup directory */
	uint64_t netns_cookie; /* SO_NETNS_COOKIE of a socket inside */
};

/* Makes (or finishes a half-made) room. In the namespace: lo up, eth0 with addr/32, default route through the node's address
 * (pod_net + 1) with a permanent neighbour, ip_unprivileged_port_start=0. On the host: veth up with the node's address,
 * forwarding on for this veth only (no global sysctl), a /32 route, a permanent neighbour. The same for IPv6 if the instance has it
 * (pod_net6), with the addresses embedded in pod_net6; otherwise IPv6 is off in the namespace and on the veth. There are no link-local
 * addresses and no router or neighbour discovery. A room that was made without IPv6 gets it, one that has it keeps its address.
 * error (size bytes) gets a sentence. */
int rf_pod_room_make(const struct rf_instance *instance, const char *ns, const char *name, uint32_t addr_be, struct rf_pod_room *ret,
		     char *error, size_t size);
/* Fills *ret from what exists (agent restart). -ENOENT if there is none, -EUCLEAN if it is half made: rf_pod_room_make finishes it,
 * rf_pod_room_remove removes it. */
int rf_pod_room_find(const struct rf_instance *instance, const char *ns, const char *name, struct rf_pod_room *ret);
/* Kills what still runs (cgroup.kill), removes veth, netns pin, cgroup; keeps log unless purge. Idempotent. */
int rf_pod_room_remove(const struct rf_instance *instance, const char *ns, const char *name, bool purge);
/* Is any process in the pod's cgroup? */
int rf_pod_room_populated(const struct rf_pod_room *room, bool *ret);

struct rf_pod_process {
	char *const *argv;
	const char *const *env; /* additional KEY=VALUE, NULL-terminated */
	bool net_raw;           /* keep CAP_NET_RAW */
	bool detach;            /* stdin /dev/null, stdout and stderr to room->log */
	const char *workdir;    /* NULL = current */
};

/* Starts the pod's init and the command in the room. Both are in sessions of their own: a terminal they were given does not belong to
 * them. The init is the caller's child (wait for it, or leave it to the system's init); a detached one outlives the caller, the other one
 * is killed with it. A signal to the init goes to the command, whose exit code (128 + signal) becomes the init's. Returns in the caller
 * with the init's pid (in the caller's pid namespace) once the command was exec()ed, or -errno of the step that failed (error gets the
 * sentence). */
int rf_pod_start(const struct rf_pod_room *room, const struct rf_pod_process *process, pid_t *ret_init, char *error, size_t size);
/* Runs a command beside a running pod (exec): same namespaces, cgroup, capabilities; waits and returns its wait status in *ret_status. */
int rf_pod_exec(const struct rf_pod_room *room, pid_t init, const struct rf_pod_process *process, int *ret_status, char *error,
		size_t size);
