/* SPDX-License-Identifier: Apache-2.0 */
#include "pods/seal.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sched.h>
#include <stdlib.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "core/cleanup.h"

#define SELF   "/proc/self/exe"
#define SEALED "RINGFENCE_SEALED" /* a second attempt would not end better than the first */

/* mount_setattr(2) is from 5.12. Before, a mount can be made read-only only where it is mounted: in a namespace of its own, which is left
 * again and goes; what it leaves behind is this one mount, held by the descriptor. */
static int open_in_namespace(const char *program)
{
	struct stat own, opened;
	_cleanup_close_ int fd = -1;

	if (unshare(CLONE_NEWNS) < 0 || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0 ||
	    mount(program, program, NULL, MS_BIND, NULL) < 0 || mount(NULL, program, NULL, MS_REMOUNT | MS_BIND | MS_RDONLY, NULL) < 0)
		return -errno;
	fd = open(program, O_PATH | O_CLOEXEC);
	if (fd < 0 || stat(SELF, &own) < 0 || fstat(fd, &opened) < 0)
		return -errno;
	return own.st_dev == opened.st_dev && own.st_ino == opened.st_ino ? TAKE_FD(fd) : -ESTALE; /* replaced a moment ago */
}

static int open_remounted(void)
{
	_cleanup_close_ int home = open("/proc/self/ns/mnt", O_RDONLY | O_CLOEXEC), directory = open(".", O_PATH | O_CLOEXEC);
	_cleanup_close_ int fd = -1;
	char program[PATH_MAX];
	ssize_t length = readlink(SELF, program, sizeof(program) - 1);

	if (home < 0 || directory < 0 || length < 0)
		return -errno;
	program[length] = '\0';
	fd = open_in_namespace(program);
	/* Even if that failed; back also to the directory, which setns() forgets. */
	if (setns(home, CLONE_NEWNS) < 0 || fchdir(directory) < 0)
		return -errno;
	return fd < 0 ? fd : TAKE_FD(fd);
}

static int open_read_only(void)
{
	struct mount_attr attr = {.attr_set = MOUNT_ATTR_RDONLY};
	_cleanup_close_ int fd = open_tree(AT_FDCWD, SELF, OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC);

	if (fd < 0)
		return -errno;
	if (mount_setattr(fd, "", AT_EMPTY_PATH, &attr, sizeof(attr)) == 0)
		return TAKE_FD(fd);
	return errno == ENOSYS ? open_remounted() : -errno;
}

int rf_seal_program(char **argv)
{
	_cleanup_close_ int fd = -1;
	struct statvfs facts;

	if (statvfs(SELF, &facts) < 0)
		return -errno;
	if (facts.f_flag & ST_RDONLY) {
		unsetenv(SEALED);
		return prctl(PR_SET_NAME, "ringfence") < 0 ? -errno : 0; /* older kernels name it after the descriptor */
	}
	if (getenv(SEALED))
		return -EROFS;
	fd = open_read_only();
	if (fd < 0)
		return fd;
	if (setenv(SEALED, "1", 1) < 0)
		return -errno;
	fexecve(fd, argv, environ);
	return -errno;
}
