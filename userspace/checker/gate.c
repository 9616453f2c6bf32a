/* SPDX-License-Identifier: Apache-2.0 */
#include "checker/gate.h"

#include <errno.h>
#include <string.h>

/* What the framing headers of one message say, collected line by line. */
struct framing {
	bool has_length, has_encoding, has_host;
	uint64_t length;
	struct rf_text host;
	bool close, keep_alive, upgrade_listed, upgrade_other, upgrade_http, h2c, h2c_listed, expect;
};

static bool parse_length(struct rf_text value, uint64_t *ret)
{
	uint64_t n = 0;

	if (!value.len || value.len > 18) /* 18 digits always fit */
		return false;
	for (size_t i = 0; i < value.len; i++) {
		if (value.data[i] < '0' || value.data[i] > '9')
			return false;
		n = n * 10 + (uint64_t)(value.data[i] - '0');
	}
	if (value.len > 1 && value.data[0] == '0' && n > 7) /* some take it for octal: only where that makes no difference */
		return false;
	*ret = n;
	return true;
}

static bool is_host_char(unsigned char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || (c && strchr("-._~!$&'()*+;=%", c));
}

/* RFC 9110 7.2: uri-host [ ":" port ]; comma left out although a sub-delim, because lists are made with it. */
static bool host_is_valid(struct rf_text host)
{
	size_t i = 0;

	if (host.len && host.data[0] == '[') {
		for (i = 1; i < host.len && host.data[i] != ']'; i++)
			if (!host.data[i] || !strchr("0123456789abcdefABCDEF:.", host.data[i]))
				return false;
		if (i < 3 || i == host.len)
			return false;
		i++;
	} else {
		while (i < host.len && is_host_char((unsigned char)host.data[i]))
			i++;
	}
	if (i == host.len)
		return true;
	if (host.data[i++] != ':' || host.len - i > 5)
		return false;
	for (; i < host.len; i++)
		if (host.data[i] < '0' || host.data[i] > '9')
			return false;
	return true;
}

/* 0 or a status. Framing headers named in Connection would be dropped by a next hop: the message would change its length. */
static unsigned int read_connection(struct rf_text list, struct framing *f)
{
	struct rf_text word;

	while (rf_text_next(&list, &word)) {
		if (!rf_text_is_token(word) || rf_text_is(word, "content-length") || rf_text_is(word, "transfer-encoding") ||
		    rf_text_is(word, "host"))
			return 400;
		f->close |= rf_text_is(word, "close");
		f->keep_alive |= rf_text_is(word, "keep-alive");
		f->upgrade_listed |= rf_text_is(word, "upgrade");
		f->h2c |= rf_text_is(word, "http2-settings");
	}
	return 0;
}

/* HTTP in another version or encrypted could not be checked per request after an upgrade: the first never becomes a tunnel, the second,
 * which servers may start at once (RFC 2817), is refused. */
static unsigned int read_upgrade(struct rf_text list, struct framing *f)
{
	struct rf_text word;

	while (rf_text_next(&list, &word)) {
		if (rf_text_starts(word, "tls"))
			return 400;
		if (rf_text_is(word, "h2c"))
			f->h2c = f->h2c_listed = true;
		else
			f->upgrade_other = true;
		f->upgrade_http |= rf_text_starts(word, "http");
	}
	return 0;
}

/* Content-Length, Transfer-Encoding, Connection: the same for requests and responses. */
static unsigned int read_framing_line(const struct rf_head_line *line, struct framing *f)
{
	if (rf_text_is(line->name, "content-length")) {
		if (f->has_length || !parse_length(line->value, &f->length))
			return 400;
		f->has_length = true;
	} else if (rf_text_is(line->name, "transfer-encoding")) {
		if (f->has_encoding || !rf_text_is(line->value, "chunked"))
			return 400;
		f->has_encoding = true;
	} else if (rf_text_is(line->name, "connection")) {
		return read_connection(line->value, f);
	} else if (rf_text_is(line->name, "content_length") || rf_text_is(line->name, "transfer_encoding")) {
		return 400; /* servers that turn names into variables cannot tell them from the real ones */
	}
	return 0;
}

static unsigned int read_request_line(const struct rf_head_line *line, struct framing *f)
{
	if (rf_text_is(line->name, "host")) {
		if (f->has_host || !host_is_valid(line->value))
			return 400;
		f->has_host = true;
		f->host = line->value;
	} else if (rf_text_is(line->name, "upgrade")) {
		return read_upgrade(line->value, f);
	} else if (rf_text_is(line->name, "http2-settings")) {
		f->h2c = true;
	} else if (rf_text_is(line->name, "expect")) {
		if (!rf_text_is(line->value, "100-continue"))
			return 417;
		f->expect = true;
	}
	return read_framing_line(line, f);
}

/* "HTTP/1.0" or "HTTP/1.1", case-sensitive, nothing else. */
static unsigned int read_version(struct rf_text version, bool *http10)
{
	if (version.len != 8 || memcmp(version.data, "HTTP/", 5) != 0 || version.data[6] != '.')
		return 400;
	if (memcmp(version.data + 5, "1.0", 3) != 0 && memcmp(version.data + 5, "1.1", 3) != 0)
		return 505;
	*http10 = version.data[7] == '0';
	return 0;
}

static bool target_chars_valid(struct rf_text target)
{
	for (size_t i = 0; i < target.len; i++) {
		unsigned char c = (unsigned char)target.data[i];

		if (c <= 0x20 || c >= 0x7f || c == '#')
			return false;
	}
	return target.len > 0;
}

/* absolute-form: http://authority[/path][?query]; authority and rest are returned. */
static bool split_absolute(struct rf_text target, struct rf_text *authority, struct rf_text *rest)
{
	size_t i = strlen("http://");

	if (!rf_text_starts(target, "http://"))
		return false;
	while (i < target.len && target.data[i] != '/' && target.data[i] != '?')
		i++;
	*authority = (struct rf_text){target.data + 7, i - 7};
	*rest = (struct rf_text){target.data + i, target.len - i};
	return authority->len > 0;
}

/* RFC 9112 3.2. Which of the four forms, and what the routes are asked about. */
static unsigned int read_target(struct rf_request *request, struct rf_text *authority)
{
	struct rf_text rest;

	if (request->target.len > RF_TARGET_MAX)
		return 414;
	if (!target_chars_valid(request->target))
		return 400;
	request->route = request->target;
	if (request->target.data[0] == '/')
		return 0;
	if (request->target.len == 1 && request->target.data[0] == '*')
		return rf_text_is(request->method, "OPTIONS") ? 0 : 400;
	if (!split_absolute(request->target, authority, &rest))
		return 400;
	request->route = rest.len && rest.data[0] == '/' ? rest : (struct rf_text){"/", 1}; /* the query never counts */
	return 0;
}

static bool text_is_exactly(struct rf_text text, const char *word)
{
	return text.len == strlen(word) && memcmp(text.data, word, text.len) == 0;
}

static unsigned int read_start(struct rf_text start, struct rf_request *request, struct rf_text *authority)
{
	const char *first = memchr(start.data, ' ', start.len);
	const char *last = memrchr(start.data, ' ', start.len);
	unsigned int status;

	if (!first || last == first)
		return 400;
	request->method = (struct rf_text){start.data, (size_t)(first - start.data)};
	request->target = (struct rf_text){first + 1, (size_t)(last - first) - 1};
	if (!rf_text_is_token(request->method))
		return 400;
	status = read_version((struct rf_text){last + 1, start.len - (size_t)(last - start.data) - 1}, &request->http10);
	if (status)
		return status;
	if (text_is_exactly(request->method, "CONNECT"))
		return 405;
	if (text_is_exactly(request->method, "PRI"))
		return 400;
	request->is_head = text_is_exactly(request->method, "HEAD");
	return read_target(request, authority);
}

/* Contradictions between lines, and what follows from all of them. */
static unsigned int conclude(const struct framing *f, struct rf_text authority, struct rf_request *request)
{
	if (f->has_length && f->has_encoding)
		return 400;
	if (f->has_encoding && request->http10) /* RFC 9112 6.1: framing is faulty */
		return 400;
	if (!f->has_host && !request->http10)
		return 400;
	if (authority.len && (!host_is_valid(authority) || !rf_text_equal(authority, f->host)))
		return 400;
	request->authority = f->host;
	request->length = f->length;
	request->body = f->has_encoding ? RF_BODY_CHUNKED : (f->length ? RF_BODY_LENGTH : RF_BODY_NONE);
	request->keep_alive = request->http10 ? f->keep_alive && !f->close : !f->close;
	request->upgrade = f->upgrade_listed && f->upgrade_other && !f->upgrade_http && !request->http10;
	request->h2c = f->h2c;
	request->expect = f->expect;
	return 0;
}

static void copy_fields(const struct rf_head *head, struct rf_request *request)
{
	request->field_count = head->count;
	for (size_t i = 0; i < head->count; i++) {
		const struct rf_head_line *line = &head->lines[i];

		request->fields[i] = (struct rf_header_field){line->name.data, line->name.len, line->value.data, line->value.len};
	}
}

unsigned int rf_gate_request(const char *data, size_t size, struct rf_request *ret)
{
	struct rf_request request = {0};
	struct rf_text authority = {0};
	struct framing f = {0};
	struct rf_head head;
	unsigned int status;
	int r = rf_head_index(data, size, &head);

	if (r < 0)
		return r == -E2BIG ? 431 : 400;
	status = read_start(head.start, &request, &authority);
	for (size_t i = 0; !status && i < head.count; i++)
		status = read_request_line(&head.lines[i], &f);
	if (!status)
		status = conclude(&f, authority, &request);
	if (status)
		return status;
	copy_fields(&head, &request);
	*ret = request;
	return 0;
}

/* "HTTP/1.1 200 OK"; the reason may be missing together with its space, as many servers send it. */
static int read_status_line(struct rf_text start, unsigned int *status, bool *http10)
{
	struct rf_text version = {start.data, 8};
	unsigned int n = 0;

	if (start.len < 12 || start.data[8] != ' ' || (start.len > 12 && start.data[12] != ' ') || read_version(version, http10))
		return -EBADMSG;
	for (size_t i = 9; i < 12; i++) {
		if (start.data[i] < '0' || start.data[i] > '9')
			return -EBADMSG;
		n = n * 10 + (unsigned int)(start.data[i] - '0');
	}
	if (n < 100 || n > 599)
		return -EBADMSG;
	*status = n;
	return 0;
}

int rf_gate_response(const char *data, size_t size, bool is_head, struct rf_response *ret)
{
	struct rf_response response = {0};
	struct framing f = {0};
	struct rf_head head;
	bool http10;
	int r = rf_head_index(data, size, &head);

	if (r < 0)
		return -EBADMSG;
	r = read_status_line(head.start, &response.status, &http10);
	if (r < 0)
		return r;
	for (size_t i = 0; i < head.count; i++)
		if (read_framing_line(&head.lines[i], &f))
			return -EBADMSG;
	if (f.has_encoding && (f.has_length || http10))
		return -EBADMSG;
	response.length = f.length;
	if (is_head || response.status < 200 || response.status == 204 || response.status == 304)
		response.body = RF_BODY_NONE; /* RFC 9112 6.3, whatever the headers say */
	else if (f.has_encoding)
		response.body = RF_BODY_CHUNKED;
	else if (f.has_length)
		response.body = f.length ? RF_BODY_LENGTH : RF_BODY_NONE;
	else
		response.body = RF_BODY_EOF;
	response.keep_alive = (http10 ? f.keep_alive && !f.close : !f.close) && response.body != RF_BODY_EOF;
	*ret = response;
	return 0;
}

struct output {
	char *data;
	size_t len;
};

static void put(struct output *out, struct rf_text text)
{
	memmove(out->data + out->len, text.data, text.len);
	out->len += text.len;
}

/* A list line without the elements drop() names; verbatim if it names none, nothing at all if no element is left. */
static void put_list(struct output *out, const struct rf_head_line *line, bool (*drop)(struct rf_text, bool), bool flag)
{
	struct rf_text list = line->value, word;
	size_t kept = 0, dropped = 0, begin = out->len;

	while (rf_text_next(&list, &word)) {
		if (drop(word, flag)) {
			dropped++;
			continue;
		}
		put(out, kept++ ? (struct rf_text){",", 1} : (struct rf_text){line->name.data, line->name.len});
		if (kept == 1)
			put(out, (struct rf_text){":", 1});
		put(out, word);
	}
	if (!dropped) {
		out->len = begin;
		put(out, line->raw);
	} else if (kept) {
		put(out, (struct rf_text){"\r\n", 2});
	}
}

static bool drop_upgrade(struct rf_text word, bool flag)
{
	(void)flag;
	return rf_text_is(word, "h2c");
}

static bool drop_connection(struct rf_text word, bool upgrade_gone)
{
	return rf_text_is(word, "http2-settings") || (rf_text_is(word, "upgrade") && upgrade_gone);
}

size_t rf_gate_strip_h2c(const char *data, size_t size, char *out)
{
	struct output o = {out, 0};
	struct framing f = {0};
	struct rf_head head;

	if (rf_head_index(data, size, &head) < 0)
		return 0; /* not an accepted head: nothing may be forwarded */
	for (size_t i = 0; i < head.count; i++)
		if (rf_text_is(head.lines[i].name, "upgrade"))
			(void)read_upgrade(head.lines[i].value, &f); /* accepted before */
	put(&o, (struct rf_text){head.start.data, head.start.len + 2});
	for (size_t i = 0; i < head.count; i++) {
		const struct rf_head_line *line = &head.lines[i];

		if (rf_text_is(line->name, "http2-settings"))
			continue;
		if (rf_text_is(line->name, "upgrade"))
			put_list(&o, line, drop_upgrade, false);
		else if (rf_text_is(line->name, "connection"))
			put_list(&o, line, drop_connection, f.h2c_listed && !f.upgrade_other);
		else
			put(&o, line->raw);
	}
	put(&o, (struct rf_text){"\r\n", 2});
	return o.len;
}
