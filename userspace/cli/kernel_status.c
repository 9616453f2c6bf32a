/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Pods are what has a cgroup below the instance's; what each should be is in its record (pod.json) and in its room, what it is the kernel
 * says.
 */
#include "cli/kernel_status.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/address_text.h"
#include "core/cleanup.h"
#include "core/reason_text.h"
#include "datapath/drift.h"
#include "datapath/each.h"
#include "pods/cgroup.h"
#include "pods/look.h"
#include "pods/names.h"

#define FILLS_MAX  64
#define RECORD_MAX (1024 * 1024)

static cJSON *drift_json(uint32_t drift)
{
	cJSON *array = cJSON_CreateArray();

	for (unsigned i = 0; i < RF_DRIFT_BITS; i++) {
		cJSON *o = drift & 1u << i ? cJSON_CreateObject() : NULL;

		if (!o)
			continue;
		cJSON_AddStringToObject(o, "kind", rf_drift_name(i));
		cJSON_AddStringToObject(o, "text", rf_drift_text(i));
		cJSON_AddStringToObject(o, "help", "start the agent: it puts this back");
		cJSON_AddBoolToObject(o, "notice", (RF_DRIFT_NOTICES & 1u << i) != 0);
		cJSON_AddItemToArray(array, o);
	}
	return array;
}

static cJSON *read_record(const struct rf_pod_room *room)
{
	char path[sizeof(room->dir) + 16];
	_cleanup_fclose_ FILE *f = NULL;
	_cleanup_free_ char *text = malloc(RECORD_MAX);
	size_t len;

	snprintf(path, sizeof(path), "%s/pod.json", room->dir);
	f = text ? fopen(path, "re") : NULL;
	if (!f)
		return NULL;
	len = fread(text, 1, RECORD_MAX, f);
	return cJSON_ParseWithLength(text, len);
}

/* As it should be: the record's account and address, the room's interface, namespace and cgroup. */
static void meant(const struct rf_instance *instance, const struct rf_pod_room *room, const cJSON *record, struct rf_pod_hook *ret)
{
	char account[RF_IDENTITY_NAME_MAX];
	int n = snprintf(account, sizeof(account), "%s/%s", rf_json_text(record, "ns", ""), rf_json_text(record, "service_account", ""));

	/* What does not parse stays "none" and is drift. */
	(void)rf_addr_parse(rf_json_text(record, "address", ""), &ret->pod.addr4);
	(void)rf_addr_parse(rf_json_text(record, "address6", ""), &ret->pod.addr6);
	ret->cgroup_id = room->cgroup_id;
	ret->pod.identity = rf_identity_hash(account, (__u32)n);
	ret->pod.netns_cookie = room->netns_cookie;
	ret->pod.ifindex = room->ifindex;
	ret->pod.checker_port = instance->checker_port;
	snprintf(ret->key, sizeof(ret->key), "%s", room->key);
}

static void add_attest(cJSON *o, const struct rf_pod_attest *a)
{
	cJSON *j = cJSON_AddObjectToObject(o, "attest");

	cJSON_AddBoolToObject(j, "cgroup_hooked", a->cgroup_hooked);
	cJSON_AddBoolToObject(j, "tc_from_pod", a->tc_from_pod);
	cJSON_AddBoolToObject(j, "tc_to_pod", a->tc_to_pod);
	cJSON_AddBoolToObject(j, "in_maps", a->in_maps);
	cJSON_AddBoolToObject(j, "checker_ready", a->checker_ready);
}

/* Facts of the room that are still to be had; what is not is seen as drift. */
static void find_facts(struct rf_datapath *dp, const struct rf_instance *instance, struct rf_pod_room *room, const char *ns,
		       const char *name)
{
	_cleanup_free_ struct rf_pod_room *found = malloc(sizeof(*found));
	struct rf_pod known;

	if (rf_cgroup_id(room->cgroup, &room->cgroup_id) < 0)
		return;
	if (found && rf_pod_room_find(instance, ns, name, found) == 0) {
		*room = *found;
		return;
	}
	if (rf_datapath_pod_look_up(dp, room->cgroup_id, &known) == 0) { /* a renamed interface or a lost namespace has no other witness */
		room->ifindex = known.ifindex;
		room->netns_cookie = known.netns_cookie;
	}
}

static cJSON *pod_json(struct rf_datapath *dp, const struct rf_instance *instance, const char *ns, const char *name)
{
	_cleanup_free_ struct rf_pod_room *room = calloc(1, sizeof(*room));
	_cleanup_json_ cJSON *record = NULL;
	struct rf_pod_attest attest = {};
	struct rf_pod_hook hook = {};
	cJSON *o = cJSON_CreateObject();
	uint32_t drift;
	bool ready;

	if (!room || !o || rf_pod_room_names(instance, ns, name, room) < 0)
		return o;
	find_facts(dp, instance, room, ns, name);
	record = read_record(room);
	meant(instance, room, record, &hook);
	room->addr_be = hook.pod.addr4.be[3];
	room->addr6 = hook.pod.addr6;
	drift = rf_datapath_pod_drift(dp, &hook, room->cgroup) | rf_pod_room_look(room);
	(void)rf_datapath_attest(dp, &hook, room->cgroup, &attest);
	ready = attest.checker_ready;
	cJSON_AddStringToObject(o, "ns", ns);
	cJSON_AddStringToObject(o, "name", name);
	cJSON_AddStringToObject(o, "service_account", rf_json_text(record, "service_account", "?"));
	cJSON_AddStringToObject(o, "address", rf_json_text(record, "address", "?"));
	cJSON_AddBoolToObject(o, "meshed", rf_datapath_is_meshed(dp, hook.pod.identity));
	cJSON_AddStringToObject(o, "state", rf_json_text(record, "state", "running"));
	cJSON_AddBoolToObject(o, "hooked", !(drift & ~RF_DRIFT_NOTICES));
	cJSON_AddItemToObject(o, "drift", drift_json(drift));
	cJSON_AddBoolToObject(o, "needs_checker", !ready && rf_datapath_needs_checker(dp, hook.pod.identity));
	add_attest(o, &attest);
	return o;
}

static cJSON *pods_json(struct rf_datapath *dp, const struct rf_instance *instance)
{
	_cleanup_closedir_ DIR *dir = opendir(instance->pods_cgroup);
	cJSON *array = cJSON_CreateArray();
	struct dirent *e;

	while (dir && (e = readdir(dir))) {
		char ns[256];
		char *name;

		snprintf(ns, sizeof(ns), "%s", e->d_name);
		name = strchr(ns, '_');
		if (e->d_type != DT_DIR || !name)
			continue;
		*name++ = '\0';
		if (rf_pod_names_valid(ns, name))
			cJSON_AddItemToArray(array, pod_json(dp, instance, ns, name));
	}
	return array;
}

static cJSON *maps_json(struct rf_datapath *dp)
{
	struct rf_map_fill fills[FILLS_MAX];
	cJSON *maps = cJSON_CreateArray();
	size_t count = FILLS_MAX;

	if (rf_datapath_fill(dp, fills, &count) < 0)
		count = 0;
	for (size_t i = 0; i < count; i++) {
		cJSON *m = cJSON_CreateObject();

		cJSON_AddStringToObject(m, "name", fills[i].name);
		cJSON_AddNumberToObject(m, "used", (double)fills[i].used);
		cJSON_AddNumberToObject(m, "max", (double)fills[i].max);
		cJSON_AddItemToArray(maps, m);
	}
	return maps;
}

static void add_reasons(cJSON *o, struct rf_datapath *dp)
{
	uint64_t counters[_RF_REASON_MAX] = {}, lost[RF_LOST_MAX] = {};
	cJSON *reasons = cJSON_AddObjectToObject(o, "reasons");

	if (rf_datapath_reasons(dp, counters, lost) == 0)
		for (uint32_t i = 0; i < _RF_REASON_MAX; i++)
			if (counters[i])
				cJSON_AddNumberToObject(reasons, rf_reason_name(i), (double)counters[i]);
	cJSON_AddNumberToObject(o, "events_lost", (double)lost[RF_LOST_EVENTS]);
	cJSON_AddNumberToObject(o, "audit_lost", (double)lost[RF_LOST_AUDIT]);
}

cJSON *rf_kernel_status(struct rf_datapath *dp, const struct rf_instance *instance)
{
	cJSON *o = cJSON_CreateObject();
	struct rf_config config = {};
	rf_epoch_t epoch = 0;
	size_t audited;

	cJSON_AddNullToObject(o, "agent");
	cJSON_AddNumberToObject(cJSON_AddObjectToObject(o, "revision"), "epoch", rf_datapath_epoch(dp, &epoch) == 0 ? epoch : 0);
	if (rf_datapath_config(dp, &config) == 0) {
		cJSON *c = cJSON_AddObjectToObject(o, "config");

		cJSON_AddBoolToObject(c, "permissive", config.permissive);
		cJSON_AddBoolToObject(c, "egress", config.egress);
		if (rf_datapath_audited(dp, &audited) == 0)
			cJSON_AddNumberToObject(c, "audited", (double)audited);
	}
	cJSON_AddItemToObject(o, "drift", drift_json(rf_datapath_node_drift(dp, 0)));
	cJSON_AddItemToObject(o, "pods", pods_json(dp, instance));
	cJSON_AddItemToObject(o, "maps", maps_json(dp));
	add_reasons(o, dp);
	return o;
}
