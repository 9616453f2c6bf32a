/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The checker's own answers. Texts are ours except 403, whose body is OSM's. (RFC 9110 section 15.)
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#define RF_ANSWER_MAX 512 /* room that always suffices */

/* How the connection goes on after the answer. */
enum rf_answer_end {
	RF_ANSWER_CLOSE,       /* "Connection: close" */
	RF_ANSWER_KEEP,        /* HTTP/1.1: nothing to say */
	RF_ANSWER_KEEP_HTTP10, /* "Connection: keep-alive" */
};

/* Writes a complete response into out (size bytes). is_head: answer to HEAD, headers only. Returns its length, or -ENOBUFS. An unknown
 * status is written as 400, so a caller's mistake still refuses. */
int rf_answer(unsigned int status, bool is_head, enum rf_answer_end end, char *out, size_t size);
