/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <errno.h>
#include <signal.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "core/loop.h"

struct watcher {
	struct rf_source *source;
	struct watcher *victim; /* removed by the callback, may be the watcher itself */
	int calls;
	uint32_t last;
};

static void on_io(void *arg, int fd, uint32_t events)
{
	struct watcher *w = arg;

	(void)fd;
	w->calls++;
	w->last = events;
	if (w->victim) {
		rf_source_remove(w->victim->source);
		w->victim->source = NULL;
	}
}

static int64_t now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

static void readable_pair(int pair[2])
{
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
	assert_int_equal(write(pair[1], "x", 1), 1);
}

static void close_pair(int pair[2])
{
	close(pair[0]);
	close(pair[1]);
}

static void test_delivers_and_modifies(void **state)
{
	struct rf_loop *loop = NULL;
	struct watcher w = {0};
	int pair[2];

	(void)state;
	readable_pair(pair);
	assert_int_equal(rf_loop_new(&loop), 0);
	assert_int_equal(rf_loop_add(loop, pair[0], EPOLLIN, on_io, &w, &w.source), 0);
	assert_int_equal(rf_loop_once(loop, 0), 1);
	assert_int_equal(w.calls, 1);
	assert_int_equal(w.last, EPOLLIN);
	assert_int_equal(rf_source_modify(w.source, EPOLLOUT), 0);
	assert_int_equal(rf_loop_once(loop, 0), 1);
	assert_int_equal(w.last, EPOLLOUT);
	/* 0: not even a hang-up is told, so nothing can spin */
	assert_int_equal(rf_source_modify(w.source, 0), 0);
	close(pair[1]);
	assert_int_equal(rf_loop_once(loop, 0), 0);
	assert_int_equal(rf_source_modify(w.source, EPOLLPRI), 0);
	assert_int_equal(rf_loop_once(loop, 0), 1);
	assert_true(w.last & EPOLLHUP);
	rf_loop_free(loop);
	close(pair[0]);
}

/* Two sources are ready in one batch; the first callback removes both: the second is never called, nothing is used after free. */
static void test_remove_others_in_batch(void **state)
{
	struct rf_loop *loop = NULL;
	struct watcher a = {0}, b = {0};
	int pa[2], pb[2];

	(void)state;
	readable_pair(pa);
	readable_pair(pb);
	a.victim = &b;
	b.victim = &a;
	assert_int_equal(rf_loop_new(&loop), 0);
	assert_int_equal(rf_loop_add(loop, pa[0], EPOLLIN, on_io, &a, &a.source), 0);
	assert_int_equal(rf_loop_add(loop, pb[0], EPOLLIN, on_io, &b, &b.source), 0);
	assert_int_equal(rf_loop_once(loop, 0), 2);
	assert_int_equal(a.calls + b.calls, 1);
	assert_true(!a.source || !b.source);
	rf_loop_free(loop);
	close_pair(pa);
	close_pair(pb);
}

static void test_remove_self(void **state)
{
	struct rf_loop *loop = NULL;
	struct watcher w = {0};
	int pair[2];

	(void)state;
	readable_pair(pair);
	w.victim = &w;
	assert_int_equal(rf_loop_new(&loop), 0);
	assert_int_equal(rf_loop_add(loop, pair[0], EPOLLIN, on_io, &w, &w.source), 0);
	assert_int_equal(rf_loop_once(loop, 0), 1);
	assert_int_equal(rf_loop_once(loop, 0), 0);
	assert_int_equal(w.calls, 1);
	rf_loop_free(loop);
	close_pair(pair);
}

struct alarm {
	struct rf_loop *loop;
	struct rf_source *timer;
	int fired;
	int until;
};

static void on_timer(void *arg)
{
	struct alarm *a = arg;

	if (++a->fired == a->until)
		rf_loop_stop(a->loop, 7);
	else
		assert_int_equal(rf_timer_arm(a->timer, 1), 0);
}

static void test_timer_rearms_and_stops(void **state)
{
	struct alarm a = {.until = 3};
	int64_t begin;

	(void)state;
	assert_int_equal(rf_loop_new(&a.loop), 0);
	begin = now_ms();
	assert_int_equal(rf_loop_timer(a.loop, 20, on_timer, &a, &a.timer), 0);
	assert_int_equal(rf_loop_run(a.loop), 7);
	assert_int_equal(a.fired, 3);
	assert_true(now_ms() - begin >= 20);
	/* one-shot: nothing more, and a disarmed timer keeps silent */
	assert_int_equal(rf_timer_arm(a.timer, 0), 0);
	assert_int_equal(rf_timer_arm(a.timer, -1), 0);
	assert_int_equal(rf_loop_once(a.loop, 10), 0);
	assert_int_equal(rf_timer_arm(a.timer, 0), 0);
	a.until = 4;
	assert_int_equal(rf_loop_once(a.loop, 1000), 1);
	assert_int_equal(a.fired, 4);
	rf_loop_free(a.loop);
}

static void on_signal(void *arg, int signo)
{
	struct alarm *a = arg;

	a->fired = signo;
	rf_loop_stop(a->loop, 0);
}

static void test_signals(void **state)
{
	struct alarm a = {0};
	sigset_t set;

	(void)state;
	sigemptyset(&set);
	sigaddset(&set, SIGUSR1);
	assert_int_equal(rf_loop_new(&a.loop), 0);
	assert_int_equal(rf_loop_signals(a.loop, &set, on_signal, &a, NULL), 0);
	assert_int_equal(kill(getpid(), SIGUSR1), 0);
	assert_int_equal(rf_loop_run(a.loop), 0);
	assert_int_equal(a.fired, SIGUSR1);
	rf_loop_free(a.loop);
	sigprocmask(SIG_UNBLOCK, &set, NULL);
}

static void test_refuses(void **state)
{
	struct rf_loop *loop = NULL;
	struct rf_source *untouched = (void *)0x1, *io = NULL;
	struct watcher w = {0};
	int pair[2];

	(void)state;
	readable_pair(pair);
	assert_int_equal(rf_loop_new(&loop), 0);
	assert_int_equal(rf_loop_add(loop, -1, EPOLLIN, on_io, &w, &untouched), -EBADF);
	assert_ptr_equal(untouched, (void *)0x1);
	assert_int_equal(rf_loop_add(loop, pair[0], 0, on_io, &w, &io), 0);
	assert_int_equal(rf_timer_arm(io, 1), -EINVAL);
	rf_source_remove(NULL);
	rf_loop_free(NULL);
	rf_loop_free(loop);
	close_pair(pair);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_delivers_and_modifies),
		cmocka_unit_test(test_remove_others_in_batch),
		cmocka_unit_test(test_remove_self),
		cmocka_unit_test(test_timer_rearms_and_stops),
		cmocka_unit_test(test_signals),
		cmocka_unit_test(test_refuses),
	};

	return cmocka_run_group_tests_name("loop", tests, NULL, NULL);
}
