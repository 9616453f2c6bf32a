/* SPDX-License-Identifier: Apache-2.0 */
/* IPv6 in real rooms: needs root, and a kernel with IPv6. */
#define WORLD_OCTET 214u
#include "pods_world.h"

#define NEED_IPV6()                                                                                                                        \
	do {                                                                                                                               \
		if (rf_addr_is_none(&instance.pod_net6))                                                                                   \
			skip();                                                                                                            \
	} while (0)

/* Ours and ::1, nothing that the kernel or a router made up; no machine-wide switch is touched. */
static void test_ipv6_addresses(void **state)
{
	char line[512];

	(void)state;
	NEED_ROOT();
	NEED_IPV6();
	expect_true(&room_a, "test \"$(ip -6 -o addr show | awk '{print $2, $4}' | sort | tr '\\n' ' ')\" = "
			     "'eth0 fd72:6e67:66:1::ad6:2/128 lo ::1/128 '");
	expect_true(&room_a, "! ip -6 -o addr show | grep -qE 'tentative|dynamic|dadfailed'");
	expect_true(&room_a, "ip -6 route show default | grep -q 'via fd72:6e67:66:1::ad6:1 dev eth0 .*src fd72:6e67:66:1::ad6:2'");
	expect_true(&room_a, "ip -6 neigh show | grep -q 'fd72:6e67:66:1::ad6:1 dev eth0 lladdr 02:72:0a:d6:00:02 .*PERMANENT'");
	expect_true(&room_a, "test $(cat /proc/sys/net/ipv6/conf/eth0/accept_ra) = 0");
	snprintf(line, sizeof(line),
		 "test \"$(ip -6 -o addr show dev %s | awk '{print $4}')\" = fd72:6e67:66:1::ad6:1/128 && "
		 "ip -6 neigh show dev %s | grep -q '^fd72:6e67:66:1::ad6:2 lladdr 06:72:0a:d6:00:02 .*PERMANENT' && "
		 "ip -6 route show dev %s | grep -q '^fd72:6e67:66:1::ad6:2 .*src fd72:6e67:66:1::ad6:1'",
		 room_a.veth, room_a.veth, room_a.veth);
	assert_int_equal(host_shell(line), 0);
	snprintf(line, sizeof(line),
		 "cd /proc/sys/net/ipv6/conf/%s && test $(cat accept_ra) = 0 && test $(cat forwarding) = $(cat ../all/forwarding)",
		 room_a.veth);
	assert_int_equal(host_shell(line), 0);
}

/* An agent without IPv6 made it, or one from before there was any: the next one finishes it, and takes it away again. */
static void test_ipv6_is_added_and_taken_away(void **state)
{
	struct rf_addr net6 = instance.pod_net6;
	struct rf_pod_room room, found;

	(void)state;
	NEED_ROOT();
	NEED_IPV6();
	instance.pod_net6 = (struct rf_addr){};
	make_room("half", 7, &room);
	assert_true(rf_addr_is_none(&room.addr6));
	assert_int_equal(rf_pod_room_find(&instance, "ns", "half", &found), 0);
	assert_true(rf_addr_is_none(&found.addr6));
	expect_true(&room, "test -z \"$(ip -6 -o addr show)\" && ip -4 -o addr show dev eth0 | grep -q ' 10.214.0.7/32 '");
	instance.pod_net6 = net6;
	make_room("half", 7, &room);
	assert_false(rf_addr_is_none(&room.addr6));
	assert_int_equal(rf_pod_room_find(&instance, "ns", "half", &found), 0);
	assert_memory_equal(&found, &room, sizeof(found));
	expect_true(&room, "test \"$(ip -6 -o addr show | awk '{print $2, $4}' | sort | tr '\\n' ' ')\" = "
			   "'eth0 fd72:6e67:66:1::ad6:7/128 lo ::1/128 '");
	expect_true(&room, "ip -6 route show default | grep -q fd72:6e67:66:1::ad6:1");
	instance.pod_net6 = (struct rf_addr){};
	make_room("half", 7, &room);
	expect_true(&room, "test -z \"$(ip -6 -o addr show)\"");
	instance.pod_net6 = (struct rf_addr){{htonl(0xfd000000)}};
	make_room("half", 7, &room);
	instance.pod_net6 = net6; /* it has another address now, and keeps it */
	assert_int_equal(rf_pod_room_make(&instance, "ns", "half", address(7), &room, error, sizeof(error)), -EEXIST);
	assert_int_equal(rf_pod_room_find(&instance, "ns", "half", &found), 0);
	assert_int_equal(found.addr6.be[0], htonl(0xfd000000));
	assert_int_equal(rf_pod_room_remove(&instance, "ns", "half", true), 0);
}

/* Neither ARP nor neighbour discovery: what a link says unasked would be denied at every start of a pod. */
static void test_links_are_silent(void **state)
{
	char line[256];

	(void)state;
	NEED_ROOT();
	snprintf(line, sizeof(line),
		 "test $(( $(cat /sys/class/net/%s/flags) & 0x80 )) != 0 && ! ip maddr show dev %s | grep -qi 'ff02::1:ff'", room_a.veth,
		 room_a.veth);
	assert_int_equal(host_shell(line), 0);
	expect_true(&room_a, "test $(( $(cat /sys/class/net/eth0/flags) & 0x80 )) != 0 && ! ip maddr show | grep -qi 'ff02::1:ff'");
	expect_true(&room_a, "test $(( $(cat /sys/class/net/lo/flags) & 0x80 )) = 0");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_ipv6_addresses),
		cmocka_unit_test(test_ipv6_is_added_and_taken_away),
		cmocka_unit_test(test_links_are_silent),
	};

	return cmocka_run_group_tests_name("pods: IPv6", tests, set_up, tear_down);
}
