#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# ICMP: nothing but an error about a flow that stands, from its one end to the other. Echo, forged errors about the connections of others,
# errors with more in them than an error has.
# shellcheck source=tests/evasion/lib.sh
. "$(dirname "$0")/lib.sh"
hostile_world
plain_world

works "ICMP echo" attack plain packet to="$victim" protocol=1 mark=MARK
works "an ICMP error about nothing" attack plain packet to="$victim" protocol=1 type=3 code=3 quote="$victim,1,$plain,2,17" mark=MARK

allowed "an error about a datagram that was allowed arrives" refused allow-related attack bookbuyer udp to="$store" port=3055 how=connected wait=1 mark=MARK

# errors FAMILY PROTOCOL TYPE STORE BUYER THIEF DIAL: about a live connection of bookbuyer
errors() {
	local family=$1 protocol=$2 kind=$3 to=$4 from=$5 own=$6 line port
	coproc HOLD { in_pod bookbuyer python3 "$WORK/tools/hold.py" "$to" 3001 2>&1; }
	read -r -t 10 line <&"${HOLD[0]}" || line="no answer"
	judge "$family: bookbuyer has a connection" open "$line"
	next_mark && fence
	port=$(sed -n "s/^[0-9a-d]* 6 .*$from\]*:\([0-9]*\)>.*:3001 S .*/\1/p" "$WORK/camera-bookstore" | tail -n 1)
	for via in raw link; do
		attempt "$family: echo, $via socket" icmp sent attack bookthief packet to="$to" protocol="$protocol" mark=MARK via=$via
		attempt "$family: an error about bookbuyer's connection $port, $via socket" icmp sent attack bookthief packet to="$to" protocol="$protocol" type="$kind" code=3 quote="$to,3001,$from,$port,6" mark=MARK via=$via
		attempt "$family: the same with bookbuyer's address as the source, $via socket" spoofed-source sent attack bookthief packet to="$to" source="$from" protocol="$protocol" type="$kind" code=3 quote="$to,3001,$from,$port,6" mark=MARK via=$via
		attempt "$family: an error about a connection that there is not, $via socket" icmp sent attack bookthief packet to="$to" protocol="$protocol" type="$kind" code=3 quote="$to,3001,$own,4711,6" mark=MARK via=$via
	done
	attempt "$family: by the machine, as a router on the way" icmp sent attack here packet to="$to" source="$7" protocol="$protocol" type="$kind" code=1 quote="$to,3001,$from,$port,6" mark=MARK
	attempt "$family: by the machine with bookbuyer's address" spoofed-source sent attack here packet to="$to" source="$from" protocol="$protocol" type="$kind" code=3 quote="$to,3001,$from,$port,6" mark=MARK
	echo >&"${HOLD[1]}"
	read -r -t 10 line <&"${HOLD[0]}" || line="no answer"
	judge "$family: bookbuyer's connection lives on" "still open" "$line"
	wait
}

errors IPv4 1 3 "$store" "$buyer" "$thief" 192.0.2.1
if [ -n "$store6" ]; then
	allowed "IPv6: an error about a datagram that was allowed arrives" refused allow-related attack bookbuyer udp to="$store6" port=3055 how=connected wait=1 mark=MARK
	errors IPv6 58 1 "$store6" "$buyer6" "$thief6" 2001:db8::1
else
	skip "ICMPv6" "there is no IPv6"
fi

# bookstore has asked bookthief by UDP: about that bookthief may send errors, as long as they are no more than errors.
allowed "bookstore sends to bookthief" sent allow-datagram attack bookstore udp to="$thief" port=4053 sport=5353 mark=MARK
attempt "an error about it with more than 576 bytes" icmp sent attack bookthief packet to="$store" protocol=1 type=3 code=3 quote="$store,5353,$thief,4053,17" size=900 mark=MARK
attempt "an echo request that quotes it" icmp sent attack bookthief packet to="$store" protocol=1 type=8 quote="$store,5353,$thief,4053,17" mark=MARK
attempt "a redirect about it" icmp sent attack bookthief packet to="$store" protocol=1 type=5 code=1 quote="$store,5353,$thief,4053,17" mark=MARK
attempt "an error about its other port" icmp sent attack bookthief packet to="$store" protocol=1 type=3 code=3 quote="$store,5354,$thief,4053,17" mark=MARK
