/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "cli/event_print.c"

#define DAY 86400

static const char close_line[] =
	"{'time':'1970-01-02T03:04:05.678Z','kind':'close','verdict':'allowed','protocol':'tcp','source':'shop/buyer',"
	"'source_pod':'shop/buyer-7d4c','source_address':'10.0.0.3:40000','destination':'shop/store','destination_pod':'shop/store-1',"
	"'destination_address':'10.0.0.2:3001','port':3001,'reason':'allow-rule','reason_text':'allowed','rule':'TrafficTarget shop/t "
	"(t.yaml:3)',"
	"'epoch':7,'bytes':1234,'duration_ms':56.7}";

/* With ' for ". The text is the caller's to free. */
static char *print(struct rf_event_printer *p, const char *json)
{
	char *text = NULL, *copy = strdup(json);
	_cleanup_json_ cJSON *line = NULL;
	size_t size = 0;

	for (char *at = copy; *at; at++)
		if (*at == '\'')
			*at = '"';
	line = cJSON_Parse(copy);
	assert_non_null(line);
	free(copy);
	p->out = open_memstream(&text, &size);
	assert_non_null(p->out);
	assert_int_equal(rf_event_print(p, line), 0);
	assert_int_equal(fclose(p->out), 0);
	return text;
}

static void prints(struct rf_event_printer *p, const char *json, const char *expected)
{
	_cleanup_free_ char *text = print(p, json);

	assert_string_equal(text, expected);
}

static void test_connection(void **state)
{
	struct rf_event_printer p = {.now = DAY + 100};

	(void)state;
	prints(&p, close_line,
	       "03:04:05.678 allowed shop/buyer-7d4c (buyer)  -> shop/store-1:3001 (store)    tcp 1.2kB 57ms  allow-rule by TrafficTarget "
	       "shop/t (t.yaml:3)\n");
}

static void test_wide(void **state)
{
	struct rf_event_printer p = {.now = DAY, .wide = true, .columns = 40};

	(void)state;
	prints(&p, close_line,
	       "1970-01-02T03:04:05.678Z allowed shop/buyer-7d4c (buyer) 10.0.0.3:40000 -> shop/store-1:3001 (store) 10.0.0.2:3001 tcp "
	       "1.2kB "
	       "57ms  allow-rule by TrafficTarget shop/t (t.yaml:3) (allowed) epoch 7\n");
}

static void test_another_day(void **state)
{
	struct rf_event_printer p = {.now = 5 * DAY};
	_cleanup_free_ char *text = print(&p, close_line);

	(void)state;
	assert_memory_equal(text, "01-02 03:04  allowed", 20); /* as wide as today's */
}

static void test_request(void **state)
{
	struct rf_event_printer p = {.now = DAY};

	(void)state;
	prints(&p,
	       "{'time':'1970-01-02T03:04:05.678Z','kind':'request','verdict':'denied','protocol':'http','source':'shop/buyer',"
	       "'destination':'shop/store','destination_pod':'shop/store-1','port':80,'reason':'no-route','reason_text':'no route',"
	       "'method':'GET','path':'/a\\\\x1b','status':404,'bytes':12,'duration_ms':0.25}",
	       "03:04:05.678 DENIED  shop/? (buyer)           -> shop/store-1:80 (store)      GET /a\\x1b 404 12B 0.2ms  no-route (no "
	       "route)\n");
}

static void test_tls(void **state)
{
	struct rf_event_printer p = {.now = DAY};

	(void)state;
	prints(&p,
	       "{'time':'1970-01-02T03:04:05.678Z','kind':'request','verdict':'allowed','protocol':'tcp','source':'shop/buyer',"
	       "'destination':'outside','destination_address':'10.9.9.9:443','port':443,'reason':'allow-egress-l7','reason_text':'yes',"
	       "'rule':'Egress shop/bank','method':'TLS','path':'bank.example','status':0,'bytes':12,'duration_ms':0.25}",
	       "03:04:05.678 allowed shop/? (buyer)           -> 10.9.9.9:443 (outside)       TLS bank.example 12B 0.2ms  allow-egress-l7 "
	       "by "
	       "Egress shop/bank\n");
	prints(&p,
	       "{'time':'1970-01-02T03:04:05.678Z','kind':'request','verdict':'denied','protocol':'tcp','source':'shop/buyer',"
	       "'destination':'outside','destination_address':'10.9.9.9:443','port':443,'reason':'server-name','reason_text':'no',"
	       "'rule':'Egress shop/bank','method':'TLS','path':'','status':0}",
	       "03:04:05.678 DENIED  shop/? (buyer)           -> 10.9.9.9:443 (outside)       TLS -  server-name by Egress shop/bank\n");
}

static void test_ends_without_a_pod(void **state)
{
	struct rf_event_printer p = {.now = DAY};

	(void)state;
	prints(&p,
	       "{'time':'1970-01-02T03:04:05.678Z','kind':'packet','verdict':'denied','protocol':'udp','source':'outside',"
	       "'source_address':'[fd00::1]:53','destination':'unknown','destination_service':'shop/front','port':80,'reason':'no-ingress',"
	       "'reason_text':'because'}",
	       "03:04:05.678 DENIED  [fd00::1]:53 (outside)   -> service shop/front:80 (unknown) udp  no-ingress (because)\n");
	prints(&p,
	       "{'time':'1970-01-02T03:04:05.678Z','kind':'connect','verdict':'denied','protocol':'tcp','source':'unknown',"
	       "'destination':'outside','destination_address':'10.9.9.9:443','port':443,'reason':'no-tag','reason_text':'because'}",
	       "03:04:05.678 DENIED  (unknown)                -> 10.9.9.9:443 (outside)          tcp  no-tag (because)\n");
}

static void test_audit(void **state)
{
	struct rf_event_printer p = {.now = DAY};

	(void)state;
	prints(&p,
	       "{'time':'1970-01-02T03:04:05.678Z','kind':'open','verdict':'audit','protocol':'tcp','source':'a/b','destination':'c/d',"
	       "'port':1,'reason':'allow-rule','reason_text':'x','would':'no-rule','would_text':'no target'}",
	       "03:04:05.678 audit   a/? (b)                  -> c/?:1 (d)                    tcp open  allow-rule, else no-rule (no "
	       "target)\n");
}

static void test_notes(void **state)
{
	struct rf_event_printer p = {.now = DAY};

	(void)state;
	prints(&p, "{'time':'1970-01-02T03:04:05.678Z','kind':'repair','verdict':'note','text':'put back: x'}",
	       "03:04:05.678 note    repair: put back: x\n");
	prints(&p, "{'time':'1970-01-02T03:04:05.678Z','kind':'lost','verdict':'note','text':'too slow','count':12}",
	       "03:04:05.678 note    lost: 12: too slow\n");
}

static void test_terminal_cuts_behind_the_reason(void **state)
{
	struct rf_event_printer p = {.now = DAY, .columns = 120};
	_cleanup_free_ char *text = print(&p, close_line);

	(void)state;
	assert_int_equal(strlen(text), 120 + 1);
	assert_non_null(strstr(text, " allow-rule by TrafficTarge\n"));
	p.columns = 60; /* the reason stays */
	prints(&p, close_line,
	       "03:04:05.678 allowed shop/buyer-7d4c (buyer)  -> shop/store-1:3001 (store)    tcp 1.2kB 57ms  allow-rule\n");
}

static void test_columns_grow_and_stay(void **state)
{
	static const char longer[] =
		"{'time':'1970-01-02T03:04:05.678Z','kind':'open','verdict':'allowed','protocol':'tcp','source':'a/b',"
		"'source_pod':'namespace/pod-with-a-long-name-7d4c9b8f5-abcde','destination':'c/d','port':1,'reason':'r'}";
	struct rf_event_printer p = {.now = DAY};
	_cleanup_free_ char *before = print(&p, close_line), *wider = print(&p, longer), *after = print(&p, close_line);

	(void)state;
	assert_true(strstr(wider, "->") - wider > strstr(before, "->") - before);
	assert_int_equal(strstr(after, "->") - after, strstr(wider, "->") - wider);
}

static void test_colours(void **state)
{
	struct rf_event_printer p = {.now = DAY, .colour = true};
	_cleanup_free_ char *text = print(&p, close_line);

	(void)state;
	assert_non_null(strstr(text, " \033[32mallowed\033[0m "));
}

static void test_numbers(void **state)
{
	static const struct {
		double bytes, ms;
		const char *text;
	} cases[] = {{0, 0, " 0B 0.0ms"},         {999, 9.96, " 999B 10.0ms"},    {1000, 999, " 1.0kB 999ms"},
		     {15000, 1000, " 15kB 1.0s"}, {2.5e6, 61000, " 2.5MB 1m01s"}, {9e12, 7260000, " 9.0TB 2h01m"}};

	(void)state;
	for (size_t i = 0; i < RF_ARRAY_SIZE(cases); i++) {
		_cleanup_free_ char *text = NULL;
		size_t size = 0;
		FILE *to = open_memstream(&text, &size);

		put_bytes(to, cases[i].bytes);
		put_duration(to, cases[i].ms);
		assert_int_equal(fclose(to), 0);
		assert_string_equal(text, cases[i].text);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_connection),
		cmocka_unit_test(test_wide),
		cmocka_unit_test(test_another_day),
		cmocka_unit_test(test_request),
		cmocka_unit_test(test_tls),
		cmocka_unit_test(test_ends_without_a_pod),
		cmocka_unit_test(test_audit),
		cmocka_unit_test(test_notes),
		cmocka_unit_test(test_terminal_cuts_behind_the_reason),
		cmocka_unit_test(test_columns_grow_and_stay),
		cmocka_unit_test(test_colours),
		cmocka_unit_test(test_numbers),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
