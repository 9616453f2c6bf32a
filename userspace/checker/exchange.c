/* SPDX-License-Identifier: Apache-2.0 */
/* EXCHANGE and TUNNEL: one request up, its response down, byte for byte, with back-pressure: a side is read only while the buffer towards
 * the other has room. */
#include <errno.h>
#include <sys/socket.h>

#include "checker/conn.h"

void rf_exchange_begin(struct rf_conn *conn)
{
	rf_buffer_pass(&conn->up, conn->head_size);
	conn->head_size = 0;
	conn->scanned = 0;
	conn->line_skipped = false;
	conn->resp_begun = false;
	conn->resp_keep_alive = false;
	conn->relayed = false;
	conn->resp_scanned = 0;
	conn->resp.complete = false;
	rf_conn_state(conn, RF_CONN_EXCHANGE);
}

/* The client's message turned out bad after its head had passed: the server must not take what it has for complete. */
static void bad_request_body(struct rf_conn *conn)
{
	if (conn->relayed) {
		rf_conn_end(conn, true);
		return;
	}
	rf_conn_drop_upstream(conn, true);
	conn->up.start = conn->up.passed;
	rf_conn_answer(conn, 400, false);
	rf_conn_record(conn, 400, RF_REASON_BAD_REQUEST);
}

static void bad_response(struct rf_conn *conn)
{
	if (conn->relayed) {
		conn->record.reason = RF_REASON_UPSTREAM_FAILED;
		rf_conn_end(conn, true);
		return;
	}
	rf_conn_drop_upstream(conn, true);
	conn->down.end = conn->down.passed;
	rf_conn_answer(conn, 502, false);
	rf_conn_record(conn, 502, RF_REASON_UPSTREAM_FAILED);
}

static void finish(struct rf_conn *conn, unsigned int reason)
{
	conn->down.end = conn->down.passed;
	rf_conn_record(conn, conn->record.status, reason);
	rf_conn_drop_upstream(conn, false);
	rf_conn_state(conn, RF_CONN_FLUSH);
}

static bool take_request(struct rf_conn *conn)
{
	bool moved = rf_conn_read(conn, &conn->client, &conn->up);
	ssize_t n;

	if (conn->state != RF_CONN_EXCHANGE || conn->req.complete || !rf_buffer_fresh(&conn->up))
		return moved;
	n = rf_framing_feed(&conn->req, rf_buffer_fresh_data(&conn->up), rf_buffer_fresh(&conn->up));
	if (n < 0) {
		bad_request_body(conn);
		return true;
	}
	rf_buffer_pass(&conn->up, (size_t)n);
	conn->record.request_bytes += (uint64_t)n;
	return moved || n > 0;
}

/* The client has finished sending and everything is handed over: so have we. */
static bool pass_half_close(struct rf_side *from, struct rf_side *to, const struct rf_buffer *buffer)
{
	if (!from->eof || to->shut || to->broken || buffer->start != buffer->end)
		return false;
	to->shut = true;
	to->broken = shutdown(to->fd, SHUT_WR) < 0;
	return true;
}

/* A final or interim head has been judged; what it means for this exchange. */
static void begin_response(struct rf_conn *conn, size_t size)
{
	const char *head = rf_buffer_fresh_data(&conn->down);
	struct rf_response response;

	if (rf_gate_response(head, size, conn->is_head, &response) < 0 || rf_framing_response(&conn->resp, &response, head, size) < 0 ||
	    (response.status == 101 && !(conn->upgrade && conn->req.complete))) {
		bad_response(conn);
		return;
	}
	rf_buffer_pass(&conn->down, size);
	conn->record.response_bytes += size;
	conn->record.status = (uint16_t)response.status;
	conn->relayed = true;
	conn->resp_scanned = 0;
	if (response.status == 101) {
		if (rf_tunnel_begin(conn) < 0)
			rf_conn_end(conn, true);
	} else if (response.status < 200) {
		conn->resp.complete = false; /* interim: the final one follows */
	} else {
		conn->resp_begun = true;
		conn->resp_keep_alive = response.keep_alive;
	}
}

static bool response_head(struct rf_conn *conn)
{
	size_t fresh = rf_buffer_fresh(&conn->down);
	int r = fresh ? rf_head_scan(rf_buffer_fresh_data(&conn->down), fresh, &conn->resp_scanned) : 0;

	if (r > 0) {
		begin_response(conn, conn->resp_scanned);
		return true;
	}
	if (r < 0 || fresh >= RF_HEAD_MAX || (conn->upstream.eof && fresh)) {
		bad_response(conn);
		return true;
	}
	if (!conn->upstream.eof)
		return false;
	/* Closed without a word. On a connection that had served before, the client cannot be told more than a server would: the end. */
	if (conn->served)
		finish(conn, RF_REASON_UPSTREAM_FAILED);
	else
		bad_response(conn);
	return true;
}

static bool response_body(struct rf_conn *conn)
{
	ssize_t n = rf_framing_feed(&conn->resp, rf_buffer_fresh_data(&conn->down), rf_buffer_fresh(&conn->down));

	if (n < 0) {
		bad_response(conn);
		return true;
	}
	rf_buffer_pass(&conn->down, (size_t)n);
	conn->record.response_bytes += (uint64_t)n;
	if (conn->upstream.eof && !conn->resp.complete && rf_framing_eof(&conn->resp) < 0) {
		finish(conn, RF_REASON_UPSTREAM_FAILED); /* cut off: the client sees the same end that we saw */
		return true;
	}
	return n > 0;
}

static bool take_response(struct rf_conn *conn)
{
	bool moved = rf_conn_read(conn, &conn->upstream, &conn->down);

	if (conn->state != RF_CONN_EXCHANGE)
		return true;
	if (!conn->resp_begun)
		return response_head(conn) || moved;
	return conn->resp.complete ? moved : response_body(conn) || moved;
}

/* Is the exchange over, and does the pair of connections live on? */
static bool conclude(struct rf_conn *conn)
{
	bool request_done = conn->req.complete && !rf_buffer_ready(&conn->up);
	bool dead_end = conn->upstream.eof || conn->upstream.broken || !conn->resp_keep_alive || !conn->keep_alive;

	if (!conn->resp_begun || !conn->resp.complete || rf_buffer_ready(&conn->down))
		return false;
	if (!request_done && !dead_end && !conn->client.eof)
		return false; /* answered early; the rest of the body still goes up */
	if (!request_done || dead_end || rf_buffer_fresh(&conn->down) || (conn->client.eof && !rf_buffer_fresh(&conn->up))) {
		finish(conn, conn->record.reason);
		return true;
	}
	rf_conn_record(conn, conn->record.status, conn->record.reason);
	conn->served = true;
	rf_conn_state(conn, RF_CONN_HEAD);
	return true;
}

bool rf_exchange_step(struct rf_conn *conn)
{
	bool moved = take_request(conn);

	if (conn->state != RF_CONN_EXCHANGE)
		return true;
	moved |= rf_conn_write(conn, &conn->upstream, &conn->up);
	moved |= pass_half_close(&conn->client, &conn->upstream, &conn->up);
	moved |= take_response(conn);
	if (conn->state != RF_CONN_EXCHANGE)
		return true;
	moved |= rf_conn_write(conn, &conn->client, &conn->down);
	if (conn->client.broken) {
		rf_conn_end(conn, true);
		return true;
	}
	return conclude(conn) || moved;
}

/* Everything that comes passes. */
static bool tunnel_read(struct rf_conn *conn, struct rf_side *side, struct rf_buffer *buffer, uint64_t *bytes)
{
	bool moved = conn->state == RF_CONN_TUNNEL && rf_conn_read(conn, side, buffer);
	size_t n = rf_buffer_fresh(buffer);

	rf_buffer_pass(buffer, n);
	*bytes += n;
	return moved || n;
}

bool rf_tunnel_step(struct rf_conn *conn)
{
	bool moved;

	if (!rf_tunnel_may_go_on(conn))
		return false;
	moved = tunnel_read(conn, &conn->client, &conn->up, &conn->record.request_bytes);

	moved |= tunnel_read(conn, &conn->upstream, &conn->down, &conn->record.response_bytes);
	if (conn->state != RF_CONN_TUNNEL)
		return true;
	moved |= rf_conn_write(conn, &conn->upstream, &conn->up);
	moved |= rf_conn_write(conn, &conn->client, &conn->down);
	moved |= pass_half_close(&conn->client, &conn->upstream, &conn->up);
	moved |= pass_half_close(&conn->upstream, &conn->client, &conn->down);
	if (conn->client.broken || conn->upstream.broken) {
		rf_conn_end(conn, true);
		return true;
	}
	if (conn->client.shut && conn->upstream.shut) {
		rf_conn_end(conn, false);
		return true;
	}
	return moved;
}
