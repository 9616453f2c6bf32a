/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A checker that hangs but lives would let every request wait for ever: it is asked for a sign of life, and replaced if none comes. Turns
 * of the timer are counted, not time: after a pause of the broker itself, or of the machine, the checker has its answers still to give.
 */
#include <signal.h>
#include <stdlib.h>

#include "core/log.h"
#include "sockd/sockd.h"

#define TURN_MS    1000
#define SILENT_MAX 10 /* turns. A busy checker answers within milliseconds; what it serves ends with it, so it gets time */

static void again(struct rf_sockd_checker *c)
{
	if (rf_timer_arm(c->watchdog, TURN_MS) < 0)
		abort(); /* timerfd_settime on our own timer */
}

static void ask(struct rf_sockd *sockd)
{
	const struct rf_sockd_message message = {.op = RF_SOCKD_ALIVE, .id = ++sockd->checker.sign};

	sockd->checker.silent = 0;
	rf_sockd_checker_tell(sockd, &message, -1);
}

static void on_turn(void *arg)
{
	struct rf_sockd *sockd = arg;
	struct rf_sockd_checker *c = &sockd->checker;

	if (c->sock < 0)
		return; /* begins anew with the next one */
	if (c->sign == c->sign_seen) {
		ask(sockd);
	} else if (++c->silent >= SILENT_MAX) {
		rf_log_warning(0, "the checker has given no sign of life for %u seconds: another takes its place",
			       c->silent * TURN_MS / 1000);
		rf_sockd_checker_restart(sockd);
		return;
	}
	again(c);
}

void rf_sockd_watchdog_begin(struct rf_sockd *sockd)
{
	struct rf_sockd_checker *c = &sockd->checker;

	c->sign_seen = c->sign;
	c->silent = 0;
	again(c);
}

/* Only the answer to the last question counts: nothing is gained by answers in advance. */
void rf_sockd_watchdog_answer(struct rf_sockd *sockd, const struct rf_sockd_message *message)
{
	if (message->id == sockd->checker.sign)
		sockd->checker.sign_seen = message->id;
}

int rf_sockd_watchdog_init(struct rf_sockd *sockd)
{
	return rf_loop_timer(sockd->loop, -1, on_turn, sockd, &sockd->checker.watchdog);
}
