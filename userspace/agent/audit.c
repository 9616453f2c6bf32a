/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/audit.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agent/agent.h"
#include "agent/audit_rows.h"
#include "agent/event_text.h"
#include "core/clock.h"
#include "core/log.h"
#include "core/loop.h"
#include "core/reason_text.h"

#define WRITE_MS 1000

struct rf_audit_log {
	struct rf_audit_rows *rows;
	struct rf_source *timer;
	bool dirty;
	int told; /* the last failure to write that was logged */
	char path[PATH_MAX];
	char problem[PATH_MAX + 256]; /* for who asks, "" = none */
};

static void save(struct rf_audit_log *log)
{
	int r = log->dirty ? rf_audit_rows_save(log->rows, log->path) : 0;

	if (r < 0 && r != log->told)
		rf_log_warning(-r, "cannot write %s: would-be denials of requests would not outlive the agent", log->path);
	log->told = r;
	if (r < 0) {
		snprintf(log->problem, sizeof(log->problem), "cannot write %s: %s", log->path, strerror(-r));
		return;
	}
	log->dirty = false;
	log->problem[0] = '\0';
}

static void on_timer(void *arg)
{
	struct rf_audit_log *log = arg;

	save(log);
	if (log->dirty)
		(void)rf_timer_arm(log->timer, WRITE_MS);
}

static void changed(struct rf_audit_log *log)
{
	if (!log->dirty)
		(void)rf_timer_arm(log->timer, WRITE_MS);
	log->dirty = true;
}

static void load(struct rf_audit_log *log)
{
	char aside[PATH_MAX + 8];
	int r = rf_audit_rows_load(log->rows, log->path);

	if (r == 0 || r == -ENOENT)
		return;
	snprintf(aside, sizeof(aside), "%s.broken", log->path);
	if (rename(log->path, aside) < 0)
		rf_log_warning(errno, "cannot put %s aside", log->path);
	rf_log_warning(-r, "the would-be denials of requests in %s cannot be read: it is now %s, and they are counted anew", log->path,
		       aside);
	snprintf(log->problem, sizeof(log->problem), "%s could not be read when the agent started: requests are counted anew", log->path);
}

int rf_audit_start(struct rf_agent *agent)
{
	struct rf_audit_log *log = calloc(1, sizeof(*log));
	int r = log ? rf_audit_rows_new(&log->rows) : -ENOMEM;

	if (r == 0)
		r = rf_loop_timer(agent->loop, -1, on_timer, log, &log->timer);
	if (r < 0) {
		if (log)
			rf_audit_rows_free(log->rows);
		free(log);
		return r;
	}
	snprintf(log->path, sizeof(log->path), "%.4000s/audit.json", agent->instance.run_dir);
	load(log);
	agent->audit = log;
	return 0;
}

void rf_audit_stop(struct rf_agent *agent)
{
	if (!agent->audit)
		return;
	save(agent->audit);
	rf_source_remove(agent->audit->timer);
	rf_audit_rows_free(agent->audit->rows);
	free(agent->audit);
	agent->audit = NULL;
}

static void name_of(struct rf_agent *agent, rf_identity_t identity, char *ret, size_t size)
{
	if (!identity)
		snprintf(ret, size, "outside");
	else if (rf_datapath_name(agent->dp, identity, ret, size) < 0)
		snprintf(ret, size, "unknown");
}

void rf_audit_note(struct rf_agent *agent, const struct rf_access_record *record)
{
	char source[RF_IDENTITY_NAME_MAX], destination[RF_IDENTITY_NAME_MAX], method[RF_RECORD_METHOD_MAX + 1],
		path[RF_RECORD_PATH_MAX + 1];
	const uint64_t now = rf_now_realtime_ns(), age = rf_now_ns() - record->time_ns;
	struct rf_audit_row row = {.source = source,
				   .destination = destination,
				   .method = method,
				   .path = path,
				   .port = record->dst_port,
				   .would = record->would,
				   .count = 1};

	if (record->reason != RF_REASON_ALLOW_AUDIT || !agent->audit)
		return;
	name_of(agent, record->src, source, sizeof(source));
	name_of(agent, record->dst, destination, sizeof(destination));
	/* What the checker sends is not trusted to be ended. */
	snprintf(method, sizeof(method), "%.*s", (int)sizeof(record->method), record->method);
	snprintf(path, sizeof(path), "%.*s", (int)sizeof(record->path), record->path);
	if (row.would >= _RF_REASON_MAX)
		row.would = RF_REASON_UNSPEC;
	row.first_ns = row.last_ns = age < now ? now - age : now;
	rf_audit_rows_count(agent->audit->rows, &row);
	changed(agent->audit);
}

static cJSON *row_json(const struct rf_audit_row *row)
{
	cJSON *o = cJSON_CreateObject();
	char when[64];

	cJSON_AddStringToObject(o, "source", row->source);
	cJSON_AddStringToObject(o, "destination", row->destination);
	cJSON_AddNumberToObject(o, "port", row->port);
	cJSON_AddStringToObject(o, "would", rf_reason_name(row->would));
	cJSON_AddStringToObject(o, "method", row->method);
	cJSON_AddStringToObject(o, "path", row->path);
	cJSON_AddNumberToObject(o, "count", (double)row->count);
	rf_time_text(row->first_ns, when, sizeof(when));
	cJSON_AddStringToObject(o, "first", when);
	rf_time_text(row->last_ns, when, sizeof(when));
	cJSON_AddStringToObject(o, "last", when);
	return o;
}

cJSON *rf_audit_report(const struct rf_agent *agent)
{
	cJSON *o = cJSON_CreateObject(), *rows = cJSON_AddArrayToObject(o, "rows");
	const struct rf_audit_row *row;

	for (size_t i = 0; agent->audit && (row = rf_audit_rows_at(agent->audit->rows, i)); i++)
		cJSON_AddItemToArray(rows, row_json(row));
	cJSON_AddNumberToObject(o, "lost", agent->audit ? (double)rf_audit_rows_lost(agent->audit->rows) : 0);
	if (agent->audit && agent->audit->problem[0])
		cJSON_AddStringToObject(o, "problem", agent->audit->problem);
	return o;
}

int rf_audit_clear(struct rf_agent *agent)
{
	size_t removed;

	if (agent->audit) {
		rf_audit_rows_clear(agent->audit->rows);
		changed(agent->audit);
	}
	return rf_datapath_audit_clear(agent->dp, &removed);
}
