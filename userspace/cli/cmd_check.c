/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ringfence check: core/check.h for people and for scripts.
 */
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli/commands.h"
#include "core/check.h"
#include "core/check_port.h"
#include "core/json.h"

static const char help[] = "usage: ringfence check [--fix] [--starting] [--port NUMBER]... [-o json]\n\n"
			   "Can this machine do it? Each missing thing with the command that mends it. Changes nothing without --fix.\n"
			   "      --fix          mount bpffs if it is missing (`ringfence uninstall` unmounts it)\n"
			   "      --starting     an agent is about to start: one that already runs is an error\n"
			   "      --port NUMBER  also: is this TCP port free, and if not, who holds it\n"
			   "Exit code 1 if anything fails.\n";

#define PORTS_MAX 16

struct request {
	unsigned flags;
	uint16_t ports[PORTS_MAX];
	size_t port_count;
	bool json, help;
};

static void check_port(uint16_t port, struct rf_check_report *report)
{
	struct rf_port_holder holder;

	if (rf_check_port(port, &holder) < 0)
		rf_check_add(report, "port", RF_CHECK_OK, "%u is free", port);
	else if (!holder.pid)
		rf_check_fix(rf_check_add(report, "port", RF_CHECK_FAIL, "%u is taken by a process that cannot be seen from here", port),
			     "choose another port, or look for it as root: ss -ltnp 'sport = :%u'", port);
	else
		rf_check_fix(rf_check_add(report, "port", RF_CHECK_FAIL, "%u is taken by %s (process %d)", port, holder.comm, holder.pid),
			     "choose another port, or end that process: kill %d", holder.pid);
}

static void print_text(const struct rf_check_report *report)
{
	for (size_t i = 0; i < report->count; i++) {
		const struct rf_check_item *item = &report->items[i];

		printf("%-4s  %-18s %s\n", rf_check_level_name(item->level), item->name, item->detail);
		if (*item->fix)
			printf("      %-18s -> %s\n", "", item->fix);
	}
	if (report->failed)
		printf("\n%zu of %zu failed\n", report->failed, report->count);
}

static int print_json(const struct rf_check_report *report)
{
	_cleanup_json_ cJSON *root = cJSON_CreateObject();
	_cleanup_free_ char *text = NULL;
	cJSON *list = cJSON_AddArrayToObject(root, "checks");

	for (size_t i = 0; list && i < report->count; i++) {
		const struct rf_check_item *item = &report->items[i];
		cJSON *one = cJSON_CreateObject();

		if (!cJSON_AddStringToObject(one, "name", item->name) ||
		    !cJSON_AddStringToObject(one, "level", rf_check_level_name(item->level)) ||
		    !cJSON_AddStringToObject(one, "detail", item->detail) || !cJSON_AddStringToObject(one, "fix", item->fix)) {
			cJSON_Delete(one);
			return -ENOMEM;
		}
		cJSON_AddItemToArray(list, one);
	}
	if (!list || !cJSON_AddBoolToObject(root, "ok", report->failed == 0) || !(text = cJSON_Print(root)))
		return -ENOMEM;
	puts(text);
	return 0;
}

static int add_port(struct request *request, const char *text)
{
	char *end;
	long port = strtol(text, &end, 10);

	if (end == text || *end || port < 1 || port > 65535 || request->port_count == PORTS_MAX)
		return -EINVAL;
	request->ports[request->port_count++] = (uint16_t)port;
	return 0;
}

static int parse(int argc, char **argv, struct request *request)
{
	static const struct option options[] = {
		{"fix", no_argument, NULL, 'f'},          {"starting", no_argument, NULL, 's'}, {"port", required_argument, NULL, 'p'},
		{"output", required_argument, NULL, 'o'}, {"help", no_argument, NULL, 'h'},     {NULL, 0, NULL, 0},
	};
	int c;

	optind = 1;
	while ((c = getopt_long(argc, argv, "o:h", options, NULL)) != -1) {
		if (c == 'f')
			request->flags |= RF_CHECK_FIX;
		else if (c == 's')
			request->flags |= RF_CHECK_STARTING;
		else if (c == 'h')
			request->help = true;
		else if (c == 'o' && strcmp(optarg, "json") == 0)
			request->json = true;
		else if (c != 'p' || add_port(request, optarg) < 0)
			return -EINVAL;
	}
	return optind == argc ? 0 : -EINVAL;
}

static int run(const struct request *request)
{
	struct rf_check_report report;
	struct rf_instance instance;
	char problem[256];
	int r = rf_instance_init(&instance, NULL);

	if (r < 0 && r != -ENOENT) {
		fprintf(stderr, "ringfence: %s\n", rf_instance_problem(NULL, problem, sizeof(problem)));
		return RF_EXIT_USAGE;
	}
	rf_check_run(&instance, request->flags, &report);
	for (size_t i = 0; i < request->port_count; i++)
		check_port(request->ports[i], &report);
	if (!request->json)
		print_text(&report);
	else if (print_json(&report) < 0)
		return RF_EXIT_NO;
	return report.failed ? RF_EXIT_NO : RF_EXIT_OK;
}

int rf_cmd_check(int argc, char **argv)
{
	struct request request = {0};

	if (parse(argc, argv, &request) < 0) {
		fputs(help, stderr);
		return RF_EXIT_USAGE;
	}
	if (request.help) {
		fputs(help, stdout);
		return RF_EXIT_OK;
	}
	return run(&request);
}
