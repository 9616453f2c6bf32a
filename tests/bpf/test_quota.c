/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What one pod may occupy of the tables that all share: flows, half-open ones, events; how a flow is forgotten; and the silence of a
 * takeover.
 */
#include "packets_world.h"

static void test_flow_quota(void **state)
{
	struct frame f = make_udp4(OUTSIDER, POD_ADDR, 40000, 5353), g = make_frame(OUTSIDER, POD_ADDR, 40000, 80);

	(void)state;
	setup(true);
	set_usage(POD_ID, RF_FLOWS_FROM_OUTSIDE - 1); /* the rest is the pod's own */
	expect_pass("rf_to_pod", &f, UDP4);
	assert_int_equal(usage_of(POD_ID).flows, RF_FLOWS_FROM_OUTSIDE);
	expect_drop("rf_to_pod", &g, 54, RF_REASON_FLOW_QUOTA, true);
	assert_int_equal(usage_of(POD_ID).flows, RF_FLOWS_FROM_OUTSIDE);
	assert_int_equal(usage_of(POD_ID).refused, 1);
	expect_pass("rf_to_pod", &f, UDP4); /* what is there stays */
	set_usage(POD_ID, 1);
	expect_pass("rf_to_pod", &g, 54);
	expect_pass("rf_to_pod", &g, 54); /* the same tuple again is one flow */
	assert_int_equal(usage_of(POD_ID).flows, 2);
	/* the tuple's new connection is denied: the old one is over */
	publish(false, false, false);
	expect_drop("rf_to_pod", &g, 54, RF_REASON_NO_INGRESS, true);
	assert_int_equal(usage_of(POD_ID).flows, 1);
}

static uint16_t life_of(struct rf_tuple key)
{
	struct rf_flow flow = {};

	assert_true(flow_is_known(key, &flow));
	return flow.life;
}

/* Who never sees the answer, because the address is not its own, never acknowledges it. */
static void test_half_open(void **state)
{
	struct rf_tuple key = tuple(rf_addr4(OUTSIDER), 40000, rf_addr4(POD_ADDR), 80, IPPROTO_TCP);
	struct frame there = make_frame(OUTSIDER, POD_ADDR, 40000, 80), back = make_frame(POD_ADDR, OUTSIDER, 80, 40000);

	(void)state;
	setup(true);
	expect_pass("rf_to_pod", &there, 54);
	assert_int_equal(life_of(key), RF_FLOW_HALF_OPEN);
	back.tcp.th_flags = TH_SYN | TH_ACK;
	expect_pass("rf_from_pod", &back, 54);
	assert_int_equal(life_of(key), RF_FLOW_HALF_OPEN | RF_FLOW_ANSWERED);
	there.tcp.th_flags = TH_ACK;
	expect_pass("rf_to_pod", &there, 54);
	assert_int_equal(life_of(key), RF_FLOW_ANSWERED);
}

static void test_no_account_no_flow(void **state)
{
	struct frame f = make_udp4(OUTSIDER, POD_ADDR, 40000, 5353);
	uint64_t id = POD_ID;

	(void)state;
	setup(true);
	assert_int_equal(bpf_map_delete_elem(dp->maps[RF_MAP_USAGE], &id), 0);
	expect_drop("rf_to_pod", &f, UDP4, RF_REASON_FLOW_QUOTA, false);
	assert_false(flow_is_known(tuple(rf_addr4(OUTSIDER), 40000, rf_addr4(POD_ADDR), 5353, IPPROTO_UDP), NULL));
}

static void test_events_have_a_budget(void **state)
{
	struct frame f = make_frame(STRANGER, POD_ADDR, 40000, 80);
	uint64_t before, denied, counters[_RF_REASON_MAX], lost_before[RF_LOST_MAX], lost[RF_LOST_MAX];
	struct rf_usage u;
	int tries = 0;

	(void)state;
	setup(true);
	do { /* a try that the turn of a second falls into says nothing */
		set_usage(POD_ID, 0);
		assert_int_equal(rf_datapath_reasons(dp, counters, lost_before), 0);
		before = now_ns() >> 30;
		denied = counter(RF_REASON_NO_INGRESS);
		for (int i = 0; i < 3; i++)
			run_tc("rf_to_pod", &f, 54, NULL);
		u = usage_of(POD_ID);
		assert_int_equal(u.events, 3);
		u.events = RF_EVENTS_PER_POD - 1;
		assert_int_equal(bpf_map_update_elem(dp->maps[RF_MAP_USAGE], &(uint64_t){POD_ID}, &u, BPF_ANY), 0);
		for (int i = 0; i < 5; i++)
			run_tc("rf_to_pod", &f, 54, NULL);
	} while (now_ns() >> 30 != before && ++tries < 10);
	assert_true(tries < 10);
	u = usage_of(POD_ID);
	assert_int_equal(u.events, RF_EVENTS_PER_POD);
	assert_int_equal(u.events_lost, 4);
	assert_int_equal(counter(RF_REASON_NO_INGRESS), denied + 8);
	assert_int_equal(rf_datapath_reasons(dp, counters, lost), 0);
	assert_int_equal(lost[RF_LOST_EVENTS], lost_before[RF_LOST_EVENTS] + 4);
}

static uint32_t forget(struct rf_tuple key, uint64_t seen_ns)
{
	struct rf_forget ask = {.key = key, .seen_ns = seen_ns, .gone = 7};
	char out[OUT_MAX];

	assert_int_equal(run_tc("rf_forget", &ask, sizeof(ask), out), 0);
	memcpy(&ask, out, sizeof(ask));
	return ask.gone;
}

static void test_forget(void **state)
{
	struct rf_tuple key = tuple(pod_addr6(), 40000, outsider6(), 53, IPPROTO_UDP);

	(void)state;
	setup(true);
	put_flow(key, DST, 0, 1000);
	assert_int_equal(forget(key, 999), 0); /* something was seen of it since */
	assert_true(flow_is_known(key, NULL));
	assert_int_equal(usage_of(POD_ID).flows, 1);
	assert_int_equal(forget(key, 1000), 1);
	assert_false(flow_is_known(key, NULL));
	assert_int_equal(usage_of(POD_ID).flows, 0);
	assert_int_equal(forget(key, 1000), 0);
	assert_int_equal(usage_of(POD_ID).flows, 0);
}

static void set_flags(uint32_t flags)
{
	struct rf_control c = {};
	uint32_t zero = 0;

	assert_int_equal(bpf_map_lookup_elem(dp->maps[RF_MAP_CONTROL], &zero, &c), 0);
	c.flags = flags;
	assert_int_equal(bpf_map_update_elem(dp->maps[RF_MAP_CONTROL], &zero, &c, BPF_ANY), 0);
}

/* While flows are carried over, a segment whose flow is not there yet is not answered: it will be sent again. */
static void test_takeover_is_silent(void **state)
{
	struct frame f = make_frame(OUTSIDER, POD_ADDR, 40000, 80), syn = make_frame(STRANGER, POD_ADDR, 40000, 80);

	(void)state;
	setup(true);
	f.tcp.th_flags = TH_ACK;
	set_flags(RF_CONTROL_TAKEOVER);
	expect_drop("rf_to_pod", &f, 54, RF_REASON_NO_FLOW, false);
	expect_drop("rf_to_pod", &syn, 54, RF_REASON_NO_INGRESS, true); /* other denials are answered */
	set_flags(0);
	expect_drop("rf_to_pod", &f, 54, RF_REASON_NO_FLOW, true);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_flow_quota),           cmocka_unit_test(test_half_open), cmocka_unit_test(test_no_account_no_flow),
		cmocka_unit_test(test_events_have_a_budget), cmocka_unit_test(test_forget),    cmocka_unit_test(test_takeover_is_silent),
	};

	return cmocka_run_group_tests_name("quota", tests, open_instance, close_instance);
}
