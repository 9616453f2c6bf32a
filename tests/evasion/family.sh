#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# IPv6 between pods, and IPv4 dressed as IPv6: the same decisions, no way in that IPv4 does not have. Extension headers, foreign sources, what
# only the neighbourhood speaks (neighbour and router discovery, link-local addresses, multicast), and the checker's connections.
# shellcheck source=tests/evasion/lib.sh
. "$(dirname "$0")/lib.sh"
hostile_world
plain_world

works "v4-mapped TCP" attack plain tcp family=6 to="$victim" port=3001 mark=MARK
attempt "v4-mapped TCP to a forbidden port" no-rule refused attack bookthief tcp family=6 to="$store" port=3001 mark=MARK
attempt "v4-mapped TCP to a checked port (its bytes are no request)" bad-request "connected*" attack bookthief tcp family=6 to="$store" port=3000 mark=MARK
attempt "TCP to an IPv4-compatible IPv6 address" address-family refused attack bookthief tcp to="::$store" port=3001 mark=MARK
if [ -z "$store6" ]; then
	attempt "TCP to a global IPv6 address" address-family refused attack bookthief tcp to=2001:db8::1 port=3001 mark=MARK
	skip "IPv6 between pods" "there is no IPv6"
	exit "$((failures > 0))"
fi

works "TCP over IPv6" attack plain tcp to="$victim6" port=3001 mark=MARK
works "a SYN with payload over IPv6, raw socket" attack plain packet to="$victim6" mark=MARK
works "a SYN with payload over IPv6, packet socket" attack plain packet to="$victim6" mark=MARK via=link
works "ICMPv6" attack plain packet to="$victim6" protocol=58 mark=MARK
works "protocol 253 over IPv6" attack plain packet to="$victim6" protocol=253 mark=MARK
works "a hop-by-hop header" attack plain packet to="$victim6" chain=0 protocol=17 mark=MARK via=link
works "destination options" attack plain packet to="$victim6" chain=60 protocol=17 mark=MARK via=link
works "a fragment header" attack plain packet to="$victim6" chain=44 protocol=17 mark=MARK via=link

# ---- by system call ----
attempt "TCP to a forbidden port" no-rule refused attack bookthief tcp to="$store6" port=3001 mark=MARK
attempt "TCP to a forbidden port, MSG_FASTOPEN" no-rule refused attack bookthief tcp to="$store6" port=3001 fastopen=1 mark=MARK
attempt "TCP to a checked port (its bytes are no request)" bad-request "connected*" attack bookthief tcp to="$store6" port=3000 mark=MARK
attempt "TCP to a checked port, SO_BINDTODEVICE" bound-device refused attack bookthief tcp to="$store6" port=3000 device=eth0 mark=MARK
attempt "TCP to a global IPv6 address" no-egress refused attack bookthief tcp to=2001:db8::1 port=3001 mark=MARK
attempt "TCP to bookstore's IPv4 address behind NAT64" no-egress refused attack bookthief tcp to="64:ff9b::$store" port=3001 mark=MARK
attempt "TCP to a 6to4 address" no-egress refused attack bookthief tcp to=2002:a00:1::1 port=3001 mark=MARK
attempt "TCP to a link-local address" address-family refused attack bookthief tcp to=fe80::1%eth0 port=3001 mark=MARK
attempt "TCP to all nodes" - refused attack bookthief tcp to=ff02::1%eth0 port=3001 mark=MARK
attempt "UDP to all nodes, sendto" multicast refused attack bookthief udp to=ff02::1%eth0 port=3053 mark=MARK
attempt "UDP to a global address, connected" no-egress refused attack bookthief udp to=2001:db8::1 port=3053 mark=MARK how=connected
attempt "UDP with a hop-by-hop header, in a pod without --net-raw" - EPERM attack bookbuyer udp to="$store6" port=3053 options=0001040000000000 mark=MARK
attempt "an address of the pods' range that nobody has" no-egress refused attack bookthief tcp to="${store6%:*}:ffff" port=3001 mark=MARK
attempt "bound to another pod's address with IP_FREEBIND" no-rule refused attack bookthief tcp to="$store6" port=3001 from="$buyer6" foreign=1 mark=MARK
attempt "the checker's port in the own pod" checker-dialed refused attack bookthief tcp to="$thief6" port=15001 mark=MARK
attempt "the same by ::1" - refused attack bookthief tcp to=::1 port=15001 mark=MARK
attempt "the same by :: from the pod's address" checker-dialed refused attack bookthief tcp to=:: from="$thief6" port=15001 mark=MARK
attempt "the checker's port of another pod" no-rule refused attack bookthief tcp to="$store6" port=15001 mark=MARK
attempt "the checker's port of another pod, a SYN by raw socket" no-rule sent attack bookthief packet to="$store6" port=15001 mark=MARK
attempt "to oneself" - "connected*" attack bookthief tcp to="$thief6" port=4001 mark=MARK

# ---- by packet ----
for via in raw link; do
	for header in 0 60 43 51; do
		attempt "extension header $header, $via socket" extension-header sent attack bookthief packet to="$store6" chain=$header mark=MARK via=$via
	done
	attempt "extension headers 0, 60 and 44, $via socket" extension-header sent attack bookthief packet to="$store6" chain=0,60,44 mark=MARK via=$via
	attempt "a first fragment, $via socket" fragment sent attack bookthief packet to="$store6" chain=44 mark=MARK via=$via
	attempt "a first fragment of UDP, $via socket" fragment sent attack bookthief packet to="$store6" chain=44 protocol=17 port=3053 mark=MARK via=$via
	for protocol in 50 59; do
		attempt "next header $protocol, $via socket" extension-header sent attack bookthief packet to="$store6" protocol=$protocol mark=MARK via=$via
	done
	for protocol in 4 41 47 132 253; do
		attempt "protocol $protocol, $via socket" ip-protocol sent attack bookthief packet to="$store6" protocol=$protocol mark=MARK via=$via
	done
	attempt "an IPv4 protocol, ICMP, in IPv6, $via socket" ip-protocol sent attack bookthief packet to="$store6" protocol=1 mark=MARK via=$via
	attempt "bookbuyer's address as the source, $via socket" spoofed-source sent attack bookthief packet to="$store6" source="$buyer6" mark=MARK via=$via
	attempt "an outside address as the source, $via socket" spoofed-source sent attack bookthief packet to="$store6" source=2001:db8::7 mark=MARK via=$via
	attempt "a link-local source, $via socket" spoofed-source sent attack bookthief packet to="$store6" source=fe80::7 mark=MARK via=$via
	attempt "the unspecified address as the source, $via socket" spoofed-source sent attack bookthief packet to="$store6" source=:: mark=MARK via=$via
	attempt "the victim's own address as the source, $via socket" spoofed-source sent attack bookthief packet to="$store6" source="$store6" mark=MARK via=$via
	attempt "the middle of a connection that nobody opened, $via socket" no-flow sent attack bookthief packet to="$store6" flags=PA mark=MARK via=$via
	attempt "an RST with payload, $via socket" malformed sent attack bookthief packet to="$store6" flags=R mark=MARK via=$via
	attempt "ICMPv6 echo, $via socket" icmp sent attack bookthief packet to="$store6" protocol=58 mark=MARK via=$via
	attempt "a router advertisement to all nodes, $via socket" multicast sent attack bookthief packet to=ff02::1%eth0 protocol=58 type=134 mark=MARK via=$via
	attempt "a router advertisement to the victim, $via socket" icmp sent attack bookthief packet to="$store6" protocol=58 type=134 mark=MARK via=$via
	attempt "a router advertisement from a link-local source, $via socket" spoofed-source sent attack bookthief packet to="$store6" source=fe80::1 protocol=58 type=134 mark=MARK via=$via
	attempt "a neighbour advertisement to the victim, $via socket" icmp sent attack bookthief packet to="$store6" protocol=58 type=136 mark=MARK via=$via
	attempt "a neighbour solicitation to the victim, $via socket" icmp sent attack bookthief packet to="$store6" protocol=58 type=135 mark=MARK via=$via
	attempt "a redirect to the victim, $via socket" icmp sent attack bookthief packet to="$store6" protocol=58 type=137 mark=MARK via=$via
	attempt "UDP to all nodes, $via socket" multicast sent attack bookthief packet to=ff02::1%eth0 protocol=17 mark=MARK via=$via
done
attempt "a SYN with payload to a forbidden port, raw socket" no-rule sent attack bookthief packet to="$store6" mark=MARK
attempt "a SYN with payload to a checked port, raw socket" checker-bypass sent attack bookthief packet to="$store6" port=3000 mark=MARK
attempt "a SYN with payload, packet socket" no-tag sent attack bookthief packet to="$store6" mark=MARK via=link
attempt "a wrong checksum, packet socket" no-tag sent attack bookthief packet to="$store6" sum=bad mark=MARK via=link
attempt "a payload length beyond the packet, packet socket" malformed sent attack bookthief packet to="$store6" length=9000 mark=MARK via=link
attempt "a payload length of nothing, packet socket" no-tag sent attack bookthief packet to="$store6" length=0 mark=MARK via=link
attempt "v4-mapped addresses on the wire, packet socket" malformed sent attack bookthief packet to="::ffff:$store" source="::ffff:$thief" mark=MARK via=link
attempt "an IPv4 packet called IPv6, packet socket" malformed sent attack bookthief packet to="$store" ethertype=86dd mark=MARK via=link
attempt "a raw socket in a pod without --net-raw" - EPERM attack bookbuyer packet to="$store6" mark=MARK

# ---- into the checker's live connection ----
inject() {
	attempt "$3, $1 socket" "$2" sent attack bookthief inject to="$store6" port=3000 dial="$store6" dialport=3000 mark=MARK via="$1" "${@:4}"
}

inject raw checker-bypass "a request into the checker's live connection over IPv6"
inject raw malformed "payload in an RST" flags=R
inject link no-tag "a request into the checker's live connection over IPv6"
inject link no-tag "the same with FIN" flags=FA

# ---- from the machine ----
attempt "the machine, TCP" no-ingress refused attack here tcp to="$store6" port=3001 mark=MARK
attempt "the machine, the HTTP port" no-ingress refused attack here tcp to="$store6" port=3000 mark=MARK
attempt "the machine, the checker's port" checker-dialed refused attack here tcp to="$store6" port=15001 mark=MARK
attempt "the machine, ICMPv6" icmp sent attack here packet to="$store6" source=2001:db8::1 protocol=58 mark=MARK
attempt "the machine with bookbuyer's address" spoofed-source sent attack here packet to="$store6" source="$buyer6" mark=MARK
attempt "the machine, the middle of a connection nobody opened" no-flow sent attack here packet to="$store6" source=2001:db8::1 flags=PA mark=MARK
attempt "the machine, an extension header" extension-header sent attack here packet to="$store6" source=2001:db8::1 chain=60 mark=MARK
