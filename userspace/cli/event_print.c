/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/event_print.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define SOURCE_LEAST      24
#define DESTINATION_LEAST 28
#define WIDTH_MOST        64 /* what is longer pushes the rest of its own line aside */
#define TIME_WIDTH        12

/* "ns/account" -> "account"; "outside" and "unknown" are what they are. */
static const char *account_of(const char *who)
{
	const char *slash = strchr(who, '/');

	return slash ? slash + 1 : who;
}

static const char *field_of(const cJSON *line, const char *side, const char *what)
{
	char name[64];

	snprintf(name, sizeof(name), "%s%s", side, what);
	return rf_json_text(line, name, NULL);
}

/* Its name, or as much of one as there is. */
static void put_name(FILE *to, const cJSON *line, const char *side, const char *who)
{
	const char *pod = field_of(line, side, "_pod"), *service = field_of(line, side, "_service");

	if (pod)
		fputs(pod, to);
	else if (service)
		fprintf(to, "service %s", service);
	else if (strchr(who, '/'))
		fprintf(to, "%.*s/?", (int)(strchr(who, '/') - who), who);
}

static void put_side(FILE *to, const cJSON *line, const char *side, bool with_port, bool wide)
{
	const char *who = rf_json_text(line, side, "unknown"), *address = field_of(line, side, "_address");
	bool named = strchr(who, '/') || field_of(line, side, "_pod") || field_of(line, side, "_service");
	double port = rf_json_number(line, "port", 0);

	if (named) {
		put_name(to, line, side, who);
		if (with_port && port > 0)
			fprintf(to, ":%.0f", port);
		fprintf(to, " (%s)", account_of(who));
	} else if (address) {
		fprintf(to, "%s (%s)", address, who);
	} else {
		fprintf(to, "(%s)", who);
	}
	if (wide && named && address)
		fprintf(to, " %s", address);
}

static char *side_text(const cJSON *line, const char *side, bool with_port, bool wide)
{
	char *text = NULL;
	size_t size = 0;
	FILE *to = open_memstream(&text, &size);

	if (!to)
		return NULL;
	put_side(to, line, side, with_port, wide);
	if (fclose(to) != 0) {
		free(text);
		return NULL;
	}
	return text;
}

static void put_bytes(FILE *to, double bytes)
{
	static const char *const units[] = {"B", "kB", "MB", "GB", "TB"};
	size_t unit = 0;

	for (; bytes >= 1000 && unit + 1 < RF_ARRAY_SIZE(units); unit++)
		bytes /= 1000;
	fprintf(to, unit && bytes < 10 ? " %.1f%s" : " %.0f%s", bytes, units[unit]);
}

static void put_duration(FILE *to, double ms)
{
	if (ms < 10)
		fprintf(to, " %.1fms", ms);
	else if (ms < 1000)
		fprintf(to, " %.0fms", ms);
	else if (ms < 60000)
		fprintf(to, " %.1fs", ms / 1000);
	else if (ms < 3600000)
		fprintf(to, " %.0fm%02.0fs", (double)((long)ms / 60000), (double)((long)ms / 1000 % 60));
	else
		fprintf(to, " %.0fh%02.0fm", (double)((long)ms / 3600000), (double)((long)ms / 60000 % 60));
}

/* A TLS connection has a server name, or none, and no status; a request that got no answer has none either. */
static void put_request(FILE *to, const cJSON *line)
{
	const char *path = rf_json_text(line, "path", "?");
	const double status = rf_json_number(line, "status", 0);

	fprintf(to, "%s %s", rf_json_text(line, "method", "?"), *path ? path : "-");
	if (status > 0)
		fprintf(to, " %.0f", status);
}

static void put_what(FILE *to, const cJSON *line)
{
	const char *kind = rf_json_text(line, "kind", "?");

	if (strcmp(kind, "request") == 0)
		put_request(to, line);
	else
		fputs(rf_json_text(line, "protocol", "?"), to);
	if (strcmp(kind, "open") == 0)
		fputs(" open", to);
	if (cJSON_GetObjectItemCaseSensitive(line, "bytes"))
		put_bytes(to, rf_json_number(line, "bytes", 0));
	if (cJSON_GetObjectItemCaseSensitive(line, "duration_ms"))
		put_duration(to, rf_json_number(line, "duration_ms", 0));
}

/* Behind the reason's name, which is never cut. */
static void put_explanation(FILE *to, const cJSON *line, bool wide)
{
	const char *rule = rf_json_text(line, "rule", NULL), *would = rf_json_text(line, "would", NULL);

	if (rule)
		fprintf(to, " by %s", rule);
	if (!rule || wide)
		fprintf(to, " (%s)", rf_json_text(line, would ? "would_text" : "reason_text", ""));
	if (wide && rf_json_number(line, "epoch", 0) > 0)
		fprintf(to, " epoch %.0f", rf_json_number(line, "epoch", 0));
}

static void put_reason(FILE *to, const cJSON *line)
{
	const char *would = rf_json_text(line, "would", NULL);

	fprintf(to, "  %s", rf_json_text(line, "reason", "?"));
	if (would)
		fprintf(to, ", else %s", would);
}

/* "2026-01-02T03:04:05.678Z" -> "03:04:05.678" today, "01-02 03:04" on other days. */
static void put_time(const struct rf_event_printer *p, const char *text)
{
	char today[16];
	struct tm tm;

	gmtime_r(&p->now, &tm);
	strftime(today, sizeof(today), "%Y-%m-%d", &tm);
	if (p->wide || strlen(text) != strlen("2026-01-02T03:04:05.678Z"))
		fputs(text, p->out);
	else if (strncmp(text, today, 10) == 0)
		fprintf(p->out, "%.*s", TIME_WIDTH, text + 11);
	else
		fprintf(p->out, "%.5s %.5s ", text + 5, text + 11);
}

static const char *colour_of(const char *verdict)
{
	static const struct {
		const char *verdict, *sequence;
	} colours[] = {{"allowed", "\033[32m"}, {"denied", "\033[1;31m"}, {"failed", "\033[33m"}, {"audit", "\033[35m"}};

	for (size_t i = 0; i < RF_ARRAY_SIZE(colours); i++)
		if (strcmp(colours[i].verdict, verdict) == 0)
			return colours[i].sequence;
	return "\033[2m";
}

static void put_verdict(const struct rf_event_printer *p, const char *verdict)
{
	const char *shown = strcmp(verdict, "denied") == 0 ? "DENIED" : verdict;

	if (p->colour)
		fprintf(p->out, " %s%-7s\033[0m ", colour_of(verdict), shown);
	else
		fprintf(p->out, " %-7s ", shown);
}

static int widen(int width, size_t len, int least)
{
	int wanted = len > WIDTH_MOST ? WIDTH_MOST : (int)len;

	if (width < least)
		width = least;
	return wanted > width ? wanted : width;
}

/* What fits on the rest of the terminal's line. */
static int room_behind(const struct rf_event_printer *p, size_t used)
{
	size_t before = TIME_WIDTH + 9 + used;

	if (p->wide || p->columns <= 0)
		return -1; /* all of it, to printf */
	return (size_t)p->columns > before ? p->columns - (int)before : 0;
}

static int print_flow(struct rf_event_printer *p, const cJSON *line)
{
	_cleanup_free_ char *source = side_text(line, "source", false, p->wide),
			    *destination = side_text(line, "destination", true, p->wide);
	_cleanup_free_ char *text = NULL, *behind = NULL;
	size_t text_len = 0, behind_len = 0;
	FILE *to = open_memstream(&text, &text_len), *after = open_memstream(&behind, &behind_len);

	if (to && after && source && destination) {
		p->source_width = widen(p->source_width, strlen(source), SOURCE_LEAST);
		p->destination_width = widen(p->destination_width, strlen(destination), DESTINATION_LEAST);
		fprintf(to, "%-*s -> %-*s ", p->source_width, source, p->destination_width, destination);
		put_what(to, line);
		put_reason(to, line);
		put_explanation(after, line, p->wide);
	}
	if ((to && fclose(to) != 0) | (after && fclose(after) != 0) || !text || !behind || !source || !destination)
		return -ENOMEM;
	fprintf(p->out, "%s%.*s\n", text, room_behind(p, text_len), behind);
	return 0;
}

int rf_event_print(struct rf_event_printer *p, const cJSON *line)
{
	const char *verdict = rf_json_text(line, "verdict", "?"), *kind = rf_json_text(line, "kind", "?");

	put_time(p, rf_json_text(line, "time", "?"));
	put_verdict(p, verdict);
	if (strcmp(verdict, "note") != 0)
		return print_flow(p, line);
	if (cJSON_GetObjectItemCaseSensitive(line, "count"))
		fprintf(p->out, "%s: %.0f: ", kind, rf_json_number(line, "count", 0));
	else
		fprintf(p->out, "%s: ", kind);
	fprintf(p->out, "%s\n", rf_json_text(line, "text", ""));
	return 0;
}
