/* SPDX-License-Identifier: Apache-2.0 */
#include "source/files.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/inotify.h>
#include <sys/timerfd.h>
#include <time.h>

#include "core/arena.h"
#include "core/cleanup.h"
#include "core/clock.h"
#include "source/directory.h"

/* IN_CREATE for links, which are never closed after writing; IN_ATTRIB because a chmod can make a file readable again. */
#define DIRECTORY_MASK                                                                                                                     \
	(IN_CLOSE_WRITE | IN_CREATE | IN_DELETE | IN_MOVED_FROM | IN_MOVED_TO | IN_ATTRIB | IN_DELETE_SELF | IN_MOVE_SELF | IN_ONLYDIR)
#define PARENT_MASK (IN_CREATE | IN_DELETE | IN_MOVED_FROM | IN_MOVED_TO | IN_ATTRIB | IN_ONLYDIR)

struct files {
	struct rf_policy_source source; /* first: the two pointers are one */
	char *directory;
	char *parent;
	char *base;
	int epoll_fd, inotify_fd, timer_fd;
	int directory_wd, parent_wd;
	uint64_t first_event_ms; /* 0 = nothing waits to be read */
	uint64_t blocked_since_ms;
	struct rf_arena *arena; /* of source.snapshot */
	uint64_t last_version;
};

static uint64_t now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000 + (uint64_t)t.tv_nsec / 1000000;
}

static void arm(const struct files *f, uint64_t ms)
{
	struct itimerspec t = {.it_value = {.tv_sec = (time_t)(ms / 1000), .tv_nsec = (long)(ms % 1000) * 1000000 + 1}};

	timerfd_settime(f->timer_fd, 0, &t, NULL); /* fails for invalid times only, and this one is valid */
}

/* A problem keeps the time it began at while its words change. */
static void set_problem(struct files *f, const char *text)
{
	struct timespec t;

	if (!f->source.problem[0]) {
		clock_gettime(CLOCK_REALTIME, &t);
		f->source.problem_since_ns = (uint64_t)t.tv_sec * 1000000000 + (uint64_t)t.tv_nsec;
	}
	snprintf(f->source.problem, sizeof(f->source.problem), "%s", text);
}

static bool same_text(const struct rf_document *a, const struct rf_document *b)
{
	return strcmp(a->name, b->name) == 0 && a->len == b->len && memcmp(a->text, b->text, a->len) == 0;
}

/* Gives each document its version, the one it had if it is what it was. Returns whether all of them are. Both lists are sorted. */
static bool number_documents(struct files *f, struct rf_document *items, size_t count)
{
	const struct rf_snapshot *old = &f->source.snapshot;
	bool same = f->source.have_snapshot && count == old->count;
	size_t k = 0;

	for (size_t i = 0; i < count; i++) {
		while (k < old->count && strcmp(old->items[k].name, items[i].name) < 0)
			k++;
		if (k < old->count && same_text(&old->items[k], &items[i])) {
			items[i].version = old->items[k].version;
			continue;
		}
		items[i].version = ++f->last_version;
		same = false;
	}
	return same;
}

/* Both watches are renewed at every read, before it: adding one that exists changes nothing, and one for a new directory of the same
 * name replaces the old one. A failure shows in the read that follows (the directory) or is made up for by the retry (the parent). */
static void renew_watches(struct files *f)
{
	int wd = inotify_add_watch(f->inotify_fd, f->directory, DIRECTORY_MASK);

	if (f->directory_wd >= 0 && f->directory_wd != wd)
		inotify_rm_watch(f->inotify_fd, f->directory_wd);
	f->directory_wd = wd;
	wd = inotify_add_watch(f->inotify_fd, f->parent, PARENT_MASK);
	if (f->parent_wd >= 0 && f->parent_wd != wd)
		inotify_rm_watch(f->inotify_fd, f->parent_wd);
	f->parent_wd = wd;
}

static void finish(struct files *f, enum rf_policy_source_result result)
{
	f->first_event_ms = 0;
	f->blocked_since_ms = 0;
	if (result == RF_READ_FAILED)
		arm(f, RF_FILES_RETRY_MS);
	else
		f->source.problem[0] = '\0';
	if (f->source.fn)
		f->source.fn(f->source.arg, result);
}

/* Somebody writes: look again soon, but do not hide it for ever. */
static int blocked(struct files *f)
{
	uint64_t now = now_ms();

	if (!f->blocked_since_ms)
		f->blocked_since_ms = now;
	if (now - f->blocked_since_ms < RF_FILES_LOCK_MS) {
		arm(f, RF_FILES_QUIET_MS);
		return -EAGAIN;
	}
	set_problem(f, "the policy directory is locked (flock) or written to without a pause; it cannot be read meanwhile");
	finish(f, RF_READ_FAILED);
	return 0;
}

static int files_read(struct rf_policy_source *source)
{
	struct files *f = (struct files *)source;
	struct rf_arena *arena = rf_arena_new();
	struct rf_snapshot snapshot = {};
	char error[512] = "";
	bool same;
	int r;

	f->source.read_began_ns = rf_now_ns();
	renew_watches(f);
	r = arena ? rf_directory_read(f->directory, arena, &snapshot, error, sizeof(error)) : -ENOMEM;
	f->source.read_ended_ns = rf_now_ns();
	same = r == 0 && number_documents(f, snapshot.items, snapshot.count);
	if (r < 0 || same)
		rf_arena_free(arena);
	if (r == -EAGAIN)
		return blocked(f);
	if (r < 0) {
		set_problem(f, error[0] ? error : strerror(-r));
		finish(f, RF_READ_FAILED);
		return 0;
	}
	if (!same) {
		rf_arena_free(f->arena);
		f->arena = arena;
		f->source.snapshot = snapshot;
		f->source.have_snapshot = true;
	}
	finish(f, same ? RF_READ_SAME : RF_READ_CHANGED);
	return 0;
}

static bool event_matters(const struct files *f, const struct inotify_event *e)
{
	if (e->mask & IN_Q_OVERFLOW)
		return true;
	if (e->wd == f->parent_wd)
		return e->len && strcmp(e->name, f->base) == 0;
	if (e->wd != f->directory_wd)
		return false;                          /* of a watch that was replaced */
	return !e->len || rf_directory_wants(e->name); /* without a name: the directory itself */
}

/* Returns whether anything happened that a read could see. */
static bool drain_inotify(const struct files *f)
{
	_Alignas(struct inotify_event) char buffer[16384];
	bool matters = false;
	ssize_t n;

	while ((n = read(f->inotify_fd, buffer, sizeof(buffer))) > 0) {
		for (char *p = buffer; p < buffer + n; p += sizeof(struct inotify_event) + ((struct inotify_event *)p)->len)
			matters |= event_matters(f, (struct inotify_event *)p);
	}
	return matters;
}

static int files_dispatch(struct rf_policy_source *source)
{
	struct files *f = (struct files *)source;
	uint64_t ticks, now = now_ms();
	bool due = read(f->timer_fd, &ticks, sizeof(ticks)) == sizeof(ticks);

	if (drain_inotify(f)) {
		if (!f->first_event_ms)
			f->first_event_ms = now;
		due = now - f->first_event_ms >= RF_FILES_LATEST_MS;
		if (!due)
			arm(f, RF_FILES_QUIET_MS);
	}
	if (due)
		files_read(source); /* its outcome is told through fn */
	return 0;
}

static int files_fd(const struct rf_policy_source *source)
{
	return ((const struct files *)source)->epoll_fd;
}

static void files_close(struct rf_policy_source *source)
{
	struct files *f = (struct files *)source;

	rf_closep(&f->epoll_fd);
	rf_closep(&f->inotify_fd);
	rf_closep(&f->timer_fd);
	rf_arena_free(f->arena);
	free(f->directory);
	free(f->parent);
	free(f->base);
	free(f);
}

static const struct rf_policy_source_ops files_ops = {
	.fd = files_fd,
	.dispatch = files_dispatch,
	.read = files_read,
	.close = files_close,
};

/* "/a/b/" -> "/a/b", "/a", "b". The path is made absolute, so that its parent has a name. */
static int set_paths(struct files *f, const char *directory)
{
	_cleanup_free_ char *here = getcwd(NULL, 0);
	char *slash;
	size_t len;

	if (!here)
		return -errno;
	if (asprintf(&f->directory, "%s%s%s", directory[0] == '/' ? "" : here, directory[0] == '/' ? "" : "/", directory) < 0) {
		f->directory = NULL;
		return -ENOMEM;
	}
	for (len = strlen(f->directory); len > 1 && f->directory[len - 1] == '/'; len--)
		f->directory[len - 1] = '\0';
	slash = strrchr(f->directory, '/');
	f->base = strdup(slash + 1);
	f->parent = slash == f->directory ? strdup("/") : strndup(f->directory, (size_t)(slash - f->directory));
	return f->base && f->parent ? 0 : -ENOMEM;
}

static int add_to_epoll(const struct files *f, int fd)
{
	struct epoll_event e = {.events = EPOLLIN};

	return epoll_ctl(f->epoll_fd, EPOLL_CTL_ADD, fd, &e) < 0 ? -errno : 0;
}

static int set_descriptors(struct files *f)
{
	int r;

	f->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	f->inotify_fd = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
	f->timer_fd = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
	if (f->epoll_fd < 0 || f->inotify_fd < 0 || f->timer_fd < 0)
		return -errno;
	r = add_to_epoll(f, f->inotify_fd);
	return r < 0 ? r : add_to_epoll(f, f->timer_fd);
}

int rf_policy_files_open(const char *directory, rf_policy_source_fn fn, void *arg, struct rf_policy_source **ret)
{
	struct files *f = calloc(1, sizeof(*f));
	int r;

	if (!f)
		return -ENOMEM;
	f->source.ops = &files_ops;
	f->source.fn = fn;
	f->source.arg = arg;
	f->epoll_fd = f->inotify_fd = f->timer_fd = f->directory_wd = f->parent_wd = -1;
	r = *directory ? set_paths(f, directory) : -EINVAL;
	if (r == 0)
		r = set_descriptors(f);
	if (r < 0) {
		files_close(&f->source);
		return r;
	}
	*ret = &f->source;
	return 0;
}
