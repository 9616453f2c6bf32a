/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Starting a process in a room. Three processes: the caller, a starter (forked; changes into the namespaces), and the pod's init, which the
 * starter makes with CLONE_PARENT, so that it is the caller's child and the caller gets its status. The order is the point: the cgroup
 * first (sockets get their tag by it), then the network namespace, then everything that is unshared, capabilities last.
 *
 * The starter, init and command share one CLOEXEC pipe to the caller: the init's pid, then a sentence from whichever step fails; its end
 * without a sentence means that the command was exec()ed.
 */
#include <dirent.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <sched.h>
#include <stdlib.h>
#include <sys/capability.h>
#include <sys/pidfd.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "core/cleanup.h"
#include "pods/caps.h"
#include "pods/cgroup.h"
#include "pods/environment.h"
#include "pods/fail.h"
#include "pods/init.h"
#include "pods/mounts.h"
#include "pods/pods.h"
#include "pods/seccomp.h"

#define UNSHARED (CLONE_NEWNS | CLONE_NEWPID | CLONE_NEWIPC | CLONE_NEWUTS | CLONE_NEWCGROUP)

struct report {
	int err; /* positive errno value of the failed step; 0: pid is valid */
	pid_t pid;
	char text[480];
};

struct entry {
	const struct rf_pod_room *room;
	const struct rf_pod_process *process;
	const char *workdir;
	char **env;
	int netns; /* start */
	int init;  /* exec: pidfd of the pod's init */
	int log;   /* start, detached */
	int pipe;  /* write end */
};

static void send_report(const struct entry *e, const struct report *report)
{
	/* below PIPE_BUF, so in one piece. If the caller is gone nobody needs it. */
	if (write(e->pipe, report, sizeof(*report)) < 0)
		return;
}

static _Noreturn void give_up(const struct entry *e, int r, const char *what)
{
	struct report report = {.err = r < 0 ? -r : EIO};

	snprintf(report.text, sizeof(report.text), "%s: %s", what, strerror(report.err));
	send_report(e, &report);
	_exit(127);
}

/* ---- the command ---- */

static void enter_workdir(const struct entry *e)
{
	char what[PATH_MAX + 64];

	if (chdir(e->workdir) == 0)
		return;
	snprintf(what, sizeof(what), "the pod cannot see the working directory %.400s (choose one with --workdir)", e->workdir);
	give_up(e, -errno, what);
}

/* CLOSE_RANGE_CLOEXEC is from 5.11; before, one by one. This process has one thread, so no new ones appear meanwhile. */
static int close_on_exec(void)
{
	_cleanup_closedir_ DIR *dir = NULL;
	const struct dirent *entry;

	if (close_range(3, ~0U, CLOSE_RANGE_CLOEXEC) == 0)
		return 0;
	if (errno != EINVAL && errno != ENOSYS)
		return -errno;
	dir = opendir("/proc/self/fd");
	if (!dir)
		return -errno;
	errno = 0;
	while ((entry = readdir(dir))) {
		int fd = atoi(entry->d_name); /* "." and ".." are 0 */

		if (fd > 2 && fcntl(fd, F_SETFD, FD_CLOEXEC) < 0)
			return -errno;
		errno = 0;
	}
	return -errno;
}

/* A session of its own: the command keeps a terminal it was given open but does not control it, so it cannot push input into the shell
 * that started it, and signals of the terminal reach it once, through the caller. */
static _Noreturn void run_command(const struct entry *e)
{
	char what[320];
	int r;

	setsid();
	rf_init_reset();
	r = close_on_exec();
	if (r < 0)
		give_up(e, r, "cannot close inherited files");
	environ = e->env; /* so that the command is looked for in the pod's PATH, not in the caller's */
	execvp(e->process->argv[0], e->process->argv);
	snprintf(what, sizeof(what), "cannot run '%.256s' in the pod", e->process->argv[0]);
	give_up(e, -errno, what);
}

static void confine(const struct entry *e)
{
	int r = rf_caps_drop(e->process->net_raw);

	if (r < 0)
		give_up(e, r, "cannot drop capabilities");
	r = rf_seccomp_confine();
	if (r < 0)
		give_up(e, r, "cannot filter the pod's system calls (seccomp)");
}

/* ---- the pod's init ---- */

static void redirect_stdio(const struct entry *e)
{
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);

	if (null < 0 || dup2(null, 0) < 0 || dup2(e->log, 1) < 0 || dup2(e->log, 2) < 0)
		give_up(e, -errno, "cannot redirect the pod's output to its log");
}

/* In the foreground the pod ends with its caller, even if that is killed. */
static void follow_caller(const struct entry *e)
{
	struct pollfd p = {.fd = e->pipe};

	if (prctl(PR_SET_PDEATHSIG, SIGKILL) < 0)
		give_up(e, -errno, "cannot tie the pod to its caller");
	if (poll(&p, 1, 0) > 0 && p.revents & POLLERR) /* it was gone before that */
		_exit(127);
}

static void furnish(const struct entry *e)
{
	struct report report = {0};
	struct rf_pod_error error = {.text = report.text, .size = sizeof(report.text)};
	const char *name = strchr(e->room->key, '_');
	int r;

	if (!name || sethostname(name + 1, strlen(name + 1)) < 0)
		give_up(e, -errno, "cannot set the pod's hostname");
	r = rf_mounts_make(e->room->hosts, &error);
	if (r < 0) {
		report.err = -r;
		send_report(e, &report);
		_exit(127);
	}
	enter_workdir(e);
	confine(e);
}

static _Noreturn void run_init(const struct entry *e)
{
	int status, r;
	pid_t command;

	setsid();
	umask(022);
	prctl(PR_SET_NAME, "ringfence-init");
	if (e->process->detach)
		redirect_stdio(e);
	else
		follow_caller(e);
	furnish(e);
	rf_init_block(NULL);
	command = fork();
	if (command < 0)
		give_up(e, -errno, "cannot start the command");
	if (command == 0)
		run_command(e);
	close_range(3, ~0U, 0);
	r = rf_init_wait(command, true, &status);
	_exit(r < 0 ? 255 : rf_init_exit_code(status)); /* the kernel kills whoever is left in the pid namespace */
}

/* ---- the starter ---- */

static _Noreturn void hand_over(const struct entry *e, void (*main)(const struct entry *e))
{
	pid_t pid = (pid_t)syscall(SYS_clone, CLONE_PARENT | SIGCHLD, NULL, NULL, NULL, NULL);
	struct report report = {.pid = pid};

	if (pid < 0)
		give_up(e, -errno, "cannot fork into the pod");
	if (pid == 0) {
		main(e);
		_exit(127);
	}
	send_report(e, &report);
	_exit(0);
}

/* Until it exec()s, and in the pod's init for ever, a process of ours inside a pod has the machine's program file, in the machine's mount,
 * as /proc/PID/exe. Nobody in the pod may follow that link, trace the process or take its files. */
static void hide_ourselves(const struct entry *e)
{
	if (prctl(PR_SET_DUMPABLE, 0) < 0)
		give_up(e, -errno, "cannot hide the starter from the pod");
}

static void start_main(const struct entry *e)
{
	int r = rf_cgroup_join(e->room->cgroup);

	hide_ourselves(e);
	if (r < 0)
		give_up(e, r, "cannot join the pod's cgroup");
	if (setns(e->netns, CLONE_NEWNET) < 0)
		give_up(e, -errno, "cannot enter the pod's network namespace");
	if (unshare(UNSHARED) < 0)
		give_up(e, -errno, "cannot make the pod's namespaces");
	hand_over(e, run_init);
}

static void run_beside(const struct entry *e)
{
	follow_caller(e);
	umask(022);
	enter_workdir(e);
	confine(e);
	run_command(e);
}

static void exec_main(const struct entry *e)
{
	int r = rf_cgroup_join(e->room->cgroup);

	hide_ourselves(e);
	if (r < 0)
		give_up(e, r, "cannot join the pod's cgroup");
	if (setns(e->init, CLONE_NEWNET | UNSHARED) < 0)
		give_up(e, -errno, "cannot enter the pod's namespaces");
	hand_over(e, run_beside);
}

/* ---- the caller ---- */

static int read_report(int fd, struct report *ret)
{
	size_t have = 0;

	while (have < sizeof(*ret)) {
		ssize_t n = read(fd, (char *)ret + have, sizeof(*ret) - have);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		if (n == 0)
			return have ? -EBADMSG : 0;
		have += (size_t)n;
	}
	return 1;
}

/* Until the pipe ends: the pid, and the first failure. */
static int collect(int fd, pid_t *ret_pid, struct rf_pod_error *error)
{
	struct report report;
	pid_t pid = 0;
	int result = 0, r;

	while ((r = read_report(fd, &report)) > 0) {
		report.text[sizeof(report.text) - 1] = '\0';
		if (!report.err)
			pid = report.pid;
		else if (!result)
			result = rf_pod_fail(error, 0, "%s", report.text) ? -report.err : 0;
	}
	if (r < 0 && !result)
		result = rf_pod_fail(error, -r, "cannot learn whether the pod started");
	if (!result && !pid)
		result = rf_pod_fail(error, ECHILD, "the pod's starter was killed");
	if (result && pid) {
		kill(pid, SIGKILL);
		waitpid(pid, NULL, 0);
	}
	*ret_pid = pid;
	return result;
}

static int launch(struct entry *e, void (*main)(const struct entry *e), pid_t *ret_pid, struct rf_pod_error *error)
{
	_cleanup_close_ int from = -1;
	sigset_t old;
	pid_t starter, pid = 0;
	int fds[2], r;

	if (pipe2(fds, O_CLOEXEC) < 0)
		return rf_pod_fail(error, errno, "cannot make a pipe");
	from = fds[0];
	e->pipe = fds[1];
	rf_init_block(&old);
	starter = fork();
	r = starter < 0 ? errno : 0;
	if (starter == 0) {
		close(from); /* or nobody would see that the caller is gone */
		main(e);
		_exit(127);
	}
	close(e->pipe);
	if (r)
		r = rf_pod_fail(error, r, "cannot fork");
	else
		r = collect(from, &pid, error);
	if (starter > 0)
		waitpid(starter, NULL, 0);
	sigprocmask(SIG_SETMASK, &old, NULL);
	if (r < 0)
		return r;
	*ret_pid = pid;
	return 0;
}

static int check_process(const struct rf_pod_process *process, struct rf_pod_error *error)
{
	return process->argv && process->argv[0] && *process->argv[0] ? 0 : rf_pod_fail(error, 0, "no command given");
}

int rf_pod_start(const struct rf_pod_room *room, const struct rf_pod_process *process, pid_t *ret_init, char *error, size_t size)
{
	struct rf_pod_error err = {.text = error, .size = size};
	RF_CLEANUP(rf_environment_freep) char **env = rf_environment_make(room->key, process->env);
	_cleanup_close_ int netns = open(room->netns, O_RDONLY | O_CLOEXEC);
	_cleanup_close_ int log = -1;
	_cleanup_free_ char *cwd = getcwd(NULL, 0);
	struct entry e = {.room = room, .process = process, .env = env, .netns = netns, .init = -1, .pipe = -1};

	if (check_process(process, &err) < 0)
		return -EINVAL;
	if (!env)
		return rf_pod_fail(&err, ENOMEM, "cannot make the pod's environment");
	if (netns < 0)
		return rf_pod_fail(&err, errno, "cannot open the pod's network namespace %s", room->netns);
	e.workdir = process->workdir ? process->workdir : cwd;
	if (!e.workdir)
		return rf_pod_fail(&err, ENOENT, "the current directory is gone");
	if (process->detach) {
		log = open(room->log, O_WRONLY | O_CREAT | O_TRUNC | O_APPEND | O_CLOEXEC, 0600);
		if (log < 0)
			return rf_pod_fail(&err, errno, "cannot open the pod's log %s", room->log);
	}
	e.log = log;
	return launch(&e, start_main, ret_init, &err);
}

/* The pid came from a record: it counts only if that very process is in the pod's cgroup. */
static int open_init(const struct rf_pod_room *room, pid_t init, int *ret, struct rf_pod_error *error)
{
	_cleanup_close_ int fd = pidfd_open(init, 0);
	bool inside = false;
	char mount[PATH_MAX];
	char *tail;
	int r;

	if (fd < 0)
		return rf_pod_fail(error, errno, "the pod does not run any more");
	/* <mount>/<instance>/pods/<key>: three parts below the mount */
	snprintf(mount, sizeof(mount), "%s", room->cgroup);
	for (int i = 0; i < 3; i++) {
		tail = strrchr(mount, '/');
		if (!tail)
			return rf_pod_fail(error, 0, "the pod's cgroup path %s is not one", room->cgroup);
		*tail = '\0';
	}
	r = rf_cgroup_contains(mount, room->cgroup, init, &inside);
	if (r < 0)
		return rf_pod_fail(error, -r, "cannot see the cgroup of process %d", init);
	if (!inside)
		return rf_pod_fail(error, ESRCH, "process %d is not in the pod", init);
	*ret = TAKE_FD(fd);
	return 0;
}

int rf_pod_exec(const struct rf_pod_room *room, pid_t init, const struct rf_pod_process *process, int *ret_status, char *error, size_t size)
{
	struct rf_pod_error err = {.text = error, .size = size};
	RF_CLEANUP(rf_environment_freep) char **env = rf_environment_make(room->key, process->env);
	struct rf_pod_process limited = *process;
	_cleanup_close_ int fd = -1;
	struct entry e = {.room = room, .process = &limited, .env = env, .netns = -1, .log = -1, .pipe = -1};
	sigset_t old;
	pid_t pid = 0;
	int r;

	if (check_process(process, &err) < 0)
		return -EINVAL;
	if (!env)
		return rf_pod_fail(&err, ENOMEM, "cannot make the pod's environment");
	r = open_init(room, init, &fd, &err);
	if (r < 0)
		return r;
	e.init = fd;
	e.workdir = process->workdir ? process->workdir : "/";
	limited.net_raw = process->net_raw && rf_caps_bounded(init, CAP_NET_RAW); /* never more than the pod itself */
	rf_init_block(&old);
	r = launch(&e, exec_main, &pid, &err);
	if (r == 0) {
		r = rf_init_wait(pid, false, ret_status);
		if (r < 0)
			r = rf_pod_fail(&err, -r, "cannot wait for the command");
	}
	sigprocmask(SIG_SETMASK, &old, NULL);
	return r;
}
