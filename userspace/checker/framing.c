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

static int agreed(const struct rf_framing *f)
{
	return f->begun == 1 && f->complete == f->parser_done ? 0 : -EBADMSG;
}

int rf_framing_request(struct rf_framing *f, const struct rf_request *request, const char *head, size_t size)
{
	start(f, HTTP_REQUEST, request->body, request->length);
	/* llhttp knows a closed list of methods; the policy knows any token. The method has no part in a request's framing, so llhttp is
	 * given one that it knows. */
	if (feed_parser(f, "POST", 4) < 0 || feed_parser(f, head + request->method.len, size - request->method.len) < 0)
		return -EBADMSG;
	return agreed(f);
}

int rf_framing_response(struct rf_framing *f, const struct rf_response *response, const char *head, size_t size)
{
	start(f, HTTP_RESPONSE, response->body, response->length);
	if (feed_parser(f, head, size) < 0)
		return -EBADMSG;
	return agreed(f);
}

/* Our own count. */
static ssize_t measure(struct rf_framing *f, const char *data, size_t len)
{
	ssize_t n = (ssize_t)len;

	switch (f->body) {
	case RF_BODY_NONE:
		return 0;
	case RF_BODY_EOF:
		return n;
	case RF_BODY_CHUNKED:
		return rf_chunk_feed(&f->chunk, data, len, &f->complete);
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
	ssize_t n;

	if (f->complete || !len)
		return 0;
	n = measure(f, data, len);
	if (n < 0 || feed_parser(f, data, (size_t)n) < 0 || agreed(f) < 0)
		return -EBADMSG;
	return n;
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
