/* SPDX-License-Identifier: Apache-2.0 */
#include "checker/broker.h"

#include <errno.h>
#include <unistd.h>

#include "checker/conn.h"
#include "core/cleanup.h"
#include "core/fdpass.h"
#include "core/log.h"
#include "sockd/protocol.h"

static int send_message(struct rf_broker *b, const struct rf_sockd_message *message)
{
	int r = rf_fdpass_send(b->fd, message, sizeof(*message), -1);

	if (r < 0 && r != -EAGAIN)
		rf_loop_stop(b->checker->loop, 1);
	return r;
}

static int ask_upstream(struct rf_broker *b, const struct rf_conn *conn)
{
	const struct rf_addr *to = &conn->dst.real;
	struct rf_sockd_message message = {
		.op = RF_SOCKD_UPSTREAM, .id = conn->id, .pod = conn->listener->pod, .port = conn->dst.real_port};

	*(rf_addr_is4(to) ? &message.addr4 : &message.addr6) = *to;
	return send_message(b, &message);
}

/* Sends what waits, in order; the rest when the socket has room again. */
static void push(struct rf_broker *b)
{
	struct rf_conn *conn;
	int r = 0;

	if (b->sign_owed) {
		r = send_message(b, &(struct rf_sockd_message){.op = RF_SOCKD_ALIVE, .id = b->sign_owed});
		if (r == 0)
			b->sign_owed = 0;
	}
	if (r == 0 && b->tables_wanted && !b->tables_asked) {
		r = send_message(b, &(struct rf_sockd_message){.op = RF_SOCKD_TABLES, .epoch = b->tables_wanted});
		b->tables_asked = r == 0;
	}
	TAILQ_FOREACH(conn, &b->waiting, waiting)
	{
		if (conn->asked)
			continue;
		if (r == 0)
			r = ask_upstream(b, conn);
		if (r < 0)
			break;
		conn->asked = true;
	}
	(void)rf_source_modify(b->source, r == -EAGAIN ? EPOLLIN | EPOLLOUT : EPOLLIN); /* cannot fail on a registered fd */
}

void rf_broker_ask_upstream(struct rf_broker *b, struct rf_conn *conn)
{
	conn->id = ++b->last_id;
	conn->queued = true;
	conn->asked = false;
	TAILQ_INSERT_TAIL(&b->waiting, conn, waiting);
	push(b);
}

void rf_broker_cancel(struct rf_broker *b, struct rf_conn *conn)
{
	if (!conn->queued)
		return;
	conn->queued = false;
	TAILQ_REMOVE(&b->waiting, conn, waiting);
}

void rf_broker_ask_tables(struct rf_broker *b, rf_epoch_t epoch)
{
	if (b->tables_wanted) /* its answer wakes everybody who is parked, and who needs another epoch asks again */
		return;
	b->tables_wanted = epoch;
	b->tables_asked = false;
	push(b);
}

static void got_upstream(struct rf_broker *b, const struct rf_sockd_message *message, int *fd)
{
	struct rf_conn *conn;

	TAILQ_FOREACH(conn, &b->waiting, waiting)
	if (conn->id == message->id)
		break;
	if (!conn)
		return; /* its connection is gone */
	rf_broker_cancel(b, conn);
	rf_conn_upstream(conn, TAKE_FD(*fd), message->error);
}

static void got_tables(struct rf_broker *b, const struct rf_sockd_message *message, int fd)
{
	struct rf_checker *checker = b->checker;
	struct rf_conn *conn, *next;
	int error = message->error;

	if (message->epoch != b->tables_wanted)
		return;
	b->tables_wanted = 0;
	if (!error)
		error = fd < 0 ? EBADMSG : -rf_tables_load(&checker->tables, fd, message->epoch);
	if (error && error != ESTALE)
		rf_log_warning(error, "cannot use the tables of policy %u", message->epoch);
	for (conn = TAILQ_FIRST(&checker->conns); conn; conn = next) {
		next = TAILQ_NEXT(conn, link);
		rf_conn_tables(conn, message->epoch, error);
	}
}

static void handle(struct rf_broker *b, const struct rf_sockd_message *message, int *fd)
{
	switch (message->op) {
	case RF_SOCKD_LISTENER:
		if (*fd >= 0 && rf_listener_add(b->checker, message->pod, !rf_addr_is_none(&message->addr6), TAKE_FD(*fd)) < 0)
			rf_loop_stop(b->checker->loop, 1); /* a fresh checker gets every listener again */
		break;
	case RF_SOCKD_POD_DEL:
		rf_listener_remove(b->checker, message->pod);
		break;
	case RF_SOCKD_UPSTREAM:
		got_upstream(b, message, fd);
		break;
	case RF_SOCKD_TABLES:
		got_tables(b, message, *fd);
		break;
	case RF_SOCKD_ALIVE:
		b->sign_owed = message->id;
		push(b);
		break;
	default:
		rf_log_warning(0, "unknown message %u from the broker", message->op);
		break;
	}
}

static void on_broker(void *arg, int sock, uint32_t events)
{
	struct rf_broker *b = arg;
	struct rf_sockd_message message;
	_cleanup_close_ int fd = -1;
	int r;

	if (events & EPOLLOUT)
		push(b);
	if (!(events & (EPOLLIN | EPOLLERR | EPOLLHUP)))
		return;
	r = rf_fdpass_recv(sock, &message, sizeof(message), &fd);
	if (r == -EAGAIN)
		return;
	if (r < 0) {
		rf_loop_stop(b->checker->loop, r == -ENOTCONN ? 0 : 1);
		return;
	}
	handle(b, &message, &fd);
}

int rf_broker_init(struct rf_broker *b, struct rf_checker *checker, int fd)
{
	b->checker = checker;
	b->fd = fd;
	TAILQ_INIT(&b->waiting);
	return rf_loop_add(checker->loop, fd, EPOLLIN, on_broker, b, &b->source);
}
