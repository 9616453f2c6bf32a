/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The last things that happened, as lines of JSON, in a ring of fixed size: what `observe` shows. The oldest go first; nothing here can
 * grow without bound. A listener gets each line as it comes.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "core/json.h"

#define RF_EVENTS_DEFAULT 8192

enum rf_event_verdict {
	RF_EVENT_ALLOWED = 1,
	RF_EVENT_DENIED = 2,
	RF_EVENT_FAILED = 4, /* admitted, but nobody answered */
	RF_EVENT_NOTE = 8,   /* about ringfence itself */
};
#define RF_EVENT_ANY 0xfu

const char *rf_event_verdict_name(enum rf_event_verdict verdict); /* static */
/* "denied" -> RF_EVENT_DENIED; NULL -> RF_EVENT_ANY; 0 for anything unknown. */
unsigned rf_event_verdict_mask(const char *name);

struct rf_events;
typedef void (*rf_events_fn)(void *arg, enum rf_event_verdict verdict, const char *line, size_t len);

int rf_events_new(size_t capacity, struct rf_events **ret);
void rf_events_free(struct rf_events *events); /* NULL-safe */
static inline void rf_events_freep(struct rf_events **p)
{
	rf_events_free(*p);
}

/* At most one listener; line is without a newline and valid during the call. */
void rf_events_listen(struct rf_events *events, rf_events_fn fn, void *arg);

/* Takes ownership of item, also on failure; NULL is -ENOMEM. A line that could not be kept is counted as lost. */
int rf_events_add(struct rf_events *events, enum rf_event_verdict verdict, cJSON *item);

/* The last `last` lines whose verdict is in mask, oldest first. */
void rf_events_each(const struct rf_events *events, unsigned mask, size_t last, rf_events_fn fn, void *arg);

/* Events that were lost before they came here (ring buffer full, checker's socket full) or for want of memory. */
void rf_events_count_lost(struct rf_events *events, uint64_t count);
uint64_t rf_events_lost(const struct rf_events *events);
