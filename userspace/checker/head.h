/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Finding the end of an HTTP/1 head and indexing its lines, nothing more: no meaning, no copy (RFC 9112 sections 2.1, 2.2, 5). Texts point
 * into the caller's buffer and are valid as long as it is not moved.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define RF_HEAD_MAX       (64 * 1024) /* bytes of one head, first line to empty line */
#define RF_HEAD_LINES_MAX 256         /* header lines */

struct rf_text {
	const char *data;
	size_t len;
};

struct rf_head_line {
	struct rf_text name;
	struct rf_text value; /* without surrounding SP and HTAB */
	struct rf_text raw;   /* the whole line with its CRLF */
};

struct rf_head {
	struct rf_text start; /* first line without CRLF */
	struct rf_head_line lines[RF_HEAD_LINES_MAX];
	size_t count;
};

/* Looks for the empty line. *scanned: where to go on (start with 0; the buffer must begin with the first line); afterwards, on success, the
 * size of the head. 1 = complete, 0 = more bytes are needed, -EBADMSG = a byte that no head may hold: control characters, CR or LF that
 * are not a CRLF. */
int rf_head_scan(const char *data, size_t len, size_t *scanned);

/* Indexes a complete head of `size` bytes. 0, -EBADMSG (obs-fold, no colon, name not a token, empty name), -E2BIG (too many lines). */
int rf_head_index(const char *data, size_t size, struct rf_head *ret);

/* RFC 9110 5.6.2. Empty text is no token. */
bool rf_text_is_token(struct rf_text text);
bool rf_text_is(struct rf_text text, const char *word);     /* ignoring ASCII case */
bool rf_text_equal(struct rf_text a, struct rf_text b);     /* ignoring ASCII case */
bool rf_text_starts(struct rf_text text, const char *word); /* ignoring ASCII case */
struct rf_text rf_text_trim(struct rf_text text);           /* SP and HTAB at both ends */
/* Next element of a comma-separated list (RFC 9110 5.6.1), trimmed, empty ones skipped. false at the end. */
bool rf_text_next(struct rf_text *list, struct rf_text *element);
