/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One line of `observe`, with all names in it, before it is text: small enough to keep thousands, and with fields that a filter can look
 * at. A draft (on somebody's stack, its strings anybody's) becomes a line by rf_event_line_new, which copies all of it; lines are counted
 * references and never change.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <ringfence/address.h>
#include <ringfence/types.h>

enum rf_event_verdict {
	RF_EVENT_ALLOWED = 1,
	RF_EVENT_DENIED = 2,
	RF_EVENT_FAILED = 4, /* admitted, but nobody answered */
	RF_EVENT_NOTE = 8,   /* about ringfence itself */
	RF_EVENT_AUDIT = 16, /* admitted, but only for an audit: `would` says why it would have been denied */
};

enum rf_line_kind {
	RF_LINE_CONNECT = 1, /* refused at connect() or sendmsg() */
	RF_LINE_PACKET = 2,  /* refused at a pod's door, or an ICMP error that passed */
	RF_LINE_OPEN = 4,    /* a flow was admitted and goes on */
	RF_LINE_CLOSE = 8,   /* an admitted flow, when it is over */
	RF_LINE_REQUEST = 16,
	RF_LINE_NOTE = 32,
};

#define RF_LINE_HTTP 256 /* proto of a request: no IP protocol has this number */

struct rf_event_side {
	const char *account; /* "ns/service-account", "outside", "unknown"; NULL in notes */
	const char *pod;     /* "ns/name" or NULL */
	const char *service; /* "ns/name" or NULL: the address is that Service's */
	struct rf_addr addr; /* or none */
	uint16_t port;       /* 0 = not known */
};

struct rf_event_line {
	uint64_t time_ns; /* CLOCK_REALTIME */
	enum rf_event_verdict verdict;
	enum rf_line_kind kind;
	struct rf_event_side source, destination;
	uint16_t proto; /* IPPROTO_* or RF_LINE_HTTP */
	bool has_bytes, has_duration;
	uint16_t reason;   /* enum rf_reason */
	uint16_t would;    /* RF_EVENT_AUDIT: the reason (enum rf_reason) that would have denied, else 0 */
	uint16_t status;   /* request: as sent to the client */
	uint16_t path_len; /* request: as received, if `path` is cut, else 0 */
	rf_epoch_t epoch;  /* of the decision, 0 = not known */
	uint64_t bytes;
	uint64_t duration_ns;
	uint64_t count;   /* note "lost": how many */
	const char *rule; /* or NULL */
	const char *method, *path;
	const char *note, *text; /* of a note: its kind and its sentence */
	unsigned references;
};

/* A copy of the draft and all its strings, with one reference. NULL without memory. */
struct rf_event_line *rf_event_line_new(const struct rf_event_line *draft);
struct rf_event_line *rf_event_line_ref(struct rf_event_line *line);
void rf_event_line_unref(struct rf_event_line *line); /* NULL-safe */

const char *rf_event_verdict_name(enum rf_event_verdict verdict); /* static; "denied" for anything unknown */
unsigned rf_event_verdict_of(const char *name);                   /* 0: no such name */
const char *rf_line_kind_name(enum rf_line_kind kind);            /* static; "unknown" */
unsigned rf_line_kind_of(const char *name);                       /* 0: no such name */
/* "tcp", "udp", "icmp", "icmp6", "http" or the number, in room. */
const char *rf_line_proto_name(uint16_t proto, char room[8]);

/* What a reason means for whoever asks: would is the reason that would have denied (an audit's), or 0. */
enum rf_event_verdict rf_event_verdict_for(uint32_t reason, uint32_t would);

/* A note that says how many events nobody can see. */
bool rf_event_line_is_loss(const struct rf_event_line *line);
/* What goes with something that is told anyway: the checker's connection with its requests, an ICMP error with its flow. */
bool rf_event_line_is_detail(const struct rf_event_line *line);
