/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Kernel events and the checker's access records as JSON objects with names in them. Pure: names come from the resolver, the clock's
 * offset (CLOCK_REALTIME - CLOCK_MONOTONIC, nanoseconds) from the caller. Fields: control.md, op events.
 */
#pragma once

#include <ringfence/tables.h>

#include "agent/events.h"
#include "sockd/protocol.h"

struct rf_resolver {
	void *arg;
	/* Both: 0 or -ENOENT; text untouched then. address: pod or Service as "ns/name". */
	int (*identity)(void *arg, rf_identity_t identity, char *text, size_t size); /* "ns/service-account" */
	int (*address)(void *arg, const struct rf_addr *addr, uint16_t port, char *text, size_t size);
	int (*rule)(void *arg, uint32_t rule_id, char *text, size_t size);
};

/* Both return NULL without memory. */
cJSON *rf_event_render(const struct rf_resolver *resolver, const struct rf_event *event, int64_t clock_offset_ns,
		       enum rf_event_verdict *ret_verdict);
cJSON *rf_access_render(const struct rf_resolver *resolver, const struct rf_access_record *record, int64_t clock_offset_ns,
			enum rf_event_verdict *ret_verdict);
/* Something ringfence did: kind "repair", "revision", ... */
cJSON *rf_note_render(const char *kind, const char *text, uint64_t realtime_ns);

/* "2026-01-02T03:04:05.678Z" */
void rf_time_text(uint64_t realtime_ns, char *ret, size_t size);
