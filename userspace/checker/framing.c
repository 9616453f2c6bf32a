/* SPDX-License-Identifier: Apache-2.0 */
#include "checker/framing.h"

#include <errno.h>
#include <string.h>

static int on_begin(llhttp_t *parser)
{
	((struct rf_framing *)parser->data)->begun++;
	return 0;
}

/* 1 tells llhttp that no body follows, whatever the headers say: HEAD, 204, 304. */
static int on_headers(llhttp_t *parser)
{
	return parser->type == HTTP_RESPONSE && ((struct rf_framing *)parser->data)->body == RF_BODY_NONE;
}

static int on_complete(llhttp_t *parser)
{
	((struct rf_framing *)parser->data)->parser_done = true;
	return 0;
}

static const llhttp_settings_t settings = {
	.on_message_begin = on_begin,
	.on_headers_complete = on_headers,
	.on_message_complete = on_complete,
};

static void start(struct rf_framing *f, llhttp_type_t type, enum rf_body body, uint64_t length)
{
	memset(f, 0, sizeof(*f));
	llhttp_init(&f->parser, type, &settings);
	f->parser.data = f;
	f->body = body;
	f->left = length;
	f->complete = body == RF_BODY_NONE;
}

static int feed_parser(struct rf_framing *f, const char *data, size_t len)
{
	llhttp_errno_t e = llhttp_execute(&f->parser, data, len);

	/* PAUSED_UPGRADE is how llhttp ends a message with an Upgrade header; it stays paused, so it must be the last thing we feed. */
	return e == HPE_OK || (e == HPE_PAUSED_UPGRADE && f->parser_done) ? 0 : -EBADMSG;
}

/* Whitespace that ends a line has no meaning (RFC 9112 5.1), but llhttp stumbles over some of it: it gets the lines without. */
static int feed_head(struct rf_framing *f, const char *data, size_t size)
{
	const char *end = data + size;
	const char *cr;

	for (const char *from = data, *at = data; at < end; at = cr + 2) {
		const char *last;

		cr = memchr(at, '\r', (size_t)(end - at));
		if (!cr)
			return -EBADMSG;
		for (last = cr; last > at && (last[-1] == ' ' || last[-1] == '\t'); last--)
			;
		if (last == cr && cr + 2 < end)
			continue;
		if (feed_parser(f, from, (size_t)(last - from)) < 0 || feed_parser(f, "\r\n", 2) < 0)
			return -EBADMSG;
		from = cr + 2;
	}
	return 0;
}

static int agreed(const struct rf_framing *f)
{
	return f->begun == 1 && f->complete == f->parser_done ? 0 : -EBADMSG;
}

int rf_framing_request(struct rf_framing *f, const struct rf_request *request, const char *head, size_t size)
{
	start(f, HTTP_REQUEST, request->body, request->length);
	/* llhttp knows a closed list of methods; the policy knows any token. The method has no part in a request's framing, so llhttp is
	 * given one that it knows. */
	if (feed_parser(f, "POST", 4) < 0 || feed_head(f, head + request->method.len, size - request->method.len) < 0)
		return -EBADMSG;
	return agreed(f);
}

int rf_framing_response(struct rf_framing *f, const struct rf_response *response, const char *head, size_t size)
{
	start(f, HTTP_RESPONSE, response->body, response->length);
	if (feed_head(f, head, size) < 0)
		return -EBADMSG;
	return agreed(f);
}

/* Our own count, of a run of bytes. *skip: chunk extensions, which have no part in the framing and which llhttp versions read differently.
 */
static ssize_t measure(struct rf_framing *f, const char *data, size_t len, bool *skip)
{
	ssize_t n = (ssize_t)len;

	switch (f->body) {
	case RF_BODY_NONE:
		return 0;
	case RF_BODY_EOF:
		return n;
	case RF_BODY_CHUNKED:
		return rf_chunk_feed(&f->chunk, data, len, &f->complete, skip);
	case RF_BODY_LENGTH:
		if (len > f->left)
			n = (ssize_t)f->left;
		f->left -= (uint64_t)n;
		f->complete = !f->left;
		return n;
	}
	return -EBADMSG;
}

ssize_t rf_framing_feed(struct rf_framing *f, const char *data, size_t len)
{
	size_t used = 0;

	while (used < len && !f->complete) {
		bool skip = false;
		ssize_t n = measure(f, data + used, len - used, &skip);

		if (n < 0 || (!skip && feed_parser(f, data + used, (size_t)n) < 0) || agreed(f) < 0)
			return -EBADMSG;
		used += (size_t)n;
	}
	return (ssize_t)used;
}

int rf_framing_eof(struct rf_framing *f)
{
	if (f->complete)
		return 0;
	if (f->body != RF_BODY_EOF || llhttp_finish(&f->parser) != HPE_OK)
		return -EBADMSG;
	f->complete = true;
	return agreed(f);
}
