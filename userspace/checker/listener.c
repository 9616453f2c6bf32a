/* SPDX-License-Identifier: Apache-2.0 */
#include "checker/listener.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "checker/conn.h"

#define ACCEPT_BATCH 16 /* then the others have their turn */

static bool may_accept(const struct rf_listener *l)
{
	return l->conns < RF_CONNS_PER_POD && l->conns <= l->checker->conn_max / 2 && l->checker->conn_count < l->checker->conn_max;
}

static void pause_listener(struct rf_listener *l)
{
	l->paused = rf_source_modify(l->source, 0) == 0;
}

static void on_listener(void *arg, int fd, uint32_t events)
{
	struct rf_listener *l = arg;

	(void)events;
	for (int i = 0; i < ACCEPT_BATCH; i++) {
		int conn;

		if (!may_accept(l)) {
			pause_listener(l);
			return;
		}
		conn = accept4(fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
		if (conn < 0) {
			if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM)
				pause_listener(l); /* the checker's tick tries again */
			return;
		}
		rf_conn_accept(l, conn);
	}
}

static struct rf_listener *find(struct rf_checker *checker, uint64_t pod)
{
	struct rf_listener *l;

	TAILQ_FOREACH(l, &checker->listeners, link)
	if (l->pod == pod && l->fd >= 0)
		return l;
	return NULL;
}

/* Kept for its connections' sake, freed with the last of them. */
static void retire(struct rf_listener *l)
{
	if (l->fd >= 0) {
		rf_source_remove(l->source);
		close(l->fd);
		l->source = NULL;
		l->fd = -1;
	}
	if (l->conns)
		return;
	TAILQ_REMOVE(&l->checker->listeners, l, link);
	free(l);
}

int rf_listener_add(struct rf_checker *checker, uint64_t pod, int fd)
{
	struct rf_listener *l = calloc(1, sizeof(*l));
	int r = -ENOMEM;

	rf_listener_remove(checker, pod);
	if (l) {
		*l = (struct rf_listener){.checker = checker, .pod = pod, .fd = fd};
		r = rf_loop_add(checker->loop, fd, EPOLLIN, on_listener, l, &l->source);
	}
	if (r < 0) {
		free(l);
		close(fd);
		return r;
	}
	TAILQ_INSERT_TAIL(&checker->listeners, l, link);
	return 0;
}

void rf_listener_remove(struct rf_checker *checker, uint64_t pod)
{
	struct rf_listener *l = find(checker, pod);

	if (l)
		retire(l);
}

static void resume(struct rf_listener *l)
{
	if (l->paused && l->fd >= 0 && may_accept(l))
		l->paused = rf_source_modify(l->source, EPOLLIN) < 0;
}

void rf_listener_released(struct rf_listener *l)
{
	struct rf_checker *checker = l->checker;
	struct rf_listener *other;

	l->conns--;
	if (l->fd < 0)
		retire(l);
	TAILQ_FOREACH(other, &checker->listeners, link)
	resume(other);
}

void rf_listeners_resume(struct rf_checker *checker)
{
	struct rf_listener *l;

	TAILQ_FOREACH(l, &checker->listeners, link)
	resume(l);
}
