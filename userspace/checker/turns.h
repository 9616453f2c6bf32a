/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Turns: a connection whose client (or server) never pauses has the process for RF_TURN_NS, then everybody else that has something to do,
 * then it again. Those that wait for their next turn stand in a queue of their pod; of one pod after the other one connection has a turn
 * between two looks at the sockets, so that a pod with many of them takes no time from the others. Meanwhile its sockets are not watched.
 * A pod is late once a turn was longer (one request can cost so much: automaton/holds.h), and while others of it wait: then whatever
 * happens to its connections waits for a turn, too.
 */
#pragma once

#include <stdint.h>

#define RF_TURN_NS 250000ull /* one step past it ends the turn: the longest request decides how long a turn is at most */

struct rf_checker;
struct rf_conn;

int rf_turns_init(struct rf_checker *checker); /* before the checker gives up making timers (confine.h) */
/* Something happened to this connection: now or in its turn. May free conn. */
void rf_turns_wake(struct rf_conn *conn);
void rf_turns_wait(struct rf_conn *conn);  /* not yet in the queue: it is the last of its pod's */
void rf_turns_leave(struct rf_conn *conn); /* nothing happens if it is not in the queue */
