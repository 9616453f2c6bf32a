/* SPDX-License-Identifier: Apache-2.0 */
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <bpf/bpf.h>

#include "core/cleanup.h"
#include "datapath/private.h"

#define PIN_PATH_MAX 5120

int rf_dp_mkdir(const char *path)
{
	if (mkdir(path, 0700) < 0 && errno != EEXIST)
		return -errno;
	return 0;
}

__u32 rf_dp_program_id(int fd)
{
	struct bpf_prog_info info = {};
	__u32 len = sizeof(info);

	return fd >= 0 && bpf_obj_get_info_by_fd(fd, &info, &len) == 0 ? info.id : 0;
}

static int pin_path(char *ret, const char *dir, const char *sub, const char *name, const char *suffix)
{
	int n = snprintf(ret, PIN_PATH_MAX, "%s/%s/%s%s", dir, sub, name, suffix);

	return n < 0 || n >= PIN_PATH_MAX ? -ENAMETOOLONG : 0;
}

int rf_dp_pin(int fd, const char *dir, const char *sub, const char *name)
{
	char final[PIN_PATH_MAX], fresh[PIN_PATH_MAX];
	int r;

	r = pin_path(final, dir, sub, name, "");
	if (r == 0)
		r = pin_path(fresh, dir, sub, name, "_new");
	if (r < 0)
		return r;
	(void)unlink(fresh); /* of a killed predecessor */
	if (bpf_obj_pin(fd, fresh) < 0)
		return -errno;
	if (rename(fresh, final) < 0) {
		r = -errno;
		(void)unlink(fresh);
		return r;
	}
	return 0;
}

int rf_dp_pinned(const char *dir, const char *sub, const char *name)
{
	char path[PIN_PATH_MAX];
	int r = pin_path(path, dir, sub, name, "");
	int fd;

	if (r < 0)
		return r;
	fd = bpf_obj_get(path);
	return fd < 0 ? -errno : fd;
}

int rf_dp_unpin_tree(const char *path, bool dry_run, void (*fn)(void *arg, const char *what), void *arg)
{
	_cleanup_closedir_ DIR *dir = opendir(path);
	struct dirent *entry;
	int r = 0;

	if (!dir)
		return errno == ENOENT ? 0 : -errno;
	while ((entry = readdir(dir))) {
		char child[PIN_PATH_MAX];
		struct stat st;

		if (!strcmp(entry->d_name, ".") || !strcmp(entry->d_name, ".."))
			continue;
		if (snprintf(child, sizeof(child), "%s/%s", path, entry->d_name) >= (int)sizeof(child))
			return -ENAMETOOLONG;
		if (lstat(child, &st) < 0)
			continue;
		if (S_ISDIR(st.st_mode)) {
			int q = rf_dp_unpin_tree(child, dry_run, fn, arg);

			r = q < 0 ? q : r;
			continue;
		}
		if (fn)
			fn(arg, child);
		if (!dry_run && unlink(child) < 0)
			r = -errno;
	}
	if (fn)
		fn(arg, path);
	if (!dry_run && rmdir(path) < 0)
		r = -errno;
	return r;
}
