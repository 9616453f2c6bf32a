/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Somebody's place in the ring of events: which line comes next, until where, and how many went before they were read. That is all that a
 * reader costs, however slow it is; what it has missed of its filter is counted and told where it is missing. Pure.
 */
#pragma once

#include "agent/event_filter.h"

struct rf_event_reader {
	struct rf_event_filter *filter; /* owned; NULL = reads nothing */
	uint64_t next, end;             /* numbers of lines; end: UINT64_MAX = as they come */
	uint64_t missed;
};

/* From the first of the last so many lines that match (losses in between are shown, too, but do not count) to the newest, or, if follow,
 * for ever. Takes filter. */
void rf_event_reader_begin(struct rf_event_reader *reader, const struct rf_events *events, struct rf_event_filter *filter, size_t last,
			   bool follow);
void rf_event_reader_done(struct rf_event_reader *reader);

/* May there be a line for it right now? */
bool rf_event_reader_has_more(const struct rf_event_reader *reader, const struct rf_events *events);
/* Has it read all that there will ever be? */
bool rf_event_reader_ended(const struct rf_event_reader *reader);
/* The next line, to be freed; NULL: none for now. now_ns (CLOCK_REALTIME) is the time of a line that says what was missed. */
cJSON *rf_event_reader_next(struct rf_event_reader *reader, const struct rf_events *events, uint64_t now_ns);
/* This line goes; to be called for each (struct rf_events_listener). */
void rf_event_reader_goes(struct rf_event_reader *reader, uint64_t number, const struct rf_event_line *line, unsigned show);
