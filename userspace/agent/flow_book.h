/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is open, so that a flow is one line: its opening is told to whoever wants everything at once, to others only if it is still open
 * after a moment, and its end takes the place of that line, with the rule, the names and the time that the opening had. Of fixed size: the
 * flow that has been open for longest is forgotten first, then its end is a line of its own. Pure, but for the seed of its hash.
 */
#pragma once

#include <ringfence/tables.h>

#include "agent/events.h"

#define RF_FLOW_BOOK_DEFAULT 8192
#define RF_FLOW_TELL_NS      1000000000ull /* what is over by then is told once, as over */

struct rf_flow_book;

int rf_flow_book_new(struct rf_events *events, size_t capacity, struct rf_flow_book **ret);
void rf_flow_book_free(struct rf_flow_book *book); /* NULL-safe; before its events */
static inline void rf_flow_book_freep(struct rf_flow_book **p)
{
	rf_flow_book_free(*p);
}

/* Takes the caller's reference; NULL is counted as lost. A SYN that is sent again, or another datagram or answer of ends that no table
 * follows (allow-unmeshed), opens nothing new. now_ns: CLOCK_MONOTONIC. */
void rf_flow_book_opened(struct rf_flow_book *book, const struct rf_tuple *key, struct rf_event_line *line, uint64_t now_ns);
/* Tells what has been open for RF_FLOW_TELL_NS. Is there more to come? */
bool rf_flow_book_tell(struct rf_flow_book *book, uint64_t now_ns);

bool rf_flow_book_has(const struct rf_flow_book *book, const struct rf_tuple *key);
/* The end: draft says when and how much. A flow that is not known is told as the draft has it. */
void rf_flow_book_closed(struct rf_flow_book *book, const struct rf_tuple *key, const struct rf_event_line *draft);
/* A pod with this address is gone, and those of its flows with it whose end nobody else tells: all but the connections that a pod opened.
 */
void rf_flow_book_gone(struct rf_flow_book *book, const struct rf_addr *addr, uint64_t realtime_ns);
