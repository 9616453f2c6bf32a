/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Kernel events, ended flows and the checker's access records as lines with names in them, and lines as JSON objects (fields: control.md,
 * op events). Pure: names come from the resolver, the clock's offset (CLOCK_REALTIME - CLOCK_MONOTONIC, nanoseconds) from the caller.
 */
#pragma once

#include <ringfence/identity.h>
#include <ringfence/tables.h>

#include "agent/event_line.h"
#include "core/json.h"
#include "sockd/protocol.h"

struct rf_resolver {
	void *arg;
	/* All: 0 or -ENOENT; text untouched then. */
	int (*identity)(void *arg, rf_identity_t identity, char *text, size_t size); /* "ns/service-account" */
	int (*pod)(void *arg, const struct rf_addr *addr, char *text, size_t size);  /* "ns/name" */
	int (*service)(void *arg, const struct rf_addr *addr, char *text, size_t size);
	int (*rule)(void *arg, uint32_t rule_id, char *text, size_t size);
	/* The address of a local pod (cgroup id), of the same family as `like`. */
	int (*pod_addr)(void *arg, uint64_t pod, const struct rf_addr *like, struct rf_addr *ret);
};

/* A draft with the room for its strings. Not to be copied: `line` points into it. */
struct rf_event_draft {
	struct rf_event_line line;
	char accounts[2][RF_IDENTITY_NAME_MAX], pods[2][RF_IDENTITY_NAME_MAX], services[2][RF_IDENTITY_NAME_MAX];
	char rule[RF_RULE_TEXT_MAX];
	char method[4 * RF_RECORD_METHOD_MAX + 1], path[4 * RF_RECORD_PATH_MAX + 1]; /* printable ASCII, the rest as \xNN */
};

void rf_event_draft(const struct rf_resolver *resolver, const struct rf_event *event, int64_t clock_offset_ns, struct rf_event_draft *ret);
void rf_access_draft(const struct rf_resolver *resolver, const struct rf_access_record *record, int64_t clock_offset_ns,
		     struct rf_event_draft *ret);
/* A flow that the sweep has removed from the table: its bytes, when it was last seen, and whether it was ever answered. Its duration is not
 * in the table. */
void rf_flow_draft(const struct rf_resolver *resolver, const struct rf_tuple *key, const struct rf_flow *flow, int64_t clock_offset_ns,
		   struct rf_event_draft *ret);
/* Was it admitted and then never answered, or refused by the other end? */
bool rf_flow_failed(const struct rf_tuple *key, const struct rf_flow *flow);

/* Something ringfence did: kind "repair", "revision", ... Strings are the caller's. */
struct rf_event_line rf_note_draft(const char *kind, const char *text, uint64_t realtime_ns);

/* event_json.c */
cJSON *rf_event_json(const struct rf_event_line *line); /* NULL without memory */

/* "2026-01-02T03:04:05.678Z" */
void rf_time_text(uint64_t realtime_ns, char *ret, size_t size);
