#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Packets that no ordinary socket makes, from a pod with --net-raw: other IP protocols, fragments, options, foreign addresses, broken headers,
# other link protocols. Without --net-raw there is no such socket at all.
# shellcheck source=tests/evasion/lib.sh
. "$(dirname "$0")/lib.sh"
hostile_world
plain_world

works "ICMP" attack plain packet to="$victim" protocol=1 mark=MARK
works "protocol 253" attack plain packet to="$victim" protocol=253 mark=MARK
works "IP fragments" attack plain packet to="$victim" protocol=253 fragment=0x2000 mark=MARK via=link
works "IP options" attack plain packet to="$victim" protocol=253 options=01010100 mark=MARK via=link
works "a SYN with payload by raw socket" attack plain packet to="$victim" mark=MARK
works "a frame with VLAN tag 0" attack plain packet to="$victim" protocol=253 vlan=0 mark=MARK via=link

for via in raw link; do
	attempt "ICMP, $via socket" icmp sent attack bookthief packet to="$store" protocol=1 mark=MARK via=$via
	for protocol in 2 4 41 47 50 132 253; do
		attempt "IP protocol $protocol, $via socket" ip-protocol sent attack bookthief packet to="$store" protocol=$protocol mark=MARK via=$via
	done
	attempt "a first fragment, $via socket" fragment sent attack bookthief packet to="$store" fragment=0x2000 mark=MARK via=$via
	attempt "IP options, $via socket" ip-options sent attack bookthief packet to="$store" options=01010100 mark=MARK via=$via
	attempt "a loose source route to a pod outside the mesh, $via socket" ip-options sent attack bookthief packet to="$store" options="830704$(hex "$plain")00" mark=MARK via=$via
	attempt "bookbuyer's address as the source, $via socket" spoofed-source sent attack bookthief packet to="$store" source="$buyer" mark=MARK via=$via
	attempt "an outside address as the source, $via socket" spoofed-source sent attack bookthief packet to="$store" source=192.0.2.7 mark=MARK via=$via
	attempt "the victim's own address as the source, $via socket" spoofed-source sent attack bookthief packet to="$store" source="$store" mark=MARK via=$via
	attempt "the middle of a connection that nobody opened, $via socket" no-flow sent attack bookthief packet to="$store" flags=PA mark=MARK via=$via
	attempt "SYN+ACK with payload, $via socket" no-flow sent attack bookthief packet to="$store" flags=SA mark=MARK via=$via
	attempt "an RST with payload, $via socket" malformed sent attack bookthief packet to="$store" flags=R mark=MARK via=$via
	attempt "no TCP flag at all, $via socket" no-flow sent attack bookthief packet to="$store" flags= mark=MARK via=$via
done
attempt "a SYN with payload to a forbidden port, raw socket" no-rule sent attack bookthief packet to="$store" mark=MARK
attempt "a SYN with payload to a checked port, raw socket" checker-bypass sent attack bookthief packet to="$store" port=3000 mark=MARK
attempt "SYN+FIN with payload to a checked port, raw socket" checker-bypass sent attack bookthief packet to="$store" port=3000 flags=SF mark=MARK
attempt "SYN+RST with payload to a checked port, raw socket" checker-bypass sent attack bookthief packet to="$store" port=3000 flags=SR mark=MARK
attempt "a SYN with payload, packet socket" no-tag sent attack bookthief packet to="$store" mark=MARK via=link
attempt "a wrong checksum, packet socket" no-tag sent attack bookthief packet to="$store" sum=bad mark=MARK via=link
attempt "a later fragment, packet socket" fragment sent attack bookthief packet to="$store" fragment=0x00b9 mark=MARK via=link
attempt "a packet with VLAN tag 0, packet socket" no-tag sent attack bookthief packet to="$store" vlan=0 mark=MARK via=link
attempt "a packet cut in the TCP header, packet socket" malformed sent attack bookthief packet to="$store" cut=30 mark=MARK via=link
attempt "an experimental link protocol, packet socket" ethertype sent attack bookthief packet to="$store" ethertype=88b5 mark=MARK via=link
attempt "MPLS, packet socket" ethertype sent attack bookthief packet to="$store" ethertype=8847 mark=MARK via=link
attempt "ARP with a message, packet socket" ethertype sent attack bookthief packet to="$store" ethertype=0806 mark=MARK via=link
attempt "a raw socket in a pod without --net-raw" - EPERM attack bookbuyer packet to="$store" mark=MARK
attempt "a packet socket in a pod without --net-raw" - EPERM attack bookbuyer packet to="$store" mark=MARK via=link
