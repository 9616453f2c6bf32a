/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ringfence uninstall: everything one instance ever put on this machine, named first, then removed: pods, broker, checker, BPF, cgroups,
 * run directory, and the bpffs mount if it is ours. Policy files are the user's and stay.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <getopt.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli/client.h"
#include "cli/commands.h"
#include "core/check.h"
#include "datapath/datapath.h"
#include "pods/cgroup.h"
#include "pods/names.h"
#include "pods/pods.h"

static const char help[] = "usage: ringfence uninstall [--yes] [--force]\n\n"
			   "Lists everything this instance put on the machine, asks, and removes it. Policy files stay.\n"
			   "  -y, --yes    do not ask\n"
			   "      --force  also while an agent or pods run: ends them first\n";

#define END_MS 5000

struct uninstall {
	struct rf_instance instance;
	bool yes, force, help;
	unsigned things;
	unsigned failures;
	char pods[512][160]; /* keys */
	size_t pod_count;
	pid_t agent;
	unsigned broker_processes;
};

static void found(struct uninstall *u, const char *kind, const char *what)
{
	printf("  %-8s %s\n", kind, what);
	u->things++;
}

static void found_bpf(void *arg, const char *what)
{
	found(arg, "bpf", what);
}

static void failed(struct uninstall *u, const char *what, int r)
{
	fprintf(stderr, "ringfence: cannot remove %s: %s\n", what, strerror(-r));
	u->failures++;
}

/* Keys are directories below both the run directory and the cgroup; either may be left alone after a crash. */
static void collect_pods(struct uninstall *u, const char *dir)
{
	_cleanup_closedir_ DIR *d = opendir(dir);
	struct dirent *e;

	while (d && (e = readdir(d))) {
		bool known = false;

		if (e->d_name[0] == '.' || e->d_type != DT_DIR || !strchr(e->d_name, '_') || strlen(e->d_name) >= sizeof(u->pods[0]))
			continue;
		for (size_t i = 0; i < u->pod_count; i++)
			known |= strcmp(u->pods[i], e->d_name) == 0;
		if (!known && u->pod_count < RF_ARRAY_SIZE(u->pods))
			memcpy(u->pods[u->pod_count++], e->d_name, strlen(e->d_name) + 1);
	}
}

/* The broker and its checker have a cgroup to themselves. (Connecting to the broker would make it drop the agent.) */
static unsigned count_processes(const char *cgroup)
{
	_cleanup_fclose_ FILE *f = NULL;
	char path[PATH_MAX];
	unsigned n = 0;
	int pid;

	snprintf(path, sizeof(path), "%.4000s/cgroup.procs", cgroup);
	f = fopen(path, "re");
	while (f && fscanf(f, "%d", &pid) == 1)
		n++;
	return n;
}

static bool exists(const char *path)
{
	return *path && access(path, F_OK) == 0;
}

static void list(struct uninstall *u)
{
	char text[256], pods[PATH_MAX];

	snprintf(pods, sizeof(pods), "%.4000s/pods", u->instance.run_dir);
	collect_pods(u, pods);
	if (*u->instance.pods_cgroup)
		collect_pods(u, u->instance.pods_cgroup);
	u->agent = rf_check_agent_pid(&u->instance);
	u->broker_processes = *u->instance.sockd_cgroup ? count_processes(u->instance.sockd_cgroup) : 0;
	printf("instance %s:\n", u->instance.name);
	for (size_t i = 0; i < u->pod_count; i++) {
		snprintf(text, sizeof(text), "%s: its processes are ended", u->pods[i]);
		found(u, "pod", text);
	}
	snprintf(text, sizeof(text), "ringfenced (pid %d)", u->agent);
	if (u->agent)
		found(u, "process", text);
	snprintf(text, sizeof(text), "ringfence-sockd and checker: %u processes", u->broker_processes);
	if (u->broker_processes)
		found(u, "process", text);
	(void)rf_datapath_uninstall(&u->instance, true, found_bpf, u); /* failures show when it is done in earnest */
	if (exists(u->instance.cgroup_dir))
		found(u, "cgroup", u->instance.cgroup_dir);
	if (exists(u->instance.run_dir))
		found(u, "files", u->instance.run_dir);
}

/* Nobody else's processes and no pod's are ended by accident. */
static bool may_go_on(const struct uninstall *u)
{
	char answer[16] = "";
	bool live = u->agent || u->pod_count;

	fflush(stdout); /* the list comes before what is said about it */

	if (live && !u->force) {
		fprintf(stderr,
			"ringfence: %s%s%s here\n  try: ringfence stop --all, end the agent, then again; or: ringfence uninstall --force\n",
			u->agent ? "an agent runs" : "", u->agent && u->pod_count ? " and " : "", u->pod_count ? "there are pods" : "");
		return false;
	}
	if (u->yes)
		return true;
	if (!isatty(STDIN_FILENO)) {
		fprintf(stderr, "ringfence: nobody to ask; say --yes to remove all this\n");
		return false;
	}
	printf("Remove all this? [y/N] ");
	fflush(stdout);
	return fgets(answer, sizeof(answer), stdin) && (answer[0] == 'y' || answer[0] == 'Y');
}

static void end_process(struct uninstall *u, const char *what, pid_t pid)
{
	_cleanup_close_ int fd = pid > 0 ? pidfd_open(pid, 0) : -1;
	struct pollfd p = {.fd = fd, .events = POLLIN};

	if (fd < 0)
		return;
	if (pidfd_send_signal(fd, SIGTERM, NULL, 0) == 0 && poll(&p, 1, END_MS) == 1)
		return;
	if (pidfd_send_signal(fd, SIGKILL, NULL, 0) < 0 || poll(&p, 1, END_MS) != 1)
		failed(u, what, -ETIMEDOUT);
}

static void remove_pods(struct uninstall *u)
{
	for (size_t i = 0; i < u->pod_count; i++) {
		char ns[160];
		char *name;
		int r;

		memcpy(ns, u->pods[i], sizeof(ns));
		name = strchr(ns, '_');
		*name++ = '\0';
		r = rf_pod_names_valid(ns, name) ? rf_pod_room_remove(&u->instance, ns, name, true) : -EINVAL;
		if (r < 0)
			failed(u, u->pods[i], r);
	}
}

static int remove_entry(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	(void)st;
	(void)type;
	(void)ftw;
	return remove(path) < 0 ? -errno : 0;
}

static void remove_cgroups(struct uninstall *u)
{
	const char *const dirs[] = {u->instance.pods_cgroup, u->instance.sockd_cgroup, u->instance.cgroup_dir};

	for (size_t i = 0; i < RF_ARRAY_SIZE(dirs); i++) {
		int r = *dirs[i] ? rf_cgroup_remove(dirs[i]) : 0;

		if (r < 0)
			failed(u, dirs[i], r);
	}
}

static void ignore(void *arg, const char *what)
{
	(void)arg;
	(void)what;
}

/* Who could make new things goes first, then what runs, then what watched it. */
static void remove_all(struct uninstall *u)
{
	int r;

	end_process(u, "ringfenced", u->agent);
	remove_pods(u);
	r = *u->instance.sockd_cgroup ? rf_cgroup_kill(u->instance.sockd_cgroup, END_MS) : 0;
	if (r < 0)
		failed(u, "the broker", r);
	r = rf_datapath_uninstall(&u->instance, false, ignore, u);
	if (r < 0)
		failed(u, u->instance.bpffs_dir, r);
	remove_cgroups(u);
	r = rf_check_bpffs_unmount(&u->instance);
	if (r < 0 && r != -ENOTEMPTY)
		failed(u, "the bpffs mount", r);
	if (exists(u->instance.run_dir) && nftw(u->instance.run_dir, remove_entry, 16, FTW_DEPTH | FTW_PHYS | FTW_MOUNT) != 0)
		failed(u, u->instance.run_dir, -errno);
}

static int parse(int argc, char **argv, struct uninstall *u)
{
	static const struct option longs[] = {
		{"yes", no_argument, NULL, 'y'}, {"force", no_argument, NULL, 'f'}, {"help", no_argument, NULL, 'h'}, {}};
	int c;

	optind = 1;
	while ((c = getopt_long(argc, argv, "yh", longs, NULL)) >= 0) {
		if (c == 'y')
			u->yes = true;
		else if (c == 'f')
			u->force = true;
		else if (c == 'h')
			u->help = true;
		else
			return -EINVAL;
	}
	return optind == argc ? 0 : -EINVAL;
}

int rf_cmd_uninstall(int argc, char **argv)
{
	static struct uninstall u; /* too large for the stack */
	char problem[256];

	if (parse(argc, argv, &u) < 0 || u.help) {
		fputs(help, u.help ? stdout : stderr);
		return u.help ? RF_EXIT_OK : RF_EXIT_USAGE;
	}
	if (geteuid() != 0) {
		fprintf(stderr, "ringfence: this needs root\n  try: sudo ringfence uninstall\n");
		return RF_EXIT_USAGE;
	}
	if (rf_instance_init(&u.instance, NULL) == -EINVAL) {
		fprintf(stderr, "ringfence: %s\n", rf_instance_problem(NULL, problem, sizeof(problem)));
		return RF_EXIT_USAGE;
	}
	list(&u);
	if (!u.things) {
		puts("  nothing: it is not installed");
		return RF_EXIT_OK;
	}
	if (!may_go_on(&u))
		return RF_EXIT_NO;
	remove_all(&u);
	puts(u.failures ? "Not everything could be removed." : "Removed. Policy files were left where they are.");
	return u.failures ? RF_EXIT_NO : RF_EXIT_OK;
}
