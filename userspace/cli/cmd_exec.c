/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ringfence exec: a command beside a running pod, with the pod's namespaces, cgroup and capabilities.
 */
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <string.h>

#include "cli/client.h"
#include "cli/commands.h"
#include "cli/pod_ref.h"
#include "pods/init.h"
#include "pods/pods.h"

static const char help[] = "usage: ringfence exec [-e KEY=VALUE]... [-w DIR] NAMESPACE/NAME -- COMMAND [ARGUMENT...]\n\n"
			   "Runs a command in a running local pod and returns its exit code.\n"
			   "  -e, --env KEY=VALUE  may be repeated\n"
			   "  -w, --workdir DIR    where the command starts (default: /)\n";

#define ENV_MAX 128

static int run_beside(const struct rf_instance *instance, const struct rf_pod_ref *ref, const struct rf_pod_process *process)
{
	_cleanup_json_ cJSON *answer = NULL;
	const cJSON *pods, *pod;
	struct rf_pod_room room;
	char error[512] = "";
	int r, status;
	pid_t init;

	r = rf_pod_ref_list(instance, &answer, &pods);
	if (r < 0)
		return rf_pod_ref_exit(r);
	pod = rf_pod_ref_find(pods, ref);
	init = (pid_t)rf_json_number(pod, "pid", 0);
	if (init <= 0 || rf_pod_room_find(instance, ref->ns, ref->name, &room) < 0) {
		fprintf(stderr, "ringfence: no pod %s/%s runs here; see: ringfence ps\n", ref->ns, ref->name);
		return RF_EXIT_NO;
	}
	r = rf_pod_exec(&room, init, process, &status, error, sizeof(error));
	if (r < 0) {
		fprintf(stderr, "ringfence: %s\n", error);
		return r == -ENOENT ? 127 : 126;
	}
	return rf_init_exit_code(status);
}

static int usage(void)
{
	fputs(help, stderr);
	return RF_EXIT_USAGE;
}

/* argv[0] is the pod, then (maybe after "--") the command. */
static int split_and_run(char **argv, struct rf_pod_process *process)
{
	struct rf_instance instance;
	struct rf_pod_ref ref;

	if (!argv[0])
		return usage();
	process->argv = argv + 1;
	if (argv[1] && strcmp(argv[1], "--") == 0)
		process->argv++;
	if (!process->argv[0])
		return usage();
	if (rf_pod_ref_parse(argv[0], &ref) < 0 || rf_pod_ref_instance(&instance) < 0)
		return RF_EXIT_USAGE;
	return run_beside(&instance, &ref, process);
}

int rf_cmd_exec(int argc, char **argv)
{
	static const struct option options[] = {
		{"env", required_argument, NULL, 'e'},
		{"workdir", required_argument, NULL, 'w'},
		{"help", no_argument, NULL, 'h'},
		{NULL, 0, NULL, 0},
	};
	const char *env[ENV_MAX + 1] = {NULL};
	struct rf_pod_process process = {.env = env, .net_raw = true}; /* as much of it as the pod itself has */
	size_t count = 0;
	int c;

	optind = 1;
	while ((c = getopt_long(argc, argv, "+e:w:h", options, NULL)) != -1) {
		if (c == 'h') {
			fputs(help, stdout);
			return RF_EXIT_OK;
		}
		if (c == 'w')
			process.workdir = optarg;
		else if (c == 'e' && strchr(optarg, '=') && count < ENV_MAX)
			env[count++] = optarg;
		else
			return usage();
	}
	return split_and_run(argv + optind, &process);
}
