/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "agent/event_line.c"
#include "agent/event_text.c"
#include "agent/events.c"
#include "agent/flow_book.c"
#include "event_world.h"

#define SECOND 1000000000ull

struct world {
	struct rf_events *events;
	struct rf_flow_book *book;
};

static void world_up(struct world *w, size_t capacity)
{
	assert_int_equal(rf_events_new(64, &w->events), 0);
	assert_int_equal(rf_flow_book_new(w->events, capacity, &w->book), 0);
}

static void world_down(struct world *w)
{
	rf_flow_book_free(w->book);
	rf_events_free(w->events);
}

static struct rf_tuple tuple(uint16_t sport, uint8_t proto)
{
	return (struct rf_tuple){.saddr = BUYER_POD, .daddr = STORE_POD, .sport = sport, .dport = 3000, .proto = proto};
}

static void open_flow(struct world *w, uint16_t sport, uint8_t proto, uint16_t reason, uint64_t now)
{
	const struct rf_tuple key = tuple(sport, proto);
	struct rf_event event = kernel_event(RF_EVENT_PACKET, reason);
	struct rf_event_draft draft;

	event.proto = proto;
	event.sport = sport;
	event.rule_id = 3;
	event.time_ns = now;
	rf_event_draft(&resolver, &event, 0, &draft);
	rf_flow_book_opened(w->book, &key, rf_event_line_new(&draft.line), now);
}

static void close_flow(struct world *w, uint16_t sport, uint8_t proto, uint64_t now, uint64_t bytes)
{
	const struct rf_tuple key = tuple(sport, proto);
	const struct rf_event_line end = {.kind = RF_LINE_CLOSE,
					  .time_ns = now,
					  .proto = proto,
					  .verdict = RF_EVENT_ALLOWED,
					  .reason = RF_REASON_ALLOW_FLOW,
					  .source.account = "unknown",
					  .destination.account = "unknown",
					  .has_bytes = true,
					  .bytes = bytes};

	rf_flow_book_closed(w->book, &key, &end);
}

/* What `show` sees, a letter a line: o for open, c for close. */
static const char *story(const struct world *w, unsigned show)
{
	static char text[128];
	size_t n = 0;

	for (uint64_t i = rf_events_oldest(w->events); i < rf_events_next(w->events); i++) {
		unsigned shown = 0;
		const struct rf_event_line *line = rf_events_at(w->events, i, &shown);

		if (shown & show)
			text[n++] = rf_line_kind_name(line->kind)[0];
	}
	text[n] = '\0';
	return text;
}

static const struct rf_event_line *last(const struct world *w)
{
	unsigned show;

	return rf_events_at(w->events, rf_events_next(w->events) - 1, &show);
}

static void test_short_flow_is_one_line(void **state)
{
	struct world w;

	(void)state;
	world_up(&w, 8);
	open_flow(&w, 1, IPPROTO_TCP, RF_REASON_ALLOW_RULE, 5 * SECOND);
	assert_string_equal(story(&w, RF_SHOW_USUAL), "");
	assert_string_equal(story(&w, RF_SHOW_ALL), "o");
	assert_true(rf_flow_book_tell(w.book, 5 * SECOND + SECOND / 2));
	close_flow(&w, 1, IPPROTO_TCP, 5 * SECOND + SECOND / 2, 100);
	assert_string_equal(story(&w, RF_SHOW_USUAL), "c");
	assert_string_equal(story(&w, RF_SHOW_ALL), "oc");
	assert_false(rf_flow_book_tell(w.book, 60 * SECOND));
	assert_string_equal(story(&w, RF_SHOW_USUAL), "c");
	world_down(&w);
}

static void test_end_knows_what_the_opening_knew(void **state)
{
	const struct rf_event_line *line;
	struct world w;

	(void)state;
	world_up(&w, 8);
	open_flow(&w, 1, IPPROTO_TCP, RF_REASON_ALLOW_RULE, 5 * SECOND);
	close_flow(&w, 1, IPPROTO_TCP, 7 * SECOND, 100);
	line = last(&w);
	assert_string_equal(line->source.account, "shop/buyer");
	assert_string_equal(line->destination.pod, "shop/store-1");
	assert_string_equal(line->rule, "TrafficTarget shop/store (a.yaml:3)");
	assert_int_equal(line->reason, RF_REASON_ALLOW_RULE);
	assert_int_equal(line->epoch, 7);
	assert_int_equal(line->bytes, 100);
	assert_true(line->has_duration && line->duration_ns == 2 * SECOND);
	assert_int_equal(line->time_ns, 7 * SECOND);
	world_down(&w);
}

static void test_long_flow_is_told_while_it_is_open(void **state)
{
	struct world w;

	(void)state;
	world_up(&w, 8);
	open_flow(&w, 1, IPPROTO_TCP, RF_REASON_ALLOW_RULE, 5 * SECOND);
	open_flow(&w, 2, IPPROTO_TCP, RF_REASON_ALLOW_RULE, 5 * SECOND + 1);
	assert_true(rf_flow_book_tell(w.book, 6 * SECOND));
	assert_string_equal(story(&w, RF_SHOW_USUAL), "o");
	assert_false(rf_flow_book_tell(w.book, 6 * SECOND + 1));
	assert_string_equal(story(&w, RF_SHOW_USUAL), "oo");
	assert_string_equal(story(&w, RF_SHOW_ALL), "oo"); /* and nothing twice for who wants all */
	close_flow(&w, 1, IPPROTO_TCP, 9 * SECOND, 1);
	assert_string_equal(story(&w, RF_SHOW_USUAL), "oc"); /* the other is still open */
	world_down(&w);
}

static void test_unknown_end_is_told_as_it_is(void **state)
{
	struct world w;

	(void)state;
	world_up(&w, 8);
	close_flow(&w, 1, IPPROTO_TCP, 9 * SECOND, 1);
	assert_string_equal(story(&w, RF_SHOW_USUAL), "c");
	assert_int_equal(last(&w)->reason, RF_REASON_ALLOW_FLOW);
	assert_false(last(&w)->has_duration);
	world_down(&w);
}

static void test_failed_stays_failed(void **state)
{
	const struct rf_tuple key = tuple(1, IPPROTO_TCP);
	const struct rf_event_line end = {.kind = RF_LINE_CLOSE, .time_ns = 9 * SECOND, .proto = IPPROTO_TCP, .verdict = RF_EVENT_FAILED};
	struct world w;

	(void)state;
	world_up(&w, 8);
	open_flow(&w, 1, IPPROTO_TCP, RF_REASON_ALLOW_RULE, 5 * SECOND);
	rf_flow_book_closed(w.book, &key, &end);
	assert_int_equal(last(&w)->verdict, RF_EVENT_FAILED);
	assert_int_equal(last(&w)->reason, RF_REASON_ALLOW_RULE);
	world_down(&w);
}

static void test_repeated_syn_is_no_new_flow(void **state)
{
	struct world w;

	(void)state;
	world_up(&w, 8);
	open_flow(&w, 1, IPPROTO_TCP, RF_REASON_ALLOW_RULE, 5 * SECOND);
	open_flow(&w, 1, IPPROTO_TCP, RF_REASON_ALLOW_RULE, 6 * SECOND);
	open_flow(&w, 2, IPPROTO_UDP, RF_REASON_ALLOW_UNMESHED, 6 * SECOND); /* outside the mesh each datagram says so */
	open_flow(&w, 2, IPPROTO_UDP, RF_REASON_ALLOW_UNMESHED, 6 * SECOND);
	rf_flow_book_tell(w.book, 60 * SECOND);
	assert_string_equal(story(&w, RF_SHOW_USUAL), "oo");
	assert_string_equal(story(&w, RF_SHOW_ALL), "oooo");
	close_flow(&w, 1, IPPROTO_TCP, 65 * SECOND, 1);
	assert_true(last(&w)->duration_ns == 60 * SECOND);
	assert_false(rf_flow_book_has(w.book, &(struct rf_tuple){}));
	world_down(&w);
}

static void test_answers_outside_the_mesh_are_no_new_flow(void **state)
{
	const struct rf_tuple back = {.saddr = STORE_POD, .daddr = BUYER_POD, .sport = 3000, .dport = 1, .proto = IPPROTO_UDP};
	struct rf_event_line line = {.kind = RF_LINE_OPEN, .proto = IPPROTO_UDP, .reason = RF_REASON_ALLOW_UNMESHED};
	struct world w;

	(void)state;
	world_up(&w, 8);
	open_flow(&w, 1, IPPROTO_UDP, RF_REASON_ALLOW_UNMESHED, 6 * SECOND);
	rf_flow_book_opened(w.book, &back, rf_event_line_new(&line), 6 * SECOND);
	rf_flow_book_tell(w.book, 60 * SECOND);
	assert_string_equal(story(&w, RF_SHOW_USUAL), "o");
	line.reason = RF_REASON_ALLOW_DATAGRAM; /* in the mesh the table knows an answer: this is the other end's own */
	rf_flow_book_opened(w.book, &back, rf_event_line_new(&line), 61 * SECOND);
	rf_flow_book_tell(w.book, 70 * SECOND);
	assert_string_equal(story(&w, RF_SHOW_USUAL), "oo");
	world_down(&w);
}

static void test_new_exchange_of_datagrams(void **state)
{
	struct world w;

	(void)state;
	world_up(&w, 8);
	open_flow(&w, 1, IPPROTO_UDP, RF_REASON_ALLOW_RULE, 5 * SECOND);
	rf_flow_book_tell(w.book, 6 * SECOND);
	open_flow(&w, 1, IPPROTO_UDP, RF_REASON_ALLOW_RULE, 300 * SECOND);
	rf_flow_book_tell(w.book, 301 * SECOND);
	assert_string_equal(story(&w, RF_SHOW_USUAL), "oo");
	close_flow(&w, 1, IPPROTO_UDP, 310 * SECOND, 1);
	assert_true(last(&w)->duration_ns == 10 * SECOND);
	world_down(&w);
}

static void test_full_book_forgets_the_oldest(void **state)
{
	const struct rf_tuple first = tuple(1, IPPROTO_TCP), third = tuple(3, IPPROTO_TCP);
	struct world w;

	(void)state;
	world_up(&w, 2);
	for (uint16_t i = 1; i <= 3; i++)
		open_flow(&w, i, IPPROTO_TCP, RF_REASON_ALLOW_RULE, 5 * SECOND);
	assert_false(rf_flow_book_has(w.book, &first));
	assert_true(rf_flow_book_has(w.book, &third));
	assert_string_equal(story(&w, RF_SHOW_USUAL), "o"); /* it is told before it is forgotten */
	rf_flow_book_tell(w.book, 60 * SECOND);
	assert_string_equal(story(&w, RF_SHOW_USUAL), "ooo");
	close_flow(&w, 1, IPPROTO_TCP, 61 * SECOND, 1);
	assert_int_equal(last(&w)->reason, RF_REASON_ALLOW_FLOW);
	world_down(&w);
}

/* Against a model: every flow that was opened and not closed is there, in any order of opening and closing. */
static void test_random_order(void **state)
{
	enum { FLOWS = 200 };
	bool open[FLOWS] = {};
	unsigned seed = 4711;
	struct world w;

	(void)state;
	world_up(&w, FLOWS);
	for (int i = 0; i < 20000; i++) {
		const uint16_t which = (uint16_t)(rand_r(&seed) % FLOWS);
		const struct rf_tuple key = tuple(which, IPPROTO_TCP);

		assert_int_equal(rf_flow_book_has(w.book, &key), open[which]);
		if (open[which])
			close_flow(&w, which, IPPROTO_TCP, (uint64_t)i, 1);
		else
			open_flow(&w, which, IPPROTO_TCP, RF_REASON_ALLOW_RULE, (uint64_t)i);
		open[which] = !open[which];
		if (i % 50 == 0)
			rf_flow_book_tell(w.book, (uint64_t)i + SECOND - 20);
	}
	world_down(&w);
}

static void test_pod_that_is_gone(void **state)
{
	const struct rf_tuple connection = tuple(1, IPPROTO_TCP), datagrams = tuple(2, IPPROTO_UDP);
	const struct rf_addr addr = STORE_POD, other = SHOP_SERVICE;
	struct world w;

	(void)state;
	world_up(&w, 8);
	open_flow(&w, 1, IPPROTO_TCP, RF_REASON_ALLOW_RULE, 5 * SECOND);
	open_flow(&w, 2, IPPROTO_UDP, RF_REASON_ALLOW_RULE, 5 * SECOND);
	rf_flow_book_gone(w.book, &other, 7 * SECOND);
	assert_true(rf_flow_book_has(w.book, &datagrams));
	rf_flow_book_gone(w.book, &addr, 7 * SECOND);
	assert_false(rf_flow_book_has(w.book, &datagrams));
	/* The buyer's pod has no name here, so nothing says that its socket will tell. */
	assert_false(rf_flow_book_has(w.book, &connection));
	assert_string_equal(story(&w, RF_SHOW_USUAL), "cc");
	assert_false(last(&w)->has_bytes);
	assert_true(last(&w)->duration_ns == 2 * SECOND);
	world_down(&w);
}

static void test_no_memory_is_counted(void **state)
{
	const struct rf_tuple key = tuple(1, IPPROTO_TCP);
	struct world w;

	(void)state;
	world_up(&w, 8);
	rf_flow_book_opened(w.book, &key, NULL, 0);
	assert_int_equal(rf_events_lost(w.events), 1);
	assert_false(rf_flow_book_has(w.book, &key));
	world_down(&w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_short_flow_is_one_line),
		cmocka_unit_test(test_end_knows_what_the_opening_knew),
		cmocka_unit_test(test_long_flow_is_told_while_it_is_open),
		cmocka_unit_test(test_unknown_end_is_told_as_it_is),
		cmocka_unit_test(test_failed_stays_failed),
		cmocka_unit_test(test_repeated_syn_is_no_new_flow),
		cmocka_unit_test(test_answers_outside_the_mesh_are_no_new_flow),
		cmocka_unit_test(test_new_exchange_of_datagrams),
		cmocka_unit_test(test_full_book_forgets_the_oldest),
		cmocka_unit_test(test_random_order),
		cmocka_unit_test(test_pod_that_is_gone),
		cmocka_unit_test(test_no_memory_is_counted),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
