/* SPDX-License-Identifier: Apache-2.0 */
/* What a request is answered: every line of rf_routes_decide's list, by DFA and by NFA. */
#include "routes_world.h"

static const struct decision {
	rf_identity_t src, dst;
	uint16_t port;
	const char *method, *target;
	enum rf_reason reason;
	uint32_t rule;
} decisions[] = {
	{BUYER, STORE, 80, "GET", "/buy", RF_REASON_ALLOW_L7, RULE_BUY},
	{BUYER, STORE, 80, "GET", "/buy?x=/api/steal", RF_REASON_ALLOW_L7, RULE_BUY},
	{BUYER, STORE, 80, "POST", "/buy", RF_REASON_NO_ROUTE, RULE_BUYER_PAIR},
	{BUYER, STORE, 80, "HEAD", "/buy", RF_REASON_NO_ROUTE, RULE_BUYER_PAIR},
	{BUYER, STORE, 80, "GET", "/nothing", RF_REASON_NO_ROUTE, RULE_BUYER_PAIR},
	{BUYER, STORE, 80, "GET", "/api/steal/1", RF_REASON_ROUTE_OTHERS, RULE_STEAL},
	{BUYER, STORE, 80, "PUT", "/public/x", RF_REASON_ALLOW_L7, RULE_PUBLIC},
	{THIEF, STORE, 80, "GET", "/api/steal/1", RF_REASON_ALLOW_L7, RULE_STEAL},
	{THIEF, STORE, 80, "GET", "/buy", RF_REASON_ALLOW_L7, RULE_BUY},
	{THIEF, STORE, 80, "GET", "/public/x", RF_REASON_ROUTE_OTHERS, RULE_PUBLIC},
	/* raw and canonical */
	{BUYER, STORE, 80, "GET", "/public//a/./b;c/%64", RF_REASON_ALLOW_L7, RULE_PUBLIC},
	{BUYER, STORE, 80, "GET", "/public/../buy", RF_REASON_ALLOW_L7, RULE_BUY},
	{BUYER, STORE, 80, "GET", "/public/../admin", RF_REASON_NO_ROUTE, RULE_BUYER_PAIR},
	{BUYER, STORE, 80, "GET", "/public/%2e%2e/admin", RF_REASON_NO_ROUTE, RULE_BUYER_PAIR},
	{BUYER, STORE, 80, "GET", "/public/../api/steal", RF_REASON_ROUTE_OTHERS, RULE_STEAL},
	{THIEF, STORE, 80, "GET", "/public/../buy", RF_REASON_ROUTE_OTHERS, RULE_PUBLIC},
	{THIEF, STORE, 80, "GET", "/public/../admin", RF_REASON_NO_ROUTE, RULE_THIEF_PAIR},
	{BUYER, STORE, 80, "GET", "/%62uy", RF_REASON_NO_ROUTE, RULE_BUYER_PAIR},
	{BUYER, STORE, 80, "GET", "//buy", RF_REASON_NO_ROUTE, RULE_BUYER_PAIR},
	{BUYER, STORE, 80, "GET", "/public/%c0%af../admin", RF_REASON_NO_ROUTE, RULE_BUYER_PAIR},
	{BUYER, STORE, 80, "GET", "/public/caf%c3%a9", RF_REASON_ALLOW_L7, RULE_PUBLIC},
	/* no canonical form */
	{BUYER, STORE, 80, "GET", "/public/../../buy", RF_REASON_BAD_PATH, RULE_BUYER_PAIR},
	{BUYER, STORE, 80, "GET", "/public/%252e", RF_REASON_BAD_PATH, RULE_BUYER_PAIR},
	{BUYER, STORE, 80, "GET", "/public/x%2fy/../../admin", RF_REASON_BAD_PATH, RULE_BUYER_PAIR},
	{BUYER, STORE, 80, "GET", "/public/%00", RF_REASON_BAD_PATH, RULE_BUYER_PAIR},
	{BUYER, STORE, 80, "GET", "", RF_REASON_BAD_PATH, RULE_BUYER_PAIR},
	{BUYER, STORE, 80, "OPTIONS", "*", RF_REASON_BAD_PATH, RULE_BUYER_PAIR},
	{BUYER, STORE, 82, "GET", "/%", RF_REASON_BAD_PATH, RULE_EMPTY},
	/* methods that are none */
	{BUYER, STORE, 80, "", "/public/x", RF_REASON_NO_ROUTE, RULE_BUYER_PAIR},
	{BUYER, STORE, 80, "GET /public/x", "/", RF_REASON_NO_ROUTE, RULE_BUYER_PAIR},
	/* pairs: the exact port is final, then port 0 */
	{BUYER, STORE, 9999, "GET", "/%", RF_REASON_ALLOW_RULE, RULE_DB},
	{BUYER, STORE, 0, "GET", "/", RF_REASON_ALLOW_RULE, RULE_DB},
	{BUYER, STORE, 81, "GET", "/", RF_REASON_NO_RULE, RULE_DENY},
	{BUYER, STORE, 82, "GET", "/buy", RF_REASON_NO_ROUTE, RULE_EMPTY},
	{BUYER, DB, 3306, "x", "\x16\x03", RF_REASON_ALLOW_RULE, RULE_DB},
	{BUYER, DB, 3307, "GET", "/buy", RF_REASON_NO_RULE, 0},
	{THIEF, DB, 3306, "GET", "/buy", RF_REASON_NO_RULE, 0},
	{OTHER, STORE, 80, "GET", "/buy", RF_REASON_NO_RULE, 0},
	{STORE, BUYER, 80, "GET", "/buy", RF_REASON_NO_RULE, 0},
	{0, STORE, 80, "GET", "/buy", RF_REASON_NO_RULE, 0},
	{NOBODY, STORE, 80, "GET", "/buy", RF_REASON_NO_RULE, 0},
	{0, INTERNET, 80, "GET", "/get", RF_REASON_NO_RULE, 0},
};

static void test_decisions(void **state)
{
	(void)state;
	FOR_BOTH_KINDS(b, 0)
	{
		assert_int_equal(rf_routes_validate(b, b->head.size), 0);
		for (size_t i = 0; i < RF_ARRAY_SIZE(decisions); i++) {
			const struct decision *d = &decisions[i];
			const struct rf_request_question q = ask(d->src, d->dst, d->port, d->method, d->target);

			print_message("%llu %u %s %s\n", (unsigned long long)d->src, d->port, d->method, d->target);
			expect(b, &q, d->reason, d->rule);
		}
	}
}

/* Two routes match one request: the granted one counts, whichever comes first, and explains it. */
static void test_overlap(void **state)
{
	(void)state;
	FOR_BOTH_KINDS(b, 0)
	{
		struct rf_request_question q = ask(BUYER, STORE, 80, "GET", "/api/steal/shared");

		expect(b, &q, RF_REASON_ALLOW_L7, RULE_SHARED);
		q.src = THIEF;
		expect(b, &q, RF_REASON_ALLOW_L7, RULE_STEAL);
	}
}

/* ---- conditions ---- */

static const struct header_case {
	const char *target;
	const char *lines[FIELDS_MAX];
	size_t count;
	enum rf_reason reason;
	uint32_t rule;
} header_cases[] = {
	{"/phone", {"User-Agent: Mobile Android 9"}, 1, RF_REASON_ALLOW_L7, RULE_PHONE},
	{"/phone", {"USER-AGENT: Android"}, 1, RF_REASON_ALLOW_L7, RULE_PHONE},
	{"/phone", {"User-Agent: android"}, 1, RF_REASON_NO_ROUTE, RULE_BUYER_PAIR}, /* the value's case counts */
	{"/phone", {"User-Agen: Android"}, 1, RF_REASON_NO_ROUTE, RULE_BUYER_PAIR},
	{"/phone", {"User-Agents: Android"}, 1, RF_REASON_NO_ROUTE, RULE_BUYER_PAIR},
	{"/phone", {NULL}, 0, RF_REASON_NO_ROUTE, RULE_BUYER_PAIR},                 /* it must be there */
	{"/phone", {"x-a: abc", "x-b: "}, 2, RF_REASON_ALLOW_L7, RULE_PHONE + 100}, /* both of them, one may be empty */
	{"/phone", {"x-a: abc"}, 1, RF_REASON_NO_ROUTE, RULE_BUYER_PAIR},
	{"/phone", {"x-a: ", "x-b: "}, 2, RF_REASON_NO_ROUTE, RULE_BUYER_PAIR},
	{"/phone", {"x-a: abc1", "x-b: 1"}, 2, RF_REASON_NO_ROUTE, RULE_BUYER_PAIR}, /* full match */
	/* a repeated header: every value, and all of them joined */
	{"/phone", {"User-Agent: Android", "user-agent: Android 2"}, 2, RF_REASON_ALLOW_L7, RULE_PHONE},
	{"/phone", {"User-Agent: Android", "user-agent: curl"}, 2, RF_REASON_NO_ROUTE, RULE_BUYER_PAIR},
	{"/phone", {"User-Agent: curl", "user-agent: Android"}, 2, RF_REASON_NO_ROUTE, RULE_BUYER_PAIR},
	{"/phone", {"User-Agent: Andr", "user-agent: oid"}, 2, RF_REASON_NO_ROUTE, RULE_BUYER_PAIR},
	{"/phone", {"x-a: abc", "x-b: 1", "x-a: def"}, 3, RF_REASON_NO_ROUTE, RULE_BUYER_PAIR}, /* "abc,def" is no [a-z]+ */
	{"/phone", {"x-a: abc,def", "x-b: 1"}, 2, RF_REASON_NO_ROUTE, RULE_BUYER_PAIR},
	{"/phone", {"x-a: abc", "x-b: 1", "x-b: 2", "x-B: 3"}, 4, RF_REASON_ALLOW_L7, RULE_PHONE + 100},
	{"/either", {"x-a: one"}, 1, RF_REASON_ALLOW_L7, RULE_PHONE + 300},
	{"/either", {"x-a: two"}, 1, RF_REASON_ALLOW_L7, RULE_PHONE + 300},
	{"/either", {"x-a: one", "x-a: two"}, 2, RF_REASON_NO_ROUTE, RULE_BUYER_PAIR},
	/* for servers that make variables of names these are one header */
	{"/phone", {"User-Agent: Android", "User_Agent: curl"}, 2, RF_REASON_NO_ROUTE, RULE_BUYER_PAIR},
	{"/phone", {"user.agent: curl", "User-Agent: Android"}, 2, RF_REASON_NO_ROUTE, RULE_BUYER_PAIR},
	{"/phone", {"User_Agent: Android"}, 1, RF_REASON_NO_ROUTE, RULE_BUYER_PAIR}, /* and for the others it is not there */
	{"/phone", {"User-Agent: Android", "User_Agent: Android 2"}, 2, RF_REASON_ALLOW_L7, RULE_PHONE},
	{"/phone", {"User-Agent: Android", "UserxAgent: curl"}, 2, RF_REASON_ALLOW_L7, RULE_PHONE},
	/* a route with and one without condition: the first granted one that holds explains it */
	{"/buy", {"User-Agent: Android"}, 1, RF_REASON_ALLOW_L7, RULE_BUY},
	/* raw and canonical path: the condition counts for both */
	{"/public/../phone", {"User-Agent: Android"}, 1, RF_REASON_ALLOW_L7, RULE_PHONE},
	{"/public/../phone", {"User-Agent: curl"}, 1, RF_REASON_NO_ROUTE, RULE_BUYER_PAIR},
};

static void test_headers(void **state)
{
	(void)state;
	FOR_BOTH_KINDS(b, 0)
	for (size_t i = 0; i < RF_ARRAY_SIZE(header_cases); i++) {
		const struct header_case *c = &header_cases[i];
		const struct fields f = fields_of(c->lines, c->count);
		struct rf_request_question q = ask(BUYER, STORE, 80, "GET", c->target);

		print_message("%s %s\n", c->target, c->count ? c->lines[0] : "");
		q.fields = f.items;
		q.field_count = f.count;
		expect(b, &q, c->reason, c->rule);
	}
}

/* What a condition keeps from its own is not "for others"; what it lets through for others is. */
static void test_conditions_and_others(void **state)
{
	static const char *const lines[] = {"User-Agent: Android"};
	const struct fields f = fields_of(lines, 1);

	(void)state;
	FOR_BOTH_KINDS(b, 0)
	{
		struct rf_request_question q = ask(THIEF, STORE, 80, "GET", "/phone");

		expect(b, &q, RF_REASON_NO_ROUTE, RULE_THIEF_PAIR);
		q.fields = f.items;
		q.field_count = f.count;
		expect(b, &q, RF_REASON_ROUTE_OTHERS, RULE_PHONE);
	}
}

static const struct {
	const char *authority;
	bool known;
} authorities[] = {
	{"shop.example", true},         {"shop.example:80", true}, {"SHOP.Example", true},  {"shop.example:81", false},
	{"shop.example.", false},       {"xshop.example", false},  {"shopxexample", false}, {"", false},
	{"\xc5\xbfhop.example", false}, /* U+017F folds to s */
};

static void test_authority(void **state)
{
	(void)state;
	FOR_BOTH_KINDS(b, 0)
	for (size_t i = 0; i < RF_ARRAY_SIZE(authorities); i++) {
		const bool known = authorities[i].known;
		struct rf_request_question condition = ask(BUYER, STORE, 80, "GET", "/named"),
					   strict = ask(BUYER, STORE, 83, "GET", "/buy");

		print_message("%s\n", authorities[i].authority);
		with_authority(&condition, authorities[i].authority);
		with_authority(&strict, authorities[i].authority);
		expect(b, &condition, known ? RF_REASON_ALLOW_L7 : RF_REASON_NO_ROUTE, known ? RULE_NAMED : RULE_BUYER_PAIR);
		expect(b, &strict, known ? RF_REASON_ALLOW_L7 : RF_REASON_AUTHORITY, known ? RULE_BUY : RULE_BUYER_PAIR);
		strict.target = "/nothing"; /* after the name */
		strict.target_len = strlen("/nothing");
		expect(b, &strict, known ? RF_REASON_NO_ROUTE : RF_REASON_AUTHORITY, RULE_BUYER_PAIR);
		strict.target = "/%"; /* before the name */
		strict.target_len = 2;
		expect(b, &strict, RF_REASON_BAD_PATH, RULE_BUYER_PAIR);
	}
}

/* ---- outside ---- */

static void test_http_outside(void **state)
{
	(void)state;
	FOR_BOTH_KINDS(b, 0)
	{
		struct rf_request_question q = ask_out(BUYER, 80, "/get?x", "httpbin.org", 9);

		expect(b, &q, RF_REASON_ALLOW_EGRESS_L7, RULE_HTTP + 100);
		q.dst = 0; /* nobody at all is outside, too */
		expect(b, &q, RF_REASON_ALLOW_EGRESS_L7, RULE_HTTP + 100);
		with_authority(&q, "HTTPBIN.org:80");
		expect(b, &q, RF_REASON_ALLOW_EGRESS_L7, RULE_HTTP + 100);
		with_authority(&q, "example.com");
		expect(b, &q, RF_REASON_NO_ROUTE, RULE_HTTP);
		q = ask_out(BUYER, 80, "/get", "httpbin.org", 9);
		q.addr = rf_addr4(RF_BE32(0xc0000309)); /* not of the range */
		expect(b, &q, RF_REASON_NO_ROUTE, RULE_HTTP);
		q.addr = (struct rf_addr){{0}};
		expect(b, &q, RF_REASON_NO_ROUTE, RULE_HTTP);
		q = ask_out(BUYER, 80, "/post", "httpbin.org", 9);
		expect(b, &q, RF_REASON_NO_ROUTE, RULE_HTTP);
		q = ask_out(BUYER, 80, "/get%", "httpbin.org", 9);
		expect(b, &q, RF_REASON_BAD_PATH, RULE_HTTP);
		q = ask_out(BUYER, 8080, "/get", "httpbin.org", 9);
		expect(b, &q, RF_REASON_NO_EGRESS, 0);
		q = ask_out(THIEF, 80, "/get", "httpbin.org", 9);
		expect(b, &q, RF_REASON_NO_EGRESS, 0);
		q = ask_out(BUYER, 443, "/get", "httpbin.org", 9); /* HTTP on a port that wants TLS */
		expect(b, &q, RF_REASON_NO_EGRESS, 0);
		q = ask_out(NOBODY, 80, "/get", "httpbin.org", 9);
		expect(b, &q, RF_REASON_NO_RULE, 0);
	}
}

static void test_tls_outside(void **state)
{
	(void)state;
	FOR_BOTH_KINDS(b, 0)
	{
		struct rf_request_question q = ask_out(BUYER, 443, "", "www.example.com", 9);

		q.method_len = 0;
		q.tls = true;
		expect(b, &q, RF_REASON_ALLOW_EGRESS_L7, RULE_HTTPS + 100);
		with_authority(&q, "example.com");
		expect(b, &q, RF_REASON_SERVER_NAME, RULE_HTTPS);
		with_authority(&q, "");
		expect(b, &q, RF_REASON_SERVER_NAME, RULE_HTTPS);
		q.port = 80; /* TLS on a port that wants HTTP */
		expect(b, &q, RF_REASON_NO_EGRESS, 0);
		q.dst = STORE; /* inside the mesh no server name opens anything, whatever the pair says */
		for (q.port = 80; q.port < 90; q.port++)
			expect(b, &q, RF_REASON_NO_RULE, 0);
	}
}

static void test_tls_is_the_port_s(void **state)
{
	_cleanup_free_ struct blob *b = make_blob(RF_DFA_STATES_MAX, 0);

	(void)state;
	assert_true(rf_routes_tls(b, BUYER, INTERNET, 443));
	assert_true(rf_routes_tls(b, BUYER, 0, 443));
	assert_false(rf_routes_tls(b, BUYER, STORE, 443)); /* of the mesh */
	assert_false(rf_routes_tls(b, BUYER, INTERNET, 80));
	assert_false(rf_routes_tls(b, BUYER, INTERNET, 444));
	assert_false(rf_routes_tls(b, THIEF, INTERNET, 443));
	assert_false(rf_routes_tls(b, 0, INTERNET, 443));
}

static void test_egress_for_all(void **state)
{
	_cleanup_free_ struct blob *b = make_blob(RF_DFA_STATES_MAX, RF_ROUTES_EGRESS);
	struct rf_request_question q = ask_out(BUYER, 80, "/%", "example.com", 9);

	(void)state;
	expect(b, &q, RF_REASON_ALLOW_EGRESS, 0); /* the path is not looked at */
	q.src = THIEF;
	q.tls = true;
	expect(b, &q, RF_REASON_ALLOW_EGRESS, 0);
	q.src = NOBODY;
	expect(b, &q, RF_REASON_NO_RULE, 0);
	q = ask(BUYER, STORE, 81, "GET", "/"); /* inside nothing is opened by it */
	expect(b, &q, RF_REASON_NO_RULE, RULE_DENY);
}

/* ---- audit ---- */

static void test_audit_of_a_destination(void **state)
{
	(void)state;
	FOR_BOTH_KINDS(b, 0)
	{
		struct rf_request_question q = ask(BUYER, STAGE, 80, "GET", "/buy");

		with_authority(&q, "shop.example");
		expect(b, &q, RF_REASON_ALLOW_L7, RULE_BUY); /* what is allowed is not audited */
		with_authority(&q, "other.example");
		expect_audit(b, &q, RF_REASON_AUTHORITY, RULE_STAGE);
		q = ask(THIEF, STAGE, 80, "GET", "/nothing");
		expect_audit(b, &q, RF_REASON_NO_ROUTE, RULE_STAGE);
		q = ask(THIEF, STAGE, 80, "GET", "/public/x");
		expect_audit(b, &q, RF_REASON_ROUTE_OTHERS, RULE_PUBLIC);
		q = ask(THIEF, STAGE, 80, "GET", "/%");
		expect(b, &q, RF_REASON_BAD_PATH, RULE_STAGE);
		q = ask(THIEF, STAGE, 81, "GET", "/");
		expect_audit(b, &q, RF_REASON_NO_RULE, 0);
		q = ask(NOBODY, STAGE, 80, "GET", "/"); /* nobody's request */
		expect(b, &q, RF_REASON_NO_RULE, 0);
		q = ask(0, STAGE, 80, "GET", "/");
		expect(b, &q, RF_REASON_NO_RULE, 0);
		q = ask(WATCHED, STORE, 80, "GET", "/"); /* its own audit is of the way out only */
		expect(b, &q, RF_REASON_NO_RULE, 0);
		q = ask(BUYER, WATCHED, 80, "GET", "/");
		expect(b, &q, RF_REASON_NO_RULE, 0);
		q = ask(STAGE, INTERNET, 80, "GET", "/"); /* and this one's of the way in */
		expect(b, &q, RF_REASON_NO_EGRESS, 0);
	}
}

static void test_audit_of_a_source(void **state)
{
	(void)state;
	FOR_BOTH_KINDS(b, 0)
	{
		struct rf_request_question q = ask_out(WATCHED, 80, "/get", "httpbin.org", 9);

		expect(b, &q, RF_REASON_ALLOW_EGRESS_L7, RULE_HTTP + 100);
		with_authority(&q, "example.com");
		expect_audit(b, &q, RF_REASON_NO_ROUTE, RULE_HTTP);
		q.port = 81;
		expect_audit(b, &q, RF_REASON_NO_EGRESS, 0);
		q.port = 443;
		q.tls = true;
		expect_audit(b, &q, RF_REASON_SERVER_NAME, RULE_HTTPS);
		q = ask_out(WATCHED, 80, "/%", "httpbin.org", 9);
		expect(b, &q, RF_REASON_BAD_PATH, RULE_HTTP);
	}
}

static void test_permissive(void **state)
{
	_cleanup_free_ struct blob *b = make_blob(RF_DFA_STATES_MAX, RF_ROUTES_PERMISSIVE);
	struct rf_request_question q = ask(THIEF, STORE, 9999, "GET", "/%");

	(void)state;
	expect(b, &q, RF_REASON_ALLOW_PERMISSIVE, 0);
	q = ask(BUYER, STORE, 81, "GET", "/");
	expect(b, &q, RF_REASON_ALLOW_PERMISSIVE, 0);
	q = ask(BUYER, STORE, 83, "GET", "/"); /* a name of its own is not asked for either */
	expect(b, &q, RF_REASON_ALLOW_PERMISSIVE, 0);
	q = ask(0, STORE, 80, "GET", "/");
	expect(b, &q, RF_REASON_NO_RULE, 0);
	q = ask(NOBODY, STORE, 80, "GET", "/");
	expect(b, &q, RF_REASON_NO_RULE, 0);
	q = ask(BUYER, INTERNET, 8080, "GET", "/"); /* it is about the mesh */
	expect(b, &q, RF_REASON_NO_EGRESS, 0);
}

/* strictAuthority: the pair of source 0 has the names, one grant for the destination's own namespace, one for the others. */
static void test_permissive_by_name(void **state)
{
	_cleanup_free_ struct blob *b = make_blob(RF_DFA_STATES_MAX, RF_ROUTES_PERMISSIVE);
	struct rf_request_question q = ask(BUYER, STORE, 80, "GET", "/%");

	(void)state;
	b->pairs[0] = (struct rf_route_pair){.dst = STORE, .port = 80, .verdict = RF_VERDICT_L7, .routes_id = 3, .local_id = 0};
	for (size_t i = 0; i < RF_ARRAY_SIZE(idents); i++)
		b->idents[i].ns = (uint32_t)i;
	assert_int_equal(rf_routes_validate(b, b->head.size), 0);
	expect(b, &q, RF_REASON_AUTHORITY, 0);
	with_authority(&q, "shop.example");
	expect(b, &q, RF_REASON_ALLOW_PERMISSIVE, 0);
	with_authority(&q, "other.example");
	expect(b, &q, RF_REASON_AUTHORITY, 0);
	q.port = 81;
	expect(b, &q, RF_REASON_ALLOW_PERMISSIVE, 0);
	q.port = 80;
	b->idents[3].ns = b->idents[0].ns; /* grant 0 asks for no name */
	expect(b, &q, RF_REASON_ALLOW_PERMISSIVE, 0);
}

/* Longer than the buffer on the stack. */
static void test_long_path(void **state)
{
	_cleanup_free_ struct blob *b = make_blob(RF_DFA_STATES_MAX, 0);
	static char path[100000];
	struct rf_request_question q = ask(BUYER, STORE, 80, "GET", "");

	(void)state;
	memset(path, 'a', sizeof(path));
	memcpy(path, "/public/", 8);
	q.target = path;
	for (q.target_len = 4000; q.target_len <= sizeof(path); q.target_len += 4000)
		expect(b, &q, RF_REASON_ALLOW_L7, RULE_PUBLIC);
	memcpy(path + sizeof(path) - 14, "/../../../../b", 14);
	q.target_len = sizeof(path);
	expect(b, &q, RF_REASON_BAD_PATH, RULE_BUYER_PAIR);
}

/* An empty policy denies, it does not crash. */
static void test_empty(void **state)
{
	struct rf_routes_head head = {.magic = RF_ROUTES_MAGIC,
				      .version = RF_ROUTES_VERSION,
				      .size = sizeof(head),
				      .idents_off = sizeof(head),
				      .pairs_off = sizeof(head),
				      .egresses_off = sizeof(head),
				      .grants_off = sizeof(head)};
	const struct rf_request_question q = ask(BUYER, STORE, 80, "GET", "/");

	(void)state;
	assert_int_equal(rf_routes_validate(&head, sizeof(head)), 0);
	expect(&head, &q, RF_REASON_NO_RULE, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_decisions),
		cmocka_unit_test(test_overlap),
		cmocka_unit_test(test_headers),
		cmocka_unit_test(test_conditions_and_others),
		cmocka_unit_test(test_authority),
		cmocka_unit_test(test_http_outside),
		cmocka_unit_test(test_tls_outside),
		cmocka_unit_test(test_tls_is_the_port_s),
		cmocka_unit_test(test_egress_for_all),
		cmocka_unit_test(test_audit_of_a_destination),
		cmocka_unit_test(test_audit_of_a_source),
		cmocka_unit_test(test_permissive),
		cmocka_unit_test(test_permissive_by_name),
		cmocka_unit_test(test_long_path),
		cmocka_unit_test(test_empty),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
