/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The agent's part of the audit: requests that the checker let pass for an annotation, kept over restarts of the agent in
 * <run_dir>/audit.json, which is written at most once a second and at the end. Connections are counted by the kernel (map `audit`).
 */
#pragma once

#include "core/json.h"
#include "sockd/protocol.h"

struct rf_agent;
struct rf_audit_log;

/* A broken file is named in the log, put aside as audit.json.broken, and begun anew. -ENOMEM. */
int rf_audit_start(struct rf_agent *agent);
void rf_audit_stop(struct rf_agent *agent); /* writes what has not been written; NULL-safe */
/* What is no would-be denial is not looked at. */
void rf_audit_note(struct rf_agent *agent, const struct rf_access_record *record);
/* {"rows": [...], "lost", "problem"}: NULL without memory. */
cJSON *rf_audit_report(const struct rf_agent *agent);
/* Of the kernel, too. 0 or -errno. */
int rf_audit_clear(struct rf_agent *agent);
