/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From documents to what the kernel holds: parse, check, compile with the pods that run now, publish. Whatever fails, the last good
 * revision stays in the kernel and the failure is kept with its time. A compiled policy that equals the live one is not published again.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "objects/objects.h"
#include "policy/policy.h"

struct rf_agent;
struct rf_automaton_cache;
struct rf_parts;
struct rf_snapshot;

/* Nanoseconds of the way of one revision from the files to the kernel. 0: that step was not needed. */
struct rf_revision_took {
	uint64_t read_ns;    /* the whole directory */
	uint64_t parse_ns;   /* the files that changed */
	uint64_t check_ns;   /* objects among each other */
	uint64_t compile_ns; /* tables, in memory */
	uint64_t publish_ns; /* into the kernel, until the switch and the pins behind it */
	uint64_t whole_ns;   /* from the beginning of the read until the kernel had it */
	size_t parsed;       /* files */
};

struct rf_revision {
	struct rf_parts *parts; /* the files as they were parsed last */
	struct rf_automaton_cache *automata;
	struct rf_objects *objects;     /* of the last good policy; NULL before the first */
	struct rf_policy *policy;       /* what this agent published last; NULL before */
	struct rf_objects *rejected;    /* holds the diags of the failure, or NULL */
	struct rf_arena *compile_arena; /* of compile_diags */
	struct rf_diags compile_diags;  /* of the last compilation: warnings, or errors if it failed */
	char error[512];                /* "" = none: the sentence of the failure */
	uint64_t error_since_ns;        /* CLOCK_REALTIME */
	rf_epoch_t epoch;               /* live one that this agent published; 0 = none yet */
	uint64_t since_ns;
	size_t file_count;
	bool hosts_stale;             /* a pod's hosts file could not be written */
	struct rf_revision_took took; /* of the live one */
};

void rf_revision_done(struct rf_revision *revision);

/* New documents. 0: in force. Otherwise revision.error says why not. */
int rf_revision_read(struct rf_agent *agent, const struct rf_snapshot *snapshot);
/* The pods changed: the last good objects again. 0 also before the first objects. */
int rf_revision_renew(struct rf_agent *agent);
/* Writes a pod's hosts file in place: it is bind-mounted into the pod, so its inode must stay. */
struct rf_local_pod;
int rf_revision_write_hosts(struct rf_agent *agent, const struct rf_local_pod *pod);
/* Objects of all kinds. */
size_t rf_revision_object_count(const struct rf_objects *objects);
/* Do two policies say the same, apart from their number? */
bool rf_policy_equal(const struct rf_policy *a, const struct rf_policy *b);
