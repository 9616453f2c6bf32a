#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# From outside: a process of the machine, a pod outside the mesh, and another machine (a network namespace behind a cable of its own, whose packets are forwarded).
# shellcheck source=tests/evasion/lib.sh
. "$(dirname "$0")/lib.sh"
hostile_world
plain_world

machine() {
	attack here "$@"
}

# ---- a process of the machine ----
attempt "the machine, TCP" no-ingress refused machine tcp to="$store" port=3001 mark=MARK
attempt "the machine, the HTTP port" no-ingress refused machine tcp to="$store" port=3000 mark=MARK
attempt "the machine, MSG_FASTOPEN" no-ingress refused machine tcp to="$store" port=3001 fastopen=1 mark=MARK
attempt "the machine, UDP" no-ingress "sent" machine udp to="$store" port=3001 mark=MARK
attempt "the machine, UDP with the mark of our own resets" no-ingress "sent" machine udp to="$store" port=3001 somark=0x52464e43 mark=MARK
attempt "the machine, TCP with the mark of our own resets" no-ingress refused machine tcp to="$store" port=3001 somark=0x52464e43 mark=MARK
attempt "the machine, a raw packet with bookbuyer's address" spoofed-source sent machine packet to="$store" source="$buyer" mark=MARK
attempt "the same with the mark of our own resets" spoofed-source sent machine packet to="$store" source="$buyer" somark=0x52464e43 mark=MARK
attempt "the machine, an RST with the mark of our own, and options" spoofed-source sent machine packet to="$store" source="$buyer" flags=R hide=options somark=0x52464e43 mark=MARK
attempt "the machine, the middle of a connection nobody opened" no-flow sent machine packet to="$store" source=192.0.2.1 flags=PA mark=MARK
attempt "the machine, ICMP" icmp sent machine packet to="$store" source=192.0.2.1 protocol=1 mark=MARK
attempt "the machine, bound to bookbuyer's address with IP_FREEBIND" - ENETUNREACH machine tcp to="$store" port=3001 from="$buyer" foreign=1 mark=MARK

# ---- a pod outside the mesh ----
# unmeshed FAMILY STORE BUYER ICMP
unmeshed() {
	local family=$1 to=$2 via
	attempt "$family: a pod outside the mesh, TCP" no-ingress refused attack plain tcp to="$to" port=3001 mark=MARK
	attempt "$family: a pod outside the mesh, MSG_FASTOPEN" no-ingress refused attack plain tcp to="$to" port=3001 fastopen=1 mark=MARK
	attempt "$family: a pod outside the mesh, UDP where no rule protects" no-ingress refused attack plain udp to="$3" port=4053 mark=MARK
	attempt "$family: a pod outside the mesh, UDP" no-ingress refused attack plain udp to="$to" port=3053 mark=MARK
	attempt "$family: a pod outside the mesh, the checker's port" no-ingress refused attack plain tcp to="$to" port=15001 mark=MARK
	attempt "$family: a pod outside the mesh, UDP by raw socket" no-ingress sent attack plain packet to="$to" protocol=17 port=3053 mark=MARK
	for via in raw link; do
		attempt "$family: a pod outside the mesh, ICMP, $via socket" icmp sent attack plain packet to="$to" protocol="$4" mark=MARK via=$via
		attempt "$family: a pod outside the mesh plays a router, $via socket" icmp sent attack plain packet to="$to" protocol="$4" type=$(($4 == 1 ? 3 : 2)) code=$(($4 == 1 ? 4 : 0)) quote="$to,5353,$3,7054,17" mark=MARK via=$via
		attempt "$family: a pod outside the mesh, protocol 253, $via socket" ip-protocol sent attack plain packet to="$to" protocol=253 mark=MARK via=$via
		attempt "$family: a pod outside the mesh, an RST of no connection, $via socket" no-flow sent attack plain packet to="$to" flags=R hide=options mark=MARK via=$via
		attempt "$family: a pod outside the mesh, an empty segment, $via socket" no-flow sent attack plain packet to="$to" flags=A hide=options mark=MARK via=$via
		attempt "$family: a pod outside the mesh, bookbuyer's address as the source, $via socket" spoofed-source sent attack plain packet to="$to" source="$3" mark=MARK via=$via
	done
}

unmeshed IPv4 "$store" "$buyer" 1
attempt "IPv4: a pod outside the mesh, a first fragment" fragment sent attack plain packet to="$store" fragment=0x2000 mark=MARK via=link
if [ -n "$store6" ]; then
	unmeshed IPv6 "$store6" "$buyer6" 58
	attempt "IPv6: a pod outside the mesh, a hop-by-hop header" extension-header sent attack plain packet to="$store6" chain=0 protocol=17 mark=MARK via=link
	attempt "IPv6: a pod outside the mesh, a first fragment" fragment sent attack plain packet to="$store6" chain=44 protocol=17 mark=MARK via=link
	for where in options behind; do
		attempt "the machine, an RST with the mark of our own, and something $where, over IPv6" spoofed-source sent machine packet to="$store6" source="$buyer6" flags=R hide=$where somark=0x52464e43 mark=MARK
	done
fi

# ---- another machine ----
outside=$RINGFENCE_INSTANCE cable=rfeo$number
inside_it() {
	attack outside "$@"
}

remove_outside() {
	ip netns del "$outside" 2>/dev/null
	ip link del "$cable" 2>/dev/null
}

# What lib.sh does at the end, after ours.
cleanup() {
	remove_outside
	finish "$1"
}
trap 'cleanup $?' EXIT
ip netns add "$outside" && ip link add "$cable" type veth peer name eth0 netns "$outside" && ip addr add "198.51.100.$number/31" dev "$cable" &&
	ip link set "$cable" up && ip -n "$outside" addr add "198.51.100.$((number + 1))/31" dev eth0 && ip -n "$outside" link set eth0 up &&
	ip -n "$outside" route add default via "198.51.100.$number" || exit 1
echo 1 >"/proc/sys/net/ipv4/conf/$cable/forwarding"
echo 0 >"/proc/sys/net/ipv4/conf/$cable/rp_filter"
runner_at outside ip netns exec "$outside"

attempt "another machine, TCP" no-ingress refused inside_it tcp to="$store" port=3001 mark=MARK
attempt "another machine, UDP" no-ingress sent inside_it udp to="$store" port=3001 mark=MARK
attempt "another machine, the checker's port" checker-dialed refused inside_it tcp to="$store" port=15001 mark=MARK
if [ "$(cat /proc/sys/net/ipv4/conf/all/rp_filter)" != 0 ]; then
	skip "another machine with a pod's address" "this machine's own rp_filter drops it first"
else
	attempt "another machine with bookbuyer's address, raw socket" spoofed-source sent inside_it packet to="$store" source="$buyer" mark=MARK
	attempt "another machine with bookbuyer's address, packet socket" spoofed-source sent inside_it packet to="$store" source="$buyer" via=link mark=MARK
	# A live connection of bookbuyer, idle: its 4-tuple is known to the other machine.
	coproc HOLD { in_pod bookbuyer python3 "$WORK/tools/hold.py" "$store" 3001 2>&1; }
	read -r -t 10 line <&"${HOLD[0]}" || line="no answer"
	judge "bookbuyer has a connection" open "$line"
	next_mark && fence
	port=$(sed -n "s/^0800 6 $buyer:\([0-9]*\)>$store:3001 S .*/\1/p" "$WORK/camera-bookstore" | tail -n 1)
	attempt "another machine replays bookbuyer's live 4-tuple $port" spoofed-source sent inside_it packet to="$store" source="$buyer" sport="${port:-0}" flags=PA mark=MARK
	attempt "and ends it" spoofed-source sent inside_it packet to="$store" source="$buyer" sport="${port:-0}" flags=R mark=MARK
	attempt "the machine replays it" spoofed-source sent machine packet to="$store" source="$buyer" sport="${port:-0}" flags=PA mark=MARK
	attempt "bookthief replays it" spoofed-source sent attack bookthief packet to="$store" source="$buyer" sport="${port:-0}" flags=PA mark=MARK
	echo >&"${HOLD[1]}"
	read -r -t 10 line <&"${HOLD[0]}" || line="no answer"
	judge "bookbuyer's connection lives on" "still open" "$line"
fi

# ---- another machine, over IPv6 ----
near6=fd00:77:$number::2 far6=fd00:77:$number::3
# Forwarding by one interface alone (kernel 6.17); the machine's own switch is not ours to touch.
forwards6() {
	[ -n "$store6" ] || return 1
	ip -6 addr add "$near6/127" dev "$cable" nodad && ip -n "$outside" -6 addr add "$far6/127" dev eth0 nodad && ip -n "$outside" -6 route add default via "$near6" || return 1
	[ "$(cat /proc/sys/net/ipv6/conf/all/forwarding)" = 1 ] || echo 1 2>/dev/null >"/proc/sys/net/ipv6/conf/$cable/force_forwarding"
}

if forwards6; then
	# The refusal goes back only where the machine forwards from the pod's cable, too: else silence.
	attempt "another machine, TCP over IPv6" no-ingress "@(refused|timeout)" inside_it tcp to="$store6" port=3001 mark=MARK
	attempt "another machine, a SYN with payload over IPv6" no-ingress sent inside_it packet to="$store6" port=3001 mark=MARK
	attempt "another machine, UDP over IPv6" no-ingress sent inside_it udp to="$store6" port=3053 mark=MARK
	attempt "another machine, the checker's port over IPv6" checker-dialed "@(refused|timeout)" inside_it tcp to="$store6" port=15001 mark=MARK
	attempt "another machine, an extension header" extension-header sent inside_it packet to="$store6" chain=60 mark=MARK
	attempt "another machine, ICMPv6" icmp sent inside_it packet to="$store6" protocol=58 mark=MARK
	attempt "another machine with bookbuyer's IPv6 address, raw socket" spoofed-source sent inside_it packet to="$store6" source="$buyer6" mark=MARK
	attempt "another machine with bookbuyer's IPv6 address, UDP" spoofed-source sent inside_it packet to="$store6" source="$buyer6" protocol=17 port=3053 mark=MARK
	attempt "another machine with bookbuyer's IPv6 address, packet socket" spoofed-source sent inside_it packet to="$store6" source="$buyer6" via=link mark=MARK
else
	skip "another machine over IPv6" "this machine forwards no IPv6 and has no switch for one interface"
fi
