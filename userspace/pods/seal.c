/* SPDX-License-Identifier: Apache-2.0 */
#include "pods/seal.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "core/cleanup.h"

#define SELF   "/proc/self/exe"
#define SEALED "RINGFENCE_SEALED" /* a second attempt would not end better than the first */

int rf_seal_program(char **argv)
{
	struct mount_attr attr = {.attr_set = MOUNT_ATTR_RDONLY};
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
	fd = open_tree(AT_FDCWD, SELF, OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC);
	if (fd < 0 || mount_setattr(fd, "", AT_EMPTY_PATH, &attr, sizeof(attr)) < 0 || setenv(SEALED, "1", 1) < 0)
		return -errno;
	fexecve(fd, argv, environ);
	return -errno;
}
