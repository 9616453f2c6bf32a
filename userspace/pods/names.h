/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a pod may be called, and the names derived from it (core/instance.h lists them). Pure.
 */
#pragma once

#include <stdbool.h>

#include "pods/pods.h"

#define RF_POD_NAME_MAX 63 /* it becomes the hostname, which Linux limits to 64 (HOST_NAME_MAX) */

/* ns: RFC 1123 label. name: RFC 1123 subdomain of at most RF_POD_NAME_MAX bytes. Neither can contain '_', '/' or be "..". */
bool rf_pod_names_valid(const char *ns, const char *name);

/* "rf" and 8 hex digits of a hash of "instance/ns/name". Two pods can meet in it: the alias of the interface tells them apart. */
void rf_pod_veth_name(const char *instance, const char *ns, const char *name, char ret[16]);
bool rf_pod_is_veth_name(const char *ifname);

/* "ringfence <instance> <ns>/<name>": the interface alias (IFLA_IFALIAS) that says whose veth it is. */
#define RF_POD_ALIAS_MAX 256
void rf_pod_veth_alias(const char *instance, const char *ns, const char *name, char ret[RF_POD_ALIAS_MAX]);

/* Fills the names of *room (key, dir, cgroup, netns, hosts, log, veth), zeroes the rest. -EINVAL for an invalid name. */
int rf_pod_room_names(const struct rf_instance *instance, const char *ns, const char *name, struct rf_pod_room *room);
