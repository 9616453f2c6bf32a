/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ringfence observe: one line a flow or request. The agent keeps the lines and filters them; this only asks and prints.
 */
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "cli/client.h"
#include "cli/commands.h"
#include "cli/event_print.h"

static const char help[] =
	"usage: ringfence observe [-f] [--last N] [--since WHEN] [--until WHEN] [-a] [-o text|wide|json] [FILTER...]\n\n"
	"Shows what was decided: one line a flow or request, with names on both sides and the reason. The agent keeps the last\n"
	"8192 lines; this command may come and go.\n\n"
	"  -f, --follow       go on with what happens from now on, until interrupted\n"
	"      --last N       how many of the past (20; with --since all)\n"
	"      --since WHEN   not before: 90s, 5m, 1h30m, 2d ago, or 2026-01-02T03:04:05Z\n"
	"      --until WHEN   not after\n"
	"  -a, --all          also what goes with something that is shown anyway: openings of flows that are over, the\n"
	"                     checker's own connections, ICMP errors\n"
	"  -o, --output FORM  text; wide: with addresses, the whole time, every reason's sentence; json: one object a line\n\n"
	"Filters; several values of one (a,b or given twice) are alternatives, different ones must all hold:\n"
	"      --from WHO     NAMESPACE, NAMESPACE/NAME (of a pod, ServiceAccount or Service), an address, or outside\n"
	"      --to WHO       the same; a Service stands for the pods behind it, too. * in a name stands for anything\n"
	"      --pod NS/POD   either end\n"
	"  -n, --namespace NS either end\n"
	"      --port N       the destination's, as the line shows it\n"
	"      --protocol P   tcp, udp, http (requests), icmp, icmp6\n"
	"      --method M     of a request\n"
	"      --path PATH    of a request: everything that begins so; with * the whole path, where * stands for anything\n"
	"      --verdict V    allowed, denied, failed (nobody answered), audit (would be denied), note (about ringfence)\n"
	"      --reason NAME  no-rule, allow-rule, ... (docs/reasons.md)\n"
	"      --kind K       connect, packet, open, close, request, note\n\n"
	"Example: ringfence observe -f --verdict denied --to bookstore\n";

struct observe {
	cJSON *request; /* owned */
	bool json, follow;
	size_t shown;
	struct rf_event_printer printer;
};

static int usage(const char *problem, const char *what)
{
	if (problem)
		fprintf(stderr, "ringfence: %s '%s'\n", problem, what);
	fputs(help, stderr);
	return RF_EXIT_USAGE;
}

static bool add_value(cJSON *request, const char *field, const char *value, size_t len)
{
	cJSON *values = cJSON_GetObjectItemCaseSensitive(request, field), *item;
	char *copy = strndup(value, len);

	if (!values)
		values = cJSON_AddArrayToObject(request, field);
	item = copy ? cJSON_CreateString(copy) : NULL;
	free(copy);
	return values && item && cJSON_AddItemToArray(values, item);
}

/* A path may have a comma in it. */
static int add_filter(struct observe *o, const char *field, const char *text)
{
	bool whole = strcmp(field, "path") == 0;

	for (const char *at = text;; at++) {
		size_t len = whole ? strlen(at) : strcspn(at, ",");

		if (!add_value(o->request, field, at, len))
			return -ENOMEM;
		at += len;
		if (!*at)
			return -1;
	}
}

static int set_output(struct observe *o, const char *form)
{
	o->json = strcmp(form, "json") == 0;
	o->printer.wide = strcmp(form, "wide") == 0;
	return o->json || o->printer.wide || strcmp(form, "text") == 0 ? -1 : usage("there is no output form", form);
}

static int set_last(struct observe *o, const char *text)
{
	char *end;
	long last = strtol(text, &end, 10);

	if (*text < '0' || *text > '9' || *end)
		return usage("--last wants a number, not", text);
	cJSON_AddNumberToObject(o->request, "last", (double)last);
	return -1;
}

enum { FIRST_FILTER = 256, SINCE = 300, UNTIL, LAST };
static const char *const filters[] = {"from", "to", "pod", "namespace", "port", "protocol", "method", "path", "verdict", "reason", "kind"};

/* -1: go on; else the exit code. */
static int option(struct observe *o, int c)
{
	if (c == 'h') {
		fputs(help, stdout);
		return RF_EXIT_OK;
	}
	if (c == 'f')
		o->follow = cJSON_AddTrueToObject(o->request, "follow") != NULL;
	else if (c == 'a')
		cJSON_AddTrueToObject(o->request, "all");
	else if (c == 'o')
		return set_output(o, optarg);
	else if (c == LAST)
		return set_last(o, optarg);
	else if (c == SINCE || c == UNTIL)
		cJSON_AddStringToObject(o->request, c == SINCE ? "since" : "until", optarg);
	else if (c == 'n')
		return add_filter(o, "namespace", optarg);
	else if (c >= FIRST_FILTER && c < FIRST_FILTER + (int)RF_ARRAY_SIZE(filters))
		return add_filter(o, filters[c - FIRST_FILTER], optarg);
	else
		return usage(NULL, NULL);
	return -1;
}

static int parse(int argc, char **argv, struct observe *o)
{
	static const struct option longs[] = {
		{"from", required_argument, NULL, FIRST_FILTER},
		{"to", required_argument, NULL, FIRST_FILTER + 1},
		{"pod", required_argument, NULL, FIRST_FILTER + 2},
		{"namespace", required_argument, NULL, FIRST_FILTER + 3},
		{"port", required_argument, NULL, FIRST_FILTER + 4},
		{"protocol", required_argument, NULL, FIRST_FILTER + 5},
		{"method", required_argument, NULL, FIRST_FILTER + 6},
		{"path", required_argument, NULL, FIRST_FILTER + 7},
		{"verdict", required_argument, NULL, FIRST_FILTER + 8},
		{"reason", required_argument, NULL, FIRST_FILTER + 9},
		{"kind", required_argument, NULL, FIRST_FILTER + 10},
		{"since", required_argument, NULL, SINCE},
		{"until", required_argument, NULL, UNTIL},
		{"last", required_argument, NULL, LAST},
		{"follow", no_argument, NULL, 'f'},
		{"all", no_argument, NULL, 'a'},
		{"output", required_argument, NULL, 'o'},
		{"help", no_argument, NULL, 'h'},
		{},
	};
	int c, r = -1;

	optind = 1;
	while (r < 0 && (c = getopt_long(argc, argv, "fao:n:h", longs, NULL)) >= 0)
		r = option(o, c);
	return r < 0 && optind < argc ? usage("observe takes no word such as", argv[optind]) : r;
}

static int print_line(void *arg, const cJSON *line)
{
	struct observe *o = arg;

	o->shown++;
	if (o->json) {
		_cleanup_free_ char *text = cJSON_PrintUnformatted(line);

		if (text)
			puts(text);
	} else {
		o->printer.now = time(NULL);
		(void)rf_event_print(&o->printer, line);
	}
	return fflush(stdout) == 0 ? 0 : RF_EXIT_NO;
}

static int run(struct observe *o)
{
	struct rf_instance instance;
	struct winsize size = {};
	int r;

	if (rf_instance_init(&instance, NULL) == -EINVAL) {
		fputs("ringfence: bad instance name or address range\n", stderr);
		return RF_EXIT_USAGE;
	}
	o->printer.out = stdout;
	o->printer.colour = isatty(STDOUT_FILENO) && !getenv("NO_COLOR");
	if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0)
		o->printer.columns = size.ws_col;
	r = rf_client_stream(&instance, cJSON_Duplicate(o->request, true), print_line, o);
	if (r == 0 && !o->shown && !o->follow)
		fputs("ringfence: no line matches (of the last 8192 that the agent keeps, since it started)\n", stderr);
	if (r == 0 && o->follow) {
		fputs("ringfence: the agent has ended, and with it what it tells; when it runs again: ringfence observe -f\n", stderr);
		return RF_EXIT_NO;
	}
	if (r == -ENOENT)
		return RF_EXIT_USAGE;
	return r == 0 ? RF_EXIT_OK : RF_EXIT_NO;
}

int rf_cmd_observe(int argc, char **argv)
{
	struct observe o = {.request = rf_client_request("events")};
	int r = parse(argc, argv, &o);

	if (r < 0)
		r = run(&o);
	cJSON_Delete(o.request);
	return r;
}
