/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/ops.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "agent/agent.h"
#include "agent/control.h"
#include "agent/flow_events.h"
#include "agent/pods.h"
#include "agent/report.h"
#include "agent/request.h"
#include "core/log.h"

static void op_status(struct rf_agent *agent, uint64_t client, const cJSON *request)
{
	(void)request;
	rf_control_answer(agent->control, client, rf_report_status(agent));
}

static void op_pods(struct rf_agent *agent, uint64_t client, const cJSON *request)
{
	cJSON *answer = cJSON_CreateObject();

	(void)request;
	cJSON_AddItemToObject(answer, "pods", rf_report_pods(agent));
	rf_control_answer(agent->control, client, answer);
}

static void op_services(struct rf_agent *agent, uint64_t client, const cJSON *request)
{
	cJSON *answer = cJSON_CreateObject();

	(void)request;
	cJSON_AddItemToObject(answer, "services", rf_report_services(agent));
	rf_control_answer(agent->control, client, answer);
}

static void give_up_create(struct rf_agent *agent, uint64_t client)
{
	for (size_t i = 0; i < agent->pods.count; i++)
		if (agent->pods.items[i]->waiting_client == client)
			rf_control_pod_created(agent->control, agent->pods.items[i]);
}

/* The answer waits for the broker's word about the listener, so that a pod's first request meets a checker. */
static void op_pod_create(struct rf_agent *agent, uint64_t client, const cJSON *request)
{
	char error[512] = "", hint[512] = "";
	struct rf_pod_request wanted;
	struct rf_local_pod *pod;

	if (rf_request_pod(request, &wanted, error, sizeof(error)) < 0 ||
	    rf_pods_create(agent, &wanted, &pod, error, hint, sizeof(error)) < 0) {
		rf_control_answer_error(agent->control, client, error[0] ? error : "the pod could not be made", hint);
		return;
	}
	pod->waiting_client = client;
	rf_control_wait(agent->control, client, give_up_create);
}

void rf_control_pod_created(struct rf_control_server *control, struct rf_local_pod *pod)
{
	cJSON *answer = cJSON_CreateObject();
	uint64_t client = pod->waiting_client;

	pod->waiting_client = 0;
	cJSON_AddItemToObject(answer, "pod", rf_report_new_pod(pod));
	if (pod->checker_error)
		cJSON_AddStringToObject(
			answer, "warning",
			pod->checker_error == ENOTCONN
				? "the socket broker does not answer: requests that are checked one by one fail closed"
				: "the checker cannot listen in this pod: requests that are checked one by one fail closed");
	rf_control_answer(control, client, answer);
}

/* The pod that a request names, or NULL after an answer. */
static struct rf_local_pod *named_pod(struct rf_agent *agent, uint64_t client, const cJSON *request)
{
	struct rf_local_pod *pod;
	const char *ns, *name;
	char error[256];

	if (rf_request_pod_name(request, &ns, &name, error, sizeof(error)) < 0) {
		rf_control_answer_error(agent->control, client, error, NULL);
		return NULL;
	}
	pod = rf_registry_find(&agent->pods, ns, name);
	if (!pod) {
		snprintf(error, sizeof(error), "there is no pod %s/%s", ns, name);
		rf_control_answer_error(agent->control, client, error, "ringfence ps");
	}
	return pod;
}

static void op_pod_started(struct rf_agent *agent, uint64_t client, const cJSON *request)
{
	const cJSON *command = cJSON_GetObjectItemCaseSensitive(request, "command");
	struct rf_local_pod *pod = named_pod(agent, client, request);
	int64_t pid = 0;
	int r;

	if (!pod)
		return;
	if (rf_json_int(request, "pid", 1, 1 << 22, &pid) < 0 || !pid || (command && !cJSON_IsArray(command))) {
		rf_control_answer_error(agent->control, client, "\"pid\" must be a process and \"command\" an array", NULL);
		return;
	}
	r = rf_pods_started(agent, pod, (pid_t)pid, command ? cJSON_Duplicate(command, true) : NULL,
			    rf_json_bool(request, "net_raw", false));
	if (r < 0)
		rf_log_warning(-r, "cannot write the record of pod %s/%s", pod->ns, pod->name);
	rf_control_answer(agent->control, client, NULL);
}

static void op_pod_remove(struct rf_agent *agent, uint64_t client, const cJSON *request)
{
	struct rf_local_pod *pod = named_pod(agent, client, request);
	char error[512];
	int r;

	if (!pod)
		return;
	r = rf_pods_remove(agent, pod, rf_json_bool(request, "purge", true));
	if (r < 0) {
		snprintf(error, sizeof(error), "pod %s/%s cannot be removed: %s", pod->ns, pod->name, strerror(-r));
		rf_control_answer_error(agent->control, client, error, NULL);
		return;
	}
	rf_control_answer(agent->control, client, NULL);
}

void rf_ops_answer_sync(struct rf_agent *agent, uint64_t client)
{
	cJSON *answer = cJSON_CreateObject();
	char error[700];
	uint64_t since;

	cJSON_AddItemToObject(answer, "revision", rf_report_revision(agent));
	cJSON_AddItemToObject(answer, "diags", rf_report_diags(agent, true));
	cJSON_AddItemToObject(answer, "warnings", rf_report_diags(agent, false));
	if (rf_policy_source_problem(agent->source, &since))
		snprintf(error, sizeof(error), "%s", rf_policy_source_problem(agent->source, &since));
	else if (agent->revision.error[0])
		snprintf(error, sizeof(error), "%s", agent->revision.error);
	else {
		rf_control_answer(agent->control, client, answer);
		return;
	}
	rf_control_refuse(agent->control, client, error, "ringfence status", answer);
}

static void op_sync(struct rf_agent *agent, uint64_t client, const cJSON *request)
{
	(void)request;
	rf_control_wait_sync(agent->control, client);
	(void)rf_policy_source_read(agent->source); /* at its end, now or when the writer is done, rf_control_synced answers */
}

static void op_events(struct rf_agent *agent, uint64_t client, const cJSON *request)
{
	RF_CLEANUP(rf_event_filter_freep) struct rf_event_filter *filter = NULL;
	const struct rf_event_world world = rf_flow_events_world(agent);
	bool follow = rf_json_bool(request, "follow", false);
	char error[512] = "no memory";
	int64_t last = RF_EVENTS_LAST;
	int r = rf_event_filter_new(request, rf_now_realtime_ns(), &world, &filter, error, sizeof(error));

	if (r == 0 && rf_event_filter_has_since(filter)) /* then that says how many */
		last = RF_EVENTS_DEFAULT;
	if (r == 0 && rf_json_int(request, "last", 0, RF_EVENTS_DEFAULT, &last) < 0) {
		snprintf(error, sizeof(error), "--last wants a number of lines, 0 to %d: so many are kept", RF_EVENTS_DEFAULT);
		r = -EINVAL;
	}
	if (r == 0 && follow && rf_event_filter_has_until(filter)) {
		snprintf(error, sizeof(error), "--until and --follow contradict each other");
		r = -EINVAL;
	}
	if (r < 0)
		rf_control_answer_error(agent->control, client, error, "ringfence observe --help");
	else
		rf_control_stream(agent->control, client, TAKE_PTR(filter), (size_t)last, follow);
}

static const struct {
	const char *name;
	void (*run)(struct rf_agent *agent, uint64_t client, const cJSON *request);
} ops[] = {
	{"status", op_status},
	{"pod.create", op_pod_create},
	{"pod.started", op_pod_started},
	{"pod.remove", op_pod_remove},
	{"pods", op_pods},
	{"sync", op_sync},
	{"services", op_services},
	{"events", op_events},
};

void rf_ops_run(struct rf_agent *agent, uint64_t client, const cJSON *request)
{
	const char *op = rf_json_text(request, "op", "");
	char error[128];

	for (size_t i = 0; i < RF_ARRAY_SIZE(ops); i++) {
		if (strcmp(ops[i].name, op) != 0)
			continue;
		ops[i].run(agent, client, request);
		return;
	}
	snprintf(error, sizeof(error), "this agent does not know the operation '%.60s'", op);
	rf_control_answer_error(agent->control, client, error, "ringfence version");
}
