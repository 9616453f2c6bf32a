/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The agent's side of the socket broker (sockd/protocol.h): keeps the connection, starts the broker where no unit does, tells it about
 * every pod, hears whether the checker listens there. While the connection is down no pod's checker counts as ready: its pairs that are
 * decided per request fail closed until the replay.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

struct rf_agent;
struct rf_broker;
struct rf_local_pod;

int rf_broker_new(struct rf_agent *agent, struct rf_broker **ret);
void rf_broker_free(struct rf_broker *broker); /* NULL-safe; the broker itself stays */

/* Asks for a listener; POD_STATE comes later and ends in rf_local_pod_checker_told. -ENOTCONN: it will be replayed. */
int rf_broker_pod_add(struct rf_broker *broker, const struct rf_local_pod *pod);
void rf_broker_pod_del(struct rf_broker *broker, uint64_t cgroup_id);
/* Asks for the checker's state; the answer is in the next rf_broker_look. */
void rf_broker_ask_status(struct rf_broker *broker);

struct rf_broker_look {
	bool connected;
	bool synced;
	pid_t checker_pid; /* 0 = down */
	uint32_t restarts;
	uint32_t listeners;
	uint64_t since_ns; /* CLOCK_REALTIME: connected or disconnected since */
};
void rf_broker_look(const struct rf_broker *broker, struct rf_broker_look *ret);
