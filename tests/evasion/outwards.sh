#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Egress is open: what a pod reaches then, and what comes back. The way outside has a piece with a small MTU, so that the machine, as a router, says
# "too big" about what the pod sends: that arrives, and nothing that looks like it.
# shellcheck source=tests/evasion/lib.sh
. "$(dirname "$0")/lib.sh"
hostile_world

outside=$RINGFENCE_INSTANCE cable=rfew$number far=198.51.100.$((number + 1)) node=198.51.100.$number far6=fd00:78:$number::3
inside_it() {
	attack outside "$@"
}

remove_outside() {
	end_noted "$WORK/server.pid"
	ip netns del "$outside" 2>/dev/null
	ip link del "$cable" 2>/dev/null
}

# What lib.sh does at the end, after ours.
cleanup() {
	remove_outside
	finish "$1"
}
trap 'cleanup $?' EXIT
ip netns add "$outside" && ip link add "$cable" type veth peer name eth0 netns "$outside" && ip addr add "$node/31" dev "$cable" &&
	ip link set "$cable" up mtu 1300 && ip -n "$outside" addr add "$far/31" dev eth0 && ip -n "$outside" link set lo up && ip -n "$outside" link set eth0 up &&
	ip -n "$outside" route add default via "$node" || exit 1
echo 1 >"/proc/sys/net/ipv4/conf/$cable/forwarding"
echo 0 >"/proc/sys/net/ipv4/conf/$cable/rp_filter"

# Forwarding by single interfaces (kernel 6.17); the machine's own switch is not ours to touch.
forwards6() {
	[ -n "$store6" ] || return 1
	ip -6 addr add "${far6%3}2/127" dev "$cable" nodad && ip -n "$outside" -6 addr add "$far6/127" dev eth0 nodad && ip -n "$outside" -6 route add default via "${far6%3}2" || return 1
	[ "$(cat /proc/sys/net/ipv6/conf/all/forwarding)" = 1 ] && return
	for link in "$cable" "$(veth_of bookthief)" "$(veth_of bookstore)"; do
		echo 1 2>/dev/null >"/proc/sys/net/ipv6/conf/$link/force_forwarding" || return 1
	done
}

# Until its own addresses are known to be nobody else's (RFC 4862 section 5.4), an interface asks for no neighbour.
settled6() {
	[ -z "$(ip -6 addr show dev "$cable" tentative)$(ip -n "$outside" -6 addr show dev eth0 tentative)" ]
}

families=(IPv4)
if forwards6; then
	await 20 settled6 || { echo "the addresses of $cable stay tentative" && exit 1; }
	families+=(IPv6)
else
	skip "IPv6 outwards" "this machine forwards no IPv6 and has no switch for one interface"
fi
spawn server ip netns exec "$outside" python3 "$WORK/tools/server.py" outside 7001/tcp 7053/udp
await 10 grep -q 'ready, pid' "$WORK/log/server" || { cat "$WORK/log/server" && exit 1; }
mv "$STATE/server.pid" "$WORK/server.pid"
runner_at outside ip netns exec "$outside"

attempt "egress is closed: TCP outside" no-egress refused attack bookthief tcp to="$far" port=7001 mark=MARK
attempt "egress is closed: UDP outside" no-egress refused attack bookthief udp to="$far" port=7053 mark=MARK
rf mesh set egress=true >/dev/null || exit 1
expect "egress is open" True status_of "d['config']['egress']"

# outwards FAMILY FAR STORE BUYER PROTOCOL TYPE
outwards() {
	local family=$1 to=$2 own=$3 other=$4 protocol=$5 kind=$6 code=0 line port
	[ "$family" = IPv6 ] || code=4
	allowed "$family: TCP outside" "connected, answered*" allow-egress attack bookthief tcp to="$to" port=7001 mark=MARK
	allowed "$family: UDP outside" answered allow-egress attack bookthief udp to="$to" port=7053 wait=1 mark=MARK
	allowed "$family: more than fits through the narrow piece: the machine says so, and it arrives" "connected, answered*" allow-related attack bookthief tcp to="$to" port=7001 size=20000 mark=MARK
	allowed "$family: bookstore has asked outside" sent allow-egress attack bookstore udp to="$to" port=7054 sport=5353 mark=MARK
	attempt "$family: an answer from another port" no-ingress sent inside_it packet to="$own" source="$to" protocol=17 sport=7055 port=5353 mark=MARK
	attempt "$family: an answer to another port" no-ingress sent inside_it packet to="$own" source="$to" protocol=17 sport=7054 port=5354 mark=MARK
	attempt "$family: an answer from another address" no-ingress sent inside_it packet to="$own" source="$7" protocol=17 sport=7054 port=5353 mark=MARK
	attempt "$family: too big, about another port" icmp sent inside_it packet to="$own" source="$7" protocol="$protocol" type="$kind" code=$code quote="$own,5354,$to,7054,17" mark=MARK
	attempt "$family: too big, about another machine" icmp sent inside_it packet to="$own" source="$to" protocol="$protocol" type="$kind" code=$code quote="$own,5353,$7,7054,17" mark=MARK
	attempt "$family: too big, about what bookthief sent" icmp sent inside_it packet to="$own" source="$7" protocol="$protocol" type="$kind" code=$code quote="$8,5353,$to,7054,17" mark=MARK
	attempt "$family: a router says 'unreachable'" icmp sent inside_it packet to="$own" source="$7" protocol="$protocol" type=$((kind == 3 ? 3 : 1)) code=1 quote="$own,5353,$to,7054,17" mark=MARK
	attempt "$family: bookthief plays the router" icmp sent attack bookthief packet to="$own" protocol="$protocol" type="$kind" code=$code quote="$own,5353,$to,7054,17" mark=MARK
	attempt "$family: bookthief plays the router with a foreign address" spoofed-source sent attack bookthief packet to="$own" source="$to" protocol="$protocol" type="$kind" code=$code quote="$own,5353,$to,7054,17" mark=MARK
	coproc HOLD { in_pod bookbuyer python3 "$WORK/tools/hold.py" "$own" 3001 2>&1; }
	read -r -t 10 line <&"${HOLD[0]}" || line="no answer"
	judge "$family: bookbuyer has a connection" open "$line"
	next_mark && fence
	port=$(sed -n "s/^[0-9a-d]* 6 .*$other\]*:\([0-9]*\)>.*:3001 S .*/\1/p" "$WORK/camera-bookstore" | tail -n 1)
	attempt "$family: too big, about bookbuyer's connection $port" icmp sent inside_it packet to="$own" source="$7" protocol="$protocol" type="$kind" code=$code quote="$own,3001,$other,${port:-1},6" mark=MARK
	echo >&"${HOLD[1]}"
	wait
}

outwards IPv4 "$far" "$store" "$buyer" 1 3 192.0.2.1 "$thief"
if [ ${#families[@]} = 2 ]; then
	outwards IPv6 "$far6" "$store6" "$buyer6" 58 2 2001:db8::1 "$thief6"
fi

# What egress does not open.
attempt "a Service's address that there is not" no-service refused attack bookthief tcp to="${RINGFENCE_SERVICE_CIDR%0.0/16}250.250" port=80 mark=MARK
attempt "another pod" no-rule refused attack bookthief tcp to="$store" port=3001 mark=MARK
attempt "multicast" multicast refused attack bookthief udp to=224.0.0.251 port=5353 mark=MARK
attempt "multicast, raw socket" multicast sent attack bookthief packet to=224.0.0.251 port=5353 protocol=17 mark=MARK
attempt "ICMP outside" icmp sent attack bookthief packet to="$far" protocol=1 mark=MARK
attempt "another protocol outside" ip-protocol sent attack bookthief packet to="$far" protocol=47 mark=MARK
attempt "outside under bookbuyer's name" spoofed-source sent attack bookthief packet to="$far" source="$buyer" mark=MARK
# What it does: the machine is outside, too.
allowed "the machine's own address is outside, too" refused allow-egress attack bookthief tcp to="$node" port=9 mark=MARK
