/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A small event loop over epoll(7), level-triggered, one thread. Used by agent, broker and checker.
 *
 * Ownership: the loop owns its sources; rf_source_remove() or rf_loop_free() ends them. A source made by rf_loop_add() never owns its fd
 * (remove the source first, then close the fd); timers and signals own theirs. A source may be removed from inside any callback, also its
 * own and also another one whose event is waiting in the same batch: that event is not delivered any more. Functions return 0 or -errno.
 */
#pragma once

#include <signal.h>
#include <stdint.h>
#include <sys/epoll.h>

struct rf_loop;
struct rf_source;

/* events: the EPOLL* bits that are ready (EPOLLERR and EPOLLHUP come unasked). */
typedef void (*rf_io_fn)(void *arg, int fd, uint32_t events);
typedef void (*rf_timer_fn)(void *arg);
typedef void (*rf_signal_fn)(void *arg, int signo);

int rf_loop_new(struct rf_loop **ret);
void rf_loop_free(struct rf_loop *loop); /* NULL-safe; not from inside a callback */
static inline void rf_loop_freep(struct rf_loop **p)
{
	rf_loop_free(*p);
}

/* Watches fd. events 0 = made, but not watched for anything (not even errors) until rf_source_modify(). ret may be NULL: lives as long as
 * the loop. */
int rf_loop_add(struct rf_loop *loop, int fd, uint32_t events, rf_io_fn fn, void *arg, struct rf_source **ret);
/* Changes the events; 0 takes the fd out of the epoll set, so a hung-up peer cannot make an idle loop spin. */
int rf_source_modify(struct rf_source *source, uint32_t events);
void rf_source_remove(struct rf_source *source); /* NULL-safe */
static inline void rf_source_removep(struct rf_source **p)
{
	rf_source_remove(*p);
}

/* One-shot timer on CLOCK_MONOTONIC, fires once after ms milliseconds; ms < 0 = made but not armed. It stays usable: rf_timer_arm() sets
 * it again (also from its own callback), ms < 0 stops it, 0 = in the next round. Only for sources made by rf_loop_timer(). */
int rf_loop_timer(struct rf_loop *loop, int64_t ms, rf_timer_fn fn, void *arg, struct rf_source **ret);
int rf_timer_arm(struct rf_source *source, int64_t ms);

/* Blocks the signals of the set for this process (children inherit the mask: reset it after fork) and delivers them through the loop. */
int rf_loop_signals(struct rf_loop *loop, const sigset_t *set, rf_signal_fn fn, void *arg, struct rf_source **ret);

/* Runs until rf_loop_stop(). Returns the number given to it, or -errno if epoll itself fails. */
int rf_loop_run(struct rf_loop *loop);
void rf_loop_stop(struct rf_loop *loop, int code); /* code >= 0; the rest of the batch is still delivered */
/* One round, waiting at most timeout_ms (-1 = for ever). The number of events delivered or -errno. For tests and simple programs. */
int rf_loop_once(struct rf_loop *loop, int timeout_ms);
