/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ringfence observe: one line a flow or request.
 */
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/client.h"
#include "cli/commands.h"

static const char help[] = "usage: ringfence observe [-f] [--verdict allowed|denied|failed|note] [--last N] [-o json]\n\n"
			   "Shows what was decided, one line a flow or request, with names on both sides and the reason.\n"
			   "  -f, --follow      go on with what happens from now on, until interrupted\n"
			   "      --verdict V   only these\n"
			   "      --last N      how many of the past (default 20, at most 8192)\n"
			   "  -o, --output json one JSON object a line\n";

struct observe {
	bool follow, json;
	const char *verdict;
	long last;
};

/* "ns/pod (ns/service-account)" or what there is of it. */
static void side_text(const cJSON *l, const char *side, char *ret, size_t size)
{
	char field[32];
	const char *pod, *address, *who = rf_json_text(l, side, "?");

	snprintf(field, sizeof(field), "%s_pod", side);
	pod = rf_json_text(l, field, NULL);
	snprintf(field, sizeof(field), "%s_address", side);
	address = rf_json_text(l, field, NULL);
	if (pod && strcmp(pod, who) != 0 && address)
		snprintf(ret, size, "%s (%s) %s", pod, who, address);
	else if (address)
		snprintf(ret, size, "%s %s", who, address);
	else
		snprintf(ret, size, "%s", who);
}

static void print_flow(const cJSON *l)
{
	char from[800], to[800];
	const char *rule = rf_json_text(l, "rule", NULL), *kind = rf_json_text(l, "kind", "?");
	const char *verdict = rf_json_text(l, "verdict", "?"), *protocol = rf_json_text(l, "protocol", "tcp");
	bool denied = strcmp(verdict, "denied") == 0;

	side_text(l, "source", from, sizeof(from));
	side_text(l, "destination", to, sizeof(to));
	printf("%s %-7s %-7s %s -> %s", rf_json_text(l, "time", "?"), denied ? "DENIED" : verdict, kind, from, to);
	if (strcmp(protocol, "tcp") != 0 && strcmp(protocol, "http") != 0)
		printf(" %s", protocol);
	if (strcmp(kind, "request") == 0)
		printf(" %s %s %.0f", rf_json_text(l, "method", "?"), rf_json_text(l, "path", "?"), rf_json_number(l, "status", 0));
	if (cJSON_GetObjectItemCaseSensitive(l, "duration_ms"))
		printf(" %.0f bytes %.1f ms", rf_json_number(l, "bytes", 0), rf_json_number(l, "duration_ms", 0));
	printf(": %s", rf_json_text(l, "reason", "?"));
	if (rule)
		printf(" by %s", rule);
	else if (denied)
		printf(" (%s)", rf_json_text(l, "reason_text", ""));
	putchar('\n');
}

static int print_line(void *arg, const cJSON *l)
{
	const struct observe *o = arg;
	const char *kind = rf_json_text(l, "kind", "");

	if (o->json) {
		_cleanup_free_ char *text = cJSON_PrintUnformatted(l);

		if (text)
			puts(text);
	} else if (strcmp(kind, "lost") == 0) {
		printf("(%.0f lines lost: this terminal was too slow)\n", rf_json_number(l, "count", 0));
	} else if (strcmp(rf_json_text(l, "verdict", ""), "note") == 0) {
		printf("%s %-7s %s: %s\n", rf_json_text(l, "time", "?"), "note", kind, rf_json_text(l, "text", ""));
	} else {
		print_flow(l);
	}
	return fflush(stdout) == 0 ? 0 : RF_EXIT_NO;
}

static int usage(void)
{
	fputs(help, stderr);
	return RF_EXIT_USAGE;
}

static int parse(int argc, char **argv, struct observe *o)
{
	static const struct option longs[] = {
		{"follow", no_argument, NULL, 'f'},       {"verdict", required_argument, NULL, 'v'}, {"last", required_argument, NULL, 'l'},
		{"output", required_argument, NULL, 'o'}, {"help", no_argument, NULL, 'h'},          {},
	};
	char *end = NULL;
	int c;

	optind = 1;
	while ((c = getopt_long(argc, argv, "fo:h", longs, NULL)) >= 0) {
		if (c == 'h') {
			fputs(help, stdout);
			return RF_EXIT_OK;
		}
		if (c == 'f')
			o->follow = true;
		else if (c == 'v')
			o->verdict = optarg;
		else if (c == 'o' && strcmp(optarg, "json") == 0)
			o->json = true;
		else if (c == 'l' && *optarg >= '0' && *optarg <= '9')
			o->last = strtol(optarg, &end, 10);
		else
			return usage();
		if (end && *end)
			return usage();
	}
	return optind == argc ? -1 : usage();
}

int rf_cmd_observe(int argc, char **argv)
{
	struct observe o = {.last = 20};
	struct rf_instance instance;
	cJSON *request;
	int r = parse(argc, argv, &o);

	if (r >= 0)
		return r;
	if (rf_instance_init(&instance, NULL) == -EINVAL) {
		fputs("ringfence: bad instance name or address range\n", stderr);
		return RF_EXIT_USAGE;
	}
	request = rf_client_request("events");
	cJSON_AddNumberToObject(request, "last", (double)o.last);
	cJSON_AddBoolToObject(request, "follow", o.follow);
	if (o.verdict)
		cJSON_AddStringToObject(request, "verdict", o.verdict);
	r = rf_client_stream(&instance, request, print_line, &o);
	if (r == -ENOENT)
		return RF_EXIT_USAGE;
	return r == 0 ? RF_EXIT_OK : RF_EXIT_NO;
}
