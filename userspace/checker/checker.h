/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The checker: one process, one thread, one event loop. Started by the broker with three descriptors (sockd/protocol.h) and nothing else.
 */
#pragma once

#include <sys/queue.h>

#include "checker/broker.h"
#include "checker/limits.h"
#include "checker/listener.h"
#include "checker/records.h"
#include "checker/tables.h"
#include "core/loop.h"

struct rf_checker {
	struct rf_loop *loop;
	struct rf_broker broker;
	struct rf_tables tables;
	struct rf_records records;
	struct rf_listeners listeners;
	struct rf_conn_list conns;
	size_t conn_count;
	size_t conn_max; /* from RLIMIT_NOFILE */
	struct rf_source *tick;
	unsigned int haste; /* what the time limits are divided by: 1, or more for tests */
	size_t tunnels;
	struct rf_source *turn;  /* turns.c */
	size_t in_turns;         /* connections that wait for their next one */
	struct rf_source *watch; /* tunnel.c */
	bool watching;
	rf_epoch_t watched_epoch;
};
