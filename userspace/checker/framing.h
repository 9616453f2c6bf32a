/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where does a message end? Two answers that must agree: ours (Content-Length counted, chunk.h) and llhttp's over the same bytes. If they
 * differ, or llhttp refuses what the gate let through, the message is bad.
 */
#pragma once

#include <llhttp.h>
#include <sys/types.h>

#include "checker/chunk.h"
#include "checker/gate.h"

struct rf_framing { /* must not be moved while in use */
	llhttp_t parser;
	struct rf_chunk chunk;
	uint64_t left; /* RF_BODY_LENGTH */
	enum rf_body body;
	bool complete;    /* the whole message has been seen */
	bool parser_done; /* llhttp says so */
	uint32_t begun;   /* messages llhttp began */
};

/* Start with a head that the gate accepted. 0 or -EBADMSG. */
int rf_framing_request(struct rf_framing *framing, const struct rf_request *request, const char *head, size_t size);
int rf_framing_response(struct rf_framing *framing, const struct rf_response *response, const char *head, size_t size);

/* Takes what follows the head. Returns how many bytes belong to this message, or -EBADMSG. */
ssize_t rf_framing_feed(struct rf_framing *framing, const char *data, size_t len);

/* The sender closed. 0: the message ends here (or had ended), -EBADMSG: it is cut off. */
int rf_framing_eof(struct rf_framing *framing);
