/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A directory of policy files as a source: its *.yaml, *.yml and *.json (not hidden ones, not sub-directories), watched with inotify(7)
 * together with its parent, so that a directory that is removed, renamed or made again is noticed. Changes are collected until nothing
 * happened for RF_FILES_QUIET_MS, at most RF_FILES_LATEST_MS, then everything is read under flock(2) LOCK_SH of the directory: a writer
 * that changes several files holds LOCK_EX meanwhile. An empty readable directory is an empty snapshot. Symbolic links are followed, but
 * a change behind one is only seen at the next read.
 */
#pragma once

#include "source/source.h"

#define RF_FILES_QUIET_MS  20
#define RF_FILES_LATEST_MS 200
#define RF_FILES_RETRY_MS  1000 /* while there is a problem: covers what inotify does not tell, such as a parent that vanished too */
#define RF_FILES_LOCK_MS   5000 /* a writer that holds the lock longer is a problem worth a message */

/* Nothing is read yet: call rf_policy_source_read. -errno: inotify, epoll or a timer is not to be had. */
int rf_policy_files_open(const char *directory, rf_policy_source_fn fn, void *arg, struct rf_policy_source **ret);
