/* SPDX-License-Identifier: Apache-2.0 */
/* HEAD, TABLES and DRAIN: from the first byte of a request to the decision about it. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "automaton/automaton.h"
#include "checker/conn.h"
#include "checker/turns.h"

/* A first line longer than this cannot hold an acceptable target. */
#define LINE_MAX_BYTES (RF_TARGET_MAX + 1024)

static void refuse(struct rf_conn *conn, unsigned int status, enum rf_reason reason)
{
	rf_conn_answer(conn, status, false);
	rf_conn_record(conn, status, reason);
}

static void refuse_unread(struct rf_conn *conn, unsigned int status)
{
	rf_conn_record_begin(conn);
	conn->is_head = false;
	refuse(conn, status, RF_REASON_BAD_REQUEST);
}

/* The request is over as far as the `up` buffer is concerned. */
static void next_request(struct rf_conn *conn)
{
	conn->scanned = 0;
	conn->head_size = 0;
	conn->line_skipped = false;
}

/* A denied request: its head leaves the buffer, its body is drained if the connection is to live on. */
static void deny(struct rf_conn *conn, unsigned int status, enum rf_reason reason, const struct rf_request *request)
{
	bool small = request->body != RF_BODY_LENGTH || request->length <= RF_DRAIN_MAX;
	bool keep = request->keep_alive && small && !(request->expect && request->body != RF_BODY_NONE);
	size_t size = conn->head_size;

	if (keep && rf_framing_request(&conn->req, request, rf_buffer_fresh_data(&conn->up), size) < 0)
		keep = false;
	rf_conn_answer(conn, status, keep);
	rf_conn_record(conn, status, reason);
	if (!keep || conn->state == RF_CONN_DEAD)
		return;
	rf_buffer_drop(&conn->up, size);
	next_request(conn);
	rf_conn_state(conn, request->body == RF_BODY_NONE ? RF_CONN_HEAD : RF_CONN_DRAIN);
}

/* The head goes to the server as received, except for the h2c upgrade. */
static int prepare(struct rf_conn *conn, const struct rf_request *request)
{
	char *head = rf_buffer_fresh_data(&conn->up);
	char *stripped;
	size_t size;

	if (rf_framing_request(&conn->req, request, head, conn->head_size) < 0)
		return -EBADMSG;
	if (!request->h2c)
		return 0;
	stripped = malloc(conn->head_size);
	if (!stripped)
		return -ENOMEM;
	size = rf_gate_strip_h2c(head, conn->head_size, stripped);
	if (size) {
		rf_buffer_replace(&conn->up, conn->head_size, stripped, size);
		conn->head_size = size;
	}
	free(stripped);
	return size ? 0 : -EBADMSG;
}

struct rf_request_question rf_conn_question(const struct rf_conn *conn)
{
	return (struct rf_request_question){
		.src = conn->dst.src, .dst = conn->dst.dst, .addr = conn->dst.real, .port = conn->dst.real_port};
}

bool rf_decision_admits(enum rf_reason reason)
{
	switch (reason) {
	case RF_REASON_ALLOW_RULE:
	case RF_REASON_ALLOW_L7:
	case RF_REASON_ALLOW_PERMISSIVE:
	case RF_REASON_ALLOW_EGRESS:
	case RF_REASON_ALLOW_EGRESS_L7:
	case RF_REASON_ALLOW_AUDIT:
		return true;
	default:
		return false;
	}
}

enum rf_reason rf_conn_decide(struct rf_conn *conn, const void *blob, const struct rf_request_question *question)
{
	struct rf_request_answer answer;

	rf_routes_decide(blob, question, &answer);
	conn->record.epoch = ((const struct rf_routes_head *)blob)->epoch;
	conn->record.rule_id = answer.rule_id;
	conn->record.reason = (uint16_t)answer.reason;
	conn->record.would = (uint16_t)answer.would;
	return answer.reason;
}

static struct rf_request_question question_of(const struct rf_conn *conn, const struct rf_request *request)
{
	struct rf_request_question q = rf_conn_question(conn);

	q.method = request->method.data;
	q.method_len = request->method.len;
	q.target = request->route.data;
	q.target_len = request->route.len;
	q.authority = request->authority.data;
	q.authority_len = request->authority.len;
	q.fields = request->fields;
	q.field_count = request->field_count;
	return q;
}

static void admit(struct rf_conn *conn, const struct rf_request *request, const struct rf_request_question *question)
{
	rf_tunnel_forget(conn);
	if (request->upgrade && rf_tunnel_remember(conn, question, conn->record.epoch) < 0) {
		rf_conn_end(conn, true);
		return;
	}
	conn->upgrade = request->upgrade;
	conn->keep_alive = request->keep_alive;
	if (prepare(conn, request) < 0) {
		refuse(conn, 400, RF_REASON_BAD_REQUEST);
		return;
	}
	if (conn->upstream.fd >= 0) {
		rf_exchange_begin(conn);
		return;
	}
	rf_conn_state(conn, RF_CONN_UPSTREAM);
	rf_broker_ask_upstream(&conn->checker->broker, conn);
}

static void decide(struct rf_conn *conn, const void *blob, const struct rf_request *request)
{
	const struct rf_request_question question = question_of(conn, request);
	const enum rf_reason reason = rf_conn_decide(conn, blob, &question);

	if (rf_decision_admits(reason)) {
		admit(conn, request, &question);
		return;
	}
	switch (reason) {
	case RF_REASON_NO_ROUTE:
	case RF_REASON_AUTHORITY:
		deny(conn, 404, reason, request);
		break;
	case RF_REASON_ROUTE_OTHERS:
		deny(conn, 403, reason, request);
		break;
	case RF_REASON_BAD_PATH:
	case RF_REASON_BAD_REQUEST:
		refuse(conn, 400, reason);
		break;
	default: /* not allowed at all any more, or a reason we do not know: what a connect would get now, an end */
		rf_conn_record(conn, 0, reason);
		rf_conn_end(conn, true);
		break;
	}
}

const void *rf_conn_blob(struct rf_conn *conn, rf_epoch_t *ret_epoch)
{
	const struct rf_tables *tables = &conn->checker->tables;
	rf_epoch_t epoch = 0;
	const void *blob;

	if (rf_tables_epoch(tables, conn->client.fd, &epoch) < 0)
		epoch = 0;
	blob = rf_tables_blob(tables, epoch);
	if (!blob && epoch) {
		rf_conn_state(conn, RF_CONN_TABLES);
		rf_broker_ask_tables(&conn->checker->broker, epoch);
	}
	*ret_epoch = epoch;
	return blob;
}

/* A complete head of conn->head_size bytes is at the front. */
static void judge(struct rf_conn *conn)
{
	const char *head = rf_buffer_fresh_data(&conn->up);
	struct rf_request request;
	rf_epoch_t epoch;
	const void *blob;
	unsigned int status = rf_gate_request(head, conn->head_size, &request);

	if (status) {
		refuse_unread(conn, status);
		return;
	}
	conn->is_head = request.is_head;
	conn->http10 = request.http10;
	blob = rf_conn_blob(conn, &epoch);
	if (!blob && epoch)
		return;
	rf_conn_record_begin(conn);
	conn->record.request_bytes = conn->head_size;
	rf_record_request(&conn->record, request.method, request.route);
	if (blob)
		decide(conn, blob, &request);
	else
		refuse(conn, 503, RF_REASON_NO_POLICY);
}

/* Before the first byte is read as anything. false: it cannot be said yet, or it is not HTTP. */
static bool is_http(struct rf_conn *conn)
{
	rf_epoch_t epoch;
	const void *blob;

	if (conn->kind_known)
		return true;
	blob = rf_conn_blob(conn, &epoch);
	if (!blob)
		return !epoch; /* without any policy nothing passes, whatever it is */
	conn->kind_known = true;
	conn->tls = rf_routes_tls(blob, conn->dst.src, conn->dst.dst, conn->dst.real_port);
	if (conn->tls)
		rf_conn_state(conn, RF_CONN_HELLO);
	return !conn->tls;
}

void rf_conn_tables(struct rf_conn *conn, rf_epoch_t epoch, int error)
{
	rf_epoch_t live = 0;

	if (conn->state != RF_CONN_TABLES && !conn->tunnel.parked)
		return;
	/* A table that cannot be had is no reason to give up as long as a newer one has become the live one meanwhile. */
	if (error && (rf_tables_epoch(&conn->checker->tables, conn->client.fd, &live) < 0 || live == epoch)) {
		if (conn->state == RF_CONN_TUNNEL) {
			conn->record.reason = RF_REASON_NO_POLICY;
			rf_conn_end(conn, true);
		} else if (conn->tls) {
			rf_hello_refuse(conn, RF_REASON_NO_POLICY);
		} else {
			rf_conn_record_begin(conn);
			refuse(conn, 503, RF_REASON_NO_POLICY);
		}
	} else if (conn->state == RF_CONN_TABLES) {
		rf_conn_state(conn, conn->tls ? RF_CONN_HELLO : RF_CONN_HEAD);
	}
	rf_turns_wake(conn);
}

/* RFC 9112 2.2: one empty line before a request is tolerated; it is not forwarded. */
static void skip_line(struct rf_conn *conn)
{
	if (conn->line_skipped || rf_buffer_fresh(&conn->up) < 2 || memcmp(rf_buffer_fresh_data(&conn->up), "\r\n", 2) != 0)
		return;
	rf_buffer_drop(&conn->up, 2);
	conn->line_skipped = true;
	conn->scanned = 0;
}

/* No complete head yet. Is there still hope? */
static bool incomplete(struct rf_conn *conn)
{
	size_t fresh = rf_buffer_fresh(&conn->up);

	if (fresh > LINE_MAX_BYTES && !memchr(rf_buffer_fresh_data(&conn->up), '\n', fresh)) {
		refuse_unread(conn, 414);
		return true;
	}
	if (fresh >= RF_HEAD_MAX) {
		refuse_unread(conn, 431);
		return true;
	}
	if (conn->client.eof) {
		rf_conn_drop_upstream(conn, false);
		rf_conn_state(conn, RF_CONN_FLUSH);
		return true;
	}
	return rf_conn_read(conn, &conn->client, &conn->up);
}

bool rf_request_head(struct rf_conn *conn)
{
	int r = 0;

	if (rf_buffer_fresh(&conn->up) && !is_http(conn))
		return conn->state == RF_CONN_HELLO;
	if (rf_buffer_fresh(&conn->up) && !conn->head_begun) {
		conn->head_begun = true;
		conn->deadline_ns = rf_conn_deadline(conn, RF_HEAD_MS);
	}
	skip_line(conn);
	if (!conn->head_size && rf_buffer_fresh(&conn->up)) {
		r = rf_head_scan(rf_buffer_fresh_data(&conn->up), rf_buffer_fresh(&conn->up), &conn->scanned);
		if (r < 0) {
			refuse_unread(conn, 400);
			return true;
		}
		if (r > 0)
			conn->head_size = conn->scanned;
	}
	if (!conn->head_size)
		return incomplete(conn);
	judge(conn);
	return true;
}

bool rf_request_drain(struct rf_conn *conn)
{
	bool moved = rf_conn_write(conn, &conn->client, &conn->down);
	ssize_t n = rf_framing_feed(&conn->req, rf_buffer_fresh_data(&conn->up), rf_buffer_fresh(&conn->up));

	if (conn->client.broken) {
		rf_conn_end(conn, true);
		return true;
	}
	if (n > 0) {
		rf_buffer_drop(&conn->up, (size_t)n);
		conn->discarded += (size_t)n;
	}
	if (conn->req.complete) {
		rf_conn_state(conn, RF_CONN_HEAD);
		return true;
	}
	if (n < 0 || conn->client.eof || conn->discarded > RF_DRAIN_MAX) {
		rf_conn_drop_upstream(conn, false);
		rf_conn_state(conn, RF_CONN_FLUSH);
		return true;
	}
	return rf_conn_read(conn, &conn->client, &conn->up) || moved || n > 0;
}
