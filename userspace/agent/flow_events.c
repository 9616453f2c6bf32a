/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/flow_events.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "agent/agent.h"
#include "agent/event_text.h"

#define BATCH 8192 /* as many as the event ring keeps */

static int64_t clock_offset_ns(void)
{
	struct timespec real, mono;

	clock_gettime(CLOCK_REALTIME, &real);
	clock_gettime(CLOCK_MONOTONIC, &mono);
	return (int64_t)(real.tv_sec - mono.tv_sec) * 1000000000 + (real.tv_nsec - mono.tv_nsec);
}

static int compare_identities(const void *a, const void *b)
{
	rf_identity_t x = *(const rf_identity_t *)a, y = *(const rf_identity_t *)b;

	return x < y ? -1 : x > y;
}

/* A flood of events asks this a thousand times a second. */
static int resolve_identity(void *arg, rf_identity_t identity, char *text, size_t size)
{
	struct rf_agent *agent = arg;
	const struct rf_policy *policy = agent->revision.policy;
	const rf_identity_t *key = NULL;

	if (policy && policy->names_count)
		key = bsearch(&identity, policy->names_keys, policy->names_count, sizeof(*key), compare_identities);
	if (!key)
		return rf_datapath_name(agent->dp, identity, text, size);
	snprintf(text, size, "%s", policy->names_values[key - policy->names_keys].text);
	return 0;
}

static int resolve_address(void *arg, const struct rf_addr *addr, uint16_t port, char *text, size_t size)
{
	struct rf_agent *agent = arg;
	const struct rf_policy *policy = agent->revision.policy;
	const struct rf_local_pod *pod = rf_registry_by_address(&agent->pods, addr);

	(void)port;
	if (rf_addr_is_none(addr))
		return -ENOENT;
	if (pod) {
		snprintf(text, size, "%s/%s", pod->ns, pod->name);
		return 0;
	}
	for (size_t i = 0; policy && i < policy->address_count; i++) {
		const struct rf_service_address *service = &policy->addresses[i];

		if (!rf_addr_equal(&service->addr4, addr) && !rf_addr_equal(&service->addr6, addr))
			continue;
		snprintf(text, size, "%s/%s", service->ns, service->name);
		return 0;
	}
	return -ENOENT;
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
	return (struct rf_resolver){.arg = agent, .identity = resolve_identity, .address = resolve_address, .rule = resolve_rule};
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

static void on_ring(void *arg, int fd, uint32_t events)
{
	struct rf_agent *agent = arg;
	struct rf_resolver resolver = resolver_of(agent);
	static struct batch batch; /* one thread, and too large for its stack */
	int64_t offset = clock_offset_ns();

	(void)fd;
	(void)events;
	batch.count = 0;
	batch.dropped = 0;
	(void)rf_datapath_events_drain(agent->dp, put_aside, &batch);
	for (size_t i = 0; i < batch.count; i++) {
		enum rf_event_verdict verdict = RF_EVENT_DENIED;
		cJSON *item = rf_event_render(&resolver, &batch.items[i], offset, &verdict);

		(void)rf_events_add(agent->events, verdict, item); /* counts what it cannot keep */
	}
	if (batch.dropped)
		rf_events_count_lost(agent->events, batch.dropped);
}

void rf_flow_events_access(struct rf_agent *agent, const struct rf_access_record *record)
{
	struct rf_resolver resolver = resolver_of(agent);
	enum rf_event_verdict verdict = RF_EVENT_DENIED;
	cJSON *item = rf_access_render(&resolver, record, clock_offset_ns(), &verdict);

	(void)rf_datapath_count_request(agent->dp, record->reason); /* a count less changes no decision */
	(void)rf_events_add(agent->events, verdict, item);
	if (record->lost)
		rf_events_count_lost(agent->events, record->lost);
}

int rf_flow_events_start(struct rf_agent *agent)
{
	int fd = rf_datapath_events_fd(agent->dp);

	return fd < 0 ? fd : rf_loop_add(agent->loop, fd, EPOLLIN, on_ring, agent, NULL);
}
