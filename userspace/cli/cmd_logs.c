/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ringfence logs: what a detached pod wrote. Reads the file itself, so it works while no agent runs.
 */
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/inotify.h>
#include <unistd.h>

#include "cli/commands.h"
#include "cli/pod_ref.h"
#include "core/cleanup.h"
#include "pods/pods.h"

static const char help[] = "usage: ringfence logs [-f] NAMESPACE/NAME\n\n"
			   "Prints what a detached local pod wrote.\n"
			   "  -f, --follow  go on until the pod ends\n";

static int write_all(const char *data, size_t len)
{
	while (len) {
		ssize_t n = write(STDOUT_FILENO, data, len);

		if (n < 0 && errno != EINTR)
			return -errno;
		if (n > 0) {
			data += n;
			len -= (size_t)n;
		}
	}
	return 0;
}

static int copy_rest(int fd)
{
	char buffer[16384];
	ssize_t n;

	while ((n = read(fd, buffer, sizeof(buffer))) > 0) {
		int r = write_all(buffer, (size_t)n);

		if (r < 0)
			return r;
	}
	return n < 0 ? -errno : 0;
}

/* inotify says when there is more; once a second we look whether the pod still runs. */
static int follow(const struct rf_pod_room *room, int fd)
{
	_cleanup_close_ int watch = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
	bool running = true;

	if (watch < 0 || inotify_add_watch(watch, room->log, IN_MODIFY) < 0)
		return errno == ENOENT ? 0 : -errno;
	while (running) {
		struct pollfd p = {.fd = watch, .events = POLLIN};
		char events[4096];
		int r;

		if (rf_pod_room_populated(room, &running) < 0)
			running = false;
		r = copy_rest(fd); /* after asking: what was written before the end is printed */
		if (r < 0 || !running)
			return r;
		if (poll(&p, 1, 1000) < 0 && errno != EINTR)
			return -errno;
		while (read(watch, events, sizeof(events)) > 0)
			;
	}
	return 0;
}

static int print(const struct rf_pod_ref *ref, bool following)
{
	_cleanup_close_ int fd = -1;
	struct rf_instance instance;
	struct rf_pod_room room;
	int r;

	if (rf_pod_ref_instance(&instance) < 0 || rf_pod_room_names(&instance, ref->ns, ref->name, &room) < 0)
		return RF_EXIT_USAGE;
	fd = open(room.log, O_RDONLY | O_CLOEXEC);
	if (fd < 0) {
		fprintf(stderr, "ringfence: pod %s/%s has no log (not here, or not started with -d); see: ringfence ps\n", ref->ns,
			ref->name);
		return RF_EXIT_NO;
	}
	r = following ? follow(&room, fd) : copy_rest(fd);
	if (r < 0 && r != -EPIPE)
		fprintf(stderr, "ringfence: cannot read the log: %s\n", strerror(-r));
	return r < 0 ? RF_EXIT_NO : RF_EXIT_OK;
}

static int usage(void)
{
	fputs(help, stderr);
	return RF_EXIT_USAGE;
}

int rf_cmd_logs(int argc, char **argv)
{
	static const struct option options[] = {
		{"follow", no_argument, NULL, 'f'},
		{"help", no_argument, NULL, 'h'},
		{NULL, 0, NULL, 0},
	};
	struct rf_pod_ref ref;
	bool following = false;
	int c;

	optind = 1;
	while ((c = getopt_long(argc, argv, "fh", options, NULL)) != -1) {
		if (c == 'h') {
			fputs(help, stdout);
			return RF_EXIT_OK;
		}
		if (c != 'f')
			return usage();
		following = true;
	}
	if (optind + 1 != argc)
		return usage();
	return rf_pod_ref_parse(argv[optind], &ref) < 0 ? RF_EXIT_USAGE : print(&ref, following);
}
