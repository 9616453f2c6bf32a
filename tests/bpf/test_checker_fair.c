/* SPDX-License-Identifier: Apache-2.0 */
/* One client that never pauses: the others are served as always. */
#include "checker_world.h"

#define FLOOD_MS 1000 /* at least so long; a pause of the flood would let the others in and prove nothing */

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

static void test_a_flood_of_denied_requests_leaves_time_for_others(void **state)
{
	int noisy, client, stop[2];
	int64_t begin, start, worst = 0;
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
	for (begin = now_ms(); now_ms() - begin < FLOOD_MS;) {
		start = now_ms();
		client = dial();
		say(client, "GET /no HTTP/1.1\r\n" HOST "\r\n");
		hear(client, NOT_FOUND);
		close(client);
		worst = now_ms() - start > worst ? now_ms() - start : worst;
	}
	assert_in_range(worst, 0, PATIENCE_MS / 4);
	close(stop[1]);
	assert_int_equal(waitpid(child, NULL, 0), child);
	close(noisy);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_a_flood_of_denied_requests_leaves_time_for_others),
	};

	return cmocka_run_group_tests_name("checker fairness", tests, open_world, close_world);
}
