/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A pod's cgroup (Documentation/admin-guide/cgroup-v2.rst). Paths are absolute paths on a cgroup2 mount.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

/* mkdir -p below `mount` (which must exist). The id is the inode number, what bpf_get_current_cgroup_id() says. */
int rf_cgroup_make(const char *mount, const char *path, uint64_t *ret_id);
int rf_cgroup_id(const char *path, uint64_t *ret_id);
/* Moves the calling process (all its threads). */
int rf_cgroup_join(const char *path);
int rf_cgroup_populated(const char *path, bool *ret);
/* Is the process in this cgroup or below? Answers -ESRCH for a process that is gone. */
int rf_cgroup_contains(const char *mount, const char *path, pid_t pid, bool *ret);
/* Kills everything inside and waits until the kernel says it is empty, at most timeout_ms (-ETIMEDOUT). 0 if there is no such cgroup. */
int rf_cgroup_kill(const char *path, int timeout_ms);
/* rmdir of the empty cgroup and of what was made below it. 0 if there is none, -EBUSY while populated. */
int rf_cgroup_remove(const char *path);
