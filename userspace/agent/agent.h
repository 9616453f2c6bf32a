/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The node agent's state: one of it, one thread, one loop. Each part has its own header with the rules it keeps; this one only says how
 * they hang together. The agent is never in the data path: whatever happens here, the kernel goes on deciding with what it has.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "agent/address.h"
#include "agent/events.h"
#include "agent/flow_book.h"
#include "agent/registry.h"
#include "agent/revision.h"
#include "core/instance.h"
#include "core/loop.h"
#include "datapath/datapath.h"
#include "source/source.h"

struct rf_broker;
struct rf_control_server;

struct rf_agent {
	struct rf_instance instance;
	char policies[PATH_MAX];
	const char *mesh_name;
	bool start_broker; /* false: a systemd unit runs it */
	struct rf_loop *loop;
	struct rf_datapath *dp;
	struct rf_policy_source *source;
	struct rf_addresses *addresses;
	struct rf_registry pods;
	struct rf_revision revision;
	struct rf_broker *broker;
	struct rf_control_server *control;
	struct rf_events *events;
	struct rf_flow_book *book;
	bool ready;           /* a revision was published by this agent */
	uint64_t started_ns;  /* CLOCK_REALTIME */
	uint64_t repairs[32]; /* what was put back, by kind of drift */
	uint32_t node_drift, node_drift_told;
	size_t attest_at; /* the pod that is looked at next */
};

uint64_t rf_now_realtime_ns(void);

/* A line for `observe` and the log. */
void rf_agent_note(struct rf_agent *agent, const char *kind, const char *format, ...) __attribute__((format(printf, 3, 4)));

/* Tells systemd, and remembers, that policy is in force. Idempotent. */
void rf_agent_set_ready(struct rf_agent *agent);
