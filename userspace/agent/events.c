/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/events.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

struct entry {
	char *line;
	size_t len;
	enum rf_event_verdict verdict;
};

struct rf_events {
	size_t capacity;
	uint64_t added; /* the next goes to ring[added % capacity] */
	uint64_t lost;
	rf_events_fn fn;
	void *arg;
	struct entry ring[];
};

static const struct {
	enum rf_event_verdict verdict;
	const char *name;
} verdicts[] = {
	{RF_EVENT_ALLOWED, "allowed"},
	{RF_EVENT_DENIED, "denied"},
	{RF_EVENT_FAILED, "failed"},
	{RF_EVENT_NOTE, "note"},
};

const char *rf_event_verdict_name(enum rf_event_verdict verdict)
{
	for (size_t i = 0; i < RF_ARRAY_SIZE(verdicts); i++)
		if (verdicts[i].verdict == verdict)
			return verdicts[i].name;
	return "denied";
}

unsigned rf_event_verdict_mask(const char *name)
{
	for (size_t i = 0; name && i < RF_ARRAY_SIZE(verdicts); i++)
		if (strcmp(verdicts[i].name, name) == 0)
			return verdicts[i].verdict;
	return name ? 0 : RF_EVENT_ANY;
}

int rf_events_new(size_t capacity, struct rf_events **ret)
{
	struct rf_events *events;

	if (!capacity || capacity > 1u << 24)
		return -EINVAL;
	events = calloc(1, sizeof(*events) + capacity * sizeof(events->ring[0]));
	if (!events)
		return -ENOMEM;
	events->capacity = capacity;
	*ret = events;
	return 0;
}

void rf_events_free(struct rf_events *events)
{
	for (size_t i = 0; events && i < events->capacity; i++)
		free(events->ring[i].line);
	free(events);
}

void rf_events_listen(struct rf_events *events, rf_events_fn fn, void *arg)
{
	events->fn = fn;
	events->arg = arg;
}

int rf_events_add(struct rf_events *events, enum rf_event_verdict verdict, cJSON *item)
{
	char *line = item ? cJSON_PrintUnformatted(item) : NULL;
	struct entry *e;

	cJSON_Delete(item);
	if (!line) {
		events->lost++;
		return -ENOMEM;
	}
	e = &events->ring[events->added++ % events->capacity];
	free(e->line);
	*e = (struct entry){.line = line, .len = strlen(line), .verdict = verdict};
	if (events->fn)
		events->fn(events->arg, verdict, e->line, e->len);
	return 0;
}

void rf_events_each(const struct rf_events *events, unsigned mask, size_t last, rf_events_fn fn, void *arg)
{
	uint64_t oldest = events->added > events->capacity ? events->added - events->capacity : 0;
	uint64_t first = events->added;

	for (size_t found = 0; first > oldest && found < last; first--)
		found += (events->ring[(first - 1) % events->capacity].verdict & mask) != 0;
	for (uint64_t i = first; i < events->added; i++) {
		const struct entry *e = &events->ring[i % events->capacity];

		if (e->verdict & mask)
			fn(arg, e->verdict, e->line, e->len);
	}
}

void rf_events_count_lost(struct rf_events *events, uint64_t count)
{
	events->lost += count;
}

uint64_t rf_events_lost(const struct rf_events *events)
{
	return events->lost;
}
