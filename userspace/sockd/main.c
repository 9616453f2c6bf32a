/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/cleanup.h"
#include "core/log.h"
#include "sockd/sockd.h"

#define HASTE_MAX 1000

struct options {
	const char *instance; /* NULL = from the environment */
	const char *checker;  /* NULL = beside us */
	unsigned int haste;   /* 1, or more for tests */
};

static void usage(FILE *to)
{
	fprintf(to, "usage: ringfence-sockd [--instance NAME] [--checker PATH] [--haste N]\n"
		    "The socket broker: makes sockets in the pods' network namespaces and keeps ringfence-checker running.\n"
		    "  --instance NAME   as for ringfenced (default: $RINGFENCE_INSTANCE or ringfence)\n"
		    "  --checker PATH    the checker program (default: beside this program)\n"
		    "  --haste N         for tests: the checker's time limits are divided by N\n"
		    "  --version, --help\n");
}

/* 0 = go on, otherwise *code is the exit code. */
static int parse_options(int argc, char **argv, struct options *ret, int *code)
{
	static const struct option longs[] = {{"instance", required_argument, NULL, 'i'}, {"checker", required_argument, NULL, 'c'},
					      {"haste", required_argument, NULL, 'q'},    {"version", no_argument, NULL, 'v'},
					      {"help", no_argument, NULL, 'h'},           {0}};
	int c;

	while ((c = getopt_long(argc, argv, "h", longs, NULL)) != -1) {
		if (c == 'i')
			ret->instance = optarg;
		else if (c == 'c')
			ret->checker = optarg;
		else if (c == 'q')
			ret->haste = (unsigned int)strtoul(optarg, NULL, 10);
		else if (c == 'v')
			printf("ringfence-sockd %s\n", RF_VERSION);
		else
			usage(c == 'h' ? stdout : stderr);
		if (c == 'v' || c == 'h' || c == '?') {
			*code = c == '?' ? 2 : 0;
			return 1;
		}
	}
	if (optind < argc || !ret->haste || ret->haste > HASTE_MAX) {
		usage(stderr);
		*code = 2;
		return 1;
	}
	return 0;
}

static int make_directory(const char *path, mode_t mode)
{
	char copy[PATH_MAX];

	snprintf(copy, sizeof(copy), "%s", path);
	for (char *p = copy + 1; *p; p++) {
		if (*p != '/')
			continue;
		*p = '\0';
		if (mkdir(copy, 0755) < 0 && errno != EEXIST)
			return -errno;
		*p = '/';
	}
	return mkdir(copy, mode) < 0 && errno != EEXIST ? -errno : 0;
}

/* A socket keeps the cgroup it was made in; the program that answers SO_ORIGINAL_DST hangs on this one. So before any socket. */
static int join_cgroup(const struct rf_instance *instance)
{
	_cleanup_close_ int dir = -1, procs = -1;
	int r = make_directory(instance->sockd_cgroup, 0755);

	if (r < 0)
		return r;
	dir = open(instance->sockd_cgroup, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (dir < 0)
		return -errno;
	procs = openat(dir, "cgroup.procs", O_WRONLY | O_CLOEXEC);
	if (procs < 0 || write(procs, "0", 1) != 1)
		return -errno;
	return 0;
}

/* A killed broker's child that has not yet become the checker (between fork and exec) holds the lock for some milliseconds more. */
#define LOCK_TRIES   50
#define LOCK_WAIT_MS 20

static int lock_exclusively(int fd)
{
	for (int i = 0; i < LOCK_TRIES; i++) {
		if (flock(fd, LOCK_EX | LOCK_NB) == 0)
			return 0;
		if (errno != EWOULDBLOCK)
			return -errno;
		poll(NULL, 0, LOCK_WAIT_MS);
	}
	return -EBUSY;
}

/* One broker an instance; the kernel lets the lock go when we end, however that happens. */
static int take_lock(const struct rf_instance *instance, int *ret)
{
	_cleanup_close_ int dir = -1, fd = -1;
	int r = make_directory(instance->run_dir, 0755);

	if (r < 0)
		return r;
	dir = open(instance->run_dir, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (dir < 0)
		return -errno;
	fd = openat(dir, "sockd.lock", O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	if (fd < 0)
		return -errno;
	r = lock_exclusively(fd);
	if (r == 0)
		*ret = TAKE_FD(fd);
	return r;
}

#define FILES 262144 /* below the kernel's default fs.nr_open */

/* Listeners and namespaces take three descriptors a pod; the checker, which inherits the limit, two a connection. */
static void raise_limit(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) < 0)
		return;
	if (limit.rlim_max < FILES && setrlimit(RLIMIT_NOFILE, &(struct rlimit){FILES, FILES}) == 0)
		return;
	limit.rlim_cur = limit.rlim_max;
	(void)setrlimit(RLIMIT_NOFILE, &limit); /* then fewer pods fit; POD_ADD says so */
}

static void on_signal(void *arg, int signo)
{
	struct rf_sockd *sockd = arg;

	if (signo == SIGCHLD)
		rf_sockd_checker_reaped(sockd);
	else
		rf_loop_stop(sockd->loop, 0);
}

static int set_up(struct rf_sockd *sockd, const struct options *options)
{
	sigset_t set;
	int r = rf_loop_new(&sockd->loop);

	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGCHLD);
	if (r == 0)
		r = rf_loop_signals(sockd->loop, &set, on_signal, sockd, NULL);
	if (r < 0)
		return rf_log_error(-r, "event loop");
	r = rf_sockd_checker_init(sockd, options->checker, options->haste);
	if (r < 0)
		return rf_log_error(-r, "cannot prepare the checker");
	r = rf_sockd_agent_listen(sockd);
	return r < 0 ? rf_log_error(-r, "cannot listen on %s", sockd->instance.sockd_path) : 0;
}

static int run(struct rf_sockd *sockd, const struct options *options)
{
	_cleanup_close_ int lock = -1;
	char problem[256];
	int r = rf_instance_init(&sockd->instance, options->instance);

	if (r < 0) {
		(void)rf_log_error(0, "%s",
				   r == -ENOENT ? "no cgroup v2 is mounted"
						: rf_instance_problem(options->instance, problem, sizeof(problem)));
		return r;
	}
	r = take_lock(&sockd->instance, &lock);
	if (r < 0)
		return rf_log_error(-r, "%s", r == -EBUSY ? "another broker of this instance is running" : sockd->instance.run_dir);
	r = join_cgroup(&sockd->instance);
	if (r < 0)
		return rf_log_error(-r, "cannot join %s", sockd->instance.sockd_cgroup);
	raise_limit();
	r = set_up(sockd, options);
	if (r < 0)
		return r;
	r = rf_loop_run(sockd->loop);
	rf_sockd_checker_stop(sockd);
	unlink(sockd->instance.sockd_path);
	return r < 0 ? rf_log_error(-r, "event loop") : 0;
}

int main(int argc, char **argv)
{
	static struct rf_sockd sockd = {.listener = -1, .agent = -1, .pins = {-1, -1, -1}};
	struct options options = {.haste = 1};
	int code = 0;

	rf_log_setup("ringfence-sockd", RF_LOG_INFO);
	if (parse_options(argc, argv, &options, &code))
		return code;
	signal(SIGPIPE, SIG_IGN);
	TAILQ_INIT(&sockd.pods);
	return run(&sockd, &options) < 0 ? 1 : 0;
}
