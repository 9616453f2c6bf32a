/* SPDX-License-Identifier: Apache-2.0 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "core/check.h"
#include "core/cleanup.h"

#define BPFFS "/sys/fs/bpf"

bool rf_check_bpffs_mounted(void)
{
	struct statfs st;

	return statfs(BPFFS, &st) == 0 && st.f_type == BPF_FS_MAGIC;
}

static void marker_path(const struct rf_instance *instance, char *ret, size_t size)
{
	snprintf(ret, size, "%s/bpffs-mounted", instance->run_dir);
}

int rf_check_bpffs_mount(const struct rf_instance *instance)
{
	_cleanup_close_ int marker = -1;
	char path[PATH_MAX + 32];

	if (rf_check_bpffs_mounted())
		return 0;
	if (mkdir(instance->run_dir, 0755) < 0 && errno != EEXIST)
		return -errno;
	marker_path(instance, path, sizeof(path));
	marker = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600); /* first, so that a crash cannot make us forget */
	if (marker < 0)
		return -errno;
	if (mount("bpf", BPFFS, "bpf", MS_NOSUID | MS_NODEV | MS_NOEXEC, "mode=0700") < 0) {
		int r = -errno;

		unlink(path);
		return r;
	}
	return 0;
}

/* The kernel itself puts two iterators into every bpffs (bpf_preload). */
static bool is_furniture(const char *name)
{
	static const char *const names[] = {".", "..", "maps.debug", "progs.debug"};

	for (size_t i = 0; i < RF_ARRAY_SIZE(names); i++)
		if (strcmp(name, names[i]) == 0)
			return true;
	return false;
}

static bool is_empty(const char *path)
{
	_cleanup_closedir_ DIR *dir = opendir(path);
	const struct dirent *entry;

	if (!dir)
		return false;
	while ((entry = readdir(dir)))
		if (!is_furniture(entry->d_name))
			return false;
	return true;
}

int rf_check_bpffs_unmount(const struct rf_instance *instance)
{
	char path[PATH_MAX + 32];

	marker_path(instance, path, sizeof(path));
	if (access(path, F_OK) < 0)
		return 0;
	if (rf_check_bpffs_mounted()) {
		if (!is_empty(BPFFS)) /* unmounting would take other people's pins with it */
			return -ENOTEMPTY;
		if (umount2(BPFFS, UMOUNT_NOFOLLOW) < 0)
			return -errno;
	}
	return unlink(path) < 0 ? -errno : 0;
}
