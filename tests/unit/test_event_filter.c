/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "agent/event_filter.c"
#include "agent/event_line.c"
#include "agent/event_text.c"
#include "agent/moment.c"
#include "event_world.h"

#define NOW (1000000 * SECOND)

/* shop/front is the Service of 10.202.0.9 and has the store's pod behind it. */
static bool in_service(void *arg, const char *service, const struct rf_addr *addr)
{
	(void)arg;
	return strcmp(service, "shop/front") == 0 && (addr->be[3] == htonl(0x0aca0009) || addr->be[3] == htonl(0x0ac90002));
}

static const struct rf_event_world world = {.in_service = in_service};

/* With ' for ". NULL: refused, the sentence is in `error`. */
static char error[512];
static struct rf_event_filter *filter_of(const char *text)
{
	struct rf_event_filter *filter = NULL;
	_cleanup_json_ cJSON *request = NULL;
	char json[512];
	size_t i;

	for (i = 0; text[i] && i + 1 < sizeof(json); i++)
		json[i] = text[i] == '\'' ? '"' : text[i];
	json[i] = '\0';
	request = cJSON_Parse(json);
	assert_non_null(request);
	error[0] = '\0';
	if (rf_event_filter_new(request, NOW, &world, &filter, error, sizeof(error)) < 0) {
		assert_null(filter);
		assert_string_not_equal(error, "");
		return NULL;
	}
	return filter;
}

static bool shows(const char *text, const struct rf_event_line *line, unsigned show)
{
	struct rf_event_filter *filter = filter_of(text);
	bool match;

	if (!filter)
		print_error("%s: %s\n", text, error);
	assert_non_null(filter);
	match = rf_event_filter_match(filter, line, show);
	rf_event_filter_free(filter);
	return match;
}

static void yes(const char *text, const struct rf_event_line *line)
{
	if (!shows(text, line, RF_SHOW_BOTH))
		fail_msg("%s should match", text);
}

static void no(const char *text, const struct rf_event_line *line)
{
	if (shows(text, line, RF_SHOW_BOTH))
		fail_msg("%s should not match", text);
}

/* buyer's GET /api/buy?.. at store-1, allowed */
static const struct rf_event_line request = {.time_ns = NOW - 60 * SECOND,
					     .kind = RF_LINE_REQUEST,
					     .verdict = RF_EVENT_ALLOWED,
					     .proto = RF_LINE_HTTP,
					     .reason = RF_REASON_ALLOW_L7,
					     .source = {.account = "home/buyer", .pod = "home/buyer-7d4c"},
					     .destination = {.account = "shop/store", .pod = "shop/store-1", .port = 3000},
					     .method = "GET",
					     .path = "/api/buy"};

static struct rf_event_line line_of(void)
{
	struct rf_event_line line = request;

	line.source.addr = BUYER_POD;
	line.destination.addr = STORE_POD;
	return line;
}

static void test_no_filter_shows_the_usual(void **state)
{
	const struct rf_event_line line = line_of(), note = rf_note_draft("repair", "x", NOW);

	(void)state;
	yes("{}", &line);
	yes("{}", &note);
	assert_true(shows("{}", &line, RF_SHOW_USUAL));
	assert_false(shows("{}", &line, RF_SHOW_ALL));
	assert_true(shows("{'all':true}", &line, RF_SHOW_ALL));
	assert_false(shows("{'all':true}", &line, RF_SHOW_USUAL));
	assert_true(shows("{'kind':'request'}", &line, RF_SHOW_ALL)); /* who asks for a kind sees all of it */
}

static void test_ends(void **state)
{
	struct rf_event_line line = line_of();

	(void)state;
	yes("{'from':'home'}", &line);
	yes("{'from':'home/buyer'}", &line);
	yes("{'from':'home/buyer-7d4c'}", &line);
	yes("{'from':'home/buyer-*'}", &line);
	yes("{'from':['other','home']}", &line);
	yes("{'from':'10.201.0.3'}", &line);
	no("{'from':'shop'}", &line);
	no("{'from':'hom'}", &line);
	no("{'from':'home/buy'}", &line);
	no("{'from':'buyer'}", &line);
	no("{'from':'10.201.0.2'}", &line);
	no("{'from':'outside'}", &line);
	yes("{'to':'shop'}", &line);
	yes("{'to':'shop/store'}", &line);
	yes("{'to':'shop/front'}", &line); /* a Service that it stands behind */
	no("{'from':'shop/front'}", &line);
	no("{'to':'home'}", &line);
	yes("{'from':'home','to':'shop'}", &line);
	no("{'from':'home','to':'home'}", &line);
	line.source = (struct rf_event_side){.account = "outside", .addr = rf_addr4(htonl(0x0a000001))};
	yes("{'from':'outside'}", &line);
	yes("{'from':'10.0.0.1'}", &line);
	no("{'from':'home'}", &line);
}

static void test_either_end(void **state)
{
	struct rf_event_line line = line_of();

	(void)state;
	yes("{'namespace':'home'}", &line);
	yes("{'namespace':'shop'}", &line);
	yes("{'namespace':'sh*'}", &line);
	no("{'namespace':'sho'}", &line);
	yes("{'pod':'shop/store-1'}", &line);
	yes("{'pod':'home/*'}", &line);
	no("{'pod':'shop/store'}", &line); /* that is an account */
	no("{'pod':'*/store'}", &line);
	line.destination = (struct rf_event_side){.account = "unknown", .service = "shop/front"};
	yes("{'namespace':'shop'}", &line);
	yes("{'to':'shop/front'}", &line);
}

static void test_numbers_and_names(void **state)
{
	struct rf_event_line line = line_of();

	(void)state;
	yes("{'port':'3000'}", &line);
	yes("{'port':['80','3000']}", &line);
	no("{'port':'80'}", &line);
	yes("{'protocol':'http'}", &line);
	yes("{'protocol':'HTTP'}", &line);
	no("{'protocol':'tcp'}", &line);
	yes("{'verdict':'allowed'}", &line);
	yes("{'verdict':['denied','allowed']}", &line);
	no("{'verdict':'denied'}", &line);
	yes("{'reason':'allow-l7'}", &line);
	no("{'reason':'no-route'}", &line);
	yes("{'kind':'request'}", &line);
	no("{'kind':['connect','close']}", &line);
	line.verdict = RF_EVENT_AUDIT;
	line.would = RF_REASON_NO_ROUTE;
	yes("{'verdict':'audit'}", &line);
	yes("{'reason':'no-route'}", &line); /* what it would have been denied for */
	line.reason = RF_REASON_ALLOW_CHECKER;
	assert_false(shows("{}", &line, RF_SHOW_ALL));
	assert_true(shows("{'reason':'allow-checker'}", &line, RF_SHOW_ALL)); /* asked for by its name */
}

static void test_requests(void **state)
{
	struct rf_event_line line = line_of(), flow = line_of();

	(void)state;
	yes("{'method':'GET'}", &line);
	yes("{'method':'get'}", &line);
	no("{'method':'POST'}", &line);
	yes("{'path':'/api'}", &line);
	yes("{'path':'/'}", &line);
	yes("{'path':'/api/buy'}", &line);
	no("{'path':'/api/buy/more'}", &line);
	no("{'path':'/buy'}", &line);
	yes("{'path':'*/buy'}", &line);
	yes("{'path':'/*/b*'}", &line);
	yes("{'path':'*'}", &line);
	no("{'path':'/api*x'}", &line);
	line.path = "/a\\x1b[2J"; /* as it is shown */
	yes("{'path':'/a\\\\x1b[2J'}", &line);
	yes("{'path':'*\\\\x1b*'}", &line);
	flow.method = flow.path = NULL;
	no("{'path':'/'}", &flow);
	no("{'path':'*'}", &flow);
	no("{'method':'GET'}", &flow);
}

static void test_times(void **state)
{
	const struct rf_event_line line = line_of(); /* a minute ago */

	(void)state;
	yes("{'since':'2m'}", &line);
	no("{'since':'30s'}", &line);
	yes("{'until':'30s'}", &line);
	no("{'until':'2m'}", &line);
	yes("{'since':'2m','until':'1s'}", &line);
	yes("{'since':'1970-01-12T13:45:00Z'}", &line); /* 999900 s */
	no("{'since':'1970-01-12T13:46:00Z'}", &line);
}

static void test_notes_and_losses(void **state)
{
	struct rf_event_line note = rf_note_draft("repair", "x", NOW);
	static const char *const about_flows[] = {"{'from':'home'}",  "{'to':'home'}",       "{'namespace':'*'}",
						  "{'pod':'*/*'}",    "{'port':'0'}",        "{'protocol':'tcp'}",
						  "{'method':'GET'}", "{'path':'*'}",        "{'reason':'unspecified'}",
						  "{'kind':'close'}", "{'verdict':'denied'}"};

	(void)state;
	yes("{'verdict':'note'}", &note);
	yes("{'kind':'note'}", &note);
	for (size_t i = 0; i < RF_ARRAY_SIZE(about_flows); i++)
		no(about_flows[i], &note);
	note.count = 5; /* what is missing may be what was looked for */
	for (size_t i = 0; i < RF_ARRAY_SIZE(about_flows); i++)
		yes(about_flows[i], &note);
	no("{'until':'1h'}", &note);
}

static void refused(const char *text, const char *part)
{
	struct rf_event_filter *filter = filter_of(text);

	assert_null(filter);
	if (!strstr(error, part))
		fail_msg("%s: '%s' has no '%s'", text, error, part);
}

static void test_refusals(void **state)
{
	char many[512] = "{'port':[", *at = many + strlen(many);

	(void)state;
	refused("{'verdict':'dropped'}", "allowed, denied, failed, audit or note");
	refused("{'verdict':['denied','']}", "not empty");
	refused("{'verdict':7}", "\"verdict\" must be a string");
	refused("{'kind':'flow'}", "connect, packet");
	refused("{'reason':'unknown'}", "no reason");
	refused("{'reason':'no-rul'}", "docs/reasons.md");
	refused("{'port':'-1'}", "no port");
	refused("{'port':'65536'}", "no port");
	refused("{'port':'99999999999999999999'}", "no port");
	refused("{'port':'80x'}", "no port");
	refused("{'port':80}", "must be a string");
	refused("{'protocol':'sctp'}", "tcp, udp, http");
	refused("{'from':'A'}", "NAMESPACE/NAME");
	refused("{'from':'a/b/c'}", "NAMESPACE/NAME");
	refused("{'from':'a/'}", "NAMESPACE/NAME");
	refused("{'to':'/b'}", "NAMESPACE/NAME");
	refused("{'to':'a b'}", "NAMESPACE/NAME");
	refused("{'pod':'a'}", "NAMESPACE/POD");
	refused("{'pod':'10.0.0.1'}", "NAMESPACE/POD");
	refused("{'namespace':'a/b'}", "no namespace");
	refused("{'namespace':'[a]'}", "no namespace");
	refused("{'method':'GET /'}", "HTTP method");
	refused("{'path':'api'}", "begins with /");
	refused("{'since':'soon'}", "--since");
	refused("{'until':5}", "--until");
	refused("{'since':'1m','until':'2m'}", "--since is after --until");
	for (int i = 0; i < RF_FILTER_VALUES + 1; i++)
		at += sprintf(at, "%s'%d'", i ? "," : "", i);
	strcpy(at, "]}");
	refused(many, "at most 32");
}

static void test_moments(void **state)
{
	static const struct {
		const char *text;
		uint64_t ns;
	} good[] = {
		{"0s", NOW},
		{"90s", NOW - 90 * SECOND},
		{"1h30m", NOW - 5400 * SECOND},
		{"2d", NOW - 172800 * SECOND},
		{"250ms", NOW - SECOND / 4},
		{"99999d", 0}, /* before all time */
		{"1970-01-02T00:00:00Z", 86400 * SECOND},
		{"1970-01-02T00:00:00.5Z", 86400 * SECOND + SECOND / 2},
		{"1970-01-02T00:00:00.123456789+01:00", 82800 * SECOND + 123456789},
		{"1970-01-01T23:00:00-01:30", 88200 * SECOND},
	};
	static const char *const bad[] = {"",
					  "5",
					  "s",
					  "5x",
					  "-5m",
					  "5 m",
					  "1.5h",
					  "1234567890s",
					  "999999d",
					  "T",
					  "1970-01-02",
					  "now",
					  "1970-01-02T00:00:00",
					  "1970-01-02T00:00:00.Z",
					  "1970-01-02T00:00:00+1:00",
					  "1970-13-02T00:00:00Z",
					  "1969-01-01T00:00:00Z",
					  "1970-01-02T00:00:00Zz",
					  "1970-01-02T00:00:00.0123456789Z",
					  "99999-01-01T00:00:00Z"};
	uint64_t ns = 77;

	(void)state;
	for (size_t i = 0; i < RF_ARRAY_SIZE(good); i++) {
		assert_int_equal(rf_moment_parse(good[i].text, NOW, &ns), 0);
		assert_int_equal(ns, good[i].ns);
	}
	ns = 77;
	for (size_t i = 0; i < RF_ARRAY_SIZE(bad); i++) {
		if (rf_moment_parse(bad[i], NOW, &ns) != -EINVAL)
			fail_msg("'%s' is no moment", bad[i]);
		assert_int_equal(ns, 77);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_no_filter_shows_the_usual), cmocka_unit_test(test_ends),     cmocka_unit_test(test_either_end),
		cmocka_unit_test(test_numbers_and_names),         cmocka_unit_test(test_requests), cmocka_unit_test(test_times),
		cmocka_unit_test(test_notes_and_losses),          cmocka_unit_test(test_refusals), cmocka_unit_test(test_moments),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
