/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The cookie of the calling thread's network namespace, what bpf_get_netns_cookie() says of a socket made there. SO_NETNS_COOKIE tells it
 * from 5.14 on. Before, a program is asked that hooks the making of sockets in a throw-away cgroup below that of the instance, in which a
 * child makes one socket and ends; cgroup, program and map are gone afterwards.
 */
#pragma once

#include <stdint.h>

/* fd: a socket of the namespace. 0 or -errno, among them what hooking needs: -EPERM, -ENOENT without cgroup2. */
int rf_netns_cookie(int fd, uint64_t *ret);
