/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The strict gate in front of the HTTP parser: pure functions over a completely buffered head. What two HTTP implementations could read
 * differently is refused here (RFC 9112 sections 2.2, 3.2, 5.1, 6.1, 6.3, 11.2), so that what was decided is what the server sees.
 * Texts point into the caller's buffer.
 */
#pragma once

#include "automaton/automaton.h"
#include "checker/head.h"

#define RF_TARGET_MAX (8 * 1024) /* bytes of a request target: 414 beyond */

enum rf_body {
	RF_BODY_NONE,
	RF_BODY_LENGTH,
	RF_BODY_CHUNKED,
	RF_BODY_EOF, /* responses only: until the server closes */
};

struct rf_request {
	struct rf_text method;
	struct rf_text target;    /* as received */
	struct rf_text route;     /* what the routes are asked about: the target, absolute-form reduced to its path and query */
	struct rf_text authority; /* Host, which an absolute-form repeats; empty = none */
	struct rf_header_field fields[RF_HEAD_LINES_MAX]; /* every header line */
	size_t field_count;
	enum rf_body body;
	uint64_t length; /* RF_BODY_LENGTH */
	bool is_head;    /* HEAD: its answer has no body */
	bool http10;     /* the client speaks HTTP/1.0 */
	bool keep_alive; /* the client lets the connection live on */
	bool upgrade;    /* asks for another protocol (h2c does not count) and may get a tunnel */
	bool h2c;        /* rf_gate_strip_h2c() must be used before it is forwarded */
	bool expect;     /* Expect: 100-continue: the body may never come */
};

struct rf_response {
	unsigned int status;
	enum rf_body body;
	uint64_t length;
	bool keep_alive;
};

/* Judges a request head of `size` bytes (rf_head_scan() found its end). 0 and *ret, or the HTTP status to refuse it with. */
unsigned int rf_gate_request(const char *data, size_t size, struct rf_request *ret);

/* Judges a response head; is_head: it answers a HEAD request. 0 or -EBADMSG. */
int rf_gate_response(const char *data, size_t size, bool is_head, struct rf_response *ret);

/* Copies an accepted head to out (at least `size` bytes) without the h2c upgrade: the h2c element of Upgrade, HTTP2-Settings, and their
 * names in Connection (RFC 7540 3.2). Everything else byte for byte. Returns the new size, never more than `size`. */
size_t rf_gate_strip_h2c(const char *data, size_t size, char *out);
