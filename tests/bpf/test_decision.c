/* SPDX-License-Identifier: Apache-2.0 */
/* The decision at the edges of the mesh, asked of the real programs: Egress, exclusions, audit, who opens, and the tables read back. */
#include "exits_world.h"

static struct rf_question tcp(rf_identity_t src, uint32_t saddr, rf_identity_t dst, uint32_t daddr, uint16_t port)
{
	return (struct rf_question){
		.src = src, .dst = dst, .saddr = rf_addr4(saddr), .daddr = rf_addr4(daddr), .port = port, .proto = IPPROTO_TCP};
}

static struct rf_answer answer(struct rf_question q, uint32_t opener)
{
	struct rf_answer a = {};

	if (rf_datapath_ask(dp, &q, opener, &a) < 0)
		fail_msg("%s", rf_datapath_error(dp));
	assert_int_equal(a.verdict != RF_VERDICT_DENY, rf_reason_admits(a.reason));
	assert_int_equal(a.would != 0, a.reason == RF_REASON_ALLOW_AUDIT);
	return a;
}

#define expect_answer(q, opener, expected_reason, expected_rule)                                                                           \
	do {                                                                                                                               \
		struct rf_answer got = answer(q, opener);                                                                                  \
		assert_string_equal(rf_reason_name(got.reason), rf_reason_name(expected_reason));                                          \
		assert_int_equal(got.rule_id, expected_rule);                                                                              \
	} while (0)

static struct rf_question out(uint32_t saddr, uint32_t daddr, uint16_t port)
{
	return tcp(SRC, saddr, 0, daddr, port);
}

static void test_egress(void **state)
{
	struct rf_question udp = out(POD_ADDR, BEYOND, EGRESS_TCP), plain = out(POD_ADDR, BEYOND, EGRESS_TCP), other = plain;

	(void)state;
	publish_exits(false, false, EXCLUDES_ALL);
	expect_answer(plain, RF_ASK_CONNECT, RF_REASON_ALLOW_EGRESS_RULE, RULE_EGRESS_TCP);
	expect_answer(plain, RF_OPENER_POD, RF_REASON_ALLOW_EGRESS_RULE, RULE_EGRESS_TCP);
	expect_answer(out(POD_ADDR, STRANGER, EGRESS_TCP), RF_ASK_CONNECT, RF_REASON_NO_EGRESS, 0); /* another network */
	expect_answer(out(POD_ADDR, BEYOND, EGRESS_TCP + 100), RF_ASK_CONNECT, RF_REASON_NO_EGRESS, 0);
	other.src = DST;
	expect_answer(other, RF_ASK_CONNECT, RF_REASON_NO_EGRESS, 0);
	udp.proto = IPPROTO_UDP;
	expect_answer(udp, RF_ASK_CONNECT, RF_REASON_NO_EGRESS, 0);
	/* the longest prefix is final, and what is no ALLOW and no L7 denies */
	expect_answer(out(POD_ADDR, BEYOND, EGRESS_DENY), RF_ASK_CONNECT, RF_REASON_NO_EGRESS, RULE_EGRESS_DENY);
	expect_answer(out(POD_ADDR, BEYOND + htonl(1), EGRESS_DENY), RF_ASK_CONNECT, RF_REASON_ALLOW_EGRESS_RULE, RULE_EGRESS_WIDE);
	/* a known account outside the mesh is outside */
	plain.dst = PLAIN;
	expect_answer(plain, RF_ASK_CONNECT, RF_REASON_ALLOW_EGRESS_RULE, RULE_EGRESS_TCP);
	/* an Egress opens nothing inside */
	plain.dst = DST;
	expect_answer(plain, RF_ASK_CONNECT, RF_REASON_NO_RULE, 0);
	/* permissive mode opens the mesh to itself, enableEgress the rest */
	publish_exits(true, false, 0);
	expect_answer(out(POD_ADDR, STRANGER, EGRESS_TCP), RF_ASK_CONNECT, RF_REASON_NO_EGRESS, 0);
	publish_exits(false, true, 0);
	expect_answer(out(POD_ADDR, STRANGER, EGRESS_TCP), RF_ASK_CONNECT, RF_REASON_ALLOW_EGRESS, 0);
	expect_answer(out(POD_ADDR, STRANGER, EGRESS_HTTP), RF_ASK_CONNECT, RF_REASON_ALLOW_EGRESS, 0);
}

static void test_egress_through_the_checker(void **state)
{
	struct rf_question v6 = out(POD_ADDR, BEYOND, EGRESS_HTTP);
	struct rf_question q = v6;

	(void)state;
	v6.saddr = pod_addr6();
	v6.daddr = outsider6();
	publish_exits(false, false, 0);
	assert_int_equal(answer(q, RF_ASK_CONNECT).verdict, RF_VERDICT_L7);
	expect_answer(q, RF_ASK_CONNECT, RF_REASON_ALLOW_EGRESS_L7, RULE_EGRESS_HTTP);
	expect_answer(v6, RF_ASK_CONNECT, RF_REASON_ALLOW_EGRESS_L7, RULE_EGRESS_HTTP); /* a prefix of length 0 is both families */
	expect_answer(q, RF_OPENER_POD, RF_REASON_CHECKER_BYPASS, RULE_EGRESS_HTTP);
	expect_answer(q, RF_OPENER_CHECKER, RF_REASON_ALLOW_CHECKER, RULE_EGRESS_HTTP);
	/* a captured checker gains nothing by what the pod itself may open without it */
	expect_answer(out(POD_ADDR, BEYOND, EGRESS_TCP), RF_OPENER_CHECKER, RF_REASON_CHECKER_BYPASS, RULE_EGRESS_TCP);
	expect_answer(out(POD_ADDR, BEYOND, 443), RF_OPENER_CHECKER, RF_REASON_NO_EGRESS, 0);
	/* enableEgress while a connection to a checked port is open: its next upstream connection is admitted, and nothing else */
	publish_exits(false, true, 0);
	expect_answer(q, RF_OPENER_CHECKER, RF_REASON_ALLOW_EGRESS, 0);
	expect_answer(v6, RF_OPENER_CHECKER, RF_REASON_ALLOW_EGRESS, 0);
	expect_answer(out(POD_ADDR, BEYOND, EGRESS_TCP), RF_OPENER_CHECKER, RF_REASON_CHECKER_BYPASS, 0);
	expect_answer(out(POD_ADDR, BEYOND, 443), RF_OPENER_CHECKER, RF_REASON_CHECKER_BYPASS, 0);
	q.src = DST; /* another pod of the node, which no Egress names */
	expect_answer(q, RF_OPENER_CHECKER, RF_REASON_CHECKER_BYPASS, 0);
}

static void test_excluded_out(void **state)
{
	struct rf_question q = out(POD_ADDR, STRANGER, PORT_OUT), service = out(POD_ADDR, STRANGER, 8080), udp;

	(void)state;
	publish_exits(false, false, EXCLUDES_ALL);
	expect_answer(q, RF_ASK_CONNECT, RF_REASON_ALLOW_EXCLUDED, RULE_PORT_OUT);
	expect_answer(q, RF_OPENER_POD, RF_REASON_ALLOW_EXCLUDED, RULE_PORT_OUT);
	expect_answer(q, RF_OPENER_CHECKER, RF_REASON_NO_EGRESS, 0);
	expect_answer(out(POD_ADDR, EXCLUDED4 + htonl(9), 443), RF_ASK_CONNECT, RF_REASON_ALLOW_EXCLUDED, RULE_RANGE_OUT);
	expect_answer(out(POD_ADDR, EXCLUDED4 + htonl(256), 443), RF_ASK_CONNECT, RF_REASON_NO_EGRESS, 0);
	/* the lists of one pod are nobody else's */
	expect_answer(out(SECOND, STRANGER, POD_PORT_OUT), RF_ASK_CONNECT, RF_REASON_ALLOW_EXCLUDED, RULE_POD_PORT_OUT);
	expect_answer(out(SECOND, BEYOND, 443), RF_ASK_CONNECT, RF_REASON_ALLOW_EXCLUDED, RULE_POD_RANGE_OUT);
	expect_answer(out(POD_ADDR, STRANGER, POD_PORT_OUT), RF_ASK_CONNECT, RF_REASON_NO_EGRESS, 0);
	expect_answer(out(POD_ADDR, BEYOND, 443), RF_ASK_CONNECT, RF_REASON_NO_EGRESS, 0);
	/* what was dialled counts, port and address, not where it was sent */
	service.dialed = rf_addr4(SERVICE);
	service.dialed_port = PORT_OUT;
	expect_answer(service, RF_ASK_CONNECT, RF_REASON_ALLOW_EXCLUDED, RULE_PORT_OUT);
	service.dialed_port = 8080;
	service.port = PORT_OUT;
	expect_answer(service, RF_ASK_CONNECT, RF_REASON_NO_EGRESS, 0);
	service.dialed = rf_addr4(EXCLUDED4 + htonl(1));
	expect_answer(service, RF_ASK_CONNECT, RF_REASON_ALLOW_EXCLUDED, RULE_RANGE_OUT);
	/* UDP: what is on the wire counts, for tc sees nothing else */
	udp = service;
	udp.proto = IPPROTO_UDP;
	udp.port = 53;
	expect_answer(udp, RF_ASK_CONNECT, RF_REASON_NO_EGRESS, 0);
	udp.port = PORT_OUT;
	expect_answer(udp, RF_ASK_CONNECT, RF_REASON_ALLOW_EXCLUDED, RULE_PORT_OUT);
	/* other protocols are not taken out of the mesh */
	q.proto = IPPROTO_ICMP;
	expect_answer(q, RF_ASK_CONNECT, RF_REASON_ICMP, 0);
	/* who is not in the mesh has nothing to be taken out of */
	expect_answer(tcp(PLAIN, POD_ADDR, 0, STRANGER, PORT_OUT), RF_ASK_CONNECT, RF_REASON_ALLOW_UNMESHED, 0);
}

/* A client that is taken out of the mesh is an outsider to a pod of the mesh, whatever pairs are allowed. */
static void test_excluded_client_of_the_mesh(void **state)
{
	(void)state;
	publish_exits(false, false, EXCLUDES_ALL);
	expect_answer(tcp(SRC, POD_ADDR, DST, STRANGER, PORT_OUT), RF_ASK_CONNECT, RF_REASON_NO_INGRESS, 0);
	expect_answer(tcp(SRC, SECOND, DST, STRANGER, PORT_OUT), RF_ASK_CONNECT, RF_REASON_ALLOW_INGRESS, RULE_INGRESS);
	expect_answer(tcp(SRC, POD_ADDR, DST, STRANGER, 8080), RF_ASK_CONNECT, RF_REASON_ALLOW_RULE, RULE_PAIR);
	publish_exits(true, true, EXCLUDES_ALL); /* as for any outsider permissive mode does not help */
	expect_answer(tcp(SRC, POD_ADDR, DST, STRANGER, PORT_OUT), RF_ASK_CONNECT, RF_REASON_NO_INGRESS, 0);
	/* without the list the pair is one of the mesh */
	publish_exits(false, false, EXCLUDES_ALL & ~RF_EXCLUDES_MESH(RF_EXCLUSION_PORT_OUT));
	expect_answer(tcp(SRC, POD_ADDR, DST, STRANGER, PORT_OUT), RF_ASK_CONNECT, RF_REASON_ALLOW_RULE, RULE_PAIR);
}

/* The list names the port of the pods behind a Service, and not the Service's, which was dialled: so the checker takes the connection over,
 * and what it opens to the pod is not excluded either. Nor is it when the list comes while the connection is open. */
static void test_exclusions_are_not_the_checkers(void **state)
{
	struct rf_question q = tcp(SRC, SECOND, DST, STRANGER, POD_PORT_OUT), direct = q,
			   mesh = tcp(SRC, POD_ADDR, DST, STRANGER, PORT_OUT);

	(void)state;
	q.dialed = rf_addr4(SERVICE);
	q.dialed_port = 80;
	publish_exits(false, false, EXCLUDES_ALL);
	expect_answer(q, RF_ASK_CONNECT, RF_REASON_ALLOW_L7, RULE_PAIR);
	expect_answer(direct, RF_OPENER_CHECKER, RF_REASON_ALLOW_CHECKER, RULE_PAIR); /* it dials the pod itself */
	expect_answer(direct, RF_ASK_CONNECT, RF_REASON_NO_INGRESS, 0);
	expect_answer(mesh, RF_OPENER_CHECKER, RF_REASON_ALLOW_RULE, RULE_PAIR);
	/* and it opens nothing that only an exclusion admits, or an IngressBackend for the excluded */
	expect_answer(out(SECOND, STRANGER, POD_PORT_OUT), RF_OPENER_CHECKER, RF_REASON_NO_EGRESS, 0);
	expect_answer(tcp(SRC, SECOND, AUDITED, STRANGER, PORT_IN), RF_OPENER_CHECKER, RF_REASON_ALLOW_AUDIT, 0);
	expect_answer(tcp(SRC, SECOND, DST, STRANGER, PORT_IN), RF_OPENER_CHECKER, RF_REASON_NO_RULE, 0);
}

static void test_excluded_in(void **state)
{
	struct rf_question udp = tcp(0, OUTSIDER, DST, STRANGER, PORT_IN), both = tcp(SRC, POD_ADDR, DST, STRANGER, PORT_IN);

	(void)state;
	publish_exits(false, false, EXCLUDES_ALL);
	expect_answer(tcp(0, OUTSIDER, DST, STRANGER, PORT_IN), RF_ASK_CONNECT, RF_REASON_ALLOW_EXCLUDED, RULE_PORT_IN);
	expect_answer(tcp(PLAIN, OUTSIDER, DST, STRANGER, PORT_IN), RF_ASK_CONNECT, RF_REASON_ALLOW_EXCLUDED, RULE_PORT_IN);
	udp.proto = IPPROTO_UDP;
	expect_answer(udp, RF_ASK_CONNECT, RF_REASON_ALLOW_EXCLUDED, RULE_PORT_IN);
	expect_answer(tcp(0, OUTSIDER, DST, STRANGER, PORT_IN + 100), RF_ASK_CONNECT, RF_REASON_NO_INGRESS, 0);
	expect_answer(tcp(0, OUTSIDER, DST, SECOND, POD_PORT_IN), RF_ASK_CONNECT, RF_REASON_ALLOW_EXCLUDED, RULE_POD_PORT_IN);
	expect_answer(tcp(0, OUTSIDER, DST, POD_ADDR, POD_PORT_IN), RF_ASK_CONNECT, RF_REASON_NO_INGRESS, 0);
	/* between two accounts of the mesh it changes nothing */
	expect_answer(both, RF_ASK_CONNECT, RF_REASON_NO_RULE, 0);
	expect_answer(tcp(SRC, POD_ADDR, DST, SECOND, POD_PORT_IN), RF_ASK_CONNECT, RF_REASON_NO_RULE, 0);
	/* a client that is taken out where the server's way in is: as between two pods outside */
	both.dialed = rf_addr4(SERVICE);
	both.dialed_port = PORT_OUT;
	expect_answer(both, RF_ASK_CONNECT, RF_REASON_ALLOW_EXCLUDED, RULE_PORT_IN);
	publish_exits(false, false, 0);
	expect_answer(tcp(0, OUTSIDER, DST, STRANGER, PORT_IN), RF_ASK_CONNECT, RF_REASON_NO_INGRESS, 0);
}

/* Each kind and each owner is looked up only where the revision says that there is something. */
static void test_only_what_there_is(void **state)
{
	static const struct {
		uint8_t bit;
		uint32_t saddr, daddr;
		uint16_t port;
	} cases[] = {
		{RF_EXCLUDES_MESH(RF_EXCLUSION_PORT_OUT), 1, 2, PORT_OUT},
		{RF_EXCLUDES_MESH(RF_EXCLUSION_RANGE_OUT), 1, 3, 443},
		{RF_EXCLUDES_PODS(RF_EXCLUSION_PORT_OUT), 0, 2, POD_PORT_OUT},
		{RF_EXCLUDES_PODS(RF_EXCLUSION_RANGE_OUT), 0, 4, 443},
	};
	const uint32_t addresses[] = {SECOND, POD_ADDR, STRANGER, EXCLUDED4, BEYOND};

	(void)state;
	for (size_t i = 0; i < RF_ARRAY_SIZE(cases); i++) {
		struct rf_question q = out(addresses[cases[i].saddr], addresses[cases[i].daddr], cases[i].port);

		publish_exits(false, false, cases[i].bit);
		assert_int_equal(answer(q, RF_ASK_CONNECT).reason, RF_REASON_ALLOW_EXCLUDED);
		publish_exits(false, false, (uint8_t)(EXCLUDES_ALL & ~cases[i].bit));
		assert_int_equal(answer(q, RF_ASK_CONNECT).reason, RF_REASON_NO_EGRESS);
	}
}

static void expect_audit(struct rf_question q, uint32_t opener, enum rf_reason would)
{
	struct rf_answer a = answer(q, opener);

	assert_string_equal(rf_reason_name(a.reason), rf_reason_name(RF_REASON_ALLOW_AUDIT));
	assert_int_equal(a.verdict, RF_VERDICT_ALLOW);
	assert_int_equal(a.would, would);
}

static void test_audit(void **state)
{
	struct rf_question udp = tcp(SRC, POD_ADDR, AUDITED, STRANGER, 53), icmp = udp, bypass = tcp(SRC, POD_ADDR, AUDITED, STRANGER, 80);

	(void)state;
	publish_exits(false, false, EXCLUDES_ALL);
	expect_audit(tcp(SRC, POD_ADDR, AUDITED, STRANGER, 8080), RF_ASK_CONNECT, RF_REASON_NO_RULE);
	expect_audit(tcp(SRC, POD_ADDR, AUDITED, STRANGER, 9), RF_OPENER_POD, RF_REASON_NO_RULE);
	assert_int_equal(answer(tcp(SRC, POD_ADDR, AUDITED, STRANGER, 9), RF_ASK_CONNECT).rule_id, RULE_PAIR); /* who denies */
	expect_audit(tcp(0, OUTSIDER, AUDITED, STRANGER, 8080), RF_ASK_CONNECT, RF_REASON_NO_INGRESS);
	expect_audit(tcp(SRC, POD_ADDR, AUDITED, STRANGER, PORT_OUT), RF_ASK_CONNECT, RF_REASON_NO_INGRESS);
	expect_audit(tcp(LEAVING, POD_ADDR, 0, STRANGER, 8080), RF_ASK_CONNECT, RF_REASON_NO_EGRESS);
	udp.proto = IPPROTO_UDP;
	expect_audit(udp, RF_ASK_CONNECT, RF_REASON_NO_RULE);
	/* each direction by itself */
	expect_answer(tcp(AUDITED, POD_ADDR, 0, STRANGER, 8080), RF_ASK_CONNECT, RF_REASON_NO_EGRESS, 0);
	expect_answer(tcp(AUDITED, POD_ADDR, DST, STRANGER, 8080), RF_ASK_CONNECT, RF_REASON_NO_RULE, 0);
	expect_answer(tcp(SRC, POD_ADDR, LEAVING, STRANGER, 8080), RF_ASK_CONNECT, RF_REASON_NO_RULE, 0);
	expect_answer(tcp(LEAVING, POD_ADDR, DST, STRANGER, 8080), RF_ASK_CONNECT, RF_REASON_NO_RULE, 0);
	/* what is allowed needs no audit, what cannot be judged does not pass for it, and the checker is not gone around */
	expect_answer(bypass, RF_ASK_CONNECT, RF_REASON_ALLOW_L7, RULE_PAIR);
	expect_answer(bypass, RF_OPENER_POD, RF_REASON_CHECKER_BYPASS, RULE_PAIR);
	icmp.proto = IPPROTO_ICMP;
	expect_answer(icmp, RF_ASK_CONNECT, RF_REASON_ICMP, 0);
	icmp.proto = IPPROTO_SCTP;
	expect_answer(icmp, RF_ASK_CONNECT, RF_REASON_IP_PROTOCOL, 0);
	/* the checker goes on where its pod could do without it, and only inside the mesh */
	expect_audit(tcp(SRC, POD_ADDR, AUDITED, STRANGER, 8080), RF_OPENER_CHECKER, RF_REASON_NO_RULE);
	expect_answer(tcp(LEAVING, POD_ADDR, 0, STRANGER, 8080), RF_OPENER_CHECKER, RF_REASON_CHECKER_BYPASS, 0);
	expect_audit(tcp(SRC, POD_ADDR, AUDITED, STRANGER, PORT_OUT), RF_OPENER_CHECKER, RF_REASON_NO_RULE); /* to it nothing is excluded */
	udp.proto = IPPROTO_UDP;
	expect_answer(udp, RF_OPENER_CHECKER, RF_REASON_DATAGRAM, 0);
}

static void test_prober(void **state)
{
	struct rf_question q = tcp(0, OUTSIDER, DST, STRANGER, 8080), udp = q;
	struct rf_prober row = {};

	(void)state;
	publish_exits(false, false, 0);
	expect_answer(q, RF_OPENER_PROBER, RF_REASON_NO_INGRESS, 0); /* nobody is a prober */
	assert_int_equal(rf_datapath_prober(dp, 4711, 2), 0);
	assert_int_equal(rf_datapath_prober_is(dp, &row), 0);
	assert_int_equal(row.cgroup_id, 4711);
	assert_int_equal(row.level, 2);
	expect_answer(q, RF_OPENER_PROBER, RF_REASON_ALLOW_PROBE, 0);
	expect_answer(q, RF_OPENER_POD, RF_REASON_NO_INGRESS, 0);
	udp.proto = IPPROTO_UDP;
	expect_answer(udp, RF_OPENER_PROBER, RF_REASON_NO_INGRESS, 0);
	q.dst = PLAIN;
	expect_answer(q, RF_OPENER_PROBER, RF_REASON_ALLOW_UNMESHED, 0);
	q.src = SRC;
	q.dst = 0;
	expect_answer(q, RF_OPENER_PROBER, RF_REASON_NO_EGRESS, 0);
	assert_int_equal(rf_datapath_prober(dp, 0, 7), 0);
	q = tcp(0, OUTSIDER, DST, STRANGER, 8080);
	expect_answer(q, RF_OPENER_PROBER, RF_REASON_NO_INGRESS, 0);
}

static void test_no_policy(void **state)
{
	(void)state;
	assert_int_equal(rf_datapath_prober(dp, 4711, 2), 0);
	expect_answer(tcp(0, OUTSIDER, DST, STRANGER, 8080), RF_OPENER_PROBER, RF_REASON_NO_POLICY, 0);
	expect_answer(tcp(SRC, OUTSIDER, 0, STRANGER, PORT_OUT), RF_ASK_CONNECT, RF_REASON_NO_POLICY, 0);
	assert_int_equal(rf_datapath_prober(dp, 0, 0), 0);
}

static void test_entries(void **state)
{
	struct rf_egress_key egress = {.prefixlen = RF_EGRESS_FIXED_BITS + 128,
				       .port = EGRESS_DENY,
				       .proto = IPPROTO_TCP,
				       .src = SRC,
				       .addr = rf_addr4(BEYOND + htonl(1))},
			     checked = egress;
	struct rf_exclusion_key exclusion = {
		.prefixlen = RF_EXCLUSION_FIXED_BITS + 128, .kind = RF_EXCLUSION_RANGE_OUT, .addr = rf_addr4(EXCLUDED4 + htonl(3))};
	struct rf_ingress_key ingress = {
		.prefixlen = RF_INGRESS_FIXED_BITS + 128, .port = PORT_OUT, .proto = IPPROTO_TCP, .dst = DST, .addr = rf_addr4(SECOND)};
	struct rf_egress_value egress_value;
	struct rf_exclusion_value exclusion_value;
	struct rf_ingress_value ingress_value;
	struct rf_allow_value allow;
	struct rf_ident ident;
	struct rf_addr service = rf_addr4(SERVICE);
	char text[RF_IDENTITY_NAME_MAX];
	_cleanup_free_ void *blob = NULL;
	size_t size = 0;

	(void)state;
	publish_exits(false, false, EXCLUDES_ALL);
	assert_int_equal(rf_datapath_egress_entry(dp, &egress, &egress_value), 0);
	assert_int_equal(egress_value.rule_id, RULE_EGRESS_WIDE);
	assert_int_equal(egress.prefixlen, RF_EGRESS_FIXED_BITS + 96 + 16);
	assert_int_equal(egress.addr.be[3], BEYOND & htonl(0xffff0000));
	checked.addr = rf_addr4(BEYOND);
	assert_int_equal(rf_datapath_egress_entry(dp, &checked, &egress_value), 0);
	assert_int_equal(egress_value.rule_id, RULE_EGRESS_DENY);
	assert_int_equal(checked.prefixlen, RF_EGRESS_FIXED_BITS + 128);
	checked.port = EGRESS_HTTP;
	assert_int_equal(rf_datapath_egress_entry(dp, &checked, &egress_value), 0);
	assert_int_equal(checked.prefixlen, RF_EGRESS_FIXED_BITS);
	checked.prefixlen = RF_EGRESS_FIXED_BITS + 128;
	checked.port = 1;
	assert_int_equal(rf_datapath_egress_entry(dp, &checked, &egress_value), -ENOENT);
	assert_int_equal(rf_datapath_exclusion_entry(dp, &exclusion, &exclusion_value), 0);
	assert_int_equal(exclusion_value.rule_id, RULE_RANGE_OUT);
	assert_int_equal(exclusion.prefixlen, RF_EXCLUSION_FIXED_BITS + 96 + 24);
	assert_int_equal(rf_datapath_ingress_entry(dp, &ingress, &ingress_value), 0);
	assert_int_equal(ingress_value.rule_id, RULE_INGRESS);
	assert_int_equal(rf_datapath_allow_entry(dp, &exits_allow_keys[1], &allow), 0);
	assert_int_equal(allow.verdict, RF_VERDICT_L7);
	assert_int_equal(rf_datapath_ident(dp, LEAVING, &ident), 0);
	assert_int_equal(ident.audit, RF_AUDIT_FROM);
	assert_int_equal(rf_datapath_ident(dp, PLAIN, &ident), -ENOENT);
	assert_int_equal(rf_datapath_service_name(dp, &service, text, sizeof(text)), 0);
	assert_string_equal(text, "shop/store");
	assert_int_equal(rf_datapath_routes(dp, &blob, &size), 0);
	assert_int_equal(size, 16);
	assert_int_equal(((uint64_t *)blob)[0], 0x1122334455667788ull);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_no_policy),
		cmocka_unit_test(test_egress),
		cmocka_unit_test(test_egress_through_the_checker),
		cmocka_unit_test(test_excluded_out),
		cmocka_unit_test(test_excluded_client_of_the_mesh),
		cmocka_unit_test(test_exclusions_are_not_the_checkers),
		cmocka_unit_test(test_excluded_in),
		cmocka_unit_test(test_only_what_there_is),
		cmocka_unit_test(test_audit),
		cmocka_unit_test(test_prober),
		cmocka_unit_test(test_entries),
	};

	return cmocka_run_group_tests_name("decision", tests, open_instance, close_instance);
}
