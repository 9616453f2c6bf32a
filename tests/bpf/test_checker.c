/* SPDX-License-Identifier: Apache-2.0 */
/* Broker and checker together: what a client and a server see, and what the agent is told. The broker's own part is in test_broker.c. */
#include "checker_world.h"

static void test_no_policy_refuses(void **state)
{
	int client = dial();

	(void)state;
	say(client, "GET / HTTP/1.1\r\n" HOST "\r\n");
	hear_refusal(client, "HTTP/1.1 503 ");
	assert_int_equal(next_record().reason, RF_REASON_NO_POLICY);
	assert_nobody_came();
}

static void test_dialled_by_hand(void **state)
{
	struct rf_access_record record;

	(void)state;
	forget_records();
	hear_reset(dial_to(buyer, SERVER_PORT, false));
	record = next_record();
	assert_int_equal(record.reason, RF_REASON_CHECKER_DIALED);
	assert_int_equal(record.pod, POD);
}

static void test_keep_alive_and_denials(void **state)
{
	struct rf_access_record record;
	int client, up;

	(void)state;
	publish("/ok.*");
	forget_records();
	client = dial();
	/* denied before there is an upstream connection: the connection stays usable */
	say(client, "GET /no HTTP/1.1\r\n" HOST "\r\n");
	hear(client, NOT_FOUND);
	record = next_record();
	assert_int_equal(record.reason, RF_REASON_NO_ROUTE);
	assert_int_equal(record.status, 404);
	say(client, "GET /others HTTP/1.1\r\n" HOST "\r\n");
	hear(client, DENIED);
	assert_int_equal(next_record().reason, RF_REASON_ROUTE_OTHERS);
	assert_nobody_came();
	say(client, "GET /ok?x=1 HTTP/1.1\r\nHost:  s \r\nX: y\r\n\r\n");
	up = take();
	hear(up, "GET /ok?x=1 HTTP/1.1\r\nHost:  s \r\nX: y\r\n\r\n");
	say(up, OK);
	hear(client, OK);
	record = next_record();
	assert_int_equal(record.reason, RF_REASON_ALLOW_L7);
	assert_int_equal(record.status, 200);
	assert_int_equal(record.src, buyer);
	assert_int_equal(record.dst_port, SERVER_PORT);
	assert_string_equal(record.method, "GET");
	assert_string_equal(record.path, "/ok");
	assert_int_equal(record.request_bytes, strlen("GET /ok?x=1 HTTP/1.1\r\nHost:  s \r\nX: y\r\n\r\n"));
	assert_int_equal(record.response_bytes, strlen(OK));
	/* pipelined: allowed, denied with body, HEAD denied, allowed; answers in order, one upstream connection */
	say(client,
	    "GET /ok1 HTTP/1.1\r\n" HOST "\r\nPOST /no HTTP/1.1\r\n" HOST "Content-Length: 3\r\n\r\nabcHEAD /others HTTP/1.1\r\n" HOST
	    "\r\nPOST /ok2 HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked\r\n\r\n3;e\r\nabc\r\n0\r\n\r\n");
	hear(up, "GET /ok1 HTTP/1.1\r\n" HOST "\r\n");
	say(up, OK);
	hear(client, OK NOT_FOUND "HTTP/1.1 403 Forbidden\r\nContent-Type: text/plain\r\nContent-Length: 19\r\n\r\n");
	hear(up, "POST /ok2 HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked\r\n\r\n3;e\r\nabc\r\n0\r\n\r\n");
	say(up, "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nx\r\n0\r\n\r\n");
	hear(client, "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nx\r\n0\r\n\r\n");
	assert_nobody_came();
	/* the server closes the idle connection: so does the checker */
	close(up);
	hear_end(client);
}

static void test_both_families(void **state)
{
	struct rf_access_record record;
	const struct rf_addr real = addr_of(AF_INET6, SERVER_LAST);
	int client, up;

	(void)state;
	publish("/ok.*");
	client = dial_from(AF_INET6, buyer, SERVER_PORT, true);
	forget_records();
	say(client, "GET /no HTTP/1.1\r\n" HOST "\r\n");
	hear(client, NOT_FOUND);
	record = next_record();
	assert_true(rf_addr_equal(&record.dst_addr, &real));
	assert_int_equal(record.dst_port, SERVER_PORT);
	assert_nobody_came();
	say(client, "GET /ok HTTP/1.1\r\n" HOST "\r\n");
	up = take_from(server6);
	hear(up, "GET /ok HTTP/1.1\r\n" HOST "\r\n");
	say(up, OK);
	hear(client, OK);
	close(up);
	hear_end(client);
	/* nobody was redirected */
	hear_reset(dial_from(AF_INET6, buyer, SERVER_PORT, false));
}

static void test_policy_changes_under_a_connection(void **state)
{
	int client, up;

	(void)state;
	publish(EVERY);
	client = dial();
	say(client, "GET /a HTTP/1.1\r\n" HOST "\r\n");
	up = take();
	hear(up, "GET /a HTTP/1.1\r\n" HOST "\r\n");
	publish("/b"); /* the request in flight finishes, the next one is decided anew */
	say(up, OK);
	hear(client, OK);
	say(client, "GET /a HTTP/1.1\r\n" HOST "\r\n");
	hear(client, NOT_FOUND);
	say(client, "GET /b HTTP/1.1\r\n" HOST "\r\n");
	hear(up, "GET /b HTTP/1.1\r\n" HOST "\r\n");
	say(up, OK);
	hear(client, OK);
	publish(NULL); /* the pair is gone: what connect would say, an end */
	say(client, "GET /b HTTP/1.1\r\n" HOST "\r\n");
	hear_reset(client);
	close(up);
	publish(EVERY);
}

static void test_refusals_forward_nothing(void **state)
{
	static const struct {
		const char *text, *status;
	} cases[] = {
		{"GET / HTTP/1.1\nHost: s\r\n\r\n", "HTTP/1.1 400 "},
		{"POST / HTTP/1.1\r\n" HOST "Content-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n", "HTTP/1.1 400 "},
		{"GET / HTTP/2.0\r\n\r\n", "HTTP/1.1 505 "},
		{"\x16\x03\x01", "HTTP/1.1 400 "},
		{"GET /%00 HTTP/1.1\r\n" HOST "\r\n", "HTTP/1.1 400 "},
		{"GET /a/../../b HTTP/1.1\r\n" HOST "\r\n", "HTTP/1.1 400 "},
	};
	char *large;
	int client;

	(void)state;
	for (size_t i = 0; i < RF_ARRAY_SIZE(cases); i++) {
		client = dial();
		say(client, cases[i].text);
		hear_refusal(client, cases[i].status);
	}
	large = malloc(70001);
	assert_non_null(large);
	memset(large, 'a', 70000);
	large[70000] = '\0';
	memcpy(large, "GET /", 5);
	client = dial();
	(void)send(client, large, 70000, MSG_NOSIGNAL); /* may be cut short by the answer */
	hear_refusal(client, "HTTP/1.1 414 ");
	memcpy(large, "GET / HTTP/1.1\r\nX: ", 19);
	client = dial();
	(void)send(client, large, 70000, MSG_NOSIGNAL);
	hear_refusal(client, "HTTP/1.1 431 ");
	free(large);
	assert_nobody_came();
}

static void test_upstream_failures(void **state)
{
	int client = dial_to(buyer, 1, true), up; /* no Service names port 1: not allowed at all */

	(void)state;
	say(client, "GET / HTTP/1.1\r\n" HOST "\r\n");
	hear_reset(client);
	/* nobody listens */
	close(server);
	forget_records();
	client = dial();
	say(client, "GET / HTTP/1.1\r\n" HOST "\r\n");
	hear_refusal(client, "HTTP/1.1 503 ");
	assert_int_equal(next_record().reason, RF_REASON_UPSTREAM_FAILED);
	server = listen_on(AF_INET, SERVER_PORT);
	assert_true(server >= 0);
	/* a response that cannot be framed safely */
	client = dial();
	say(client, "GET / HTTP/1.1\r\n" HOST "\r\n");
	up = take();
	hear(up, "GET / HTTP/1.1\r\n" HOST "\r\n");
	say(up, "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab");
	hear_refusal(client, "HTTP/1.1 502 ");
	close(up);
	/* the same after a part has been relayed: reset */
	client = dial();
	say(client, "GET / HTTP/1.1\r\n" HOST "\r\n");
	up = take();
	hear(up, "GET / HTTP/1.1\r\n" HOST "\r\n");
	say(up, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n");
	hear(client, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n");
	say(up, "zz\r\n");
	hear_reset(client);
	close(up);
}

/* Where no packet filter would see the connection, the broker does not begin one, whatever the checker was made to believe. */
static void test_no_way_into_the_pod_itself(void **state)
{
	const struct rf_addr loopback6 = {{0, 0, 0, htonl(1)}}, mapped = rf_addr4(htonl(INADDR_LOOPBACK));
	const struct {
		int family;
		struct rf_addr to;
	} cases[] = {
		{AF_INET, mapped},
		{AF_INET6, loopback6},
		{AF_INET6, mapped},
		{AF_INET, checker_addr(AF_INET)},
		{AF_INET6, checker_addr(AF_INET6)},
		{AF_INET, rf_addr4(htonl(0xa9fe0001))},
		{AF_INET, rf_addr4(htonl(INADDR_BROADCAST))},
	};
	int client, trap = socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0), off = 0;
	struct pollfd p = {.fd = trap, .events = POLLIN};
	union address any = {.six = {.sin6_family = AF_INET6, .sin6_port = htons(SERVER_PORT)}};

	(void)state;
	close(server);
	close(server6);
	assert_int_equal(setsockopt(trap, IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof(off)), 0);
	assert_int_equal(setsockopt(trap, SOL_SOCKET, SO_REUSEADDR, &(int){1}, sizeof(int)), 0);
	assert_int_equal(bind(trap, &any.any, sizeof(any.six)), 0);
	assert_int_equal(listen(trap, 16), 0);
	for (size_t i = 0; i < RF_ARRAY_SIZE(cases); i++) {
		client = dial_through(cases[i].family, buyer, cases[i].to, SERVER_PORT, true);
		say(client, "GET / HTTP/1.1\r\n" HOST "\r\n");
		hear_refusal(client, "HTTP/1.1 503 ");
		assert_int_equal(poll(&p, 1, 0), 0);
	}
	/* the trap works */
	client = dial();
	say(client, "GET / HTTP/1.1\r\n" HOST "\r\n");
	assert_int_equal(poll(&p, 1, PATIENCE_MS), 1);
	close(client);
	close(trap);
	server = listen_on(AF_INET, SERVER_PORT);
	server6 = listen_on(AF_INET6, SERVER_PORT);
	assert_true(server >= 0 && server6 >= 0);
}

static void test_bad_body_never_completes(void **state)
{
	int client = dial(), up;

	(void)state;
	say(client, "POST / HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked\r\n\r\n");
	up = take();
	hear(up, "POST / HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked\r\n\r\n");
	say(client, "+1\r\na\r\n0\r\n\r\n");
	hear_reset(up);
	hear_refusal(client, "HTTP/1.1 400 ");
}

static void test_ends_are_passed_on(void **state)
{
	int client = dial(), up;
	struct linger rst = {1, 0};

	(void)state;
	/* close-delimited response after a half-close by the client */
	say(client, "GET / HTTP/1.0\r\n\r\n");
	assert_int_equal(shutdown(client, SHUT_WR), 0);
	up = take();
	hear(up, "GET / HTTP/1.0\r\n\r\n");
	say(up, "HTTP/1.0 200 OK\r\n\r\nall of it");
	close(up);
	hear(client, "HTTP/1.0 200 OK\r\n\r\nall of it");
	hear_end(client);
	/* the client resets in the middle of a response */
	client = dial();
	say(client, "GET / HTTP/1.1\r\n" HOST "\r\n");
	up = take();
	hear(up, "GET / HTTP/1.1\r\n" HOST "\r\n");
	assert_int_equal(setsockopt(client, SOL_SOCKET, SO_LINGER, &rst, sizeof(rst)), 0);
	close(client);
	hear_reset(up);
	/* the server does */
	client = dial();
	say(client, "GET / HTTP/1.1\r\n" HOST "\r\n");
	up = take();
	hear(up, "GET / HTTP/1.1\r\n" HOST "\r\n");
	assert_int_equal(setsockopt(up, SOL_SOCKET, SO_LINGER, &rst, sizeof(rst)), 0);
	close(up);
	hear_reset(client);
}

static void test_tunnel(void **state)
{
	int client = dial(), up;

	(void)state;
	say(client, "GET /ws HTTP/1.1\r\n" HOST "Connection: Upgrade\r\nUpgrade: websocket\r\n\r\n");
	up = take();
	hear(up, "GET /ws HTTP/1.1\r\n" HOST "Connection: Upgrade\r\nUpgrade: websocket\r\n\r\n");
	say(up, "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n\x01");
	hear(client, "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n\x01");
	say(client, "\x02not http\n");
	hear(up, "\x02not http\n");
	assert_int_equal(shutdown(client, SHUT_WR), 0);
	assert_int_equal(recv(up, (char[1]){0}, 1, 0), 0);
	say(up, "last words");
	hear(client, "last words");
	close(up);
	hear_end(client);
	/* 101 that nobody asked for is no tunnel */
	client = dial();
	say(client, "GET / HTTP/1.1\r\n" HOST "Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AA\r\n\r\n");
	up = take();
	hear(up, "GET / HTTP/1.1\r\n" HOST "\r\n");
	say(up, "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n\r\n");
	hear_refusal(client, "HTTP/1.1 502 ");
	close(up);
}

#define LARGE (48ull * 1024 * 1024)

/* One end writes a large body while the other reads nothing: the writer is stopped by back-pressure; then everything arrives unchanged. */
static void push_large(int from, int to)
{
	static unsigned char out[65536], in[65536];
	unsigned long long sent = 0, received = 0, stalled_at = 0;

	fcntl(from, F_SETFL, O_NONBLOCK);
	fcntl(to, F_SETFL, O_NONBLOCK);
	while (received < LARGE) {
		struct pollfd p[2] = {{.fd = from, .events = sent < LARGE ? POLLOUT : 0}, {.fd = to, .events = stalled_at ? POLLIN : 0}};
		int r = poll(p, 2, stalled_at ? PATIENCE_MS : 200);

		if (r == 0 && !stalled_at) {
			stalled_at = sent; /* nobody reads, so nobody takes any more */
			continue;
		}
		assert_true(r > 0);
		if (p[0].revents & POLLOUT) {
			size_t n = LARGE - sent < sizeof(out) ? (size_t)(LARGE - sent) : sizeof(out);
			ssize_t w;

			for (size_t i = 0; i < n; i++)
				out[i] = (unsigned char)((sent + i) * 31 >> 3);
			w = send(from, out, n, MSG_NOSIGNAL);
			assert_true(w > 0 || errno == EAGAIN);
			sent += w > 0 ? (unsigned long long)w : 0;
		}
		if (p[1].revents & POLLIN) {
			ssize_t n = recv(to, in, sizeof(in), 0);

			assert_true(n > 0);
			for (ssize_t i = 0; i < n; i++)
				if (in[i] != (unsigned char)((received + (unsigned long long)i) * 31 >> 3))
					fail_msg("byte %llu differs", received + (unsigned long long)i);
			received += (unsigned long long)n;
		}
	}
	assert_true(stalled_at && stalled_at < LARGE);
	fcntl(from, F_SETFL, 0);
	fcntl(to, F_SETFL, 0);
}

static void test_large_bodies(void **state)
{
	int client = dial(), up;
	char head[128], answer[128];

	(void)state;
	snprintf(head, sizeof(head), "POST /up HTTP/1.1\r\n" HOST "Content-Length: %llu\r\n\r\n", LARGE);
	snprintf(answer, sizeof(answer), "HTTP/1.1 200 OK\r\nContent-Length: %llu\r\n\r\n", LARGE);
	say(client, head);
	up = take();
	hear(up, head);
	push_large(client, up);
	say(up, answer);
	hear(client, answer);
	push_large(up, client);
	close(client);
	hear_end(up);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_no_policy_refuses),
		cmocka_unit_test(test_dialled_by_hand),
		cmocka_unit_test(test_keep_alive_and_denials),
		cmocka_unit_test(test_both_families),
		cmocka_unit_test(test_policy_changes_under_a_connection),
		cmocka_unit_test(test_refusals_forward_nothing),
		cmocka_unit_test(test_upstream_failures),
		cmocka_unit_test(test_no_way_into_the_pod_itself),
		cmocka_unit_test(test_bad_body_never_completes),
		cmocka_unit_test(test_ends_are_passed_on),
		cmocka_unit_test(test_tunnel),
		cmocka_unit_test(test_large_bodies),
	};

	return cmocka_run_group_tests_name("checker", tests, open_world, close_world);
}
