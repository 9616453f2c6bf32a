/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Attributes of mounts: by mount_setattr(2) from 5.12 on, before by remounting one mount at a time (mount(2), MS_REMOUNT | MS_BIND), which
 * keeps what a mount had. The names are those of mount_setattr: MOUNT_ATTR_RDONLY, MOUNT_ATTR_NOSUID, MOUNT_ATTR_NODEV. The caller has one
 * thread and a mount namespace of its own, so no mount appears meanwhile; one that cannot be changed is an error.
 */
#pragma once

#include <stdint.h>
#include <stdio.h>

/* The mount at `path`. */
int rf_restrict_mount(const char *path, uint64_t set, uint64_t clear);
/* The mount at `path` and all below it. mountinfo: /proc/self/mountinfo, open since before /proc was taken away (it is read from its
 * start). */
int rf_restrict_tree(const char *path, FILE *mountinfo, uint64_t set);
