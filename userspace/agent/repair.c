/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/repair.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "agent/agent.h"
#include "agent/broker.h"
#include "agent/watch.h"
#include "core/cleanup.h"
#include "datapath/drift.h"
#include "pods/cgroup.h"
#include "pods/look.h"

/* ---- looking ---- */

void rf_repair_look(struct rf_agent *agent, struct rf_local_pod *pod)
{
	const struct rf_pod_attest nothing = {};

	if (pod->state == RF_POD_EXITED)
		return;
	if (rf_datapath_attest(agent->dp, &pod->hook, pod->room.cgroup, &pod->attest) < 0)
		pod->attest = nothing; /* what cannot be shown is not there */
	pod->drift = rf_datapath_pod_drift(agent->dp, &pod->hook, pod->room.cgroup) | rf_pod_room_look(&pod->room);
}

void rf_repair_look_at_node(struct rf_agent *agent)
{
	agent->node_drift = rf_datapath_node_drift(agent->dp, agent->ready ? agent->revision.epoch : 0);
}

void rf_repair_look_at_all(struct rf_agent *agent)
{
	rf_repair_look_at_node(agent);
	for (size_t i = 0; i < agent->pods.count; i++)
		rf_repair_look(agent, agent->pods.items[i]);
}

/* ---- telling ---- */

static void names_of(uint32_t drift, char *ret, size_t size)
{
	size_t n = 0;

	*ret = '\0';
	for (unsigned i = 0; i < RF_DRIFT_BITS; i++)
		if (drift & 1u << i && n < size)
			n += (size_t)snprintf(ret + n, size - n, "%s%s (%s)", n ? ", " : "", rf_drift_name(i), rf_drift_text(i));
}

cJSON *rf_repair_report(uint32_t drift)
{
	cJSON *array = cJSON_CreateArray();

	for (unsigned i = 0; i < RF_DRIFT_BITS; i++) {
		cJSON *o = drift & 1u << i ? cJSON_CreateObject() : NULL;

		if (!o)
			continue;
		cJSON_AddStringToObject(o, "kind", rf_drift_name(i));
		cJSON_AddStringToObject(o, "text", rf_drift_text(i));
		cJSON_AddStringToObject(o, "help", rf_drift_help(i));
		cJSON_AddBoolToObject(o, "notice", (RF_DRIFT_NOTICES & 1u << i) != 0);
		cJSON_AddItemToArray(array, o);
	}
	return array;
}

cJSON *rf_repair_counts(const uint64_t counts[RF_DRIFT_BITS])
{
	cJSON *o = cJSON_CreateObject();

	for (unsigned i = 0; i < RF_DRIFT_BITS; i++)
		if (counts[i])
			cJSON_AddNumberToObject(o, rf_drift_name(i), (double)counts[i]);
	return o;
}

/* found, minus what is left, was put back. told: what people know already of this pod or node. */
static void tell(struct rf_agent *agent, const char *who, uint32_t found, uint32_t left, const char *error, uint32_t *told)
{
	uint32_t mended = found & ~left & ~RF_DRIFT_NOTICES;
	char text[700];

	for (unsigned i = 0; i < RF_DRIFT_BITS; i++)
		agent->repairs[i] += (mended >> i) & 1u;
	names_of(mended, text, sizeof(text));
	if (mended)
		rf_agent_note(agent, "repair", "%s: put back: %s", who, text);
	names_of(left & ~*told & ~RF_DRIFT_NOTICES, text, sizeof(text));
	if (*text)
		rf_agent_note(agent, "repair", "%s: cannot put back: %s%s%s", who, text, *error ? ": " : "", error);
	names_of(left & ~*told & RF_DRIFT_NOTICES, text, sizeof(text));
	if (*text)
		rf_agent_note(agent, "notice", "%s: %s", who, text);
	*told = left;
}

/* ---- repairing ---- */

/* The cgroup may have been removed and made again, with the pod's processes in it: the new one is the pod's from now on. Sockets of the old
 * one stay shut, their tag names a pod that is no more. */
static void follow_cgroup(struct rf_local_pod *pod)
{
	uint64_t id;

	if (rf_cgroup_id(pod->room.cgroup, &id) == 0)
		pod->room.cgroup_id = id;
}

static int hook_again(struct rf_agent *agent, struct rf_local_pod *pod, char *error, size_t size)
{
	const struct rf_pod_hook old = pod->hook;
	int r;

	rf_local_pod_set_hook(pod, &agent->instance);
	pod->hook.pod.flags = old.pod.flags;
	r = rf_datapath_pod_add(agent->dp, &pod->hook);
	if (r < 0) {
		snprintf(error, size, "%s", rf_datapath_error(agent->dp));
		return r;
	}
	rf_datapath_pod_moved(agent->dp, &old, &pod->hook);
	if (old.cgroup_id == pod->hook.cgroup_id)
		return 0;
	rf_watch_remove(agent, pod);
	rf_watch_add(agent, pod);
	rf_broker_pod_del(agent->broker, old.cgroup_id);
	(void)rf_broker_pod_add(agent->broker, pod); /* not connected: replayed as soon as it is */
	return 0;
}

static void repair_pod(struct rf_agent *agent, struct rf_local_pod *pod)
{
	char error[512] = "", who[160];
	uint32_t found = pod->drift;
	int r = 0;

	if (found & RF_DRIFT_ROOM)
		r = rf_pod_room_mend(&agent->instance, pod->ns, pod->name, &pod->room, found & RF_DRIFT_ROOM, error, sizeof(error));
	if (found & RF_DRIFT_CGROUP_REMADE)
		follow_cgroup(pod);
	if (found & ~RF_DRIFT_NOTICES & ~RF_DRIFT_ROOM || r == 0)
		(void)hook_again(agent, pod, error, sizeof(error)); /* what it says is in error, what it left is seen below */
	rf_repair_look(agent, pod);
	snprintf(who, sizeof(who), "pod %s/%s", pod->ns, pod->name);
	tell(agent, who, found, pod->drift, error, &pod->drift_told);
}

static void repair_node(struct rf_agent *agent)
{
	uint32_t found = agent->node_drift;
	const char *error = "";

	if (found && rf_datapath_node_repair(agent->dp, agent->revision.epoch, found) < 0)
		error = rf_datapath_error(agent->dp);
	if (found)
		rf_repair_look_at_node(agent);
	if (found || agent->node_drift_told)
		tell(agent, "this node", found, agent->node_drift, error, &agent->node_drift_told);
}

bool rf_repair_round(struct rf_agent *agent)
{
	size_t count = agent->pods.count;
	bool well;

	rf_repair_look_at_node(agent);
	repair_node(agent);
	well = !agent->node_drift;
	for (size_t i = 0; i < count && i < RF_ATTEST_PODS; i++) {
		struct rf_local_pod *pod = agent->pods.items[agent->attest_at++ % count];

		rf_repair_look(agent, pod);
		if (pod->state != RF_POD_EXITED && (pod->drift & ~RF_DRIFT_NOTICES))
			repair_pod(agent, pod);
		else if (pod->state != RF_POD_EXITED && pod->drift != pod->drift_told) {
			char who[160];

			snprintf(who, sizeof(who), "pod %s/%s", pod->ns, pod->name);
			tell(agent, who, pod->drift, pod->drift, "", &pod->drift_told);
		}
		well &= pod->state == RF_POD_EXITED || !(pod->drift & ~RF_DRIFT_NOTICES);
	}
	return well;
}
