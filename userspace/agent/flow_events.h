/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Brings what the kernel and the checker report into the event ring, with names.
 */
#pragma once

#include "sockd/protocol.h"

struct rf_agent;

/* Watches the kernel's ring buffer; lives as long as the agent's loop. */
int rf_flow_events_start(struct rf_agent *agent);
void rf_flow_events_access(struct rf_agent *agent, const struct rf_access_record *record);
