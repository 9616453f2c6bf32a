/* SPDX-License-Identifier: Apache-2.0 */
#include "checker/conn.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "checker/answers.h"
#include "checker/turns.h"

#define ERRORS_ONLY EPOLLPRI /* TCP urgent data is never waited for: leaves just EPOLLERR and EPOLLHUP */

static void on_client(void *arg, int fd, uint32_t events);
static void on_upstream(void *arg, int fd, uint32_t events);

uint64_t rf_conn_deadline(const struct rf_conn *conn, uint32_t ms)
{
	return rf_now_ns() + ms * 1000000ull / conn->checker->haste;
}

void rf_conn_state(struct rf_conn *conn, enum rf_conn_state state)
{
	static const uint32_t limits[] = {
		[RF_CONN_HEAD] = RF_IDLE_MS,       [RF_CONN_HELLO] = RF_HEAD_MS,      [RF_CONN_TABLES] = RF_BROKER_MS,
		[RF_CONN_UPSTREAM] = RF_BROKER_MS, [RF_CONN_CONNECT] = RF_CONNECT_MS, [RF_CONN_DRAIN] = RF_DRAIN_MS,
		[RF_CONN_FLUSH] = RF_FLUSH_MS,     [RF_CONN_LINGER] = RF_LINGER_MS,   [RF_CONN_DEAD] = 0,
	};

	conn->state = state;
	conn->discarded = 0;
	conn->head_begun = false;
	conn->deadline_ns = limits[state] ? rf_conn_deadline(conn, limits[state]) : 0;
}

static void side_close(struct rf_side *side, bool reset)
{
	static const struct linger rst = {.l_onoff = 1, .l_linger = 0};

	rf_source_remove(side->source);
	if (side->fd >= 0) {
		if (reset)
			(void)setsockopt(side->fd, SOL_SOCKET, SO_LINGER, &rst, sizeof(rst)); /* without it: FIN, also an end */
		close(side->fd);
	}
	*side = (struct rf_side){.fd = -1};
}

void rf_conn_drop_upstream(struct rf_conn *conn, bool reset)
{
	rf_broker_cancel(&conn->checker->broker, conn);
	side_close(&conn->upstream, reset);
}

void rf_conn_end(struct rf_conn *conn, bool reset)
{
	if (conn->recording)
		rf_conn_record(conn, conn->record.status, conn->record.reason);
	rf_conn_drop_upstream(conn, reset);
	side_close(&conn->client, reset);
	conn->checker->tunnels -= conn->state == RF_CONN_TUNNEL;
	rf_conn_state(conn, RF_CONN_DEAD);
}

static void conn_free(struct rf_conn *conn)
{
	struct rf_checker *checker = conn->checker;
	struct rf_listener *listener = conn->listener;

	rf_turns_leave(conn);
	TAILQ_REMOVE(&checker->conns, conn, link);
	checker->conn_count--;
	rf_buffer_free(&conn->up);
	rf_buffer_free(&conn->down);
	rf_tunnel_forget(conn);
	free(conn);
	rf_listener_released(listener);
}

void rf_conn_record_begin(struct rf_conn *conn)
{
	conn->recording = true;
	conn->record = (struct rf_access_record){
		.time_ns = rf_now_ns(),
		.src = conn->dst.src,
		.dst = conn->dst.dst,
		.pod = conn->listener->pod,
		.dst_addr = conn->dst.real,
		.dst_port = conn->dst.real_port,
	};
}

void rf_conn_record(struct rf_conn *conn, unsigned int status, unsigned int reason)
{
	if (!conn->recording)
		return;
	conn->recording = false;
	conn->record.status = (uint16_t)status;
	conn->record.reason = (uint16_t)reason;
	if (reason != RF_REASON_ALLOW_AUDIT)
		conn->record.would = RF_REASON_UNSPEC;
	rf_records_send(&conn->checker->records, &conn->record);
}

void rf_conn_answer(struct rf_conn *conn, unsigned int status, bool keep)
{
	char text[RF_ANSWER_MAX];
	enum rf_answer_end end = !keep ? RF_ANSWER_CLOSE : (conn->http10 ? RF_ANSWER_KEEP_HTTP10 : RF_ANSWER_KEEP);
	int n;

	conn->down.end = conn->down.passed; /* what of a response has not passed never will */
	n = rf_answer(status, conn->is_head, end, text, sizeof(text));

	if (n < 0 || rf_buffer_put(&conn->down, text, (size_t)n) < 0) {
		rf_conn_end(conn, true);
		return;
	}
	conn->record.response_bytes = (uint64_t)n;
	if (keep)
		return;
	rf_conn_drop_upstream(conn, false);
	rf_conn_state(conn, RF_CONN_FLUSH);
}

bool rf_conn_read(struct rf_conn *conn, struct rf_side *side, struct rf_buffer *buffer)
{
	ssize_t n;

	if (!side->readable || side->eof || rf_buffer_full(buffer))
		return false;
	n = rf_buffer_recv(buffer, side->fd);
	if (n == -EAGAIN) {
		side->readable = false;
		return false;
	}
	if (n < 0) {
		rf_conn_end(conn, true); /* reset, or no memory: both ends are told the hard way */
		return true;
	}
	side->eof = n == 0;
	return true;
}

bool rf_conn_write(struct rf_conn *conn, struct rf_side *side, struct rf_buffer *buffer)
{
	ssize_t n;

	(void)conn;
	if (side->broken) { /* nobody takes it any more */
		buffer->start = buffer->passed;
		return false;
	}
	if (side->blocked || !rf_buffer_ready(buffer))
		return false;
	n = rf_buffer_send(buffer, side->fd);
	if (n == -EAGAIN) {
		side->blocked = true;
		return false;
	}
	if (n < 0)
		side->broken = true;
	return true;
}

static bool flush(struct rf_conn *conn)
{
	bool moved = rf_conn_write(conn, &conn->client, &conn->down);

	if (conn->client.broken) {
		rf_conn_end(conn, true);
		return true;
	}
	if (rf_buffer_ready(&conn->down))
		return moved;
	if (conn->client.eof || shutdown(conn->client.fd, SHUT_WR) < 0) {
		rf_conn_end(conn, false);
		return true;
	}
	conn->client.shut = true;
	rf_conn_state(conn, RF_CONN_LINGER);
	return true;
}

/* Closing with unread bytes would send a reset that can overtake our answer (RFC 9112 9.6). */
static bool linger(struct rf_conn *conn)
{
	size_t n = rf_buffer_fresh(&conn->up);

	conn->up.start = conn->up.passed = conn->up.end = 0;
	conn->discarded += n;
	if (conn->client.eof || conn->discarded > RF_LINGER_MAX) {
		rf_conn_end(conn, false);
		return true;
	}
	return rf_conn_read(conn, &conn->client, &conn->up);
}

/* Between requests the server has nothing to say; if it closes, so do we. */
static bool idle_upstream(struct rf_conn *conn)
{
	if (conn->upstream.fd < 0 || !rf_conn_read(conn, &conn->upstream, &conn->down))
		return false;
	if (conn->state == RF_CONN_DEAD)
		return true;
	if (rf_buffer_fresh(&conn->down)) {
		rf_conn_end(conn, true);
	} else if (conn->upstream.eof) {
		rf_conn_drop_upstream(conn, false);
		rf_conn_state(conn, RF_CONN_FLUSH);
	}
	return true;
}

static bool head_step(struct rf_conn *conn)
{
	bool moved = rf_conn_write(conn, &conn->client, &conn->down); /* a deny answer before */

	if (conn->client.broken) {
		rf_conn_end(conn, true);
		return true;
	}
	if (rf_buffer_ready(&conn->down))
		return moved;
	return idle_upstream(conn) || rf_request_head(conn) || moved;
}

static bool step(struct rf_conn *conn)
{
	switch (conn->state) {
	case RF_CONN_HEAD:
		return head_step(conn);
	case RF_CONN_HELLO:
		return rf_hello_step(conn);
	case RF_CONN_CONNECT:
		return rf_upstream_connected(conn);
	case RF_CONN_EXCHANGE:
		return rf_exchange_step(conn);
	case RF_CONN_DRAIN:
		return rf_request_drain(conn);
	case RF_CONN_TUNNEL:
		return rf_tunnel_step(conn);
	case RF_CONN_FLUSH:
		return flush(conn);
	case RF_CONN_LINGER:
		return linger(conn);
	case RF_CONN_TABLES:
	case RF_CONN_UPSTREAM:
	case RF_CONN_DEAD:
		break;
	}
	return false;
}

static uint32_t client_events(const struct rf_conn *conn)
{
	bool parked = conn->state == RF_CONN_TABLES || conn->state == RF_CONN_UPSTREAM || conn->state == RF_CONN_CONNECT ||
		      conn->state == RF_CONN_FLUSH || conn->tunnel.parked;
	uint32_t events = 0;

	if (conn->waits_turn)
		return 0;
	if (conn->client.blocked)
		events |= EPOLLOUT;
	if (conn->state == RF_CONN_HEAD && rf_buffer_ready(&conn->down))
		parked = true; /* the answer before this request has to go first */
	if (!parked && !conn->client.eof && !rf_buffer_full(&conn->up))
		events |= EPOLLIN;
	if (!events && !(conn->client.eof && conn->client.shut)) /* closed both ways is a lasting EPOLLHUP */
		events = ERRORS_ONLY;
	return events;
}

static uint32_t upstream_events(const struct rf_conn *conn)
{
	bool reading = (conn->state == RF_CONN_HEAD && !rf_buffer_ready(&conn->down)) || conn->state == RF_CONN_EXCHANGE ||
		       (conn->state == RF_CONN_TUNNEL && !conn->tunnel.parked);
	uint32_t events = 0;

	if (conn->waits_turn)
		return 0;
	if (conn->state == RF_CONN_CONNECT || (conn->upstream.blocked && !conn->upstream.broken))
		events |= EPOLLOUT;
	if (reading && !conn->upstream.eof && !rf_buffer_full(&conn->down))
		events |= EPOLLIN;
	return events;
}

int rf_conn_watch(struct rf_conn *conn)
{
	int r = rf_source_modify(conn->client.source, client_events(conn));

	if (r < 0 || !conn->upstream.source)
		return r;
	return rf_source_modify(conn->upstream.source, upstream_events(conn));
}

void rf_conn_advance(struct rf_conn *conn)
{
	const uint64_t until = rf_now_ns() + RF_TURN_NS;

	rf_turns_leave(conn);
	while (step(conn))
		if (conn->state != RF_CONN_DEAD && rf_now_ns() >= until) {
			rf_turns_wait(conn);
			break;
		}
	conn->listener->late = rf_now_ns() >= until || !TAILQ_EMPTY(&conn->listener->in_turns);
	if (conn->state != RF_CONN_DEAD && rf_conn_watch(conn) < 0)
		rf_conn_end(conn, true);
	if (conn->state == RF_CONN_DEAD)
		conn_free(conn);
}

static void on_side(struct rf_conn *conn, struct rf_side *side, uint32_t events)
{
	side->readable |= !!(events & EPOLLIN);
	if (events & EPOLLOUT)
		side->blocked = false;
	if (!(events & (EPOLLIN | EPOLLOUT))) /* an error or reset while we neither read nor write */
		rf_conn_end(conn, true);
	rf_turns_wake(conn);
}

static void on_client(void *arg, int fd, uint32_t events)
{
	struct rf_conn *conn = arg;

	(void)fd;
	on_side(conn, &conn->client, events);
}

static void on_upstream(void *arg, int fd, uint32_t events)
{
	struct rf_conn *conn = arg;

	(void)fd;
	on_side(conn, &conn->upstream, events);
}

int rf_conn_watch_upstream(struct rf_conn *conn)
{
	return rf_loop_add(conn->checker->loop, conn->upstream.fd, 0, on_upstream, conn, &conn->upstream.source);
}

void rf_conn_expire(struct rf_conn *conn, uint64_t now_ns)
{
	if (!conn->deadline_ns || now_ns < conn->deadline_ns)
		return;
	switch (conn->state) {
	case RF_CONN_HEAD:
		if (conn->head_begun && !rf_buffer_ready(&conn->down)) {
			rf_conn_record_begin(conn);
			conn->is_head = false;
			rf_conn_answer(conn, 408, false);
			rf_conn_record(conn, 408, RF_REASON_BAD_REQUEST);
		} else {
			rf_conn_end(conn, false);
		}
		break;
	case RF_CONN_HELLO:
		rf_hello_refuse(conn, RF_REASON_SERVER_NAME);
		break;
	case RF_CONN_TABLES:
	case RF_CONN_UPSTREAM:
	case RF_CONN_CONNECT:
		rf_upstream_failed(conn);
		break;
	default:
		rf_conn_end(conn, true);
		break;
	}
	rf_conn_advance(conn);
}

/* Who is this, and where did it want to go (dst 0: nobody that is known, outside)? Asked in the same way on sockets of both families.
 * Only a redirected connection of the listener's own pod has an answer. */
static int original_destination(int fd, uint64_t pod, struct rf_origdst *ret)
{
	struct rf_origdst dst = {0};
	socklen_t size = sizeof(dst);

	if (getsockopt(fd, IPPROTO_IP, RF_SO_ORIGINAL_DST, &dst, &size) < 0)
		return -errno;
	if (size != sizeof(dst) || rf_addr_is_any(&dst.real) || !dst.real_port || !dst.src || dst.pod != pod)
		return -EACCES;
	*ret = dst;
	return 0;
}

void rf_conn_accept(struct rf_listener *listener, int fd)
{
	struct rf_checker *checker = listener->checker;
	struct rf_conn *conn = calloc(1, sizeof(*conn));
	static const int one = 1;

	if (!conn) {
		close(fd);
		return;
	}
	conn->checker = checker;
	conn->listener = listener;
	conn->client = (struct rf_side){.fd = fd, .readable = true};
	conn->upstream = (struct rf_side){.fd = -1};
	listener->conns++;
	checker->conn_count++;
	TAILQ_INSERT_TAIL(&checker->conns, conn, link);
	(void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one)); /* only costs latency if refused */
	rf_conn_state(conn, RF_CONN_HEAD);
	if (original_destination(fd, listener->pod, &conn->dst) < 0) {
		rf_conn_record_begin(conn);
		rf_conn_record(conn, 0, RF_REASON_CHECKER_DIALED);
		rf_conn_end(conn, true);
	} else if (rf_loop_add(checker->loop, fd, EPOLLIN, on_client, conn, &conn->client.source) < 0) {
		rf_conn_end(conn, true);
	}
	rf_turns_wake(conn);
}
