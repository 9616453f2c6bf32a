/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Strict chunked framing (RFC 9112 section 7.1), byte by byte, in front of the parser: sizes are hex digits only, CRLF only, extensions are
 * tokens or quoted strings, trailers are clean header lines and none that frames. Any deviation is -EBADMSG.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#define RF_CHUNK_DIGITS_MAX    16          /* of a size, leading zeros included */
#define RF_CHUNK_EXTENSION_MAX (16 * 1024) /* extension bytes of a whole body */
#define RF_CHUNK_TRAILER_MAX   (16 * 1024) /* trailer bytes */

struct rf_chunk { /* zeroed = start of the body */
	uint32_t state;
	uint32_t digits;
	uint64_t left;
	uint32_t extension;
	uint32_t trailer;
	uint32_t name_len;
	char name[20]; /* of a trailer, as far as it fits */
};

/* Takes a run of bytes of the body that are all of an extension or all not (*extension; the ';' belongs to it). Returns the length of the
 * run or -EBADMSG. *done: the body ends with it. */
ssize_t rf_chunk_feed(struct rf_chunk *chunk, const char *data, size_t len, bool *done, bool *extension);
