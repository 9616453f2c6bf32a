/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A tunnel is one request that does not end, so it is decided anew when a revision follows: before its next byte, and, for those that are
 * silent, by a timer that runs while there are tunnels.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "checker/conn.h"
#include "checker/turns.h"

#define WATCH_MS 20

void rf_tunnel_forget(struct rf_conn *conn)
{
	free(conn->tunnel.memory);
	conn->tunnel = (struct rf_tunnel){0};
}

static size_t size_of(const struct rf_request_question *q)
{
	size_t n = q->field_count * sizeof(*q->fields) + q->method_len + q->target_len + q->authority_len;

	for (size_t i = 0; i < q->field_count; i++)
		n += q->fields[i].name_len + q->fields[i].value_len;
	return n;
}

static const char *keep(char **at, const char *text, size_t len)
{
	const char *kept = *at;

	if (len)
		memcpy(*at, text, len);
	*at += len;
	return kept;
}

int rf_tunnel_remember(struct rf_conn *conn, const struct rf_request_question *question, rf_epoch_t epoch)
{
	struct rf_header_field *fields = malloc(size_of(question) + 1);
	struct rf_request_question q = *question;
	char *at;

	if (!fields)
		return -ENOMEM;
	at = (char *)(fields + q.field_count);
	for (size_t i = 0; i < q.field_count; i++) {
		fields[i] = question->fields[i];
		fields[i].name = keep(&at, fields[i].name, fields[i].name_len);
		fields[i].value = keep(&at, fields[i].value, fields[i].value_len);
	}
	q.fields = fields;
	q.method = keep(&at, q.method, q.method_len);
	q.target = keep(&at, q.target, q.target_len);
	q.authority = keep(&at, q.authority, q.authority_len);
	rf_tunnel_forget(conn);
	conn->tunnel = (struct rf_tunnel){.memory = fields, .question = q, .epoch = epoch};
	return 0;
}

/* A socket that the kernel may be asked by; -1: none, and then none is asked about. */
static int any_tunnel(const struct rf_checker *checker)
{
	struct rf_conn *conn;

	TAILQ_FOREACH(conn, &checker->conns, link)
	if (conn->state == RF_CONN_TUNNEL)
		return conn->client.fd;
	return -1;
}

static void on_watch(void *arg)
{
	struct rf_checker *checker = arg;
	struct rf_conn *conn, *next;
	rf_epoch_t epoch = 0;

	if (rf_tables_epoch(&checker->tables, any_tunnel(checker), &epoch) < 0 || epoch != checker->watched_epoch)
		for (conn = TAILQ_FIRST(&checker->conns); conn; conn = next) {
			next = TAILQ_NEXT(conn, link); /* one connection's end ends no other */
			if (conn->state == RF_CONN_TUNNEL)
				rf_turns_wake(conn);
		}
	checker->watched_epoch = epoch;
	checker->watching = checker->tunnels > 0;
	if (checker->watching && rf_timer_arm(checker->watch, WATCH_MS) < 0)
		rf_loop_stop(checker->loop, 1);
}

int rf_tunnel_init(struct rf_checker *checker)
{
	return rf_loop_timer(checker->loop, -1, on_watch, checker, &checker->watch);
}

int rf_tunnel_begin(struct rf_conn *conn)
{
	struct rf_checker *checker = conn->checker;
	int r;

	rf_conn_state(conn, RF_CONN_TUNNEL);
	checker->tunnels++;
	if (checker->watching)
		return 0;
	checker->watched_epoch = 0; /* looks at all of them once more */
	r = rf_timer_arm(checker->watch, WATCH_MS);
	checker->watching = r == 0;
	return r;
}

static void park(struct rf_conn *conn, rf_epoch_t epoch)
{
	if (!conn->tunnel.parked)
		conn->deadline_ns = rf_now_ns() + RF_BROKER_MS * 1000000ull;
	conn->tunnel.parked = true;
	rf_broker_ask_tables(&conn->checker->broker, epoch);
}

/* A denial by the live revision, or none at all. */
static void end(struct rf_conn *conn, rf_epoch_t epoch)
{
	conn->record.epoch = epoch;
	rf_conn_end(conn, true);
}

bool rf_tunnel_may_go_on(struct rf_conn *conn)
{
	const struct rf_tables *tables = &conn->checker->tables;
	struct rf_tunnel *t = &conn->tunnel;
	rf_epoch_t epoch = 0;
	const void *blob;

	if (rf_tables_epoch(tables, conn->client.fd, &epoch) < 0)
		epoch = 0;
	if (epoch && epoch == t->epoch)
		return true;
	blob = rf_tables_blob(tables, epoch);
	if (!blob && epoch) {
		park(conn, epoch);
		return false;
	}
	t->parked = false;
	conn->deadline_ns = 0;
	if (!blob || !t->memory) {
		conn->record.reason = RF_REASON_NO_POLICY;
		end(conn, epoch);
		return false;
	}
	if (!rf_decision_admits(rf_conn_decide(conn, blob, &t->question))) {
		end(conn, epoch);
		return false;
	}
	t->epoch = epoch;
	return true;
}
