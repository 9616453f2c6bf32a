/* SPDX-License-Identifier: Apache-2.0 */
#include "pods/cgroup.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include "core/cleanup.h"

int rf_cgroup_id(const char *path, uint64_t *ret_id)
{
	struct stat st;

	if (stat(path, &st) < 0)
		return -errno;
	*ret_id = st.st_ino;
	return 0;
}

int rf_cgroup_make(const char *mount, const char *path, uint64_t *ret_id)
{
	char part[PATH_MAX];
	size_t skip = strlen(mount);

	if (strncmp(path, mount, skip) != 0 || path[skip] != '/' || snprintf(part, sizeof(part), "%s", path) >= (int)sizeof(part))
		return -EINVAL;
	for (char *p = part + skip + 1;; p++) {
		char c = *p;

		if (c != '/' && c)
			continue;
		*p = '\0';
		if (mkdir(part, 0755) < 0 && errno != EEXIST)
			return -errno;
		*p = c;
		if (!c)
			break;
	}
	return rf_cgroup_id(path, ret_id);
}

static int open_file(const char *path, const char *file, int flags)
{
	char full[PATH_MAX];
	int fd;

	if (snprintf(full, sizeof(full), "%s/%s", path, file) >= (int)sizeof(full))
		return -ENAMETOOLONG;
	fd = open(full, flags | O_CLOEXEC);
	return fd < 0 ? -errno : fd;
}

int rf_cgroup_join(const char *path)
{
	_cleanup_close_ int fd = open_file(path, "cgroup.procs", O_WRONLY);

	if (fd < 0)
		return fd;
	return write(fd, "0", 1) == 1 ? 0 : -errno;
}

/* cgroup.events: "populated 0\nfrozen 0\n" */
static int read_populated(int fd, bool *ret)
{
	char text[256];
	ssize_t n = pread(fd, text, sizeof(text) - 1, 0);

	if (n < 0)
		return -errno;
	text[n] = '\0';
	if (strncmp(text, "populated ", 10) != 0)
		return -EBADMSG;
	*ret = text[10] != '0';
	return 0;
}

int rf_cgroup_populated(const char *path, bool *ret)
{
	_cleanup_close_ int fd = open_file(path, "cgroup.events", O_RDONLY);

	if (fd < 0)
		return fd;
	return read_populated(fd, ret);
}

int rf_cgroup_contains(const char *mount, const char *path, pid_t pid, bool *ret)
{
	_cleanup_fclose_ FILE *f = NULL;
	char name[64], line[PATH_MAX + 16];
	const char *want = path + strlen(mount);
	size_t len = strlen(want);

	snprintf(name, sizeof(name), "/proc/%d/cgroup", pid);
	f = fopen(name, "re");
	if (!f)
		return errno == ENOENT ? -ESRCH : -errno;
	while (fgets(line, sizeof(line), f)) {
		if (strncmp(line, "0::", 3) != 0)
			continue;
		line[strcspn(line, "\n")] = '\0';
		*ret = strncmp(line + 3, want, len) == 0 && (!line[3 + len] || line[3 + len] == '/');
		return 0;
	}
	return -ESRCH;
}

/* Before 5.14 there is no cgroup.kill: signal whoever is listed; the caller repeats until the cgroup is empty. */
static int kill_listed(const char *path)
{
	_cleanup_close_ int fd = open_file(path, "cgroup.procs", O_RDONLY | O_CLOEXEC);
	_cleanup_fclose_ FILE *f = NULL;
	int pid;

	if (fd < 0)
		return fd;
	f = fdopen(fd, "re");
	if (!f)
		return -errno;
	(void)TAKE_FD(fd);
	while (fscanf(f, "%d", &pid) == 1)
		if (pid > 0)
			kill(pid, SIGKILL);
	return 0;
}

static int kill_all(const char *path)
{
	_cleanup_close_ int fd = open_file(path, "cgroup.kill", O_WRONLY);

	if (fd == -ENOENT)
		return kill_listed(path);
	if (fd < 0)
		return fd;
	return write(fd, "1", 1) == 1 ? 0 : -errno;
}

static int64_t now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

int rf_cgroup_kill(const char *path, int timeout_ms)
{
	_cleanup_close_ int fd = open_file(path, "cgroup.events", O_RDONLY);
	int64_t deadline = now_ms() + timeout_ms;
	bool populated;
	int r;

	if (fd == -ENOENT)
		return 0;
	if (fd < 0)
		return fd;
	for (;;) {
		struct pollfd p = {.fd = fd, .events = POLLPRI};
		int64_t left = deadline - now_ms();

		r = read_populated(fd, &populated); /* also clears what made poll return */
		if (r < 0 || !populated)
			return r == -ENODEV ? 0 : r;
		if (left <= 0)
			return -ETIMEDOUT;
		r = kill_all(path);
		if (r < 0)
			return r == -ENOENT ? 0 : r;
		/* the kernel notifies cgroup.events; the short limit is for the fallback, which must look again */
		if (poll(&p, 1, left < 100 ? (int)left : 100) < 0 && errno != EINTR)
			return -errno;
	}
}

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	(void)st;
	(void)ftw;
	if (type == FTW_DP && rmdir(path) < 0 && errno != ENOENT)
		return -errno;
	return 0;
}

int rf_cgroup_remove(const char *path)
{
	int r;

	if (rmdir(path) == 0 || errno == ENOENT)
		return 0;
	if (errno != EBUSY)
		return -errno;
	r = nftw(path, remove_one, 8, FTW_DEPTH | FTW_PHYS | FTW_MOUNT); /* a sub-cgroup, or still populated */
	return r == -1 ? -errno : r;
}
