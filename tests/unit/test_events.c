/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>

#include "agent/event_text.c"
#include "agent/events.c"

struct collected {
	unsigned count;
	char first[256];
	char last[256];
};

static void collect(void *arg, enum rf_event_verdict verdict, const char *line, size_t len)
{
	struct collected *c = arg;

	(void)verdict;
	assert_int_equal(strlen(line), len);
	snprintf(c->last, sizeof(c->last), "%s", line);
	if (!c->count++)
		snprintf(c->first, sizeof(c->first), "%s", line);
}

static void add(struct rf_events *events, enum rf_event_verdict verdict, int number)
{
	cJSON *o = cJSON_CreateObject();

	cJSON_AddNumberToObject(o, "n", number);
	assert_int_equal(rf_events_add(events, verdict, o), 0);
}

static void test_ring_keeps_the_newest(void **state)
{
	RF_CLEANUP(rf_events_freep) struct rf_events *events = NULL;
	struct collected c = {};

	(void)state;
	assert_int_equal(rf_events_new(4, &events), 0);
	for (int i = 0; i < 10; i++)
		add(events, RF_EVENT_ALLOWED, i);
	rf_events_each(events, RF_EVENT_ANY, 100, collect, &c);
	assert_int_equal(c.count, 4);
	assert_string_equal(c.first, "{\"n\":6}");
	assert_string_equal(c.last, "{\"n\":9}");
	c = (struct collected){};
	rf_events_each(events, RF_EVENT_ANY, 2, collect, &c);
	assert_int_equal(c.count, 2);
	assert_string_equal(c.first, "{\"n\":8}");
	c = (struct collected){};
	rf_events_each(events, RF_EVENT_ANY, 0, collect, &c);
	assert_int_equal(c.count, 0);
}

static void test_last_counts_what_matches(void **state)
{
	RF_CLEANUP(rf_events_freep) struct rf_events *events = NULL;
	struct collected c = {};

	(void)state;
	assert_int_equal(rf_events_new(16, &events), 0);
	for (int i = 0; i < 10; i++)
		add(events, i % 5 ? RF_EVENT_ALLOWED : RF_EVENT_DENIED, i);
	rf_events_each(events, RF_EVENT_DENIED, 2, collect, &c);
	assert_int_equal(c.count, 2);
	assert_string_equal(c.first, "{\"n\":0}");
	assert_string_equal(c.last, "{\"n\":5}");
}

static void test_listener_and_losses(void **state)
{
	RF_CLEANUP(rf_events_freep) struct rf_events *events = NULL;
	struct collected c = {};

	(void)state;
	assert_int_equal(rf_events_new(1, &events), 0);
	rf_events_listen(events, collect, &c);
	add(events, RF_EVENT_NOTE, 1);
	add(events, RF_EVENT_NOTE, 2);
	assert_int_equal(c.count, 2);
	assert_int_equal(rf_events_add(events, RF_EVENT_NOTE, NULL), -ENOMEM);
	rf_events_count_lost(events, 5);
	assert_int_equal(rf_events_lost(events), 6);
	assert_int_equal(rf_events_new(0, &events), -EINVAL);
}

static void test_verdict_names(void **state)
{
	(void)state;
	assert_int_equal(rf_event_verdict_mask("denied"), RF_EVENT_DENIED);
	assert_int_equal(rf_event_verdict_mask("allowed"), RF_EVENT_ALLOWED);
	assert_int_equal(rf_event_verdict_mask(NULL), RF_EVENT_ANY);
	assert_int_equal(rf_event_verdict_mask("DENIED"), 0);
	assert_int_equal(rf_event_verdict_mask(""), 0);
}

static int name_identity(void *arg, rf_identity_t identity, char *text, size_t size)
{
	(void)arg;
	if (identity != 11 && identity != 22)
		return -ENOENT;
	snprintf(text, size, identity == 11 ? "shop/buyer" : "shop/store");
	return 0;
}

static int name_address(void *arg, const struct rf_addr *addr, uint16_t port, char *text, size_t size)
{
	(void)arg;
	(void)port;
	if (addr->be[3] != htonl(0x0ac90002)) /* IPv4, and what is embedded in an IPv6 address */
		return -ENOENT;
	snprintf(text, size, "shop/store-1");
	return 0;
}

static int name_rule(void *arg, uint32_t rule_id, char *text, size_t size)
{
	(void)arg;
	if (rule_id != 3)
		return -ENOENT;
	snprintf(text, size, "TrafficTarget shop/store (a.yaml:3)");
	return 0;
}

static const struct rf_resolver resolver = {.identity = name_identity, .address = name_address, .rule = name_rule};

static void test_kernel_event(void **state)
{
	const struct rf_event event = {.time_ns = 1500000000,
				       .src = 11,
				       .dst = 22,
				       .saddr = rf_addr4(htonl(0x0ac90003)),
				       .daddr = rf_addr4(htonl(0x0ac90002)),
				       .sport = 40000,
				       .dport = 3000,
				       .kind = RF_EVENT_CONNECT,
				       .proto = IPPROTO_TCP,
				       .reason = RF_REASON_NO_RULE,
				       .epoch = 7};
	enum rf_event_verdict verdict = RF_EVENT_NOTE;
	_cleanup_json_ cJSON *o = rf_event_render(&resolver, &event, 1000000000, &verdict);

	(void)state;
	assert_int_equal(verdict, RF_EVENT_DENIED);
	assert_string_equal(rf_json_text(o, "time", ""), "1970-01-01T00:00:02.500Z");
	assert_string_equal(rf_json_text(o, "verdict", ""), "denied");
	assert_string_equal(rf_json_text(o, "source", ""), "shop/buyer");
	assert_string_equal(rf_json_text(o, "source_address", ""), "10.201.0.3:40000");
	assert_null(rf_json_text(o, "source_pod", NULL));
	assert_string_equal(rf_json_text(o, "destination", ""), "shop/store");
	assert_string_equal(rf_json_text(o, "destination_pod", ""), "shop/store-1");
	assert_string_equal(rf_json_text(o, "destination_address", ""), "10.201.0.2:3000");
	assert_string_equal(rf_json_text(o, "reason", ""), "no-rule");
	assert_null(rf_json_text(o, "rule", NULL));
	assert_true(rf_json_number(o, "epoch", 0) == 7);
	assert_true(rf_json_number(o, "port", 0) == 3000);
}

static void test_kernel_event6(void **state)
{
	struct rf_event event = {
		.src = 11, .sport = 53, .dport = 5353, .kind = RF_EVENT_PACKET, .proto = IPPROTO_UDP, .reason = RF_REASON_ALLOW_DATAGRAM};
	enum rf_event_verdict verdict = RF_EVENT_NOTE;
	_cleanup_json_ cJSON *o = NULL, *icmp = NULL;

	(void)state;
	assert_int_equal(rf_addr_parse("fd72:6e67:66:1::ac9:3", &event.saddr), 0);
	assert_int_equal(rf_addr_parse("fd72:6e67:66:1::ac9:2", &event.daddr), 0);
	o = rf_event_render(&resolver, &event, 0, &verdict);
	assert_int_equal(verdict, RF_EVENT_ALLOWED);
	assert_string_equal(rf_json_text(o, "protocol", ""), "udp");
	assert_string_equal(rf_json_text(o, "source_address", ""), "[fd72:6e67:66:1::ac9:3]:53");
	assert_string_equal(rf_json_text(o, "destination_address", ""), "[fd72:6e67:66:1::ac9:2]:5353");
	assert_string_equal(rf_json_text(o, "destination_pod", ""), "shop/store-1");
	event = (struct rf_event){.saddr = event.saddr, .proto = IPPROTO_ICMPV6, .reason = RF_REASON_ICMP};
	icmp = rf_event_render(&resolver, &event, 0, &verdict);
	assert_int_equal(verdict, RF_EVENT_DENIED);
	assert_string_equal(rf_json_text(icmp, "protocol", ""), "icmp6");
	assert_string_equal(rf_json_text(icmp, "source_address", ""), "fd72:6e67:66:1::ac9:3"); /* no port */
	assert_null(rf_json_text(icmp, "destination_address", NULL));
}

static void test_unknown_is_never_allowed(void **state)
{
	const uint16_t odd[] = {0, 13, 31, 91, 127, 9999};

	(void)state;
	for (size_t i = 0; i < RF_ARRAY_SIZE(odd); i++) {
		const struct rf_event event = {.reason = odd[i], .kind = 77, .src = 99};
		enum rf_event_verdict verdict = RF_EVENT_ALLOWED;
		_cleanup_json_ cJSON *o = rf_event_render(&resolver, &event, 0, &verdict);

		assert_int_equal(verdict, RF_EVENT_DENIED);
		assert_string_equal(rf_json_text(o, "source", ""), "unknown");
		assert_string_equal(rf_json_text(o, "destination", ""), "outside");
	}
}

static void test_access_record(void **state)
{
	struct rf_access_record record = {.src = 11,
					  .dst = 22,
					  .dst_addr = rf_addr4(htonl(0x0ac90002)),
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
	enum rf_event_verdict verdict = RF_EVENT_NOTE;
	_cleanup_json_ cJSON *o = rf_access_render(&resolver, &record, 0, &verdict), *p = NULL, *q = NULL;

	(void)state;
	assert_int_equal(verdict, RF_EVENT_DENIED);
	assert_string_equal(rf_json_text(o, "path", ""), "/a\\x1b[2J\\xff\"b"); /* no terminal is steered by a request */
	assert_string_equal(rf_json_text(o, "rule", ""), "TrafficTarget shop/store (a.yaml:3)");
	assert_true(rf_json_number(o, "status", 0) == 404);
	assert_true(rf_json_number(o, "bytes", 0) == 132);
	assert_true(rf_json_number(o, "duration_ms", 0) == 1.5);
	record.reason = RF_REASON_ALLOW_L7;
	p = rf_access_render(&resolver, &record, 0, &verdict);
	assert_int_equal(verdict, RF_EVENT_ALLOWED);
	record.reason = RF_REASON_UPSTREAM_FAILED;
	q = rf_access_render(&resolver, &record, 0, &verdict);
	assert_int_equal(verdict, RF_EVENT_FAILED);
	assert_string_equal(rf_json_text(q, "verdict", ""), "failed");
}

static void test_unterminated_path(void **state)
{
	struct rf_access_record record = {.path_len = 5000};
	enum rf_event_verdict verdict;
	cJSON *o;

	(void)state;
	memset(record.path, 0x01, sizeof(record.path));
	memset(record.method, 'M', sizeof(record.method));
	o = rf_access_render(&resolver, &record, 0, &verdict);
	assert_int_equal(strlen(rf_json_text(o, "method", "")), RF_RECORD_METHOD_MAX);
	assert_true(strlen(rf_json_text(o, "path", "")) <= 4 * RF_RECORD_PATH_MAX);
	assert_true(rf_json_number(o, "path_length", 0) == 5000);
	cJSON_Delete(o);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_ring_keeps_the_newest),
		cmocka_unit_test(test_last_counts_what_matches),
		cmocka_unit_test(test_listener_and_losses),
		cmocka_unit_test(test_verdict_names),
		cmocka_unit_test(test_kernel_event),
		cmocka_unit_test(test_kernel_event6),
		cmocka_unit_test(test_unknown_is_never_allowed),
		cmocka_unit_test(test_access_record),
		cmocka_unit_test(test_unterminated_path),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
