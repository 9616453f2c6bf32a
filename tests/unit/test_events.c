/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>

#include "agent/event_json.c"
#include "agent/event_line.c"
#include "agent/event_text.c"
#include "agent/events.c"
#include "event_world.h"

static struct rf_event_line *numbered(uint64_t number)
{
	struct rf_event_line draft = rf_note_draft("test", "a sentence", number);

	return rf_event_line_new(&draft);
}

static uint64_t time_at(const struct rf_events *events, uint64_t number)
{
	unsigned show = 0;
	const struct rf_event_line *line = rf_events_at(events, number, &show);

	assert_non_null(line);
	return line->time_ns;
}

static void test_ring_keeps_the_newest(void **state)
{
	RF_CLEANUP(rf_events_freep) struct rf_events *events = NULL;
	unsigned show = 0;

	(void)state;
	assert_int_equal(rf_events_new(4, &events), 0);
	assert_int_equal(rf_events_oldest(events), rf_events_next(events));
	for (uint64_t i = 0; i < 10; i++)
		assert_int_equal(rf_events_add(events, numbered(i), RF_SHOW_BOTH), i);
	assert_int_equal(rf_events_oldest(events), 6);
	assert_int_equal(rf_events_next(events), 10);
	assert_int_equal(time_at(events, 6), 6);
	assert_int_equal(time_at(events, 9), 9);
	assert_null(rf_events_at(events, 5, &show));
	assert_null(rf_events_at(events, 10, &show));
	assert_null(rf_events_at(events, UINT64_MAX, &show));
}

static void test_hiding(void **state)
{
	RF_CLEANUP(rf_events_freep) struct rf_events *events = NULL;
	unsigned show = 0;

	(void)state;
	assert_int_equal(rf_events_new(2, &events), 0);
	(void)rf_events_add(events, numbered(0), RF_SHOW_BOTH);
	rf_events_hide(events, 0, RF_SHOW_USUAL);
	assert_non_null(rf_events_at(events, 0, &show));
	assert_int_equal(show, RF_SHOW_ALL);
	for (uint64_t i = 1; i < 4; i++)
		(void)rf_events_add(events, numbered(i), RF_SHOW_BOTH);
	rf_events_hide(events, 0, RF_SHOW_BOTH); /* is gone: 2 has its place */
	rf_events_hide(events, 4, RF_SHOW_BOTH); /* is not there yet */
	rf_events_hide(events, RF_EVENTS_NO_NUMBER, RF_SHOW_BOTH);
	for (uint64_t i = 2; i < 4; i++) {
		assert_non_null(rf_events_at(events, i, &show));
		assert_int_equal(show, RF_SHOW_BOTH);
	}
}

struct heard {
	unsigned came, gone;
	uint64_t last_gone, last_time;
};

static void on_came(void *arg)
{
	((struct heard *)arg)->came++;
}

static void on_goes(void *arg, uint64_t number, const struct rf_event_line *line, unsigned show)
{
	struct heard *heard = arg;

	assert_int_equal(show, RF_SHOW_ALL);
	heard->gone++;
	heard->last_gone = number;
	heard->last_time = line->time_ns;
}

static void test_listener_and_losses(void **state)
{
	RF_CLEANUP(rf_events_freep) struct rf_events *events = NULL;
	struct heard heard = {};
	const struct rf_events_listener listener = {.arg = &heard, .came = on_came, .goes = on_goes};

	(void)state;
	assert_int_equal(rf_events_new(2, &events), 0);
	rf_events_listen(events, &listener);
	for (uint64_t i = 0; i < 5; i++)
		(void)rf_events_add(events, numbered(100 + i), RF_SHOW_ALL);
	assert_int_equal(heard.came, 5);
	assert_int_equal(heard.gone, 3);
	assert_int_equal(heard.last_gone, 2);
	assert_int_equal(heard.last_time, 102);
	assert_int_equal(rf_events_add(events, NULL, RF_SHOW_ALL), RF_EVENTS_NO_NUMBER);
	assert_int_equal(heard.came, 5);
	rf_events_count_lost(events, 5);
	assert_int_equal(rf_events_lost(events), 6);
	rf_events_listen(events, NULL);
	(void)rf_events_add(events, numbered(0), RF_SHOW_ALL);
	assert_int_equal(heard.came, 5);
	assert_int_equal(rf_events_new(0, &events), -EINVAL);
}

static void test_line_is_a_copy(void **state)
{
	char account[] = "shop/buyer", path[] = "/buy", rule[] = "TrafficTarget a/b";
	const struct rf_event_line draft = {.source.account = account, .path = path, .rule = rule, .reason = RF_REASON_ALLOW_L7};
	struct rf_event_line *line = rf_event_line_new(&draft);

	(void)state;
	account[0] = path[0] = rule[0] = 'X';
	assert_non_null(line);
	assert_string_equal(line->source.account, "shop/buyer");
	assert_string_equal(line->path, "/buy");
	assert_string_equal(line->rule, "TrafficTarget a/b");
	assert_null(line->destination.pod);
	assert_int_equal(line->reason, RF_REASON_ALLOW_L7);
	assert_ptr_equal(rf_event_line_ref(line), line);
	rf_event_line_unref(line);
	assert_string_equal(line->path, "/buy");
	rf_event_line_unref(line);
	rf_event_line_unref(NULL);
}

static void test_names(void **state)
{
	char room[8];

	(void)state;
	assert_int_equal(rf_event_verdict_of("denied"), RF_EVENT_DENIED);
	assert_int_equal(rf_event_verdict_of("audit"), RF_EVENT_AUDIT);
	assert_int_equal(rf_event_verdict_of("DENIED"), 0);
	assert_int_equal(rf_event_verdict_of(""), 0);
	assert_string_equal(rf_event_verdict_name(RF_EVENT_AUDIT), "audit");
	assert_string_equal(rf_event_verdict_name(0), "denied");
	assert_int_equal(rf_line_kind_of("open"), RF_LINE_OPEN);
	assert_int_equal(rf_line_kind_of("flow"), 0);
	assert_string_equal(rf_line_kind_name(RF_LINE_REQUEST), "request");
	assert_string_equal(rf_line_proto_name(RF_LINE_HTTP, room), "http");
	assert_string_equal(rf_line_proto_name(0, room), "0"); /* of a packet that has none */
	assert_string_equal(rf_line_proto_name(132, room), "132");
}

static void test_verdicts(void **state)
{
	(void)state;
	assert_int_equal(rf_event_verdict_for(RF_REASON_ALLOW_RULE, 0), RF_EVENT_ALLOWED);
	assert_int_equal(rf_event_verdict_for(RF_REASON_ALLOW_RULE, RF_REASON_NO_RULE), RF_EVENT_AUDIT);
	assert_int_equal(rf_event_verdict_for(RF_REASON_NO_RULE, 0), RF_EVENT_DENIED);
	assert_int_equal(rf_event_verdict_for(RF_REASON_NO_RULE, RF_REASON_NO_RULE),
			 RF_EVENT_DENIED); /* no audit lets pass what was denied */
	assert_int_equal(rf_event_verdict_for(RF_REASON_UPSTREAM_FAILED, 0), RF_EVENT_FAILED);
}

static cJSON *render(const struct rf_event *event, int64_t offset, struct rf_event_draft *draft)
{
	cJSON *o;

	rf_event_draft(&resolver, event, offset, draft);
	o = rf_event_json(&draft->line);
	assert_non_null(o);
	return o;
}

static void test_kernel_event(void **state)
{
	const struct rf_event event = kernel_event(RF_EVENT_CONNECT, RF_REASON_NO_RULE);
	struct rf_event_draft draft;
	_cleanup_json_ cJSON *o = render(&event, 1000000000, &draft);

	(void)state;
	assert_int_equal(draft.line.verdict, RF_EVENT_DENIED);
	assert_string_equal(rf_json_text(o, "time", ""), "1970-01-01T00:00:02.500Z");
	assert_string_equal(rf_json_text(o, "kind", ""), "connect");
	assert_string_equal(rf_json_text(o, "verdict", ""), "denied");
	assert_string_equal(rf_json_text(o, "source", ""), "shop/buyer");
	assert_string_equal(rf_json_text(o, "source_address", ""), "10.201.0.3:40000");
	assert_null(rf_json_text(o, "source_pod", NULL));
	assert_string_equal(rf_json_text(o, "destination", ""), "shop/store");
	assert_string_equal(rf_json_text(o, "destination_pod", ""), "shop/store-1");
	assert_null(rf_json_text(o, "destination_service", NULL));
	assert_string_equal(rf_json_text(o, "destination_address", ""), "10.201.0.2:3000");
	assert_string_equal(rf_json_text(o, "reason", ""), "no-rule");
	assert_null(rf_json_text(o, "rule", NULL));
	assert_null(rf_json_text(o, "would", NULL));
	assert_null(cJSON_GetObjectItem(o, "bytes"));
	assert_true(rf_json_number(o, "epoch", 0) == 7);
	assert_true(rf_json_number(o, "port", 0) == 3000);
}

static void test_kernel_event6(void **state)
{
	struct rf_event event = {
		.src = 11, .sport = 53, .dport = 5353, .kind = RF_EVENT_PACKET, .proto = IPPROTO_UDP, .reason = RF_REASON_ALLOW_DATAGRAM};
	_cleanup_json_ cJSON *o = NULL, *icmp = NULL;
	struct rf_event_draft draft;

	(void)state;
	assert_int_equal(rf_addr_parse("fd72:6e67:66:1::ac9:3", &event.saddr), 0);
	assert_int_equal(rf_addr_parse("fd72:6e67:66:1::ac9:2", &event.daddr), 0);
	o = render(&event, 0, &draft);
	assert_int_equal(draft.line.verdict, RF_EVENT_ALLOWED);
	assert_string_equal(rf_json_text(o, "kind", ""), "open");
	assert_string_equal(rf_json_text(o, "protocol", ""), "udp");
	assert_string_equal(rf_json_text(o, "source_address", ""), "[fd72:6e67:66:1::ac9:3]:53");
	assert_string_equal(rf_json_text(o, "destination_address", ""), "[fd72:6e67:66:1::ac9:2]:5353");
	assert_string_equal(rf_json_text(o, "destination_pod", ""), "shop/store-1");
	assert_string_equal(rf_json_text(o, "destination", ""), "unknown"); /* a pod is never outside */
	event = (struct rf_event){.saddr = event.saddr, .proto = IPPROTO_ICMPV6, .reason = RF_REASON_ICMP};
	icmp = render(&event, 0, &draft);
	assert_int_equal(draft.line.verdict, RF_EVENT_DENIED);
	assert_string_equal(rf_json_text(icmp, "protocol", ""), "icmp6");
	assert_string_equal(rf_json_text(icmp, "source", ""), "outside");
	assert_string_equal(rf_json_text(icmp, "source_address", ""), "fd72:6e67:66:1::ac9:3"); /* no port */
	assert_null(rf_json_text(icmp, "destination_address", NULL));
}

static void test_kinds_of_events(void **state)
{
	struct rf_event event = kernel_event(RF_EVENT_PACKET, RF_REASON_ALLOW_RELATED);
	struct rf_event_draft draft;

	(void)state;
	rf_event_draft(&resolver, &event, 0, &draft);
	assert_int_equal(draft.line.kind, RF_LINE_PACKET);
	assert_true(rf_event_line_is_detail(&draft.line));
	event.reason = RF_REASON_NO_FLOW;
	rf_event_draft(&resolver, &event, 0, &draft);
	assert_int_equal(draft.line.kind, RF_LINE_PACKET);
	assert_false(rf_event_line_is_detail(&draft.line));
	event.reason = RF_REASON_ALLOW_CHECKER;
	rf_event_draft(&resolver, &event, 0, &draft);
	assert_int_equal(draft.line.kind, RF_LINE_OPEN);
	assert_true(rf_event_line_is_detail(&draft.line));
	event.daddr = SHOP_SERVICE;
	event.dst = 0;
	rf_event_draft(&resolver, &event, 0, &draft);
	assert_string_equal(draft.line.destination.service, "shop/front");
	assert_string_equal(draft.line.destination.account, "unknown"); /* a Service without a pod */
}

static void test_connection_to_oneself(void **state)
{
	struct rf_event event = kernel_event(RF_EVENT_CLOSE, RF_REASON_ALLOW_FLOW);
	struct rf_event_draft draft;

	(void)state;
	event.saddr = event.daddr;
	event.dst = 0; /* connect() does not ask who oneself is */
	rf_event_draft(&resolver, &event, 0, &draft);
	assert_string_equal(draft.line.destination.account, "shop/buyer");
	assert_int_equal(draft.line.reason, RF_REASON_ALLOW_SELF);
}

static void test_swept_flow(void **state)
{
	const struct rf_tuple key = {.saddr = BUYER_POD, .daddr = STORE_POD, .sport = 4, .dport = 5, .proto = IPPROTO_TCP};
	struct rf_flow flow = {.src = 11,
			       .dst = 22,
			       .reason = RF_REASON_ALLOW_RULE,
			       .rule_id = 3,
			       .bytes = 60,
			       .life = RF_FLOW_HALF_OPEN,
			       .seen_ns = 2000000000,
			       .epoch = 7};
	struct rf_event_draft draft;

	(void)state;
	rf_flow_draft(&resolver, &key, &flow, 0, &draft);
	assert_int_equal(draft.line.verdict, RF_EVENT_FAILED); /* nobody answered */
	assert_int_equal(draft.line.kind, RF_LINE_CLOSE);
	assert_int_equal(draft.line.time_ns, 2000000000);
	assert_true(draft.line.has_bytes && draft.line.bytes == 60);
	assert_false(draft.line.has_duration);
	assert_string_equal(draft.line.rule, "TrafficTarget shop/store (a.yaml:3)");
	flow.life = RF_FLOW_ANSWERED | RF_FLOW_HALF_OPEN | RF_FLOW_RESET; /* refused */
	rf_flow_draft(&resolver, &key, &flow, 0, &draft);
	assert_int_equal(draft.line.verdict, RF_EVENT_FAILED);
	flow.life = RF_FLOW_ANSWERED;
	rf_flow_draft(&resolver, &key, &flow, 0, &draft);
	assert_int_equal(draft.line.verdict, RF_EVENT_ALLOWED);
	flow.reason = RF_REASON_REVOKED;
	flow.life = 0;
	rf_flow_draft(&resolver, &key, &flow, 0, &draft);
	assert_int_equal(draft.line.verdict, RF_EVENT_DENIED);
}

static void test_unknown_is_never_allowed(void **state)
{
	const uint16_t odd[] = {0, 13, 31, 120, 127, 9999};

	(void)state;
	for (size_t i = 0; i < RF_ARRAY_SIZE(odd); i++) {
		const struct rf_event event = {.reason = odd[i], .kind = 77, .src = 99};
		struct rf_event_draft draft;
		_cleanup_json_ cJSON *o = render(&event, 0, &draft);

		assert_int_equal(draft.line.verdict, RF_EVENT_DENIED);
		assert_string_equal(rf_json_text(o, "source", ""), "unknown");
		assert_string_equal(rf_json_text(o, "destination", ""), "unknown");
	}
}

static void test_access_record(void **state)
{
	struct rf_access_record record = {.src = 11,
					  .dst = 22,
					  .pod = 77,
					  .dst_addr = STORE_POD,
					  .dst_port = 3000,
					  .status = 404,
					  .reason = RF_REASON_NO_ROUTE,
					  .rule_id = 3,
					  .path_len = 10,
					  .request_bytes = 100,
					  .response_bytes = 32,
					  .duration_ns = 1500000,
					  .method = "GET",
					  .path = "/a\x1b[2J\xff\"b"};
	struct rf_event_draft draft;
	_cleanup_json_ cJSON *o = NULL;

	(void)state;
	rf_access_draft(&resolver, &record, 0, &draft);
	o = rf_event_json(&draft.line);
	assert_int_equal(draft.line.verdict, RF_EVENT_DENIED);
	assert_string_equal(rf_json_text(o, "kind", ""), "request");
	assert_string_equal(rf_json_text(o, "protocol", ""), "http");
	assert_string_equal(rf_json_text(o, "source_address", ""), "10.201.0.3");
	assert_string_equal(rf_json_text(o, "destination_pod", ""), "shop/store-1");
	assert_string_equal(rf_json_text(o, "path", ""), "/a\\x1b[2J\\xff\"b"); /* no terminal is steered by a request */
	assert_null(cJSON_GetObjectItem(o, "path_length"));
	assert_string_equal(rf_json_text(o, "rule", ""), "TrafficTarget shop/store (a.yaml:3)");
	assert_true(rf_json_number(o, "status", 0) == 404);
	assert_true(rf_json_number(o, "bytes", 0) == 132);
	assert_true(rf_json_number(o, "duration_ms", 0) == 1.5);
	record.reason = RF_REASON_ALLOW_L7;
	record.pod = 78; /* gone */
	rf_access_draft(&resolver, &record, 0, &draft);
	assert_int_equal(draft.line.verdict, RF_EVENT_ALLOWED);
	assert_true(rf_addr_is_none(&draft.line.source.addr));
	assert_string_equal(draft.line.source.account, "shop/buyer");
	record.reason = RF_REASON_UPSTREAM_FAILED;
	rf_access_draft(&resolver, &record, 0, &draft);
	assert_int_equal(draft.line.verdict, RF_EVENT_FAILED);
}

static void test_unterminated_path(void **state)
{
	struct rf_access_record record = {.path_len = 5000};
	struct rf_event_draft draft;
	cJSON *o;

	(void)state;
	memset(record.path, 0x01, sizeof(record.path));
	memset(record.method, 'M', sizeof(record.method));
	rf_access_draft(&resolver, &record, 0, &draft);
	o = rf_event_json(&draft.line);
	assert_int_equal(strlen(rf_json_text(o, "method", "")), RF_RECORD_METHOD_MAX);
	assert_int_equal(strlen(rf_json_text(o, "path", "")), 4 * RF_RECORD_PATH_MAX);
	assert_true(rf_json_number(o, "path_length", 0) == 5000);
	cJSON_Delete(o);
}

static void test_audit_says_what_would_have_been(void **state)
{
	const struct rf_event_line line = {.kind = RF_LINE_REQUEST,
					   .verdict = RF_EVENT_AUDIT,
					   .reason = RF_REASON_ALLOW_L7,
					   .would = RF_REASON_NO_ROUTE,
					   .source.account = "a/b",
					   .destination.account = "c/d",
					   .method = "GET",
					   .path = "/"};
	_cleanup_json_ cJSON *o = rf_event_json(&line);

	(void)state;
	assert_string_equal(rf_json_text(o, "verdict", ""), "audit");
	assert_string_equal(rf_json_text(o, "would", ""), "no-route");
	assert_non_null(rf_json_text(o, "would_text", NULL));
}

static void test_notes(void **state)
{
	struct rf_event_line note = rf_note_draft("repair", "put back", 0);
	_cleanup_json_ cJSON *o = rf_event_json(&note), *lost = NULL;

	(void)state;
	assert_string_equal(rf_json_text(o, "kind", ""), "repair");
	assert_string_equal(rf_json_text(o, "verdict", ""), "note");
	assert_string_equal(rf_json_text(o, "text", ""), "put back");
	assert_null(cJSON_GetObjectItem(o, "source"));
	assert_null(cJSON_GetObjectItem(o, "count"));
	assert_false(rf_event_line_is_loss(&note));
	note.count = 12;
	assert_true(rf_event_line_is_loss(&note));
	lost = rf_event_json(&note);
	assert_true(rf_json_number(lost, "count", 0) == 12);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_ring_keeps_the_newest),
		cmocka_unit_test(test_hiding),
		cmocka_unit_test(test_listener_and_losses),
		cmocka_unit_test(test_line_is_a_copy),
		cmocka_unit_test(test_names),
		cmocka_unit_test(test_verdicts),
		cmocka_unit_test(test_kernel_event),
		cmocka_unit_test(test_kernel_event6),
		cmocka_unit_test(test_kinds_of_events),
		cmocka_unit_test(test_connection_to_oneself),
		cmocka_unit_test(test_swept_flow),
		cmocka_unit_test(test_unknown_is_never_allowed),
		cmocka_unit_test(test_access_record),
		cmocka_unit_test(test_unterminated_path),
		cmocka_unit_test(test_audit_says_what_would_have_been),
		cmocka_unit_test(test_notes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
