/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "agent/event_filter.c"
#include "agent/event_json.c"
#include "agent/event_line.c"
#include "agent/event_reader.c"
#include "agent/event_text.c"
#include "agent/events.c"
#include "agent/moment.c"

struct world {
	struct rf_events *events;
	struct rf_event_reader reader;
};

static void on_goes(void *arg, uint64_t number, const struct rf_event_line *line, unsigned show)
{
	struct world *w = arg;

	rf_event_reader_goes(&w->reader, number, line, show);
}

static void world_up(struct world *w, size_t capacity)
{
	const struct rf_events_listener listener = {.arg = w, .goes = on_goes};

	*w = (struct world){};
	assert_int_equal(rf_events_new(capacity, &w->events), 0);
	rf_events_listen(w->events, &listener);
}

static void world_down(struct world *w)
{
	rf_event_reader_done(&w->reader);
	rf_events_free(w->events);
}

/* Port numbers tell the lines apart; even ones are denied. */
static void add(struct world *w, uint16_t port)
{
	const struct rf_event_line draft = {.kind = RF_LINE_CONNECT,
					    .verdict = port % 2 ? RF_EVENT_ALLOWED : RF_EVENT_DENIED,
					    .source.account = "a/b",
					    .destination = {.account = "c/d", .port = port}};

	(void)rf_events_add(w->events, rf_event_line_new(&draft), RF_SHOW_BOTH);
}

static void begin(struct world *w, const char *verdict, size_t last, bool follow)
{
	static const struct rf_event_world nobody;
	struct rf_event_filter *filter = NULL;
	_cleanup_json_ cJSON *request = cJSON_CreateObject();
	char error[128];

	if (verdict)
		cJSON_AddStringToObject(request, "verdict", verdict);
	assert_int_equal(rf_event_filter_new(request, 0, &nobody, &filter, error, sizeof(error)), 0);
	rf_event_reader_begin(&w->reader, w->events, filter, last, follow);
}

/* Reads at most so many lines: "2 4 -3 8", where -3 stands for three that were lost. */
static const char *read_lines(struct world *w, int most)
{
	static char text[256];
	size_t n = 0;

	text[0] = '\0';
	while (most--) {
		_cleanup_json_ cJSON *o = rf_event_reader_next(&w->reader, w->events, 0);

		if (!o)
			break;
		n += (size_t)snprintf(text + n, sizeof(text) - n, "%s%.0f", n ? " " : "",
				      rf_json_number(o, "port", 0) - rf_json_number(o, "count", 0));
	}
	return text;
}

static void test_last_counts_what_matches(void **state)
{
	struct world w;

	(void)state;
	world_up(&w, 16);
	for (uint16_t i = 1; i <= 9; i++)
		add(&w, i);
	begin(&w, "denied", 2, false);
	add(&w, 10); /* came after the question */
	assert_string_equal(read_lines(&w, 99), "6 8");
	assert_true(rf_event_reader_ended(&w.reader));
	rf_event_reader_done(&w.reader);
	begin(&w, NULL, 99, false);
	assert_false(rf_event_reader_ended(&w.reader));
	assert_string_equal(read_lines(&w, 99), "1 2 3 4 5 6 7 8 9 10");
	rf_event_reader_done(&w.reader);
	begin(&w, NULL, 0, false);
	assert_string_equal(read_lines(&w, 99), "");
	assert_true(rf_event_reader_ended(&w.reader));
	world_down(&w);
}

static void test_following(void **state)
{
	struct world w;

	(void)state;
	world_up(&w, 16);
	add(&w, 2);
	begin(&w, "denied", 1, true);
	assert_string_equal(read_lines(&w, 99), "2");
	assert_false(rf_event_reader_has_more(&w.reader, w.events));
	add(&w, 3);
	assert_string_equal(read_lines(&w, 99), "");
	add(&w, 4);
	assert_true(rf_event_reader_has_more(&w.reader, w.events));
	assert_string_equal(read_lines(&w, 99), "4");
	assert_false(rf_event_reader_ended(&w.reader));
	world_down(&w);
}

static void test_slow_reader_is_told_what_it_missed(void **state)
{
	struct world w;

	(void)state;
	world_up(&w, 4);
	begin(&w, "denied", 0, true);
	for (uint16_t i = 1; i <= 10; i++)
		add(&w, i);
	/* 7 to 10 are left; of the others 2, 4 and 6 would have been shown. */
	assert_string_equal(read_lines(&w, 2), "-3 8");
	for (uint16_t i = 11; i <= 14; i++)
		add(&w, i);
	assert_string_equal(read_lines(&w, 99), "-1 12 14");
	assert_string_equal(read_lines(&w, 99), "");
	world_down(&w);
}

static void test_slow_reader_of_the_past(void **state)
{
	struct world w;

	(void)state;
	world_up(&w, 4);
	for (uint16_t i = 1; i <= 4; i++)
		add(&w, i);
	begin(&w, NULL, 4, false);
	assert_string_equal(read_lines(&w, 1), "1");
	for (uint16_t i = 5; i <= 20; i++)
		add(&w, i);
	assert_false(rf_event_reader_ended(&w.reader)); /* it is still to hear of the loss */
	assert_string_equal(read_lines(&w, 99), "-3");
	assert_true(rf_event_reader_ended(&w.reader));
	world_down(&w);
}

static void test_losses_are_shown_and_not_counted(void **state)
{
	struct rf_event_line lost = rf_note_draft("lost", "x", 0);
	struct world w;

	(void)state;
	world_up(&w, 16);
	add(&w, 2);
	add(&w, 4);
	lost.count = 7;
	(void)rf_events_add(w.events, rf_event_line_new(&lost), RF_SHOW_BOTH);
	add(&w, 6);
	begin(&w, "denied", 2, false);
	assert_string_equal(read_lines(&w, 99), "4 -7 6");
	world_down(&w);
}

static void test_reader_of_nothing(void **state)
{
	struct world w;

	(void)state;
	world_up(&w, 2);
	for (uint16_t i = 1; i <= 4; i++)
		add(&w, i);
	assert_false(rf_event_reader_has_more(&w.reader, w.events));
	assert_false(rf_event_reader_ended(&w.reader));
	assert_null(rf_event_reader_next(&w.reader, w.events, 0));
	world_down(&w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_last_counts_what_matches),           cmocka_unit_test(test_following),
		cmocka_unit_test(test_slow_reader_is_told_what_it_missed), cmocka_unit_test(test_slow_reader_of_the_past),
		cmocka_unit_test(test_losses_are_shown_and_not_counted),   cmocka_unit_test(test_reader_of_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
