/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/flow_events.h"

#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "agent/agent.h"
#include "agent/event_text.h"
#include "core/clock.h"
#include "datapath/flows.h"

#define BATCH     8192 /* as many as the event ring keeps */
#define MOMENT_MS 500

static int64_t clock_offset_ns(void)
{
	struct timespec real, mono;

	clock_gettime(CLOCK_REALTIME, &real);
	clock_gettime(CLOCK_MONOTONIC, &mono);
	return (int64_t)(real.tv_sec - mono.tv_sec) * 1000000000 + (real.tv_nsec - mono.tv_nsec);
}

static void come_back(void);
static struct rf_source *moment;
static bool coming_back;
static uint64_t lost_before; /* of the kernel's and our own, what was told or was before us */

/* A line where something is missing, at most one a second. */
static void tell_lost(struct rf_agent *agent)
{
	uint64_t kernel = 0, now;
	struct rf_event_line note;

	if (rf_datapath_lost(agent->dp, &kernel) < 0)
		return;
	now = kernel + rf_events_lost(agent->events);
	if (now <= lost_before)
		return;
	note = rf_note_draft("lost", "events that no line tells of: too many at once, or of one pod in a second", rf_now_realtime_ns());
	note.count = now - lost_before;
	lost_before = now;
	(void)rf_events_add(agent->events, rf_event_line_new(&note), RF_SHOW_BOTH);
}

static void on_moment(void *arg)
{
	struct rf_agent *agent = arg;

	coming_back = false;
	tell_lost(agent);
	if (rf_flow_book_tell(agent->book, rf_now_ns()))
		come_back();
}

/* Soon after something has happened there may be something to tell: a flow that is still open, a loss. */
static void come_back(void)
{
	if (!coming_back)
		(void)rf_timer_arm(moment, MOMENT_MS);
	coming_back = true;
}

static int resolve_identity(void *arg, rf_identity_t identity, char *text, size_t size)
{
	struct rf_agent *agent = arg;
	const struct rf_policy *policy = agent->revision.policy;

	for (size_t i = 0; policy && i < policy->names_count; i++) {
		if (policy->names_keys[i] != identity)
			continue;
		snprintf(text, size, "%s", policy->names_values[i].text);
		return 0;
	}
	return rf_datapath_name(agent->dp, identity, text, size);
}

static int resolve_pod(void *arg, const struct rf_addr *addr, char *text, size_t size)
{
	struct rf_agent *agent = arg;
	const struct rf_local_pod *pod = rf_registry_by_address(&agent->pods, addr);

	if (!pod)
		return -ENOENT;
	snprintf(text, size, "%s/%s", pod->ns, pod->name);
	return 0;
}

static int resolve_service(void *arg, const struct rf_addr *addr, char *text, size_t size)
{
	struct rf_agent *agent = arg;
	const struct rf_policy *policy = agent->revision.policy;

	for (size_t i = 0; policy && i < policy->address_count; i++) {
		const struct rf_service_address *service = &policy->addresses[i];

		if (!rf_addr_equal(&service->addr4, addr) && !rf_addr_equal(&service->addr6, addr))
			continue;
		snprintf(text, size, "%s/%s", service->ns, service->name);
		return 0;
	}
	return -ENOENT;
}

static int resolve_pod_addr(void *arg, uint64_t cgroup_id, const struct rf_addr *like, struct rf_addr *ret)
{
	struct rf_agent *agent = arg;
	const struct rf_local_pod *pod = rf_registry_by_cgroup(&agent->pods, cgroup_id);

	if (!pod)
		return -ENOENT;
	*ret = rf_addr_is4(like) ? rf_addr4(pod->addr_be) : pod->addr6;
	return 0;
}

static int resolve_rule(void *arg, uint32_t rule_id, char *text, size_t size)
{
	struct rf_agent *agent = arg;
	const struct rf_policy *policy = agent->revision.policy;

	if (policy && rule_id < policy->rule_count) {
		snprintf(text, size, "%s", policy->rules[rule_id].text);
		return 0;
	}
	return rf_datapath_rule(agent->dp, rule_id, text, size);
}

static struct rf_resolver resolver_of(struct rf_agent *agent)
{
	return (struct rf_resolver){.arg = agent,
				    .identity = resolve_identity,
				    .pod = resolve_pod,
				    .service = resolve_service,
				    .rule = resolve_rule,
				    .pod_addr = resolve_pod_addr};
}

/* Sorted by namespace and name. */
static const struct rf_service_address *find_service(const struct rf_policy *policy, const char *ns, const char *name)
{
	size_t low = 0, high = policy ? policy->address_count : 0;

	while (low < high) {
		const struct rf_service_address *s = &policy->addresses[low + (high - low) / 2];
		int order = strcmp(s->ns, ns);

		if (!order)
			order = strcmp(s->name, name);
		if (!order)
			return s;
		if (order < 0)
			low += (high - low) / 2 + 1;
		else
			high = low + (high - low) / 2;
	}
	return NULL;
}

static bool in_service(void *arg, const char *name, const struct rf_addr *addr)
{
	const struct rf_agent *agent = arg;
	const struct rf_service_address *service;
	char ns[RF_IDENTITY_NAME_MAX];
	const char *slash = strchr(name, '/');

	snprintf(ns, sizeof(ns), "%.*s", slash ? (int)(slash - name) : 0, name);
	service = slash ? find_service(agent->revision.policy, ns, slash + 1) : NULL;
	if (!service)
		return false;
	if (rf_addr_equal(&service->addr4, addr) || rf_addr_equal(&service->addr6, addr))
		return true;
	for (size_t i = 0; i < service->endpoint_count; i++)
		if (rf_addr_equal(&service->endpoints[i].addr4, addr) || rf_addr_equal(&service->endpoints[i].addr6, addr))
			return true;
	return false;
}

struct rf_event_world rf_flow_events_world(struct rf_agent *agent)
{
	return (struct rf_event_world){.arg = agent, .in_service = in_service};
}

static struct rf_tuple tuple_of(const struct rf_event *event)
{
	return (struct rf_tuple){
		.saddr = event->saddr, .daddr = event->daddr, .sport = event->sport, .dport = event->dport, .proto = event->proto};
}

/* The end of a connection that was opened before this agent began, or too many ago: the table still knows why it was admitted. */
static void recall_reason(struct rf_agent *agent, const struct rf_tuple *key, struct rf_event *event)
{
	struct rf_flow flow;

	if (rf_addr_equal(&key->saddr, &key->daddr) || rf_datapath_flow(agent->dp, key, &flow) < 0 || !rf_reason_admits(flow.reason))
		return;
	event->reason = flow.reason;
	event->epoch = flow.epoch;
	event->rule_id = flow.epoch == agent->revision.epoch ? flow.rule_id : 0; /* rules of another revision have other numbers */
}

static void tell(struct rf_agent *agent, struct rf_event *event, int64_t offset)
{
	struct rf_resolver resolver = resolver_of(agent);
	const struct rf_tuple key = tuple_of(event);
	struct rf_event_draft draft;
	unsigned show;

	if (event->kind == RF_EVENT_CLOSE && !rf_flow_book_has(agent->book, &key))
		recall_reason(agent, &key, event);
	rf_event_draft(&resolver, event, offset, &draft);
	show = rf_event_line_is_detail(&draft.line) ? RF_SHOW_ALL : RF_SHOW_BOTH;
	if (draft.line.kind == RF_LINE_CLOSE)
		rf_flow_book_closed(agent->book, &key, &draft.line);
	else if (draft.line.kind == RF_LINE_OPEN && show == RF_SHOW_BOTH)
		rf_flow_book_opened(agent->book, &key, rf_event_line_new(&draft.line), event->time_ns);
	else
		(void)rf_events_add(agent->events, rf_event_line_new(&draft.line), show); /* counts what it cannot keep */
}

/* The drain's callback must not ask the datapath for names, so events are put aside first. */
struct batch {
	struct rf_event items[BATCH];
	size_t count;
	uint64_t dropped;
};

static void put_aside(void *arg, const struct rf_event *event)
{
	struct batch *b = arg;

	if (b->count < BATCH)
		b->items[b->count++] = *event;
	else
		b->dropped++;
}

static void drain(struct rf_agent *agent)
{
	static struct batch batch; /* one thread, and too large for its stack */
	int64_t offset = clock_offset_ns();

	batch.count = 0;
	batch.dropped = 0;
	(void)rf_datapath_events_drain(agent->dp, put_aside, &batch);
	for (size_t i = 0; i < batch.count; i++)
		tell(agent, &batch.items[i], offset);
	if (batch.dropped)
		rf_events_count_lost(agent->events, batch.dropped);
	come_back();
}

static void on_ring(void *arg, int fd, uint32_t events)
{
	(void)fd;
	(void)events;
	drain(arg);
}

void rf_flow_events_lost(struct rf_agent *agent, uint64_t count)
{
	rf_events_count_lost(agent->events, count);
	come_back();
}

void rf_flow_events_access(struct rf_agent *agent, const struct rf_access_record *record)
{
	struct rf_resolver resolver = resolver_of(agent);
	struct rf_event_draft draft;

	rf_access_draft(&resolver, record, clock_offset_ns(), &draft);
	(void)rf_datapath_count_request(agent->dp, record->reason); /* a count less changes no decision */
	(void)rf_events_add(agent->events, rf_event_line_new(&draft.line), RF_SHOW_BOTH);
	if (record->lost)
		rf_events_count_lost(agent->events, record->lost);
	come_back();
}

/* Connections that a pod opened are told by their socket when they end; the checker's are told as requests. */
static bool is_ours_to_tell(const struct rf_agent *agent, const struct rf_tuple *key, const struct rf_flow *flow)
{
	if (flow->via_checker)
		return false;
	return key->proto == IPPROTO_UDP || !flow->src || rf_flow_book_has(agent->book, key);
}

bool rf_flow_events_over(struct rf_agent *agent, const struct rf_tuple *key, const struct rf_flow *flow)
{
	struct rf_resolver resolver = resolver_of(agent);
	struct rf_flow known = *flow;
	struct rf_event_draft draft;

	if (!is_ours_to_tell(agent, key, flow))
		return false;
	if (flow->epoch != agent->revision.epoch)
		known.rule_id = 0;
	rf_flow_draft(&resolver, key, &known, clock_offset_ns(), &draft);
	rf_flow_book_closed(agent->book, key, &draft.line);
	return true;
}

void rf_flow_events_gone(struct rf_agent *agent, const struct rf_local_pod *pod)
{
	const struct rf_addr addr4 = rf_addr4(pod->addr_be);

	drain(agent); /* while the pod still has its name */
	rf_flow_book_gone(agent->book, &addr4, rf_now_realtime_ns());
	if (!rf_addr_is_none(&pod->addr6))
		rf_flow_book_gone(agent->book, &pod->addr6, rf_now_realtime_ns());
}

int rf_flow_events_start(struct rf_agent *agent)
{
	int fd = rf_datapath_events_fd(agent->dp);
	int r = fd < 0 ? fd : rf_datapath_lost(agent->dp, &lost_before);

	if (r == 0)
		r = rf_loop_timer(agent->loop, -1, on_moment, agent, &moment);
	return r < 0 ? r : rf_loop_add(agent->loop, fd, EPOLLIN, on_ring, agent, NULL);
}
