/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Inside of the datapath module. The bpffs directory <bpffs_dir>/ holds
 *	maps/<name>        every map; maps of revisions are ARRAY_OF_MAPS[RF_SLOTS]
 *	live/<table>       the inner maps of the live revision, replaced after each switch: the stable paths for bpftool
 *	progs/<name>       every program
 *	links/<name>       cgroup attachments; links/pods/<key>_from and <key>_to: tc attachments of a pod's veth
 * It is built as <bpffs_dir>_new and published by a rename; what carries that name at a start is the remains of a killed one. takeover.c
 *says what <bpffs_dir>_old is.
 */
#pragma once

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <linux/bpf.h>

#include "datapath/datapath.h"

struct bpf_map;
struct bpf_object;
struct bpf_program;
struct btf;
struct rf_held;
struct ring_buffer;

enum rf_object_id {
	RF_OBJECT_ASK,
	RF_OBJECT_FORGET,
	RF_OBJECT_SOCK,
	RF_OBJECT_CONNECT,
	RF_OBJECT_SENDMSG,
	RF_OBJECT_SOCKOPS,
	RF_OBJECT_SOCKOPT,
	RF_OBJECT_TC,
	_RF_OBJECT_MAX
};

/* Tables of a revision, in the order in which they are built. */
enum rf_table_id {
	RF_TABLE_CONFIG,
	RF_TABLE_IDENTS,
	RF_TABLE_ALLOW,
	RF_TABLE_INGRESS,
	RF_TABLE_EGRESS,
	RF_TABLE_EXCLUSIONS,
	RF_TABLE_SERVICES,
	RF_TABLE_SPLITS,
	RF_TABLE_BACKENDS,
	RF_TABLE_SERVICE_NAMES,
	RF_TABLE_RULES,
	RF_TABLE_ROUTES,
	_RF_TABLE_MAX,
};

/* Live maps that user space opens by itself. */
enum rf_map_id {
	RF_MAP_CONTROL,
	RF_MAP_PODS,
	RF_MAP_LINKS,
	RF_MAP_PEERS,
	RF_MAP_TAGS,
	RF_MAP_FLOWS,
	RF_MAP_ORIGDST,
	RF_MAP_REASONS,
	RF_MAP_LOST,
	RF_MAP_EVENTS,
	RF_MAP_NAMES,
	RF_MAP_REQUESTS,
	RF_MAP_USAGE,
	RF_MAP_DIALS,
	RF_MAP_TALKS,
	RF_MAP_PROBER,
	RF_MAP_AUDIT,
	_RF_MAP_MAX,
};

extern const char *const rf_table_names[_RF_TABLE_MAX];
extern const char *const rf_map_names[_RF_MAP_MAX];
extern const char *const rf_dp_program_names[]; /* NULL at the end */

#define RF_HELD_BUCKETS 4096

/* The inner maps of a table. */
struct rf_table_spec {
	enum bpf_map_type type;
	__u32 flags;
	__u32 key_size;
	__u32 value_size;
	const char *key_type; /* BTF names, see ask.bpf.c */
	const char *value_type;
};
extern const struct rf_table_spec rf_table_specs[_RF_TABLE_MAX];

/* A wait for the programs that ran at a switch (grace.c). */
struct rf_dp_grace {
	pthread_t thread;
	bool running; /* the thread is to be joined */
	bool begun;   /* it was started: result is valid once it is joined */
	rf_epoch_t epoch;
	int configs; /* the outer map, not owned */
	int result;
};

struct rf_datapath {
	struct rf_instance instance;
	char dir[4096 + 8]; /* where the pins are right now: <bpffs_dir> or, while it is built, <bpffs_dir>_new */
	bool inspect_only;
	bool has_set_retval; /* denied connects fail with ECONNREFUSED, else EPERM */
	bool has_mptcp;      /* subflows of MPTCP sockets are recognised, else they are denied (no-tag) */
	bool has_inner_btf;  /* tables of a revision can carry their types */
	int lock_fd;
	int tables[_RF_TABLE_MAX]; /* outer maps */
	int maps[_RF_MAP_MAX];
	struct bpf_object *objects[_RF_OBJECT_MAX]; /* NULL when only inspecting */
	__u32 sweep_at;                             /* where the walk over `flows` goes on: a bucket's number */
	bool sweep_under_way;
	struct rf_dp_grace grace;
	uint64_t pruned_names;                 /* digest of the names that `names` was pruned to; 0 = none */
	struct rf_held *held[RF_HELD_BUCKETS]; /* hold.c; agent only */
	struct ring_buffer *ring;
	void (*event_fn)(void *arg, const struct rf_event *event);
	void *event_arg;
	char error[1024];
	char note[512];                               /* what opening did besides the usual */
	char warnings[_RF_DATAPATH_WARNING_MAX][512]; /* of what is not as it should be, though everything is enforced */
};

/* Remembers the sentence and returns -err: `return rf_dp_fail(dp, -r, "cannot ...")`. err: positive errno. */
int rf_dp_fail(struct rf_datapath *dp, int err, const char *format, ...) __attribute__((format(printf, 3, 4)));

/* datapath.c, both in dp->dir: the tree's directories; programs loaded and pinned, maps opened. */
int rf_dp_make_directories(struct rf_datapath *dp);
int rf_dp_load_all(struct rf_datapath *dp);

/* objects.c: opens every BPF object against dp->dir (maps there are reused, others are made and pinned) and loads it. */
int rf_dp_objects_load(struct rf_datapath *dp);
void rf_dp_objects_close(struct rf_datapath *dp);
/* Calls fn for every map that an object wants (a map of several objects several times), loading nothing. Stops at the first failure. */
int rf_dp_objects_each_map(int (*fn)(void *arg, struct bpf_object *object, struct bpf_map *map), void *arg);
struct bpf_program *rf_dp_program(struct rf_datapath *dp, const char *name); /* NULL: no such program */

/* features.c: sets the object's `const volatile __u8 name`, before it is loaded; 0 also if it has none. */
int rf_dp_feature(struct bpf_object *object, const char *name, bool value);
int rf_dp_pin_programs(struct rf_datapath *dp); /* progs/ */

/* probe.c: can a map with BTF be stored where the template has none? Asked after the objects are loaded. */
bool rf_dp_inner_btf(struct rf_datapath *dp);

/* revision.c. An empty table for a revision: fd or -errno. */
int rf_dp_table_make(struct rf_datapath *dp, enum rf_table_id table, size_t count);
/* look_up.c: the live revision's table, a descriptor of the caller's; -ENOENT: no revision. */
int rf_dp_table_live(struct rf_datapath *dp, enum rf_table_id table);
/* Value of one key of it. -ENOENT: no such key. */
int rf_dp_table_value(struct rf_datapath *dp, enum rf_table_id table, const void *key, void *ret);

/* batch.c */
struct rf_dp_content {
	const void *keys; /* NULL: an array, key = index */
	const void *values;
	size_t count;
	size_t key_size;
	size_t value_size;
};
/* All of it into the map. -errno. */
int rf_dp_fill(int fd, const struct rf_dp_content *c);

/* grace.c. Returns when no program runs any more that was running when it was called. */
int rf_dp_grace(struct rf_datapath *dp);
/* Begins to wait for those that run at the switch to this epoch; the next wait for it is then short. */
void rf_dp_grace_begin(struct rf_datapath *dp, rf_epoch_t epoch);
/* Returns when none of those runs any more. */
int rf_dp_grace_since(struct rf_datapath *dp, rf_epoch_t epoch);
/* Ends what was begun; before the maps are closed. */
void rf_dp_grace_end(struct rf_datapath *dp);

/* attach.c */
int rf_dp_attach_cgroups(struct rf_datapath *dp);
bool rf_dp_cgroup_effective(struct rf_datapath *dp, const char *cgroup_path);
bool rf_dp_cgroup_beside(struct rf_datapath *dp, const char *cgroup_path); /* a program that is not ours decides on sockets, too */
bool rf_dp_sockd_effective(struct rf_datapath *dp);
bool rf_dp_cgroup_pinned(struct rf_datapath *dp); /* all our links are where they belong */
int rf_dp_cgroup_repin(struct rf_datapath *dp);

/* tc.c */
int rf_dp_tc_attach(struct rf_datapath *dp, const char *key, uint32_t ifindex);
int rf_dp_tc_attach_filters(struct rf_datapath *dp, uint32_t ifindex); /* clsact only: what kernels without tcx get */
/* To the loaded program, in place: the pinned link of that name, whose interface may be gone; the filters of an interface, if it has ours.
 */
int rf_dp_tc_move_link(struct rf_datapath *dp, const char *name, int fd);
int rf_dp_tc_move_filters(struct rf_datapath *dp, uint32_t ifindex);
void rf_dp_tc_detach(struct rf_datapath *dp, const char *key, uint32_t ifindex);
bool rf_dp_tc_effective(struct rf_datapath *dp, uint32_t ifindex, bool from_pod);
bool rf_dp_tc_first(struct rf_datapath *dp, uint32_t ifindex, bool from_pod); /* no other program runs before ours */
bool rf_dp_tc_pinned(struct rf_datapath *dp, const char *key, uint32_t ifindex);

/* hold.c: links held open beside their pins (agent). hold copies fd; held: borrowed, -1 = none. */
void rf_dp_hold(struct rf_datapath *dp, const char *sub, const char *name, int fd);
void rf_dp_release(struct rf_datapath *dp, const char *sub, const char *name);
void rf_dp_release_all(struct rf_datapath *dp);
int rf_dp_held(struct rf_datapath *dp, const char *sub, const char *name);
bool rf_dp_link_pinned(struct rf_datapath *dp, const char *sub, const char *name); /* and it is the one that is held */
int rf_dp_link_repin(struct rf_datapath *dp, const char *sub, const char *name);

/* pins.c: text paths below dp->dir; every function 0 or -errno. */
int rf_dp_mkdir(const char *path);
int rf_dp_pin(int fd, const char *dir, const char *sub, const char *name); /* replaces an existing pin in one rename */
int rf_dp_pinned(const char *dir, const char *sub, const char *name);      /* fd or -errno */
__u32 rf_dp_live_id(struct rf_datapath *dp, const char *name);             /* drift.c: number of our program that is to run; 0: not known */
__u32 rf_dp_program_id(int fd); /* the kernel's number of a program; 0: no program (also for a negative fd) */
int rf_dp_unpin_tree(const char *path, bool dry_run, void (*fn)(void *arg, const char *what), void *arg);
