/* SPDX-License-Identifier: Apache-2.0 */
#include "checker/turns.h"

#include "checker/conn.h"

static void next_turn(struct rf_checker *checker)
{
	if (checker->in_turns && rf_timer_arm(checker->turn, 0) < 0)
		rf_loop_stop(checker->loop, 1);
}

static void on_turn(void *arg)
{
	struct rf_checker *checker = arg;
	struct rf_listener *l;

	TAILQ_FOREACH(l, &checker->listeners, link)
	if (!TAILQ_EMPTY(&l->in_turns))
		break;
	if (l) {
		TAILQ_REMOVE(&checker->listeners, l, link); /* the other pods first, next time */
		TAILQ_INSERT_TAIL(&checker->listeners, l, link);
		rf_conn_advance(TAILQ_FIRST(&l->in_turns)); /* may free both */
	}
	next_turn(checker);
}

int rf_turns_init(struct rf_checker *checker)
{
	return rf_loop_timer(checker->loop, -1, on_turn, checker, &checker->turn);
}

void rf_turns_wait(struct rf_conn *conn)
{
	conn->waits_turn = true;
	TAILQ_INSERT_TAIL(&conn->listener->in_turns, conn, turns);
	if (!conn->checker->in_turns++)
		next_turn(conn->checker);
}

void rf_turns_wake(struct rf_conn *conn)
{
	if (conn->waits_turn && conn->state != RF_CONN_DEAD)
		return;
	if (conn->listener->late && conn->state != RF_CONN_DEAD)
		rf_turns_wait(conn);
	if (!conn->waits_turn || conn->state == RF_CONN_DEAD || rf_conn_watch(conn) < 0)
		rf_conn_advance(conn);
}

void rf_turns_leave(struct rf_conn *conn)
{
	if (!conn->waits_turn)
		return;
	conn->waits_turn = false;
	TAILQ_REMOVE(&conn->listener->in_turns, conn, turns);
	conn->checker->in_turns--;
}
