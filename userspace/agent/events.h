/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The last things that happened, in a ring of fixed size: what `observe` shows. The oldest go first; nothing here can grow without bound.
 * Lines are numbered from 0 without a gap, and whoever reads keeps the number of the line it wants next: so a reader costs a number, and
 * one that is too slow finds its line gone. A listener is told of each line that comes and of each that goes.
 */
#pragma once

#include "agent/event_line.h"

#define RF_EVENTS_DEFAULT 8192
#define RF_EVENTS_LAST    20 /* what is shown of them if nobody says how many */

/* To whom a line is shown. */
#define RF_SHOW_USUAL 1u /* one line a flow or request */
#define RF_SHOW_ALL   2u /* whoever wants everything */
#define RF_SHOW_BOTH  (RF_SHOW_USUAL | RF_SHOW_ALL)

struct rf_events;
struct rf_events_listener {
	void *arg;
	void (*came)(void *arg);
	/* Before it goes: whoever has not read this line yet has lost it. */
	void (*goes)(void *arg, uint64_t number, const struct rf_event_line *line, unsigned show);
};

int rf_events_new(size_t capacity, struct rf_events **ret);
void rf_events_free(struct rf_events *events); /* NULL-safe */
static inline void rf_events_freep(struct rf_events **p)
{
	rf_events_free(*p);
}

/* At most one; NULL: none. */
void rf_events_listen(struct rf_events *events, const struct rf_events_listener *listener);

/* Takes the caller's reference. Returns the line's number. NULL (there was no memory for it) is counted as lost and has no number. */
uint64_t rf_events_add(struct rf_events *events, struct rf_event_line *line, unsigned show);
#define RF_EVENTS_NO_NUMBER UINT64_MAX
/* The line is not shown any more to whom `show` says; nothing happens if it is gone. */
void rf_events_hide(struct rf_events *events, uint64_t number, unsigned show);

uint64_t rf_events_oldest(const struct rf_events *events);
uint64_t rf_events_next(const struct rf_events *events); /* the number that the next line gets */
/* NULL if it is gone or not there yet. Valid until the next line comes. */
const struct rf_event_line *rf_events_at(const struct rf_events *events, uint64_t number, unsigned *ret_show);

/* Events that were lost before they came here (ring buffer full, checker's socket full) or for want of memory. */
void rf_events_count_lost(struct rf_events *events, uint64_t count);
uint64_t rf_events_lost(const struct rf_events *events);
