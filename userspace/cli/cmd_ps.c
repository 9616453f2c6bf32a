/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ringfence ps: the local pods, as the agent and the kernel see them.
 */
#include <getopt.h>
#include <stdio.h>
#include <string.h>

#include "cli/client.h"
#include "cli/commands.h"
#include "cli/pod_ref.h"

static const char help[] = "usage: ringfence ps [-n NAMESPACE] [-o json|wide]\n\n"
			   "Lists the local pods. HOOKED is what the kernel says: every program is attached to the pod.\n"
			   "  -n, --namespace NAMESPACE  only of this namespace\n"
			   "  -o wide                    with the IPv6 address\n";

#define COLUMNS 8 /* the last one only if wide */

static const char *const titles[COLUMNS] = {"NAMESPACE", "NAME", "SERVICEACCOUNT", "ADDRESS", "PID", "STATE", "HOOKED", "ADDRESS6"};

static void cells(const cJSON *pod, const char *ret[COLUMNS], char pid[16])
{
	int number = (int)rf_json_number(pod, "pid", 0);

	snprintf(pid, 16, "%d", number);
	ret[0] = rf_json_text(pod, "ns", "?");
	ret[1] = rf_json_text(pod, "name", "?");
	ret[2] = rf_json_text(pod, "service_account", "?");
	ret[3] = rf_json_text(pod, "address", "?");
	ret[4] = number > 0 ? pid : "-";
	ret[5] = rf_json_text(pod, "state", "?");
	ret[6] = rf_json_bool(pod, "hooked", false) ? "yes" : "no";
	ret[7] = rf_json_text(pod, "address6", "-");
}

static void widen(size_t widths[COLUMNS], const char *const row[COLUMNS])
{
	for (int i = 0; i < COLUMNS; i++)
		if (strlen(row[i]) > widths[i])
			widths[i] = strlen(row[i]);
}

static void print_row(const size_t widths[COLUMNS], const char *const row[COLUMNS], int columns)
{
	for (int i = 0; i < columns; i++)
		printf("%-*s%s", i + 1 < columns ? (int)widths[i] : 0, row[i], i + 1 < columns ? "  " : "\n");
}

static void print_table(const cJSON *pods, bool wide)
{
	int columns = wide ? COLUMNS : COLUMNS - 1;
	const char *row[COLUMNS];
	size_t widths[COLUMNS] = {0};
	const cJSON *pod;
	char pid[16];

	widen(widths, titles);
	cJSON_ArrayForEach(pod, pods)
	{
		cells(pod, row, pid);
		widen(widths, row);
	}
	print_row(widths, titles, columns);
	cJSON_ArrayForEach(pod, pods)
	{
		cells(pod, row, pid);
		print_row(widths, row, columns);
	}
}

static int print_json(const cJSON *pods)
{
	_cleanup_free_ char *text = cJSON_Print(pods);

	if (!text)
		return RF_EXIT_NO;
	puts(text);
	return RF_EXIT_OK;
}

static void keep_namespace(cJSON *pods, const char *ns)
{
	for (cJSON *pod = pods->child, *next; pod; pod = next) {
		next = pod->next;
		if (strcmp(rf_json_text(pod, "ns", ""), ns) != 0)
			cJSON_Delete(cJSON_DetachItemViaPointer(pods, pod));
	}
}

static int list(const char *ns, bool json, bool wide)
{
	_cleanup_json_ cJSON *answer = NULL;
	struct rf_instance instance;
	const cJSON *pods;
	int r;

	if (rf_pod_ref_instance(&instance) < 0)
		return RF_EXIT_USAGE;
	r = rf_pod_ref_list(&instance, &answer, &pods);
	if (r < 0)
		return rf_pod_ref_exit(r);
	if (ns)
		keep_namespace(cJSON_GetObjectItemCaseSensitive(answer, "pods"), ns);
	if (json)
		return print_json(pods);
	print_table(pods, wide);
	return RF_EXIT_OK;
}

static int usage(void)
{
	fputs(help, stderr);
	return RF_EXIT_USAGE;
}

int rf_cmd_ps(int argc, char **argv)
{
	static const struct option options[] = {
		{"namespace", required_argument, NULL, 'n'},
		{"output", required_argument, NULL, 'o'},
		{"help", no_argument, NULL, 'h'},
		{NULL, 0, NULL, 0},
	};
	const char *ns = NULL;
	bool json = false, wide = false;
	int c;

	optind = 1;
	while ((c = getopt_long(argc, argv, "n:o:h", options, NULL)) != -1) {
		if (c == 'h') {
			fputs(help, stdout);
			return RF_EXIT_OK;
		}
		if (c == 'n')
			ns = optarg;
		else if (c == 'o' && strcmp(optarg, "json") == 0)
			json = true;
		else if (c == 'o' && strcmp(optarg, "wide") == 0)
			wide = true;
		else
			return usage();
	}
	return optind == argc ? list(ns, json, wide) : usage();
}
