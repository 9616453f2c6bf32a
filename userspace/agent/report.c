/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/report.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "agent/agent.h"
#include "agent/broker.h"
#include "agent/event_text.h"
#include "agent/pods.h"
#include "agent/repair.h"
#include "agent/watch.h"
#include "core/address_text.h"
#include "core/reason_text.h"
#include "datapath/each.h"
#include "policy/needs.h"

#define FILLS_MAX 64

static void add_time(cJSON *o, const char *field, uint64_t realtime_ns)
{
	char text[64];

	if (!realtime_ns)
		return;
	rf_time_text(realtime_ns, text, sizeof(text));
	cJSON_AddStringToObject(o, field, text);
}

/* None has no field. */
static void add_address(cJSON *o, const char *field, const struct rf_addr *addr)
{
	char text[RF_ADDR_TEXT_MAX];

	if (!rf_addr_is_none(addr))
		cJSON_AddStringToObject(o, field, rf_addr_text(addr, text, sizeof(text)));
}

static void add_ms(cJSON *o, const char *field, uint64_t ns)
{
	cJSON_AddNumberToObject(o, field, (double)ns / 1e6);
}

/* Where the time went from the files to the kernel. */
static void add_took(cJSON *o, const struct rf_revision_took *took)
{
	cJSON *t = cJSON_AddObjectToObject(o, "took_ms");

	add_ms(t, "read", took->read_ns);
	add_ms(t, "parse", took->parse_ns);
	add_ms(t, "check", took->check_ns);
	add_ms(t, "compile", took->compile_ns);
	add_ms(t, "publish", took->publish_ns);
	add_ms(t, "whole", took->whole_ns);
	cJSON_AddNumberToObject(t, "files_parsed", (double)took->parsed);
}

cJSON *rf_report_revision(struct rf_agent *agent)
{
	const struct rf_revision *rev = &agent->revision;
	cJSON *o = cJSON_CreateObject();
	rf_epoch_t epoch = 0;

	(void)rf_datapath_epoch(agent->dp, &epoch); /* 0 = none, which is what an unreadable map amounts to */
	cJSON_AddNumberToObject(o, "epoch", epoch);
	add_time(o, "since", rev->since_ns);
	cJSON_AddNumberToObject(o, "files", (double)rev->file_count);
	cJSON_AddNumberToObject(o, "objects", rev->objects ? (double)rf_revision_object_count(rev->objects) : 0);
	if (rev->policy) {
		cJSON_AddNumberToObject(o, "allow_entries", (double)rev->policy->allow_count);
		cJSON_AddNumberToObject(o, "nfa", (double)rev->policy->nfa_count);
		add_took(o, &rev->took);
	}
	return o;
}

static void add_diags(cJSON *array, const struct rf_diags *diags, bool errors)
{
	for (size_t i = 0; diags && i < diags->count; i++) {
		const struct rf_diag *d = &diags->items[i];
		cJSON *o = d->is_error == errors ? cJSON_CreateObject() : NULL;

		if (!o)
			continue;
		cJSON_AddStringToObject(o, "file", d->place.file ? d->place.file : "");
		cJSON_AddNumberToObject(o, "line", d->place.line);
		cJSON_AddNumberToObject(o, "column", d->place.column);
		cJSON_AddStringToObject(o, "text", d->text);
		cJSON_AddItemToArray(array, o);
	}
}

static void add_text(cJSON *array, const char *text)
{
	cJSON *o;

	if (!text[0])
		return;
	o = cJSON_CreateObject();
	cJSON_AddStringToObject(o, "text", text);
	cJSON_AddItemToArray(array, o);
}

cJSON *rf_report_diags(struct rf_agent *agent, bool errors)
{
	const struct rf_revision *rev = &agent->revision;
	cJSON *array = cJSON_CreateArray();

	if (errors && rev->rejected)
		add_diags(array, &rev->rejected->diags, true);
	else if (errors && rev->error[0])
		add_diags(array, &rev->compile_diags, true);
	if (!errors && rev->objects)
		add_diags(array, &rev->objects->diags, false);
	if (!errors)
		add_diags(array, &rev->compile_diags, false);
	for (int i = 0; !errors && i < _RF_DATAPATH_WARNING_MAX; i++)
		add_text(array, rf_datapath_warning(agent->dp, (enum rf_datapath_warning)i));
	return array;
}

static void add_error(cJSON *o, struct rf_agent *agent)
{
	uint64_t since = 0;
	const char *problem = rf_policy_source_problem(agent->source, &since);
	cJSON *e;

	if (!problem && !agent->revision.error[0]) {
		cJSON_AddNullToObject(o, "error");
		return;
	}
	e = cJSON_AddObjectToObject(o, "error");
	add_time(e, "since", problem ? since : agent->revision.error_since_ns);
	cJSON_AddStringToObject(e, "text", problem ? problem : agent->revision.error);
	cJSON_AddItemToObject(e, "diags", rf_report_diags(agent, true));
}

static void add_attest(cJSON *o, const struct rf_local_pod *pod)
{
	cJSON *a = cJSON_AddObjectToObject(o, "attest");

	cJSON_AddBoolToObject(a, "cgroup_hooked", pod->attest.cgroup_hooked);
	cJSON_AddBoolToObject(a, "tc_from_pod", pod->attest.tc_from_pod);
	cJSON_AddBoolToObject(a, "tc_to_pod", pod->attest.tc_to_pod);
	cJSON_AddBoolToObject(a, "in_maps", pod->attest.in_maps);
	cJSON_AddBoolToObject(a, "checker_ready", pod->attest.checker_ready);
}

static bool meshed(const struct rf_agent *agent, const char *ns)
{
	return agent->revision.objects && rf_objects_meshed(agent->revision.objects, ns, agent->mesh_name);
}

static void add_pairs(cJSON *o, const char *field, const struct rf_pair_text *pairs, size_t count)
{
	cJSON *map = cJSON_AddObjectToObject(o, field);

	for (size_t i = 0; i < count; i++)
		cJSON_AddStringToObject(map, pairs[i].key, pairs[i].value);
}

static cJSON *pod_common(const struct rf_local_pod *pod)
{
	cJSON *o = cJSON_CreateObject();
	struct rf_addr addr4 = rf_addr4(pod->addr_be);

	cJSON_AddStringToObject(o, "ns", pod->ns);
	cJSON_AddStringToObject(o, "name", pod->name);
	cJSON_AddStringToObject(o, "service_account", pod->service_account);
	cJSON_AddStringToObject(o, "deployment", pod->deployment);
	add_address(o, "address", &addr4);
	add_address(o, "address6", &pod->addr6);
	add_pairs(o, "labels", pod->labels, pod->label_count);
	add_pairs(o, "annotations", pod->annotations, pod->annotation_count);
	cJSON_AddStringToObject(o, "key", pod->room.key);
	cJSON_AddStringToObject(o, "dir", pod->room.dir);
	cJSON_AddStringToObject(o, "log", pod->room.log);
	return o;
}

static void add_checker_error(cJSON *o, const struct rf_agent *agent, const struct rf_local_pod *pod)
{
	char text[128];

	if (!pod->checker_error)
		return;
	if (pod->checker_error == ENOTCONN)
		snprintf(text, sizeof(text), "the socket broker is not connected");
	else
		snprintf(text, sizeof(text), "port %u: %s", agent->instance.checker_port, strerror(pod->checker_error));
	cJSON_AddStringToObject(o, "checker_error", text);
}

/* What it has of the tables that all pods share, and how often it was refused more. */
static void add_flows(cJSON *o, struct rf_agent *agent, const struct rf_local_pod *pod)
{
	struct rf_usage usage;
	cJSON *f;

	if (rf_datapath_usage(agent->dp, pod->hook.cgroup_id, &usage) < 0)
		return; /* not hooked: said beside it */
	f = cJSON_AddObjectToObject(o, "flows");
	cJSON_AddNumberToObject(f, "used", (double)usage.flows);
	cJSON_AddNumberToObject(f, "max", RF_FLOWS_PER_POD);
	cJSON_AddNumberToObject(f, "waiting", (double)usage.origins);
	cJSON_AddNumberToObject(f, "waiting_max", RF_ORIGINS_PER_POD);
	cJSON_AddNumberToObject(f, "refused", (double)usage.refused);
	cJSON_AddNumberToObject(f, "events_lost", (double)usage.events_lost);
}

static cJSON *report_pod(struct rf_agent *agent, const struct rf_local_pod *pod)
{
	cJSON *o = pod_common(pod);

	cJSON_AddNumberToObject(o, "pid", pod->pid);
	cJSON_AddBoolToObject(o, "net_raw", pod->net_raw);
	cJSON_AddBoolToObject(o, "meshed", meshed(agent, pod->ns));
	cJSON_AddStringToObject(o, "state", rf_pod_state_name(pod->state));
	add_time(o, "created", pod->created_ns);
	add_time(o, "exited", pod->exited_ns);
	if (pod->command)
		cJSON_AddItemToObject(o, "command", cJSON_Duplicate(pod->command, true));
	if (pod->state == RF_POD_EXITED)
		return o;
	cJSON_AddBoolToObject(o, "hooked", rf_pods_hooked(pod));
	cJSON_AddItemToObject(o, "drift", rf_repair_report(pod->drift));
	cJSON_AddBoolToObject(o, "needs_checker", rf_policy_needs_checker(agent->revision.policy, pod->hook.pod.identity));
	add_attest(o, pod);
	add_flows(o, agent, pod);
	add_checker_error(o, agent, pod);
	return o;
}

cJSON *rf_report_pods(struct rf_agent *agent)
{
	cJSON *array = cJSON_CreateArray();

	rf_repair_look_at_all(agent);
	for (size_t i = 0; i < agent->pods.count; i++)
		cJSON_AddItemToArray(array, report_pod(agent, agent->pods.items[i]));
	return array;
}

cJSON *rf_report_new_pod(const struct rf_local_pod *pod)
{
	cJSON *o = pod_common(pod);

	cJSON_AddStringToObject(o, "cgroup", pod->room.cgroup);
	cJSON_AddStringToObject(o, "netns", pod->room.netns);
	cJSON_AddStringToObject(o, "hosts", pod->room.hosts);
	cJSON_AddItemToObject(o, "env", pod->env ? cJSON_Duplicate(pod->env, true) : cJSON_CreateArray());
	return o;
}

static void add_ports(cJSON *o, const struct rf_service *service)
{
	cJSON *ports = cJSON_AddArrayToObject(o, "ports");

	for (size_t i = 0; i < service->port_count; i++) {
		cJSON *p = cJSON_CreateObject();

		cJSON_AddStringToObject(p, "name", service->ports[i].name);
		cJSON_AddNumberToObject(p, "port", service->ports[i].port);
		cJSON_AddNumberToObject(p, "target_port", service->ports[i].target_port);
		cJSON_AddStringToObject(p, "protocol", service->ports[i].kind == RF_PORT_UDP ? "UDP" : "TCP");
		cJSON_AddItemToArray(ports, p);
	}
}

/* Addresses of the families that its name has, IPv4 first; "address" is the first of them, as Kubernetes' clusterIP. */
static void add_service_addresses(cJSON *o, const struct rf_service_address *a)
{
	bool none4 = rf_addr_is_none(&a->addr4), none6 = rf_addr_is_none(&a->addr6);

	if (none4 && none6)
		cJSON_AddStringToObject(o, "address", "None");
	else
		add_address(o, "address", none4 ? &a->addr6 : &a->addr4);
	if (!none4)
		add_address(o, "address6", &a->addr6);
}

static void add_endpoint(cJSON *array, const struct rf_addr *addr)
{
	char text[RF_ADDR_TEXT_MAX];

	if (!rf_addr_is_none(addr))
		cJSON_AddItemToArray(array, cJSON_CreateString(rf_addr_text(addr, text, sizeof(text))));
}

static const struct rf_service *find_service(const struct rf_objects *objects, const char *ns, const char *name)
{
	for (size_t i = 0; i < objects->services_count; i++)
		if (strcmp(objects->services[i].meta.ns, ns) == 0 && strcmp(objects->services[i].meta.name, name) == 0)
			return &objects->services[i];
	return NULL;
}

cJSON *rf_report_services(struct rf_agent *agent)
{
	const struct rf_policy *policy = agent->revision.policy;
	cJSON *array = cJSON_CreateArray();

	for (size_t i = 0; policy && agent->revision.objects && i < policy->address_count; i++) {
		const struct rf_service_address *a = &policy->addresses[i];
		const struct rf_service *service = find_service(agent->revision.objects, a->ns, a->name);
		cJSON *o = cJSON_CreateObject(), *endpoints;

		cJSON_AddStringToObject(o, "ns", a->ns);
		cJSON_AddStringToObject(o, "name", a->name);
		add_service_addresses(o, a);
		if (service)
			add_ports(o, service);
		endpoints = cJSON_AddArrayToObject(o, "endpoints");
		for (size_t k = 0; k < a->endpoint_count; k++) {
			if (a->family4)
				add_endpoint(endpoints, &a->endpoints[k].addr4);
			if (a->family6)
				add_endpoint(endpoints, &a->endpoints[k].addr6);
		}
		cJSON_AddItemToArray(array, o);
	}
	return array;
}

static void add_config(cJSON *o, struct rf_agent *agent)
{
	struct rf_config config = {};
	size_t audited;
	cJSON *c = cJSON_AddObjectToObject(o, "config");

	if (rf_datapath_config(agent->dp, &config) < 0)
		return; /* nothing published */
	cJSON_AddBoolToObject(c, "permissive", config.permissive);
	cJSON_AddBoolToObject(c, "egress", config.egress);
	if (rf_datapath_audited(agent->dp, &audited) == 0)
		cJSON_AddNumberToObject(c, "audited", (double)audited);
}

static void add_maps(cJSON *o, struct rf_agent *agent)
{
	struct rf_map_fill fills[FILLS_MAX];
	size_t count = FILLS_MAX;
	cJSON *maps = cJSON_AddArrayToObject(o, "maps");

	if (rf_datapath_fill(agent->dp, fills, &count) < 0)
		return;
	for (size_t i = 0; i < count; i++) {
		cJSON *m = cJSON_CreateObject();

		cJSON_AddStringToObject(m, "name", fills[i].name);
		cJSON_AddNumberToObject(m, "used", (double)fills[i].used);
		cJSON_AddNumberToObject(m, "max", (double)fills[i].max);
		cJSON_AddItemToArray(maps, m);
	}
}

static void add_reasons(cJSON *o, struct rf_agent *agent)
{
	uint64_t counters[_RF_REASON_MAX] = {}, lost[RF_LOST_MAX] = {};
	cJSON *reasons = cJSON_AddObjectToObject(o, "reasons");

	if (rf_datapath_reasons(agent->dp, counters, lost) == 0)
		for (uint32_t i = 0; i < _RF_REASON_MAX; i++)
			if (counters[i])
				cJSON_AddNumberToObject(reasons, rf_reason_name(i), (double)counters[i]);
	cJSON_AddNumberToObject(o, "events_lost", (double)(lost[RF_LOST_EVENTS] + rf_events_lost(agent->events)));
	cJSON_AddNumberToObject(o, "audit_lost", (double)lost[RF_LOST_AUDIT]);
}

static void add_broker(cJSON *o, struct rf_agent *agent)
{
	struct rf_broker_look look;
	cJSON *b = cJSON_AddObjectToObject(o, "broker");

	rf_broker_look(agent->broker, &look);
	cJSON_AddBoolToObject(b, "connected", look.connected);
	add_time(b, "since", look.since_ns);
	cJSON_AddNumberToObject(b, "checker_pid", look.checker_pid);
	cJSON_AddNumberToObject(b, "restarts", look.restarts);
	cJSON_AddNumberToObject(b, "listeners", look.listeners);
}

static void add_prober(cJSON *o, const struct rf_prober_watch *prober)
{
	cJSON *p = *prober->path ? cJSON_AddObjectToObject(o, "prober") : cJSON_AddNullToObject(o, "prober");

	if (!*prober->path)
		return;
	cJSON_AddStringToObject(p, "path", prober->path);
	cJSON_AddBoolToObject(p, "found", prober->found);
}

cJSON *rf_report_status(struct rf_agent *agent)
{
	cJSON *o = cJSON_CreateObject();

	cJSON_AddStringToObject(o, "name", "ringfenced");
	cJSON_AddStringToObject(o, "version", RF_VERSION);
	cJSON_AddNumberToObject(o, "pid", getpid());
	cJSON_AddStringToObject(o, "mesh", agent->mesh_name);
	cJSON_AddStringToObject(o, "policies", agent->policies);
	cJSON_AddStringToObject(o, "instance", agent->instance.name);
	add_time(o, "started", agent->started_ns);
	cJSON_AddBoolToObject(o, "ready", agent->ready);
	cJSON_AddItemToObject(o, "revision", rf_report_revision(agent));
	add_config(o, agent);
	add_error(o, agent);
	cJSON_AddItemToObject(o, "warnings", rf_report_diags(agent, false));
	cJSON_AddItemToObject(o, "pods", rf_report_pods(agent));
	add_maps(o, agent);
	add_reasons(o, agent);
	add_broker(o, agent);
	add_prober(o, &agent->prober);
	cJSON_AddItemToObject(o, "drift", rf_repair_report(agent->node_drift));
	cJSON_AddItemToObject(o, "repairs", rf_repair_counts(agent->repairs));
	rf_watch_soon(agent); /* what this look found is put back right after it was told */
	return o;
}
