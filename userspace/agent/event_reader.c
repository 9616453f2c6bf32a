/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/event_reader.h"

#include "agent/event_text.h"

static uint64_t first_of_last(const struct rf_events *events, const struct rf_event_filter *filter, size_t last)
{
	uint64_t oldest = rf_events_oldest(events), first = rf_events_next(events);
	size_t found = 0;

	while (first > oldest && found < last) {
		unsigned show = 0;
		const struct rf_event_line *line = rf_events_at(events, --first, &show);

		found += line && !rf_event_line_is_loss(line) && rf_event_filter_match(filter, line, show);
	}
	return first;
}

void rf_event_reader_begin(struct rf_event_reader *reader, const struct rf_events *events, struct rf_event_filter *filter, size_t last,
			   bool follow)
{
	*reader = (struct rf_event_reader){
		.filter = filter, .next = first_of_last(events, filter, last), .end = follow ? UINT64_MAX : rf_events_next(events)};
}

void rf_event_reader_done(struct rf_event_reader *reader)
{
	rf_event_filter_free(reader->filter);
	*reader = (struct rf_event_reader){};
}

bool rf_event_reader_has_more(const struct rf_event_reader *reader, const struct rf_events *events)
{
	uint64_t next = rf_events_next(events);

	return reader->filter && (reader->missed || reader->next < (reader->end < next ? reader->end : next));
}

bool rf_event_reader_ended(const struct rf_event_reader *reader)
{
	return reader->filter && !reader->missed && reader->next >= reader->end;
}

static cJSON *tell_missed(struct rf_event_reader *reader, uint64_t now_ns)
{
	struct rf_event_line lost = rf_note_draft("lost", "this reader was too slow", now_ns);
	cJSON *object;

	lost.count = reader->missed;
	object = rf_event_json(&lost);
	if (object)
		reader->missed = 0;
	return object;
}

cJSON *rf_event_reader_next(struct rf_event_reader *reader, const struct rf_events *events, uint64_t now_ns)
{
	if (reader->missed)
		return tell_missed(reader, now_ns);
	while (rf_event_reader_has_more(reader, events)) {
		unsigned show = 0;
		const struct rf_event_line *line = rf_events_at(events, reader->next++, &show);
		cJSON *object;

		if (!line || !rf_event_filter_match(reader->filter, line, show))
			continue;
		object = rf_event_json(line);
		reader->missed += !object;
		return object;
	}
	return NULL;
}

void rf_event_reader_goes(struct rf_event_reader *reader, uint64_t number, const struct rf_event_line *line, unsigned show)
{
	if (!reader->filter || number < reader->next || number >= reader->end)
		return;
	reader->missed += rf_event_filter_match(reader->filter, line, show);
	reader->next = number + 1;
}
