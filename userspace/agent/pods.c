/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/pods.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agent/agent.h"
#include "agent/broker.h"
#include "agent/control.h"
#include "agent/flow_events.h"
#include "agent/template.h"
#include "agent/watch.h"
#include "core/cleanup.h"
#include "core/log.h"

static int refuse(char *text, size_t size, int r, const char *format, ...) __attribute__((format(printf, 4, 5)));
static int refuse(char *text, size_t size, int r, const char *format, ...)
{
	va_list ap;

	va_start(ap, format);
	vsnprintf(text, size, format, ap);
	va_end(ap);
	return r;
}

static int take_address(struct rf_agent *agent, uint32_t wanted_be, uint32_t *ret_be, char *error, size_t size)
{
	int r = wanted_be ? rf_addresses_take(agent->addresses, wanted_be) : rf_addresses_next(agent->addresses, ret_be);

	if (r == -ERANGE)
		return refuse(error, size, r, "that address is not one for pods; give one inside the pod range, or none at all");
	if (r == -EADDRINUSE)
		return refuse(error, size, r, "that address is another pod's");
	if (r < 0)
		return refuse(error, size, r, "no pod address is free");
	if (wanted_be)
		*ret_be = wanted_be;
	return 0;
}

/* A record of the same name that has ended makes way; a pod that lives does not. */
static int make_way(struct rf_agent *agent, const char *ns, const char *name, char *error, char *hint, size_t size)
{
	struct rf_local_pod *old = rf_registry_find(&agent->pods, ns, name);

	if (old && old->state != RF_POD_EXITED) {
		refuse(hint, size, 0, "ringfence stop %s/%s", ns, name);
		return refuse(error, size, -EEXIST, "pod %s/%s exists already", ns, name);
	}
	return old ? rf_pods_remove(agent, old, true) : 0;
}

/* Everything after this has to be undone if a later step fails: rf_pods_remove does that from any of them. */
static int hook(struct rf_agent *agent, struct rf_local_pod *pod, char *error, size_t size)
{
	int r = rf_pod_room_make(&agent->instance, pod->ns, pod->name, pod->addr_be, &pod->room, error, size);

	if (r < 0)
		return r;
	pod->addr6 = pod->room.addr6;
	rf_local_pod_set_hook(pod, &agent->instance);
	r = rf_datapath_pod_add(agent->dp, &pod->hook);
	if (r < 0)
		return refuse(error, size, r, "cannot hook the pod: %s", rf_datapath_error(agent->dp));
	r = rf_revision_renew(agent);
	if (r < 0)
		return refuse(error, size, r, "the policy cannot take the pod in: %.300s", agent->revision.error);
	r = rf_revision_write_hosts(agent, pod);
	if (r < 0)
		return refuse(error, size, r, "cannot write its hosts file: %s", strerror(-r));
	r = rf_local_pod_save(pod);
	if (r < 0)
		return refuse(error, size, r, "cannot write its record: %s", strerror(-r));
	rf_watch_add(agent, pod);
	return 0;
}

/* Takes pod, also on failure. */
static int enter(struct rf_agent *agent, struct rf_local_pod *pod, char *error, size_t size)
{
	int r = rf_registry_add(&agent->pods, pod);

	if (r < 0) {
		rf_addresses_release(agent->addresses, pod->addr_be);
		rf_local_pod_free(pod);
		return refuse(error, size, r, "no memory");
	}
	r = hook(agent, pod, error, size);
	if (r < 0) {
		rf_pods_remove(agent, pod, true);
		return r;
	}
	(void)rf_broker_pod_add(agent->broker, pod); /* not connected: replayed later, and until then not ready */
	return 0;
}

int rf_pods_create(struct rf_agent *agent, const struct rf_pod_request *request, struct rf_local_pod **ret, char *error, char *hint,
		   size_t size)
{
	RF_CLEANUP(rf_local_pod_freep) struct rf_local_pod *pod = NULL;
	struct rf_local_pod *entered;
	int r;

	if (!agent->ready)
		return refuse(error, size, -EAGAIN, "no policy is in force yet, so no pod can be enforced: see ringfence status");
	r = rf_template_apply(agent->revision.objects, &agent->pods, request, &pod, error, hint, size);
	if (r < 0)
		return r;
	r = make_way(agent, pod->ns, pod->name, error, hint, size);
	if (r < 0)
		return r;
	r = take_address(agent, request->addr_be ? request->addr_be : pod->addr_be, &pod->addr_be, error, size);
	if (r < 0)
		return r;
	pod->created_ns = rf_now_realtime_ns();
	entered = TAKE_PTR(pod);
	r = enter(agent, entered, error, size);
	if (r < 0)
		return r;
	*ret = entered;
	return 0;
}

/* Room before hooks: whatever runs is dead before the programs that watched it go. */
int rf_pods_retire(struct rf_agent *agent, struct rf_local_pod *pod, bool purge)
{
	bool populated = false;
	int r;

	r = rf_pod_room_remove(&agent->instance, pod->ns, pod->name, purge);
	if (r < 0) {
		rf_log_error(-r, "cannot clear away all of pod %s/%s", pod->ns, pod->name);
		if (rf_pod_room_populated(&pod->room, &populated) == 0 && populated)
			return r; /* something of it lives, so it stays hooked */
	}
	if (pod->state == RF_POD_EXITED)
		return r;
	rf_watch_remove(agent, pod);
	if (pod->hook.cgroup_id) {
		rf_flow_events_gone(agent, pod);
		rf_broker_pod_del(agent->broker, pod->hook.cgroup_id);
		if (rf_datapath_pod_remove(agent->dp, &pod->hook) < 0)
			rf_log_error(0, "cannot unhook pod %s/%s: %s", pod->ns, pod->name, rf_datapath_error(agent->dp));
	}
	rf_addresses_release(agent->addresses, pod->addr_be);
	pod->state = RF_POD_EXITED;
	pod->exited_ns = rf_now_realtime_ns();
	return 0;
}

int rf_pods_remove(struct rf_agent *agent, struct rf_local_pod *pod, bool purge)
{
	bool was_live = pod->state != RF_POD_EXITED;
	int r = rf_pods_retire(agent, pod, purge);

	if (r < 0)
		return r;
	if (pod->waiting_client)
		rf_control_answer_error(agent->control, pod->waiting_client, "the pod was removed while it was being made", NULL);
	rf_registry_drop(&agent->pods, pod);
	if (was_live && rf_revision_renew(agent) < 0)
		rf_log_error(0, "the policy still lists a removed pod: %s", agent->revision.error);
	return 0;
}

int rf_pods_started(struct rf_agent *agent, struct rf_local_pod *pod, pid_t pid, cJSON *command, bool net_raw)
{
	bool populated = false;

	cJSON_Delete(pod->command);
	pod->command = command;
	pod->pid = pid;
	pod->net_raw = net_raw;
	if (pod->state == RF_POD_CREATED)
		pod->state = RF_POD_RUNNING;
	/* A short command may have ended before this message came; nothing will be heard of it any more. */
	if (rf_pod_room_populated(&pod->room, &populated) == 0 && !populated)
		rf_watch_ended(agent, pod);
	return rf_local_pod_save(pod);
}

void rf_pods_checker_told(struct rf_agent *agent, struct rf_local_pod *pod, int error)
{
	int before = pod->checker_error, r;

	if (pod->checker_error != error || !error) {
		r = rf_datapath_pod_checker(agent->dp, pod->hook.cgroup_id, !error);
		if (r < 0)
			error = -r;
	}
	pod->checker_error = error;
	pod->hook.pod.flags = error ? 0 : RF_POD_CHECKER_READY;
	if (error && error != before) /* it is asked again and again */
		rf_agent_note(agent, "checker", "the checker cannot listen in pod %s/%s on port %u: %s", pod->ns, pod->name,
			      agent->instance.checker_port, strerror(error));
	if (!error && before && before != ENOTCONN)
		rf_agent_note(agent, "checker", "the checker listens in pod %s/%s again", pod->ns, pod->name);
	if (pod->waiting_client)
		rf_control_pod_created(agent->control, pod);
}

void rf_pods_checker_lost(struct rf_agent *agent)
{
	for (size_t i = 0; i < agent->pods.count; i++) {
		struct rf_local_pod *pod = agent->pods.items[i];

		if (pod->state == RF_POD_EXITED)
			continue;
		pod->checker_error = ENOTCONN;
		pod->hook.pod.flags = 0;
		if (rf_datapath_pod_checker(agent->dp, pod->hook.cgroup_id, false) < 0)
			rf_log_error(0, "pod %s/%s: %s", pod->ns, pod->name, rf_datapath_error(agent->dp));
	}
}
