/* SPDX-License-Identifier: Apache-2.0 */
#include "pods/names.h"

#include <errno.h>
#include <inttypes.h>
#include <ringfence/identity.h>
#include <stdio.h>
#include <string.h>

#define LOWER_DIGITS "abcdefghijklmnopqrstuvwxyz0123456789"

static bool alphanumeric(char c)
{
	return c && strchr(LOWER_DIGITS, c);
}

static bool label_valid(const char *text, size_t max, const char *alphabet)
{
	size_t len = strlen(text);

	return len > 0 && len <= max && strspn(text, alphabet) == len && alphanumeric(text[0]) && alphanumeric(text[len - 1]);
}

bool rf_pod_names_valid(const char *ns, const char *name)
{
	return ns && name && label_valid(ns, RF_NAMESPACE_MAX, LOWER_DIGITS "-") && label_valid(name, RF_POD_NAME_MAX, LOWER_DIGITS "-.") &&
	       !strstr(name, "..");
}

void rf_pod_veth_name(const char *instance, const char *ns, const char *name, char ret[16])
{
	char text[RF_INSTANCE_NAME_MAX + RF_NAMESPACE_MAX + RF_POD_NAME_MAX + 3];
	int n = snprintf(text, sizeof(text), "%s/%s/%s", instance, ns, name);
	rf_identity_t h = rf_identity_hash(text, (unsigned)n);

	snprintf(ret, 16, "rf%08" PRIx32, (uint32_t)(h ^ (h >> 32)));
}

bool rf_pod_is_veth_name(const char *ifname)
{
	return strlen(ifname) == 10 && strncmp(ifname, "rf", 2) == 0 && strspn(ifname + 2, "0123456789abcdef") == 8;
}

void rf_pod_veth_alias(const char *instance, const char *ns, const char *name, char ret[RF_POD_ALIAS_MAX])
{
	snprintf(ret, RF_POD_ALIAS_MAX, "ringfence %s %s/%s", instance, ns, name);
}

#define FILL(field, ...) snprintf((field), sizeof(field), __VA_ARGS__)
#pragma GCC diagnostic ignored "-Wformat-truncation" /* run_dir and the cgroup mount are bounded far below PATH_MAX by core/instance.c */

int rf_pod_room_names(const struct rf_instance *instance, const char *ns, const char *name, struct rf_pod_room *room)
{
	if (!rf_pod_names_valid(ns, name))
		return -EINVAL;
	memset(room, 0, sizeof(*room));
	FILL(room->key, "%s_%s", ns, name);
	FILL(room->dir, "%s/pods/%s", instance->run_dir, room->key);
	FILL(room->cgroup, "%s/%s", instance->pods_cgroup, room->key);
	FILL(room->netns, "%s/netns", room->dir);
	FILL(room->hosts, "%s/hosts", room->dir);
	FILL(room->log, "%s/log", room->dir);
	rf_pod_veth_name(instance->name, ns, name, room->veth);
	return 0;
}
