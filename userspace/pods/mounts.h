/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a pod sees of the file system (mount_namespaces(7)): the machine's own files, read-only, so that any installed program runs; its own
 * /proc, /sys, /dev, /run and /dev/shm; /tmp and /var/tmp with the machine's content below and its own changes above. Nothing of cgroupfs,
 * bpffs, tracefs and the like, nothing of any ringfence's run directory, no network namespace of another pod.
 */
#pragma once

#include "pods/fail.h"

/* To be called by PID 1 of a new pid namespace in new mount and network namespaces. hosts is bind-mounted on /etc/hosts, read-only: whoever
 * changes it later writes into the same file (a rename would not be seen). */
int rf_mounts_make(const char *hosts, struct rf_pod_error *error);

/* One line of /proc/self/mountinfo (proc(5)), octal escapes undone. Both results point into line. 0 or -EINVAL. Pure. */
int rf_mountinfo_parse(char *line, char **ret_point, char **ret_type);
