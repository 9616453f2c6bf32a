/* SPDX-License-Identifier: Apache-2.0 */
/* The checker's time limits, each two hundred times as short: what a client sees when somebody takes too long. */
#define HASTE "200"
#include "checker_world.h"

#include "checker/limits.h"

#define REQUEST "GET / HTTP/1.1\r\n" HOST "\r\n"

/* A limit passed, and not much earlier than it says. */
static void assert_limit(int64_t since, int64_t limit_ms)
{
	assert_in_range(now_ms() - since, limit_ms / 200 - 5, PATIENCE_MS);
}

static void test_head_takes_too_long(void **state)
{
	struct rf_access_record record;
	int client;
	int64_t start;

	(void)state;
	publish(EVERY);
	forget_records();
	client = dial();
	start = now_ms();
	say(client, "GET / HTTP/1.1\r\n");
	hear_refusal(client, "HTTP/1.1 408 ");
	assert_limit(start, RF_HEAD_MS);
	record = next_record();
	assert_int_equal(record.status, 408);
	assert_int_equal(record.reason, RF_REASON_BAD_REQUEST);
	assert_nobody_came();
}

static void test_trickling_head_has_the_same_limit(void **state)
{
	int client = dial(), n = 0;
	int64_t start = now_ms();
	struct pollfd p = {.fd = client, .events = POLLIN};

	(void)state;
	say(client, "GET /");
	while (poll(&p, 1, 20) == 0 && now_ms() - start < PATIENCE_MS) {
		(void)send(client, "a", 1, MSG_NOSIGNAL); /* the end may come first */
		n++;
	}
	hear_refusal(client, "HTTP/1.1 408 ");
	assert_true(n > 1);
	assert_limit(start, RF_HEAD_MS);
}

static void test_idle(void **state)
{
	int client = dial(), up;
	int64_t start = now_ms();

	(void)state;
	hear_end(client);
	assert_limit(start, RF_IDLE_MS);
	/* between requests, too: both ends are closed */
	client = dial();
	say(client, REQUEST);
	up = take();
	hear(up, REQUEST);
	say(up, OK);
	hear(client, OK);
	start = now_ms();
	hear_end(client);
	assert_limit(start, RF_IDLE_MS);
	hear_end(up);
}

/* The destination's queue is full, so the kernel drops the SYN. */
static void test_connect_takes_too_long(void **state)
{
	const struct rf_addr addr = addr_of(AF_INET, SERVER_LAST);
	union address to = address(&addr, SERVER_PORT);
	int fill[16], client;
	int64_t start;

	(void)state;
	assert_int_equal(listen(server, 0), 0);
	for (size_t i = 0; i < RF_ARRAY_SIZE(fill); i++) {
		fill[i] = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
		(void)connect(fill[i], &to.any, sizeof(to)); /* some get in, the rest waits for ever */
	}
	forget_records();
	client = dial();
	start = now_ms();
	say(client, REQUEST);
	hear_refusal(client, "HTTP/1.1 503 ");
	assert_limit(start, RF_CONNECT_MS);
	assert_int_equal(next_record().reason, RF_REASON_UPSTREAM_FAILED);
	for (size_t i = 0; i < RF_ARRAY_SIZE(fill); i++)
		close(fill[i]);
	close(server);
	server = listen_on(AF_INET, SERVER_PORT);
	assert_true(server >= 0);
}

static void test_broker_takes_too_long(void **state)
{
	int client, up;
	int64_t start;

	(void)state;
	assert_int_equal(kill(broker, SIGSTOP), 0);
	client = dial();
	start = now_ms();
	say(client, REQUEST);
	hear_refusal(client, "HTTP/1.1 503 ");
	assert_limit(start, RF_BROKER_MS);
	assert_int_equal(kill(broker, SIGCONT), 0);
	/* its late answer belongs to nobody */
	client = dial();
	say(client, REQUEST);
	do
		up = take();
	while (recv(up, (char[1]){0}, 1, MSG_PEEK) == 0 && close(up) == 0);
	hear(up, REQUEST);
	say(up, OK);
	hear(client, OK);
	close(client);
	hear_end(up);
}

static void test_denied_body_never_comes(void **state)
{
	int client;
	int64_t start;

	(void)state;
	publish("/ok");
	client = dial();
	start = now_ms();
	say(client, "POST /no HTTP/1.1\r\n" HOST "Content-Length: 10\r\n\r\n");
	hear(client, NOT_FOUND);
	hear_reset(client);
	assert_limit(start, RF_DRAIN_MS);
	publish(EVERY);
}

/* Also a ClientHello; what is TLS never gets an HTTP answer. */
static void test_hello_takes_too_long(void **state)
{
	static const char *const egress =
		"apiVersion: policy.openservicemesh.io/v1alpha1\nkind: Egress\nmetadata: {name: out, namespace: shop}\nspec:\n"
		"  sources: [{kind: ServiceAccount, name: buyer, namespace: shop}]\n  hosts: [one.example]\n"
		"  ports: [{number: 8080, protocol: https}]\n";
	int client, n = 0;
	int64_t start;
	struct pollfd p;

	(void)state;
	publish_with(EVERY, egress);
	forget_records();
	client = dial_somebody(AF_INET, buyer, 0, addr_of(AF_INET, SERVER_LAST), SERVER_PORT, true);
	p = (struct pollfd){.fd = client, .events = POLLIN};
	start = now_ms();
	say(client, "\x16\x03\x01\x10");
	while (poll(&p, 1, 20) == 0 && now_ms() - start < PATIENCE_MS) {
		(void)send(client, "a", 1, MSG_NOSIGNAL); /* the end may come first */
		n++;
	}
	hear_reset(client);
	assert_true(n > 1);
	assert_limit(start, RF_HEAD_MS);
	assert_int_equal(next_record().reason, RF_REASON_SERVER_NAME);
	assert_nobody_came();
	publish(EVERY);
}

/* An exchange has no limit: a download may be slow, a long poll may be long. */
static void test_slow_answers_are_waited_for(void **state)
{
	int client = dial(), up;
	struct pollfd p = {.fd = client, .events = POLLIN};

	(void)state;
	say(client, REQUEST);
	up = take();
	hear(up, REQUEST);
	assert_int_equal(poll(&p, 1, 2 * RF_IDLE_MS / 200), 0);
	say(up, OK);
	hear(client, OK);
	close(client);
	hear_end(up);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_head_takes_too_long),
		cmocka_unit_test(test_trickling_head_has_the_same_limit),
		cmocka_unit_test(test_idle),
		cmocka_unit_test(test_connect_takes_too_long),
		cmocka_unit_test(test_broker_takes_too_long),
		cmocka_unit_test(test_denied_body_never_comes),
		cmocka_unit_test(test_hello_takes_too_long),
		cmocka_unit_test(test_slow_answers_are_waited_for),
	};

	return cmocka_run_group_tests_name("checker limits", tests, open_world, close_world);
}
