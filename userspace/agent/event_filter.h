/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which lines somebody wants to see: the filters of `observe`, as fields of its request (control.md, op events). Several values of a field
 * are alternatives, several fields must all hold. Pure, but for the one question that only the agent can answer.
 */
#pragma once

#include "agent/events.h"
#include "core/json.h"

#define RF_FILTER_VALUES 32 /* of one field */

struct rf_event_filter;

/* What the filter asks about the world as it is now: does the Service "ns/name" have this address, or a pod behind it? */
struct rf_event_world {
	void *arg;
	bool (*in_service)(void *arg, const char *service, const struct rf_addr *addr);
};

/* Fields of request: from, to, namespace, pod, port, protocol, method, path, verdict, reason, kind (each a string or an array of strings),
 * since, until (strings), all (bool). now_ns: CLOCK_REALTIME. -EINVAL with a sentence in error, -ENOMEM. */
int rf_event_filter_new(const cJSON *request, uint64_t now_ns, const struct rf_event_world *world, struct rf_event_filter **ret,
			char *error, size_t size);
void rf_event_filter_free(struct rf_event_filter *filter); /* NULL-safe */
static inline void rf_event_filter_freep(struct rf_event_filter **p)
{
	rf_event_filter_free(*p);
}

/* show: to whom the line is shown (events.h). A line that says how much was lost matches every filter. */
bool rf_event_filter_match(const struct rf_event_filter *filter, const struct rf_event_line *line, unsigned show);
bool rf_event_filter_has_since(const struct rf_event_filter *filter);
bool rf_event_filter_has_until(const struct rf_event_filter *filter);
