/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <time.h>

#include "agent/event_text.h"
#include "core/address_text.h"
#include "core/reason_text.h"

void rf_time_text(uint64_t realtime_ns, char *ret, size_t size)
{
	time_t seconds = (time_t)(realtime_ns / 1000000000);
	char date[32];
	struct tm tm;

	gmtime_r(&seconds, &tm);
	strftime(date, sizeof(date), "%Y-%m-%dT%H:%M:%S", &tm);
	snprintf(ret, size, "%s.%03uZ", date, (unsigned)(realtime_ns / 1000000 % 1000));
}

static void add_text(cJSON *o, const char *prefix, const char *field, const char *text)
{
	char name[64];

	snprintf(name, sizeof(name), "%s%s", prefix, field);
	if (text)
		cJSON_AddStringToObject(o, name, text);
}

static void add_side(cJSON *o, const char *which, const struct rf_event_side *side)
{
	char address[RF_ADDR_PORT_TEXT_MAX];

	add_text(o, which, "", side->account);
	add_text(o, which, "_pod", side->pod);
	add_text(o, which, "_service", side->service);
	if (rf_addr_is_none(&side->addr))
		return;
	add_text(o, which, "_address",
		 side->port ? rf_addr_port_text(&side->addr, side->port, address, sizeof(address))
			    : rf_addr_text(&side->addr, address, sizeof(address)));
}

static void add_note(cJSON *o, const struct rf_event_line *line)
{
	cJSON_AddStringToObject(o, "text", line->text);
	if (line->count)
		cJSON_AddNumberToObject(o, "count", (double)line->count);
}

static void add_reason(cJSON *o, const struct rf_event_line *line)
{
	cJSON_AddStringToObject(o, "reason", rf_reason_name(line->reason));
	cJSON_AddStringToObject(o, "reason_text", rf_reason_text(line->reason));
	if (line->would) {
		cJSON_AddStringToObject(o, "would", rf_reason_name(line->would));
		cJSON_AddStringToObject(o, "would_text", rf_reason_text(line->would));
	}
	add_text(o, "", "rule", line->rule);
	cJSON_AddNumberToObject(o, "epoch", line->epoch);
}

static void add_request(cJSON *o, const struct rf_event_line *line)
{
	add_text(o, "", "method", line->method);
	add_text(o, "", "path", line->path);
	if (line->path_len)
		cJSON_AddNumberToObject(o, "path_length", line->path_len);
	cJSON_AddNumberToObject(o, "status", line->status);
}

static void add_flow(cJSON *o, const struct rf_event_line *line)
{
	char room[8];

	cJSON_AddStringToObject(o, "protocol", rf_line_proto_name(line->proto, room));
	add_side(o, "source", &line->source);
	add_side(o, "destination", &line->destination);
	cJSON_AddNumberToObject(o, "port", line->destination.port);
	if (line->kind == RF_LINE_REQUEST)
		add_request(o, line);
	add_reason(o, line);
	if (line->has_bytes)
		cJSON_AddNumberToObject(o, "bytes", (double)line->bytes);
	if (line->has_duration)
		cJSON_AddNumberToObject(o, "duration_ms", (double)line->duration_ns / 1e6);
}

cJSON *rf_event_json(const struct rf_event_line *line)
{
	cJSON *o = cJSON_CreateObject();
	char when[64];

	if (!o)
		return NULL;
	rf_time_text(line->time_ns, when, sizeof(when));
	cJSON_AddStringToObject(o, "time", when);
	cJSON_AddStringToObject(o, "kind", line->kind == RF_LINE_NOTE ? line->note : rf_line_kind_name(line->kind));
	cJSON_AddStringToObject(o, "verdict", rf_event_verdict_name(line->verdict));
	if (line->kind == RF_LINE_NOTE)
		add_note(o, line);
	else
		add_flow(o, line);
	return o;
}
