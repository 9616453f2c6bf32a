/* SPDX-License-Identifier: Apache-2.0 */
#include "pods/restrict.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/statvfs.h>

#include "core/cleanup.h"
#include "pods/mounts.h"

static const struct {
	uint64_t attr;
	unsigned long ms, st; /* of mount(2), of statvfs(3) */
} known[] = {
	{MOUNT_ATTR_RDONLY, MS_RDONLY, ST_RDONLY},     {MOUNT_ATTR_NOSUID, MS_NOSUID, ST_NOSUID},
	{MOUNT_ATTR_NODEV, MS_NODEV, ST_NODEV},        {MOUNT_ATTR_NOEXEC, MS_NOEXEC, ST_NOEXEC},
	{MOUNT_ATTR_NOATIME, MS_NOATIME, ST_NOATIME},  {MOUNT_ATTR_NODIRATIME, MS_NODIRATIME, ST_NODIRATIME},
	{MOUNT_ATTR__ATIME, MS_RELATIME, ST_RELATIME},
};

/* A remount sets every flag anew: those that the mount has are named again. */
static int remount(const char *path, uint64_t set, uint64_t clear)
{
	unsigned long flags = MS_REMOUNT | MS_BIND;
	struct statvfs facts;

	if (statvfs(path, &facts) < 0)
		return -errno;
	for (size_t i = 0; i < RF_ARRAY_SIZE(known); i++)
		if ((facts.f_flag & known[i].st && !(clear & known[i].attr)) || set & known[i].attr)
			flags |= known[i].ms;
	return mount(NULL, path, NULL, flags, NULL) < 0 ? -errno : 0;
}

int rf_restrict_mount(const char *path, uint64_t set, uint64_t clear)
{
	struct mount_attr attr = {.attr_set = set, .attr_clr = clear};

	if (mount_setattr(AT_FDCWD, path, 0, &attr, sizeof(attr)) == 0)
		return 0;
	return errno == ENOSYS ? remount(path, set, clear) : -errno;
}

static bool inside(const char *point, const char *top)
{
	size_t len = strcmp(top, "/") == 0 ? 0 : strlen(top);

	return strncmp(point, top, len) == 0 && (!point[len] || point[len] == '/');
}

/* A mount that another one covers has no path: ENOENT and ENOTDIR are its part of the covering one, and the pod cannot uncover it. */
static int remount_all(const char *top, FILE *mountinfo, uint64_t set)
{
	_cleanup_free_ char *line = NULL;
	size_t room = 0;

	rewind(mountinfo);
	while (getline(&line, &room, mountinfo) > 0) {
		char *point, *type;
		int r;

		if (rf_mountinfo_parse(line, &point, &type) < 0)
			return -EBADMSG;
		r = inside(point, top) ? remount(point, set, 0) : 0;
		if (r < 0 && r != -ENOENT && r != -ENOTDIR)
			return r;
	}
	return ferror(mountinfo) ? -EIO : 0;
}

int rf_restrict_tree(const char *path, FILE *mountinfo, uint64_t set)
{
	struct mount_attr attr = {.attr_set = set};

	if (mount_setattr(AT_FDCWD, path, AT_RECURSIVE, &attr, sizeof(attr)) == 0)
		return 0;
	return errno == ENOSYS ? remount_all(path, mountinfo, set) : -errno;
}
