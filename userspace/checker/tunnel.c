/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A tunnel is one request that does not end, so it is decided anew when a revision follows: before its next byte, and, for those that are
 * silent, by a timer that runs while there are tunnels.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "automaton/automaton.h"
#include "checker/conn.h"

#define WATCH_MS 20

int rf_tunnel_remember(struct rf_conn *conn, const struct rf_request *request, rf_epoch_t epoch)
{
	free(conn->tunnel.request);
	conn->tunnel = (struct rf_tunnel){.method_len = request->method.len, .route_len = request->route.len, .epoch = epoch};
	if (!request->upgrade)
		return 0;
	conn->tunnel.request = malloc(request->method.len + request->route.len + 1);
	if (!conn->tunnel.request)
		return -ENOMEM;
	memcpy(conn->tunnel.request, request->method.data, request->method.len);
	memcpy(conn->tunnel.request + request->method.len, request->route.data, request->route.len);
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
				rf_conn_advance(conn);
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

bool rf_tunnel_may_go_on(struct rf_conn *conn)
{
	const struct rf_tables *tables = &conn->checker->tables;
	const struct rf_tunnel *t = &conn->tunnel;
	enum rf_reason reason = RF_REASON_NO_POLICY;
	rf_epoch_t epoch = 0;
	uint32_t rule = 0;
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
	if (blob && t->request)
		reason = rf_routes_decide(blob, conn->dst.src, conn->dst.dst, conn->dst.real_port, t->request, t->method_len,
					  t->request + t->method_len, t->route_len, &rule);
	conn->tunnel.parked = false;
	conn->deadline_ns = 0;
	if (reason == RF_REASON_ALLOW_RULE || reason == RF_REASON_ALLOW_L7 || reason == RF_REASON_ALLOW_PERMISSIVE) {
		conn->tunnel.epoch = epoch;
		return true;
	}
	conn->record.epoch = epoch;
	conn->record.rule_id = rule;
	conn->record.reason = (uint16_t)reason;
	rf_conn_end(conn, true);
	return false;
}
