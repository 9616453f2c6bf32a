/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The operations of control.md.
 */
#pragma once

#include <stdint.h>

#include "core/json.h"

struct rf_agent;

/* Runs a parsed request; the answer goes to the client now or later. The request stays the caller's. */
void rf_ops_run(struct rf_agent *agent, uint64_t client, const cJSON *request);
/* `sync`, once the policies were read. */
void rf_ops_answer_sync(struct rf_agent *agent, uint64_t client);
