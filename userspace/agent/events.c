/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/events.h"

#include <errno.h>
#include <stdlib.h>

struct entry {
	struct rf_event_line *line;
	unsigned show;
};

struct rf_events {
	size_t capacity;
	uint64_t added; /* the next goes to ring[added % capacity] */
	uint64_t lost;
	struct rf_events_listener listener;
	struct entry ring[];
};

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
		rf_event_line_unref(events->ring[i].line);
	free(events);
}

void rf_events_listen(struct rf_events *events, const struct rf_events_listener *listener)
{
	events->listener = listener ? *listener : (struct rf_events_listener){};
}

uint64_t rf_events_add(struct rf_events *events, struct rf_event_line *line, unsigned show)
{
	struct entry *e = &events->ring[events->added % events->capacity];

	if (!line) {
		events->lost++;
		return RF_EVENTS_NO_NUMBER;
	}
	if (e->line && events->listener.goes)
		events->listener.goes(events->listener.arg, events->added - events->capacity, e->line, e->show);
	rf_event_line_unref(e->line);
	*e = (struct entry){.line = line, .show = show};
	events->added++;
	if (events->listener.came)
		events->listener.came(events->listener.arg);
	return events->added - 1;
}

uint64_t rf_events_oldest(const struct rf_events *events)
{
	return events->added > events->capacity ? events->added - events->capacity : 0;
}

uint64_t rf_events_next(const struct rf_events *events)
{
	return events->added;
}

static bool is_there(const struct rf_events *events, uint64_t number)
{
	return number < events->added && number >= rf_events_oldest(events);
}

void rf_events_hide(struct rf_events *events, uint64_t number, unsigned show)
{
	if (is_there(events, number))
		events->ring[number % events->capacity].show &= ~show;
}

const struct rf_event_line *rf_events_at(const struct rf_events *events, uint64_t number, unsigned *ret_show)
{
	const struct entry *e = &events->ring[number % events->capacity];

	if (!is_there(events, number))
		return NULL;
	*ret_show = e->show;
	return e->line;
}

void rf_events_count_lost(struct rf_events *events, uint64_t count)
{
	events->lost += count;
}

uint64_t rf_events_lost(const struct rf_events *events)
{
	return events->lost;
}
