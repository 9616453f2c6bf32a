/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Brings what the kernel and the checker report into the event ring, with names, one line a flow or request.
 */
#pragma once

#include <stdbool.h>

#include <ringfence/tables.h>

#include "agent/event_filter.h"
#include "sockd/protocol.h"

struct rf_agent;
struct rf_local_pod;

/* Watches the kernel's ring buffer; lives as long as the agent's loop. */
int rf_flow_events_start(struct rf_agent *agent);
void rf_flow_events_access(struct rf_agent *agent, const struct rf_access_record *record);
/* The sweep has removed this flow. Was there a line to tell of it? */
bool rf_flow_events_over(struct rf_agent *agent, const struct rf_tuple *key, const struct rf_flow *flow);
/* So many that nobody could be told of; a line will say so. */
void rf_flow_events_lost(struct rf_agent *agent, uint64_t count);
/* This pod is being removed, and its flows with it. */
void rf_flow_events_gone(struct rf_agent *agent, const struct rf_local_pod *pod);

/* The agent's knowledge, for filters. */
struct rf_event_world rf_flow_events_world(struct rf_agent *agent);
