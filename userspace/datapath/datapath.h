/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The kernel side as a user-space object: load or adopt the pinned maps and programs, attach, publish revisions, hook pods, inspect.
 * bpffs is the database: everything here can be closed and opened again without a change for traffic. Not thread-safe.
 * Functions return 0 or -errno; `rf_datapath_error` has the last failure in words (with the command that mends it where there is one).
 * The two openers set *ret on failure too (except -ENOMEM, where it stays untouched), good for rf_datapath_error and rf_datapath_close
 * only.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <ringfence/question.h>
#include <ringfence/tables.h>

#include "core/instance.h"

struct rf_datapath;
struct rf_policy;

/* Agent: takes <run_dir>/agent.lock (-EBUSY: another agent runs), creates or adopts everything, attaches the cgroup programs to
 * instance->pods_cgroup and the getsockopt program to instance->sockd_cgroup (both directories are made here). */
int rf_datapath_open(const struct rf_instance *instance, struct rf_datapath **ret);
/* Inspection only (status, why): opens the pinned maps read-only, takes no lock, attaches nothing. -ENOENT: nothing is installed. */
int rf_datapath_inspect(const struct rf_instance *instance, struct rf_datapath **ret);
void rf_datapath_close(struct rf_datapath *dp); /* NULL-safe; detaches nothing */
const char *rf_datapath_error(const struct rf_datapath *dp);
/* What an administrator should know though everything is enforced, in words; "" = nothing. */
enum rf_datapath_warning {
	RF_DATAPATH_WARNING_TAKEOVER, /* something was left behind when the tables of another layout were taken over; stays */
	RF_DATAPATH_WARNING_LIVE,     /* live/<table> does not show the live table; until the next revision */
	_RF_DATAPATH_WARNING_MAX,
};
const char *rf_datapath_warning(const struct rf_datapath *dp, enum rf_datapath_warning which);
/* For the log: what opening did besides the usual, "" = nothing. */
const char *rf_datapath_note(const struct rf_datapath *dp);

/* Live revision, 0 = none. */
int rf_datapath_epoch(struct rf_datapath *dp, rf_epoch_t *ret);
/* Builds all tables of policy (whose config.epoch must be live epoch + 1) beside the live ones, then switches with one store. On failure
 * the live revision is untouched. */
int rf_datapath_publish(struct rf_datapath *dp, const struct rf_policy *policy);

/* A local pod as the kernel must know it. cgroup_id is stat().st_ino of its cgroup directory. */
struct rf_pod_hook {
	uint64_t cgroup_id;
	struct rf_pod pod;
	char key[160]; /* "<ns>_<pod>", names the pinned tc links */
};
/* Order inside: usage row, pods, links, peers entries, then tc on both directions of pod.ifindex. Idempotent. */
int rf_datapath_pod_add(struct rf_datapath *dp, const struct rf_pod_hook *hook);
/* Reverse, and the pod's flows and waiting connections go; a peers entry only if it is still this pod's. Missing pieces are no error. */
int rf_datapath_pod_remove(struct rf_datapath *dp, const struct rf_pod_hook *hook);
/* Removes the entries and pinned tc links of all pods but these count: what a killed agent left. */
int rf_datapath_pods_prune(struct rf_datapath *dp, const struct rf_pod_hook *const *keep, size_t count, size_t *ret_removed);
/* RF_POD_CHECKER_READY on or off. */
int rf_datapath_pod_checker(struct rf_datapath *dp, uint64_t cgroup_id, bool ready);

/* What the KERNEL says about one pod: is everything effective that should be? */
struct rf_pod_attest {
	bool cgroup_hooked; /* effective programs on its cgroup include all of ours */
	bool tc_from_pod;
	bool tc_to_pod;
	bool in_maps;
	bool checker_ready;
};
int rf_datapath_attest(struct rf_datapath *dp, const struct rf_pod_hook *hook, const char *cgroup_path, struct rf_pod_attest *ret);

struct rf_map_fill {
	const char *name; /* static */
	uint64_t used;
	uint64_t max;
};
int rf_datapath_fill(struct rf_datapath *dp, struct rf_map_fill *ret, size_t *count); /* in: room, out: used */
/* Decisions of the kernel and of the checker together. */
int rf_datapath_reasons(struct rf_datapath *dp, uint64_t counters[_RF_REASON_MAX], uint64_t *ret_lost);
int rf_datapath_lost(struct rf_datapath *dp, uint64_t *ret); /* events that the programs had no room for */
/* What one pod occupies of the tables that all share, and what it was refused for its quota. -ENOENT: no such pod. */
int rf_datapath_usage(struct rf_datapath *dp, uint64_t cgroup_id, struct rf_usage *ret);
/* One more request that the checker decided; reason of its access record. The caller is the only writer. */
int rf_datapath_count_request(struct rf_datapath *dp, uint32_t reason);
int rf_datapath_config(struct rf_datapath *dp, struct rf_config *ret);
int rf_datapath_name(struct rf_datapath *dp, rf_identity_t identity, char *ret, size_t size); /* "ns/name"; -ENOENT */
int rf_datapath_rule(struct rf_datapath *dp, uint32_t rule_id, char *ret, size_t size);

/* Asks the kernel: runs the decision that connect (via_checker: RF_ASK_CONNECT) or tc uses on the live tables. Changes nothing, counts
 * nothing. */
#define RF_ASK_POD     0 /* tc: opened by the pod's own socket */
#define RF_ASK_CHECKER 1 /* tc: opened by the checker for the pod */
#define RF_ASK_CONNECT 2 /* at connect(), before anything was opened */
int rf_datapath_ask(struct rf_datapath *dp, const struct rf_question *question, uint32_t via_checker, struct rf_answer *ret);

/* Ring buffer: fd to poll, and a drain that calls back for each event. The callback must not call into dp. */
int rf_datapath_events_fd(struct rf_datapath *dp);
int rf_datapath_events_drain(struct rf_datapath *dp, void (*fn)(void *arg, const struct rf_event *event), void *arg);

/* Broker: three fds that it needs. tags: read-write SK_STORAGE map. control: read-only. -EPROTO: they are of another version. */
int rf_datapath_broker_fds(const struct rf_instance *instance, int *ret_tags, int *ret_control, int *ret_routes_outer);
/* Broker: fd of the frozen routes map of an epoch (to be passed to the checker, who maps it PROT_READ). -ESTALE: epoch is gone. */
int rf_datapath_routes_fd(int routes_outer, rf_epoch_t epoch, int *ret);

/* Removes links, filters, maps, pins, directory. Callback names each thing before it goes (dry_run: only names). */
int rf_datapath_uninstall(const struct rf_instance *instance, bool dry_run, void (*fn)(void *arg, const char *what), void *arg);
