/* SPDX-License-Identifier: Apache-2.0 */
/* The gate, the chunk gate and the agreement of both framings, over tables of whole messages. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <errno.h>
#include <stdio.h>

/* clang-format off: each is one module with its own static names */
#include "checker/chunk.c"
#include "checker/gate.c"
#include "checker/head.c"
#define start framing_start
#include "checker/framing.c"
#undef start
/* clang-format on */

#define H11 "Host: a\r\n"

struct request_case {
	const char *text; /* head, then body, then possibly more */
	size_t size;      /* 0 = strlen */
	unsigned int status;
	size_t whole; /* bytes of the accepted message, 0 = do not care */
};

#define REFUSED(text, status)                                                                                                              \
	{                                                                                                                                  \
		text, sizeof(text) - 1, status, 0                                                                                          \
	}
#define ACCEPTED(text, more)                                                                                                               \
	{                                                                                                                                  \
		text more, sizeof(text more) - 1, 0, sizeof(text) - 1                                                                      \
	}

static const struct request_case requests[] = {
	ACCEPTED("GET / HTTP/1.1\r\n" H11 "\r\n", ""),
	ACCEPTED("GET /a?b=c HTTP/1.1\r\n" H11 "\r\n", "GET /b HTTP/1.1\r\n" H11 "\r\n"),
	ACCEPTED("GET / HTTP/1.0\r\n\r\n", ""),
	ACCEPTED("BREW /pot HTTP/1.1\r\n" H11 "\r\n", ""),
	ACCEPTED("OPTIONS * HTTP/1.1\r\n" H11 "\r\n", ""),
	ACCEPTED("GET http://a/x HTTP/1.1\r\n" H11 "\r\n", ""),
	ACCEPTED("GET http://A HTTP/1.1\r\n" H11 "\r\n", ""),
	ACCEPTED("POST / HTTP/1.1\r\n" H11 "Content-Length: 3\r\n\r\nabc", "GET"),
	ACCEPTED("POST / HTTP/1.1\r\n" H11 "Content-Length: 003\r\n\r\nabc", ""),
	ACCEPTED("POST / HTTP/1.1\r\n" H11 "content-LENGTH:3 \t\r\n\r\nabc", ""),
	ACCEPTED("POST / HTTP/1.1\r\n" H11 "Transfer-Encoding: Chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n", "GET /"),
	ACCEPTED("POST / HTTP/1.1\r\n" H11 "Transfer-Encoding: chunked\r\n\r\n0003;x=y;z=\"q\\\"\"\r\nabc\r\n0\r\nT: v\r\n\r\n", "x"),
	ACCEPTED("GET / HTTP/1.1\r\n" H11 "Connection: Upgrade\r\nUpgrade: websocket\r\n\r\n", "frames"),
	ACCEPTED("GET / HTTP/1.1\r\nHost: [::1]:80\r\nX: D\xfcsseldorf\r\n\r\n", ""),
	/* line ends and bytes */
	REFUSED("GET / HTTP/1.1\nHost: a\r\n\r\n", 400),
	REFUSED("GET / HTTP/1.1\r\nHost: a\n\r\n", 400),
	REFUSED("GET / HTTP/1.1\r\nHost: a\rb\r\n\r\n", 400),
	REFUSED("GET / HTTP/1.1\r\n" H11 "X: a\0b\r\n\r\n", 400),
	REFUSED("GET / HTTP/1.1\r\n" H11 "X: a\x7f\r\n\r\n", 400),
	REFUSED("GET / HTTP/1.1\r\n" H11 "X: a\r\n b\r\n\r\n", 400),
	REFUSED("GET / HTTP/1.1\r\n" H11 "X : a\r\n\r\n", 400),
	REFUSED("GET / HTTP/1.1\r\n" H11 ": a\r\n\r\n", 400),
	REFUSED("GET / HTTP/1.1\r\n" H11 "X\r\n\r\n", 400),
	REFUSED("GET / HTTP/1.1\r\n" H11 "X[: a\r\n\r\n", 400),
	REFUSED("\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", 400),
	/* request line */
	REFUSED("GET  / HTTP/1.1\r\n" H11 "\r\n", 400),
	REFUSED("GET / HTTP/1.1 \r\n" H11 "\r\n", 400),
	REFUSED("GET /a b HTTP/1.1\r\n" H11 "\r\n", 400),
	REFUSED("G(T / HTTP/1.1\r\n" H11 "\r\n", 400),
	REFUSED("GET /\r\n\r\n", 400),
	REFUSED("GET / HTTP/2.0\r\n" H11 "\r\n", 505),
	REFUSED("GET / HTTP/1.2\r\n" H11 "\r\n", 505),
	REFUSED("GET / http/1.1\r\n" H11 "\r\n", 400),
	REFUSED("GET / HTTP/1.01\r\n" H11 "\r\n", 400),
	REFUSED("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 505),
	REFUSED("CONNECT a:80 HTTP/1.1\r\n" H11 "\r\n", 405),
	REFUSED("GET /a#b HTTP/1.1\r\n" H11 "\r\n", 400),
	REFUSED("GET /\xc3\xa9 HTTP/1.1\r\n" H11 "\r\n", 400),
	REFUSED("GET a HTTP/1.1\r\n" H11 "\r\n", 400),
	REFUSED("GET * HTTP/1.1\r\n" H11 "\r\n", 400),
	REFUSED("GET https://a/ HTTP/1.1\r\n" H11 "\r\n", 400),
	REFUSED("GET http://b/ HTTP/1.1\r\n" H11 "\r\n", 400),
	REFUSED("GET http:///x HTTP/1.1\r\n" H11 "\r\n", 400),
	REFUSED("GET http://u@a/ HTTP/1.1\r\nHost: u@a\r\n\r\n", 400),
	/* Host */
	REFUSED("GET / HTTP/1.1\r\n\r\n", 400),
	REFUSED("GET / HTTP/1.1\r\n" H11 H11 "\r\n", 400),
	REFUSED("GET / HTTP/1.1\r\nHost: a/b\r\n\r\n", 400),
	REFUSED("GET / HTTP/1.1\r\nHost: a, b\r\n\r\n", 400),
	REFUSED("GET / HTTP/1.1\r\nHost: a:80:80\r\n\r\n", 400),
	/* framing */
	REFUSED("POST / HTTP/1.1\r\n" H11 "Content-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n", 400),
	REFUSED("POST / HTTP/1.1\r\n" H11 "Content-Length: 3\r\nContent-Length: 3\r\n\r\nabc", 400),
	REFUSED("POST / HTTP/1.1\r\n" H11 "Content-Length: 3, 3\r\n\r\nabc", 400),
	REFUSED("POST / HTTP/1.1\r\n" H11 "Content-Length: +3\r\n\r\nabc", 400),
	REFUSED("POST / HTTP/1.1\r\n" H11 "Content-Length: 010\r\n\r\nabc", 400),
	REFUSED("POST / HTTP/1.1\r\n" H11 "Content-Length:\r\n\r\n", 400),
	REFUSED("POST / HTTP/1.1\r\n" H11 "Content-Length: 18446744073709551619\r\n\r\nabc", 400),
	REFUSED("POST / HTTP/1.1\r\n" H11 "Transfer-Encoding: gzip, chunked\r\n\r\n", 400),
	REFUSED("POST / HTTP/1.1\r\n" H11 "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n", 400),
	REFUSED("POST / HTTP/1.1\r\n" H11 "Transfer-Encoding: xchunked\r\n\r\n", 400),
	REFUSED("POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n", 400),
	REFUSED("GET / HTTP/1.1\r\n" H11 "Connection: close, Content-Length\r\n\r\n", 400),
	REFUSED("GET / HTTP/1.1\r\n" H11 "Upgrade: TLS/1.2\r\nConnection: Upgrade\r\n\r\n", 400),
	REFUSED("GET / HTTP/1.1\r\n" H11 "Expect: tea\r\n\r\n", 417),
};

/* What the checker would do with these bytes: status, or 0 and the size of the whole message in *whole (SIZE_MAX: incomplete). */
static unsigned int judge(const char *data, size_t len, size_t *whole)
{
	struct rf_framing framing;
	struct rf_request request;
	size_t scanned = 0, used;
	unsigned int status;
	int r = rf_head_scan(data, len, &scanned);

	if (r <= 0)
		return r < 0 ? 400 : 1;
	status = rf_gate_request(data, scanned, &request);
	if (status)
		return status;
	if (rf_framing_request(&framing, &request, data, scanned) < 0)
		return 2; /* the two parsers disagree: worth a look */
	used = scanned;
	while (used < len && !framing.complete) {
		ssize_t n = rf_framing_feed(&framing, data + used, 1); /* byte by byte: no boundary may matter */

		if (n != 1)
			return n < 0 ? 3 : 4;
		used++;
	}
	*whole = framing.complete ? used : SIZE_MAX;
	return 0;
}

static void test_requests(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(requests) / sizeof(requests[0]); i++) {
		const struct request_case *c = &requests[i];
		size_t whole = 0;
		unsigned int status = judge(c->text, c->size, &whole);

		if (status != c->status || (!status && whole != c->whole))
			print_error("case %zu: %s\n", i, c->text);
		assert_int_equal(status, c->status);
		if (!status)
			assert_int_equal(whole, c->whole);
	}
}

static void test_limits(void **state)
{
	static char text[RF_HEAD_MAX];
	struct rf_request request;
	int n;

	(void)state;
	n = snprintf(text, sizeof(text), "GET /%0*d HTTP/1.1\r\n" H11 "\r\n", RF_TARGET_MAX - 1, 0);
	assert_int_equal(rf_gate_request(text, (size_t)n, &request), 0);
	n = snprintf(text, sizeof(text), "GET /%0*d HTTP/1.1\r\n" H11 "\r\n", RF_TARGET_MAX, 0);
	assert_int_equal(rf_gate_request(text, (size_t)n, &request), 414);
	n = snprintf(text, sizeof(text), "GET / HTTP/1.1\r\n" H11);
	for (int i = 0; i < RF_HEAD_LINES_MAX; i++)
		n += snprintf(text + n, sizeof(text) - (size_t)n, "X: y\r\n");
	n += snprintf(text + n, sizeof(text) - (size_t)n, "\r\n");
	assert_int_equal(rf_gate_request(text, (size_t)n, &request), 431);
}

static void test_meaning(void **state)
{
	static const char post[] =
		"POST http://a:80/x?y HTTP/1.1\r\nHost: A:80\r\nConnection: close\r\nExpect: 100-Continue\r\nContent-Length: 5\r\n\r\n";
	static const char old[] = "HEAD /x HTTP/1.0\r\nConnection: Keep-Alive\r\n\r\n";
	struct rf_request request;

	(void)state;
	assert_int_equal(rf_gate_request(post, sizeof(post) - 1, &request), 0);
	assert_int_equal(request.route.len, 4);
	assert_memory_equal(request.route.data, "/x?y", 4);
	assert_int_equal(request.body, RF_BODY_LENGTH);
	assert_int_equal(request.length, 5);
	assert_false(request.keep_alive);
	assert_true(request.expect);
	assert_int_equal(request.authority.len, 4);
	assert_memory_equal(request.authority.data, "A:80", 4);
	assert_int_equal(request.field_count, 4);
	assert_memory_equal(request.fields[2].name, "Expect:", 7);
	assert_int_equal(request.fields[2].name_len, 6);
	assert_memory_equal(request.fields[2].value, "100-Continue\r", 13);
	assert_int_equal(request.fields[2].value_len, 12);
	assert_int_equal(rf_gate_request(old, sizeof(old) - 1, &request), 0);
	assert_true(request.is_head && request.http10 && request.keep_alive);
	assert_false(request.upgrade || request.h2c);
	assert_int_equal(request.authority.len, 0);
	assert_int_equal(request.field_count, 1);
}

static void test_h2c_is_taken_out(void **state)
{
	static const struct {
		const char *in, *out;
		bool upgrade;
	} cases[] = {
		{"Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AA\r\n", "", false},
		{"Connection: keep-alive, Upgrade, HTTP2-Settings\r\nUpgrade: h2c, websocket\r\nX: y\r\n",
		 "Connection:keep-alive,Upgrade\r\nUpgrade:websocket\r\nX: y\r\n", true},
		{"Connection: Upgrade\r\nUpgrade: h2c, HTTP/2.0\r\n", "Connection: Upgrade\r\nUpgrade:HTTP/2.0\r\n", false},
		{"X:  y \r\nConnection: upgrade\r\nUpgrade: H2C\r\nZ: z\r\n", "X:  y \r\nZ: z\r\n", false},
	};
	char in[512], want[512], out[512];

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct rf_request request;
		size_t n = (size_t)snprintf(in, sizeof(in), "GET / HTTP/1.1\r\n" H11 "%s\r\n", cases[i].in);
		size_t w = (size_t)snprintf(want, sizeof(want), "GET / HTTP/1.1\r\n" H11 "%s\r\n", cases[i].out);

		assert_int_equal(rf_gate_request(in, n, &request), 0);
		assert_true(request.h2c);
		assert_int_equal(request.upgrade, cases[i].upgrade);
		n = rf_gate_strip_h2c(in, n, out);
		assert_int_equal(n, w);
		assert_memory_equal(out, want, w);
		assert_int_equal(rf_gate_request(out, n, &request), 0);
		assert_false(request.h2c);
	}
}

static void test_chunks(void **state)
{
	static const char *const bad[] = {
		"+5\r\n",
		"0x5\r\n",
		" 5\r\n",
		"5 \r\n",
		"5\n",
		"5\rx",
		"\r\n",
		"g",
		"5;\r\n",
		"5;a=\r\n",
		"5;a=\"b\r\n",
		"5;a\nb",
		"10000000000000005\r\n",
		"FFFFFFFFFFFFFFFF\r\n",
		"1\r\naXX",
		"1\r\na\n",
		"0\r\n\n",
		"0\r\nX\r\n",
		"0\r\n X: y\r\n",
		"0\r\nContent-Length: 5\r\n",
		"0\r\nTransfer-Encoding: chunked\r\n",
		"0\r\nHost: b\r\n",
		"0\r\nX: \x01\r\n",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct rf_chunk chunk = {0};
		bool done = false, extension;
		size_t len = strlen(bad[i]), used = 0;
		ssize_t n = 0;

		while (used < len && !done && n >= 0) {
			n = rf_chunk_feed(&chunk, bad[i] + used, len - used, &done, &extension);
			used += n < 0 ? 0 : (size_t)n;
		}
		if (n != -EBADMSG)
			fail_msg("accepted: %s", bad[i]);
	}
}

struct response_case {
	const char *text;
	bool is_head;
	int result;
	enum rf_body body;
	bool keep_alive;
};

static const struct response_case responses[] = {
	{"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n", false, 0, RF_BODY_LENGTH, true},
	{"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n", true, 0, RF_BODY_NONE, true},
	{"HTTP/1.1 200\r\nTransfer-Encoding: chunked\r\n\r\n", false, 0, RF_BODY_CHUNKED, true},
	{"HTTP/1.1 200 OK\r\n\r\n", false, 0, RF_BODY_EOF, false},
	{"HTTP/1.0 200 OK\r\nContent-Length: 1\r\n\r\n", false, 0, RF_BODY_LENGTH, false},
	{"HTTP/1.0 200 OK\r\nConnection: keep-alive\r\nContent-Length: 1\r\n\r\n", false, 0, RF_BODY_LENGTH, true},
	{"HTTP/1.1 204 No Content\r\n\r\n", false, 0, RF_BODY_NONE, true},
	{"HTTP/1.1 304 Not Modified\r\nContent-Length: 9\r\nConnection: close\r\n\r\n", false, 0, RF_BODY_NONE, false},
	{"HTTP/1.1 100 Continue\r\n\r\n", false, 0, RF_BODY_NONE, true},
	{"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\n", false, -EBADMSG, 0, false},
	{"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n", false, -EBADMSG, 0, false},
	{"HTTP/1.1 200 OK\r\nX : y\r\n\r\n", false, -EBADMSG, 0, false},
	{"HTTP/2.0 200 OK\r\n\r\n", false, -EBADMSG, 0, false},
	{"HTTP/1.1 20 OK\r\n\r\n", false, -EBADMSG, 0, false},
	{"HTTP/1.1 2000 OK\r\n\r\n", false, -EBADMSG, 0, false},
	{"HTTP/1.1 000 OK\r\n\r\n", false, -EBADMSG, 0, false},
};

static void test_responses(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(responses) / sizeof(responses[0]); i++) {
		const struct response_case *c = &responses[i];
		struct rf_response response;
		struct rf_framing framing;
		int r = rf_gate_response(c->text, strlen(c->text), c->is_head, &response);

		if (r != c->result)
			print_error("case %zu: %s\n", i, c->text);
		assert_int_equal(r, c->result);
		if (r < 0)
			continue;
		assert_int_equal(response.body, c->body);
		assert_int_equal(response.keep_alive, c->keep_alive);
		assert_int_equal(rf_framing_response(&framing, &response, c->text, strlen(c->text)), 0);
		assert_int_equal(framing.complete, c->body == RF_BODY_NONE);
	}
}

static void test_response_end(void **state)
{
	static const char until_close[] = "HTTP/1.1 200 OK\r\n\r\n", counted[] = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n";
	struct rf_response response;
	struct rf_framing framing;

	(void)state;
	assert_int_equal(rf_gate_response(until_close, sizeof(until_close) - 1, false, &response), 0);
	assert_int_equal(rf_framing_response(&framing, &response, until_close, sizeof(until_close) - 1), 0);
	assert_int_equal(rf_framing_feed(&framing, "abc", 3), 3);
	assert_false(framing.complete);
	assert_int_equal(rf_framing_eof(&framing), 0);
	assert_true(framing.complete);
	assert_int_equal(rf_gate_response(counted, sizeof(counted) - 1, false, &response), 0);
	assert_int_equal(rf_framing_response(&framing, &response, counted, sizeof(counted) - 1), 0);
	assert_int_equal(rf_framing_feed(&framing, "abc", 3), 3);
	assert_int_equal(rf_framing_eof(&framing), -EBADMSG);
	assert_int_equal(rf_framing_feed(&framing, "defg", 4), 2);
	assert_true(framing.complete);
	assert_int_equal(rf_framing_feed(&framing, "x", 1), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_requests),         cmocka_unit_test(test_limits), cmocka_unit_test(test_meaning),
		cmocka_unit_test(test_h2c_is_taken_out), cmocka_unit_test(test_chunks), cmocka_unit_test(test_responses),
		cmocka_unit_test(test_response_end),
	};

	return cmocka_run_group_tests_name("gate", tests, NULL, NULL);
}
