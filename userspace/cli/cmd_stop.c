/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ringfence stop: SIGTERM to every named pod's init at once, one deadline for all, then the agent removes the rooms, which kills the rest.
 */
#include <errno.h>
#include <getopt.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/pidfd.h>
#include <time.h>
#include <unistd.h>

#include "cli/client.h"
#include "cli/commands.h"
#include "cli/pod_ref.h"
#include "pods/cgroup.h"
#include "pods/pods.h"

static const char help[] = "usage: ringfence stop [--grace SECONDS] [--keep-log] NAMESPACE/NAME...\n"
			   "       ringfence stop [--grace SECONDS] --all\n\n"
			   "Ends local pods (SIGTERM, after the grace period SIGKILL) and removes their rooms.\n"
			   "      --grace SECONDS  how long they may take (default 10)\n"
			   "      --keep-log       `ringfence logs` still works afterwards\n";

struct target {
	struct rf_pod_ref ref;
	int pidfd; /* -1: nothing runs (any more) */
};

struct stop {
	struct rf_instance instance;
	struct target *targets;
	size_t count;
	long grace_s;
	bool all, keep_log, help;
};

static int64_t now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

static int add_target(struct stop *stop, const char *ns, const char *name)
{
	struct target *grown = reallocarray(stop->targets, stop->count + 1, sizeof(*grown));

	if (!grown)
		return -ENOMEM;
	stop->targets = grown;
	grown[stop->count] = (struct target){.pidfd = -1};
	snprintf(grown[stop->count].ref.ns, sizeof(grown[0].ref.ns), "%s", ns);
	snprintf(grown[stop->count].ref.name, sizeof(grown[0].ref.name), "%s", name);
	stop->count++;
	return 0;
}

/* Only the process that is really in the pod's cgroup gets the signal: a recorded pid may be somebody else's by now. */
static void terminate(const struct rf_instance *instance, struct target *target, const cJSON *pod)
{
	_cleanup_close_ int fd = -1;
	struct rf_pod_room room;
	bool inside;
	pid_t pid = (pid_t)rf_json_number(pod, "pid", 0);

	if (pid <= 0 || rf_pod_room_names(instance, target->ref.ns, target->ref.name, &room) < 0)
		return;
	fd = pidfd_open(pid, 0);
	if (fd < 0 || rf_cgroup_contains(instance->cgroup_mount, room.cgroup, pid, &inside) < 0 || !inside)
		return;
	if (pidfd_send_signal(fd, SIGTERM, NULL, 0) == 0)
		target->pidfd = TAKE_FD(fd);
}

static void wait_for(const struct target *target, int64_t deadline)
{
	struct pollfd p = {.fd = target->pidfd, .events = POLLIN};
	int64_t left;

	if (target->pidfd < 0)
		return;
	do
		left = deadline - now_ms();
	while (poll(&p, 1, left > 0 ? (int)left : 0) < 0 && errno == EINTR);
}

static int collect_all(struct stop *stop, const cJSON *pods)
{
	const cJSON *pod;
	int r = 0;

	cJSON_ArrayForEach(pod, pods) if (r == 0) r = add_target(stop, rf_json_text(pod, "ns", ""), rf_json_text(pod, "name", ""));
	return r;
}

/* Returns the exit code. */
static int run(struct stop *stop)
{
	_cleanup_json_ cJSON *answer = NULL;
	const cJSON *pods;
	int64_t deadline;
	int r = rf_pod_ref_list(&stop->instance, &answer, &pods), code = RF_EXIT_OK;

	if (r < 0)
		return rf_pod_ref_exit(r);
	if (stop->all && collect_all(stop, pods) < 0)
		return RF_EXIT_NO;
	for (size_t i = 0; i < stop->count; i++)
		terminate(&stop->instance, &stop->targets[i], rf_pod_ref_find(pods, &stop->targets[i].ref));
	deadline = now_ms() + stop->grace_s * 1000;
	for (size_t i = 0; i < stop->count; i++)
		wait_for(&stop->targets[i], deadline);
	for (size_t i = 0; i < stop->count; i++) {
		const struct rf_pod_ref *ref = &stop->targets[i].ref;

		if (!rf_pod_ref_find(pods, ref)) {
			fprintf(stderr, "ringfence: no pod %s/%s here; see: ringfence ps\n", ref->ns, ref->name);
			code = RF_EXIT_NO;
			continue;
		}
		if (rf_pod_ref_remove(&stop->instance, ref, !stop->keep_log) < 0)
			code = RF_EXIT_NO;
		else
			printf("%s/%s stopped\n", ref->ns, ref->name);
	}
	return code;
}

static int parse_grace(const char *text, long *ret)
{
	char *end;
	long value = strtol(text, &end, 10);

	if (end == text || *end || value < 0 || value > 3600)
		return -EINVAL;
	*ret = value;
	return 0;
}

static int parse_options(int argc, char **argv, struct stop *stop)
{
	static const struct option options[] = {
		{"grace", required_argument, NULL, 'g'},
		{"keep-log", no_argument, NULL, 'k'},
		{"all", no_argument, NULL, 'a'},
		{"help", no_argument, NULL, 'h'},
		{NULL, 0, NULL, 0},
	};
	int c;

	optind = 1;
	while ((c = getopt_long(argc, argv, "h", options, NULL)) != -1) {
		if (c == 'a')
			stop->all = true;
		else if (c == 'k')
			stop->keep_log = true;
		else if (c == 'h')
			stop->help = true;
		else if (c != 'g' || parse_grace(optarg, &stop->grace_s) < 0)
			return -EINVAL;
	}
	return stop->help || stop->all == (optind == argc) ? 0 : -EINVAL; /* names or --all, not both, not neither */
}

static int parse_targets(char **argv, struct stop *stop)
{
	struct rf_pod_ref ref;
	int r = 0;

	for (; r == 0 && *argv; argv++) {
		r = rf_pod_ref_parse(*argv, &ref);
		if (r == 0)
			r = add_target(stop, ref.ns, ref.name);
	}
	return r;
}

static void free_stop(const struct stop *stop)
{
	for (size_t i = 0; i < stop->count; i++)
		rf_closep(&stop->targets[i].pidfd);
	free(stop->targets);
}

int rf_cmd_stop(int argc, char **argv)
{
	RF_CLEANUP(free_stop) struct stop stop = {.grace_s = 10};

	if (parse_options(argc, argv, &stop) < 0) {
		fputs(help, stderr);
		return RF_EXIT_USAGE;
	}
	if (stop.help) {
		fputs(help, stdout);
		return RF_EXIT_OK;
	}
	if (parse_targets(argv + optind, &stop) < 0 || rf_pod_ref_instance(&stop.instance) < 0)
		return RF_EXIT_USAGE;
	return run(&stop);
}
