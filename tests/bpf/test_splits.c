/* SPDX-License-Identifier: Apache-2.0 */
/* TrafficSplit: where connect sends the sockets of a pod, seen in `dials`. */
#include "pod_world.h"

#define PARTS 3
#define DIALS 600

/* Three parts of one pod each, then a Service whose second part has no pod. Nothing is sent: where connect sends the socket is in `dials`.
 */
static void split_services(void)
{
	static const uint32_t until[PARTS] = {1, 4, 10};
	const uint32_t pods[PARTS] = {SECOND, CHECKED_BY, STRANGER};

	for (uint32_t i = 0; i < PARTS; i++) {
		exits_backends[i] = (struct rf_backend){.addr = rf_addr4(pods[i]), .port = (uint16_t)(100 + i)};
		exits_splits[i] = (struct rf_split_part){.until = until[i], .first = i, .count = 1};
		exits_splits[PARTS + i] = (struct rf_split_part){.until = until[i], .first = i, .count = i != 1};
	}
	for (uint16_t i = 0; i < 4; i++)
		exits_service_keys[i] =
			(struct rf_service_key){.addr = rf_addr4(SERVICE), .port = (uint16_t)(1000 + i), .proto = IPPROTO_UDP};
	exits_service_values[0] = (struct rf_service_value){.parts_first = 0, .parts = PARTS};
	exits_service_values[1] = (struct rf_service_value){.parts_first = PARTS, .parts = PARTS};
	exits_service_values[2] = (struct rf_service_value){.parts_first = 0, .parts = RF_SPLIT_PARTS_MAX + 1}; /* more than there may be */
	exits_service_values[3] = (struct rf_service_value){.parts_first = 2 * PARTS, .parts = RF_SPLIT_PARTS_MAX - 2 * PARTS};
	for (uint32_t i = 2 * PARTS; i < RF_SPLIT_PARTS_MAX; i++) /* the last one has it all but for one in 2^31 */
		exits_splits[i] = (struct rf_split_part){
			.until = i == RF_SPLIT_PARTS_MAX - 1 ? 0xffffffffu : i - 2 * PARTS + 1, .first = i % PARTS, .count = 1};
	exits_services = 4;
	exits_backend_count = PARTS;
	exits_splits[RF_SPLIT_PARTS_MAX] = exits_splits[RF_SPLIT_PARTS_MAX - 1]; /* for more parts than there may be */
	exits_split_count = RF_SPLIT_PARTS_MAX + 1;
}

/* The backend's port of a socket that was dialled, or -errno. */
static int picked(uint16_t port)
{
	struct rf_dial dialed;
	int fd = -1, r = dial(SOCK_DGRAM, SERVICE, port, &fd);

	if (r < 0)
		return r;
	r = bpf_map_lookup_elem(dp->maps[RF_MAP_DIALS], &fd, &dialed) < 0 ? -errno : dialed.real_port;
	close(fd);
	return r;
}

static void test_split_follows_weights(void **state)
{
	unsigned got[PARTS] = {};

	(void)state;
	split_services();
	publish_exits(true, true, 0);
	for (int i = 0; i < DIALS; i++) {
		int port = picked(1000);

		assert_in_range(port, 100, 100 + PARTS - 1);
		got[port - 100]++;
	}
	/* 60, 180 and 360 expected; five standard deviations are 37, 57 and 60 */
	assert_in_range(got[0], 60 - 37, 60 + 37);
	assert_in_range(got[1], 180 - 57, 180 + 57);
	assert_in_range(got[2], 360 - 60, 360 + 60);
	for (int i = 0; i < 5; i++) /* the last of very many parts */
		assert_int_equal(picked(1003), 100 + (RF_SPLIT_PARTS_MAX - 1) % PARTS);
}

static void test_split_to_nobody(void **state)
{
	unsigned refused = 0;
	uint64_t before;

	(void)state;
	split_services();
	publish_exits(true, true, 0);
	before = counter(RF_REASON_NO_BACKEND);
	for (int i = 0; i < DIALS; i++) {
		int port = picked(1001);

		if (port < 0)
			assert_int_equal(port, errno_of_denial());
		assert_int_not_equal(port, 101);
		refused += port < 0;
	}
	assert_in_range(refused, 180 - 57, 180 + 57);
	assert_int_equal(counter(RF_REASON_NO_BACKEND), before + refused);
	assert_int_equal(picked(1002), errno_of_denial());
}

/* A datagram socket keeps its backend while that has a weight, and only then. */
static void test_split_is_sticky(void **state)
{
	struct sockaddr_in to = at(SERVICE, 1000);
	struct rf_dial first, again;
	int fd = -1;

	(void)state;
	split_services();
	publish_exits(true, true, 0);
	assert_int_equal(dial(SOCK_DGRAM, SERVICE, 1000, &fd), 0);
	assert_int_equal(bpf_map_lookup_elem(dp->maps[RF_MAP_DIALS], &fd, &first), 0);
	for (int i = 0; i < 40; i++) {
		assert_int_equal(connect(fd, (struct sockaddr *)&to, sizeof(to)), 0);
		assert_int_equal(bpf_map_lookup_elem(dp->maps[RF_MAP_DIALS], &fd, &again), 0);
		/* STRANGER is no pod: a kept backend that nobody has is chosen anew, until it is one that stays */
		if (first.real_port == 102)
			first = again;
		assert_int_equal(again.real_port, first.real_port);
	}
	assert_int_not_equal(first.real_port, 102);
	/* all weight to the other pod */
	exits_splits[0] = (struct rf_split_part){.until = 5, .first = first.real_port == 100 ? 1 : 0, .count = 1};
	exits_service_values[0].parts = 1;
	publish_exits(true, true, 0);
	assert_int_equal(connect(fd, (struct sockaddr *)&to, sizeof(to)), 0);
	assert_int_equal(bpf_map_lookup_elem(dp->maps[RF_MAP_DIALS], &fd, &again), 0);
	assert_int_equal(again.real_port, first.real_port == 100 ? 101 : 100);
	close(fd);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_split_follows_weights),
		cmocka_unit_test(test_split_to_nobody),
		cmocka_unit_test(test_split_is_sticky),
	};

	return cmocka_run_group_tests_name("splits", tests, open_world, close_world);
}
