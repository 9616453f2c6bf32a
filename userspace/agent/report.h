/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the agent knows, as JSON (control.md). Everything returned is the caller's; NULL without memory.
 */
#pragma once

#include <stdbool.h>

#include "core/json.h"

struct rf_agent;
struct rf_local_pod;

cJSON *rf_report_status(struct rf_agent *agent); /* attests every pod first */
cJSON *rf_report_pods(struct rf_agent *agent);
cJSON *rf_report_new_pod(const struct rf_local_pod *pod);
cJSON *rf_report_services(struct rf_agent *agent);
cJSON *rf_report_revision(struct rf_agent *agent);
/* Errors of what was refused last, or warnings of what is in force. */
cJSON *rf_report_diags(struct rf_agent *agent, bool errors);
