/* SPDX-License-Identifier: Apache-2.0 */
#include "checker/listener.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "checker/conn.h"
#include "core/log.h"

#define TELL_NS      (60ull * 1000000000)
#define ACCEPT_BATCH 16 /* then the others have their turn */

static bool may_accept(const struct rf_listener *l)
{
	return l->conns < RF_CONNS_PER_POD && l->conns <= l->checker->conn_max / 2 && l->checker->conn_count < l->checker->conn_max;
}

/* People should know why a pod's requests are slow; not more often than they can read. */
static void tell_full(struct rf_listener *l)
{
	uint64_t now = rf_now_ns();

	if (l->told_ns && now - l->told_ns < TELL_NS)
		return;
	l->told_ns = now;
	rf_log_warning(0, "the pod of cgroup %llu has %zu connections here, %zu in all: more of them wait in its queue",
		       (unsigned long long)l->pod, l->conns, l->checker->conn_count);
}

static void pause_door(struct rf_door *door)
{
	door->paused = rf_source_modify(door->source, 0) == 0;
}

static void on_door(void *arg, int fd, uint32_t events)
{
	struct rf_door *door = arg;

	(void)events;
	for (int i = 0; i < ACCEPT_BATCH; i++) {
		int conn;

		if (!may_accept(door->listener)) {
			tell_full(door->listener);
			pause_door(door);
			return;
		}
		conn = accept4(fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
		if (conn < 0) {
			if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM)
				pause_door(door); /* the checker's tick tries again */
			return;
		}
		rf_conn_accept(door->listener, conn);
	}
}

static struct rf_listener *find(struct rf_checker *checker, uint64_t pod)
{
	struct rf_listener *l;

	TAILQ_FOREACH(l, &checker->listeners, link)
	if (l->pod == pod && !l->retired)
		return l;
	return NULL;
}

static void shut_door(struct rf_door *door)
{
	if (door->fd < 0)
		return;
	rf_source_remove(door->source);
	close(door->fd);
	door->source = NULL;
	door->fd = -1;
	door->paused = false;
}

/* Kept for its connections' sake, freed with the last of them. */
static void retire(struct rf_listener *l)
{
	for (size_t i = 0; i < RF_DOORS; i++)
		shut_door(&l->doors[i]);
	l->retired = true;
	if (l->conns)
		return;
	TAILQ_REMOVE(&l->checker->listeners, l, link);
	free(l);
}

static struct rf_listener *new_listener(struct rf_checker *checker, uint64_t pod)
{
	struct rf_listener *l = calloc(1, sizeof(*l));

	if (!l)
		return NULL;
	*l = (struct rf_listener){.checker = checker, .pod = pod};
	TAILQ_INIT(&l->in_turns);
	for (size_t i = 0; i < RF_DOORS; i++)
		l->doors[i] = (struct rf_door){.listener = l, .fd = -1};
	TAILQ_INSERT_TAIL(&checker->listeners, l, link);
	return l;
}

int rf_listener_add(struct rf_checker *checker, uint64_t pod, bool six, int fd)
{
	struct rf_listener *l = find(checker, pod);
	struct rf_door *door;
	int r;

	if (!l)
		l = new_listener(checker, pod);
	if (!l) {
		close(fd);
		return -ENOMEM;
	}
	door = &l->doors[six];
	shut_door(door);
	door->fd = fd;
	r = rf_loop_add(checker->loop, fd, EPOLLIN, on_door, door, &door->source);
	if (r < 0)
		retire(l);
	return r;
}

void rf_listener_remove(struct rf_checker *checker, uint64_t pod)
{
	struct rf_listener *l = find(checker, pod);

	if (l)
		retire(l);
}

static void resume(struct rf_listener *l)
{
	for (size_t i = 0; i < RF_DOORS; i++) {
		struct rf_door *door = &l->doors[i];

		if (door->paused && may_accept(l))
			door->paused = rf_source_modify(door->source, EPOLLIN) < 0;
	}
}

void rf_listeners_resume(struct rf_checker *checker)
{
	struct rf_listener *l;

	TAILQ_FOREACH(l, &checker->listeners, link)
	resume(l);
}

void rf_listener_released(struct rf_listener *l)
{
	struct rf_checker *checker = l->checker;

	l->conns--;
	if (l->retired)
		retire(l);
	rf_listeners_resume(checker);
}
