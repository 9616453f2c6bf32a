/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Network namespaces kept by a bind mount (network_namespaces(7)), and work done inside one by a short-lived thread, so that the calling
 * thread never changes its namespace.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include <ringfence/address.h>

/* A new namespace, mounted on the file `path` (made if missing). -EEXIST if one is mounted there already. */
int rf_netns_make(const char *path);
/* Is a namespace mounted there? */
bool rf_netns_exists(const char *path);
/* 0 also if there is none. */
int rf_netns_remove(const char *path);

/* Calls fn(arg) in the namespace at `path` and returns what it returns, or -errno if the namespace cannot be entered. */
int rf_netns_call(const char *path, int (*fn)(void *arg), void *arg);

struct rf_netns_facts {
	uint64_t cookie;      /* SO_NETNS_COOKIE of a socket inside */
	uint32_t addr_be;     /* IPv4 address of `ifname` there, 0: it has none */
	struct rf_addr addr6; /* its IPv6 address of global scope, none: it has none */
};
int rf_netns_facts(const char *path, const char *ifname, struct rf_netns_facts *ret);
