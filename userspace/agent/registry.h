/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The local pods that the agent knows, sorted by (namespace, name): their record on disk (<run_dir>/pods/<key>/pod.json, written by
 * rename), their room, what the kernel and the broker were told. A pod that ended keeps its record (state "exited", with its log) until it
 * is removed or made again.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "core/json.h"
#include "datapath/datapath.h"
#include "objects/objects.h"
#include "pods/pods.h"
#include "policy/policy.h"

enum rf_pod_state {
	RF_POD_CREATED, /* has a room, nothing ran in it yet */
	RF_POD_RUNNING,
	RF_POD_EXITED,
};

struct rf_local_pod {
	char ns[64];
	char name[64];
	char service_account[64];
	char deployment[64];         /* "" = none */
	struct rf_pair_text *labels; /* owned, with its strings */
	size_t label_count;
	struct rf_pair_text *annotations; /* its own; owned, with its strings */
	size_t annotation_count;
	char deployment_path[2 * 64]; /* "ns/name" for rf_registry_endpoints */
	cJSON *env;                   /* owned: ["KEY=VALUE"...] from the Deployment */
	cJSON *command;               /* owned: what runs, or NULL */
	uint32_t addr_be;
	struct rf_addr addr6; /* or none */
	enum rf_pod_state state;
	pid_t pid; /* of its init, 0 before pod.started */
	bool net_raw;
	uint64_t created_ns, exited_ns; /* CLOCK_REALTIME, 0 = not yet */
	uint64_t watched_ns;            /* CLOCK_MONOTONIC: by this agent since then */
	struct rf_pod_room room;
	struct rf_pod_hook hook;
	struct rf_pod_attest attest; /* last look */
	uint32_t drift, drift_told;  /* last look; what was told of it as an event */
	int checker_error;           /* 0 = listens; positive errno; ENOTCONN = the broker was not asked yet or is gone */
	int watch;                   /* inotify watch of cgroup.events, -1 = none */
	uint64_t waiting_client;     /* who waits for pod.create to finish, 0 = nobody */
};

struct rf_registry {
	struct rf_local_pod **items; /* owned */
	size_t count;
};

void rf_registry_done(struct rf_registry *registry);
struct rf_local_pod *rf_registry_find(const struct rf_registry *registry, const char *ns, const char *name);
struct rf_local_pod *rf_registry_by_cgroup(const struct rf_registry *registry, uint64_t cgroup_id);
struct rf_local_pod *rf_registry_by_address(const struct rf_registry *registry, const struct rf_addr *addr); /* exited ones have none */
int rf_registry_add(struct rf_registry *registry, struct rf_local_pod *pod);                                 /* takes it over on success */
void rf_registry_drop(struct rf_registry *registry, struct rf_local_pod *pod);                               /* frees it */

int rf_local_pod_new(const char *ns, const char *name, const char *service_account, struct rf_local_pod **ret);
void rf_local_pod_free(struct rf_local_pod *pod); /* NULL-safe */
static inline void rf_local_pod_freep(struct rf_local_pod **p)
{
	rf_local_pod_free(*p);
}
/* Copies. -ENOMEM: some may be missing. */
int rf_local_pod_set_labels(struct rf_local_pod *pod, const struct rf_pair_text *labels, size_t count);
int rf_local_pod_set_annotations(struct rf_local_pod *pod, const struct rf_pair_text *annotations, size_t count);
/* Fills hook from room and names. */
void rf_local_pod_set_hook(struct rf_local_pod *pod, const struct rf_instance *instance);
const char *rf_pod_state_name(enum rf_pod_state state);

/* What Services may select: every pod that has not exited. Strings belong to the pods. *ret is to be freed (NULL for none). */
int rf_registry_endpoints(const struct rf_registry *registry, struct rf_endpoint **ret, size_t *ret_count);

/* The record. load: -EBADMSG for one that makes no sense. */
int rf_local_pod_save(const struct rf_local_pod *pod);
int rf_local_pod_load(const char *path, struct rf_local_pod **ret);
