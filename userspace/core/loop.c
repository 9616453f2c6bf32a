/* SPDX-License-Identifier: Apache-2.0 */
#include "core/loop.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/signalfd.h>
#include <sys/timerfd.h>
#include <time.h>

#include "core/cleanup.h"

#define BATCH 64

enum source_kind { SOURCE_IO, SOURCE_TIMER, SOURCE_SIGNAL };

struct rf_source {
	struct rf_loop *loop;
	struct rf_source *prev, *next; /* live list; `next` also links the graveyard */
	enum source_kind kind;
	int fd;
	uint32_t events; /* 0 = not in the epoll set */
	bool dead;
	union {
		rf_io_fn io;
		rf_timer_fn timer;
		rf_signal_fn signal;
	} fn;
	void *arg;
};

struct rf_loop {
	int epoll_fd;
	int code;
	bool stopping;
	bool dispatching;
	struct rf_source *live;
	struct rf_source *graveyard; /* removed during a batch that may still name them */
};

int rf_loop_new(struct rf_loop **ret)
{
	struct rf_loop *loop = calloc(1, sizeof(*loop));

	if (!loop)
		return -ENOMEM;
	loop->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	if (loop->epoll_fd < 0) {
		int r = -errno;

		free(loop);
		return r;
	}
	*ret = loop;
	return 0;
}

static void bury(struct rf_loop *loop)
{
	while (loop->graveyard) {
		struct rf_source *source = loop->graveyard;

		loop->graveyard = source->next;
		free(source);
	}
}

void rf_loop_free(struct rf_loop *loop)
{
	if (!loop)
		return;
	while (loop->live)
		rf_source_remove(loop->live);
	bury(loop);
	close(loop->epoll_fd);
	free(loop);
}

int rf_source_modify(struct rf_source *source, uint32_t events)
{
	struct epoll_event ev = {.events = events, .data.ptr = source};
	int op;

	if (source->events == events)
		return 0;
	op = !source->events ? EPOLL_CTL_ADD : (events ? EPOLL_CTL_MOD : EPOLL_CTL_DEL);
	if (epoll_ctl(source->loop->epoll_fd, op, source->fd, &ev) < 0)
		return -errno;
	source->events = events;
	return 0;
}

static int source_new(struct rf_loop *loop, enum source_kind kind, int fd, uint32_t events, void *arg, struct rf_source **ret)
{
	struct rf_source *source = calloc(1, sizeof(*source));
	int r;

	if (!source)
		return -ENOMEM;
	source->loop = loop;
	source->kind = kind;
	source->fd = fd;
	source->arg = arg;
	r = rf_source_modify(source, events);
	if (r < 0) {
		free(source);
		return r;
	}
	source->next = loop->live;
	if (loop->live)
		loop->live->prev = source;
	loop->live = source;
	*ret = source;
	return 0;
}

int rf_loop_add(struct rf_loop *loop, int fd, uint32_t events, rf_io_fn fn, void *arg, struct rf_source **ret)
{
	struct rf_source *source;
	int r = source_new(loop, SOURCE_IO, fd, events, arg, &source);

	if (r < 0)
		return r;
	source->fn.io = fn;
	if (ret)
		*ret = source;
	return 0;
}

void rf_source_remove(struct rf_source *source)
{
	struct rf_loop *loop;

	if (!source || source->dead)
		return;
	loop = source->loop;
	(void)rf_source_modify(source, 0); /* fails only if the fd is gone already, and then it left the set by itself */
	if (source->kind != SOURCE_IO)
		close(source->fd);
	if (source->prev)
		source->prev->next = source->next;
	else
		loop->live = source->next;
	if (source->next)
		source->next->prev = source->prev;
	source->dead = true;
	source->next = loop->graveyard;
	loop->graveyard = source;
	if (!loop->dispatching)
		bury(loop);
}

int rf_timer_arm(struct rf_source *source, int64_t ms)
{
	struct itimerspec spec = {0};

	if (source->kind != SOURCE_TIMER)
		return -EINVAL;
	if (ms >= 0) {
		spec.it_value.tv_sec = (time_t)(ms / 1000);
		spec.it_value.tv_nsec = (long)(ms % 1000) * 1000000L;
		if (!ms)
			spec.it_value.tv_nsec = 1; /* all zero would disarm */
	}
	return timerfd_settime(source->fd, 0, &spec, NULL) < 0 ? -errno : 0;
}

int rf_loop_timer(struct rf_loop *loop, int64_t ms, rf_timer_fn fn, void *arg, struct rf_source **ret)
{
	_cleanup_close_ int fd = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
	struct rf_source *source;
	int r;

	if (fd < 0)
		return -errno;
	r = source_new(loop, SOURCE_TIMER, fd, EPOLLIN, arg, &source);
	if (r < 0)
		return r;
	TAKE_FD(fd);
	source->fn.timer = fn;
	r = rf_timer_arm(source, ms);
	if (r < 0) {
		rf_source_remove(source);
		return r;
	}
	if (ret)
		*ret = source;
	return 0;
}

int rf_loop_signals(struct rf_loop *loop, const sigset_t *set, rf_signal_fn fn, void *arg, struct rf_source **ret)
{
	_cleanup_close_ int fd = -1;
	struct rf_source *source;
	int r;

	if (sigprocmask(SIG_BLOCK, set, NULL) < 0)
		return -errno;
	fd = signalfd(-1, set, SFD_CLOEXEC | SFD_NONBLOCK);
	if (fd < 0)
		return -errno;
	r = source_new(loop, SOURCE_SIGNAL, fd, EPOLLIN, arg, &source);
	if (r < 0)
		return r;
	TAKE_FD(fd);
	source->fn.signal = fn;
	if (ret)
		*ret = source;
	return 0;
}

static void dispatch_timer(struct rf_source *source)
{
	uint64_t expirations;

	/* -EAGAIN: armed anew by an earlier callback of this batch, so it has not expired after all */
	if (read(source->fd, &expirations, sizeof(expirations)) == (ssize_t)sizeof(expirations))
		source->fn.timer(source->arg);
}

static void dispatch_signal(struct rf_source *source)
{
	struct signalfd_siginfo info;

	while (!source->dead && read(source->fd, &info, sizeof(info)) == (ssize_t)sizeof(info))
		source->fn.signal(source->arg, (int)info.ssi_signo);
}

static void dispatch(struct rf_source *source, uint32_t events)
{
	/* An earlier callback of the batch may have removed it or asked for other events; errors and hang-ups always pass. */
	events &= source->events | EPOLLERR | EPOLLHUP;
	if (source->dead || !source->events || !events)
		return;
	switch (source->kind) {
	case SOURCE_IO:
		source->fn.io(source->arg, source->fd, events);
		break;
	case SOURCE_TIMER:
		dispatch_timer(source);
		break;
	case SOURCE_SIGNAL:
		dispatch_signal(source);
		break;
	}
}

int rf_loop_once(struct rf_loop *loop, int timeout_ms)
{
	struct epoll_event batch[BATCH];
	int n = epoll_wait(loop->epoll_fd, batch, BATCH, timeout_ms);

	if (n < 0)
		return errno == EINTR ? 0 : -errno;
	loop->dispatching = true;
	for (int i = 0; i < n; i++)
		dispatch(batch[i].data.ptr, batch[i].events);
	loop->dispatching = false;
	bury(loop);
	return n;
}

int rf_loop_run(struct rf_loop *loop)
{
	loop->stopping = false;
	while (!loop->stopping) {
		int r = rf_loop_once(loop, -1);

		if (r < 0)
			return r;
	}
	return loop->code;
}

void rf_loop_stop(struct rf_loop *loop, int code)
{
	loop->code = code;
	loop->stopping = true;
}
