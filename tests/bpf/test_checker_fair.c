/* SPDX-License-Identifier: Apache-2.0 */
/* One client that never pauses: the others are served as always. */
#include "checker_world.h"

#define CROWD        200
#define COSTLY       300
#define HEADER_BYTES 6000
#define FLOOD_MS     1000 /* at least so long; a pause of the flood would let the others in and prove nothing */

/* Requests that are denied, one after the other without a pause, and the answers thrown away. Ends when the parent closes `stop`. */
static void flood(int fd, int stop)
{
	static const char request[] = "GET /no HTTP/1.1\r\n" HOST "\r\n";
	static char many[1000 * (sizeof(request) - 1)], answers[1 << 18];
	struct pollfd p[] = {{.fd = fd, .events = POLLIN | POLLOUT}, {.fd = stop, .events = POLLIN}};
	size_t at = 0;

	for (size_t i = 0; i < 1000; i++)
		memcpy(many + i * (sizeof(request) - 1), request, sizeof(request) - 1);
	while (poll(p, 2, -1) > 0 && !p[1].revents) {
		ssize_t n = p[0].revents & POLLOUT ? send(fd, many + at, sizeof(many) - at, MSG_DONTWAIT | MSG_NOSIGNAL) : 0;

		at = n > 0 ? (at + (size_t)n) % sizeof(many) : at;
		(void)recv(fd, answers, sizeof(answers), MSG_DONTWAIT);
	}
	_exit(0);
}

/* How long one request after the other takes at most, each over a connection of its own. */
static int64_t worst_answer(void)
{
	int64_t begin, start, worst = 0;

	for (begin = now_ms(); now_ms() - begin < FLOOD_MS;) {
		int client;

		start = now_ms();
		client = dial();
		say(client, "GET /no HTTP/1.1\r\n" HOST "\r\n");
		hear(client, NOT_FOUND);
		close(client);
		worst = now_ms() - start > worst ? now_ms() - start : worst;
	}
	return worst;
}

static void test_a_flood_of_denied_requests_leaves_time_for_others(void **state)
{
	int noisy, stop[2];
	pid_t child;

	(void)state;
	publish("/ok");
	noisy = dial();
	assert_int_equal(pipe2(stop, O_CLOEXEC), 0);
	child = fork();
	assert_true(child >= 0);
	if (!child) {
		close(stop[1]);
		flood(noisy, stop[0]);
	}
	close(stop[0]);
	assert_in_range(worst_answer(), 0, PATIENCE_MS / 4);
	close(stop[1]);
	assert_int_equal(waitpid(child, NULL, 0), child);
	close(noisy);
}

/* Routes whose conditions make each request with a long header cost the checker milliseconds. */
static void publish_costly(void)
{
	static char text[32768];
	size_t n =
		(size_t)snprintf(text, sizeof(text),
				 "apiVersion: access.smi-spec.io/v1alpha3\nkind: TrafficTarget\nmetadata: {name: costly, namespace: shop}\n"
				 "spec:\n  destination: {kind: ServiceAccount, name: store, namespace: shop}\n"
				 "  rules: [{kind: HTTPRouteGroup, name: costly}]\n"
				 "  sources: [{kind: ServiceAccount, name: buyer, namespace: shop}]\n---\n"
				 "apiVersion: specs.smi-spec.io/v1alpha4\nkind: HTTPRouteGroup\n"
				 "metadata: {name: costly, namespace: shop}\nspec:\n  matches:\n");

	for (int i = 0; i < COSTLY; i++)
		n += (size_t)snprintf(text + n, sizeof(text) - n, "  - {name: m%d, pathRegex: /no, headers: {h: a*%d}}\n", i, i);
	publish_with("/ok", text);
}

/* Each of many connections asks, waits for its answer and asks again. */
static void crowd(const int *fds, int stop)
{
	static char request[HEADER_BYTES + 64], answers[4096];
	struct pollfd p[CROWD + 1] = {{.fd = stop, .events = POLLIN}};
	const int head = snprintf(request, sizeof(request), "GET /no HTTP/1.1\r\n" HOST "h: ");

	memset(request + head, 'a', HEADER_BYTES);
	memcpy(request + head + HEADER_BYTES, "\r\n\r\n", 4);
	for (int i = 0; i < CROWD; i++) {
		p[i + 1] = (struct pollfd){.fd = fds[i], .events = POLLIN};
		(void)send(fds[i], request, (size_t)head + HEADER_BYTES + 4, MSG_NOSIGNAL);
	}
	while (poll(p, CROWD + 1, -1) > 0 && !p[0].revents)
		for (int i = 0; i < CROWD; i++)
			if (p[i + 1].revents && recv(fds[i], answers, sizeof(answers), MSG_DONTWAIT) > 0)
				(void)send(fds[i], request, (size_t)head + HEADER_BYTES + 4, MSG_NOSIGNAL);
	_exit(0);
}

static void test_a_pod_with_many_costly_requests_leaves_time_for_others(void **state)
{
	int noisy[CROWD], stop[2];
	int64_t own, other;
	pid_t child;

	(void)state;
	publish_costly();
	for (int i = 0; i < CROWD; i++)
		noisy[i] = dial();
	assert_int_equal(pipe2(stop, O_CLOEXEC), 0);
	child = fork();
	assert_true(child >= 0);
	if (!child) {
		close(stop[1]);
		crowd(noisy, stop[0]);
	}
	close(stop[0]);
	own = worst_answer(); /* in the same pod: behind all the others */
	pod = POD + 1;
	pod_last = CHECKER_LAST + 1;
	assert_int_equal(add_pod(), 0);
	other = worst_answer();
	pod = POD;
	pod_last = CHECKER_LAST;
	print_message("own pod: %lld ms, another: %lld ms\n", (long long)own, (long long)other);
	assert_true(own > 100); /* the crowd is one */
	assert_true(other < own / 8);
	close(stop[1]);
	assert_int_equal(waitpid(child, NULL, 0), child);
	for (int i = 0; i < CROWD; i++)
		close(noisy[i]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_a_flood_of_denied_requests_leaves_time_for_others),
		cmocka_unit_test(test_a_pod_with_many_costly_requests_leaves_time_for_others),
	};

	return cmocka_run_group_tests_name("checker fairness", tests, open_world, close_world);
}
