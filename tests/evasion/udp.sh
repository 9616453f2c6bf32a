#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# UDP to a pod that a UDPRoute protects: in every way in which a destination can be named, by system call and by packet; answers, errors and
# exchanges that were allowed once.
# shellcheck source=tests/evasion/lib.sh
. "$(dirname "$0")/lib.sh"
hostile_world
plain_world

works "UDP, sendto" attack plain udp to="$victim" port=3001 mark=MARK
works "UDP, connected" attack plain udp to="$victim" port=3001 mark=MARK how=connected
works "UDP, another destination than connected to" attack plain udp to="$victim" port=3001 mark=MARK how=other family=6
works "UDP, IPv4, another destination than connected to" attack plain udp to="$victim" port=3001 mark=MARK how=other
works "UDP by raw socket" attack plain packet to="$victim" protocol=17 mark=MARK
works "UDP by packet socket" attack plain packet to="$victim" protocol=17 mark=MARK via=link
works "a datagram in fragments" attack plain udp to="$victim" port=3001 size=4000 mark=MARK

# forbidden FAMILY STORE: the attempts that are the same for both
forbidden() {
	local family=$1 to=$2
	attempt "$family: UDP, connected" no-rule refused attack bookthief udp to="$to" port=3053 mark=MARK how=connected
	attempt "$family: UDP, sendto" no-rule refused attack bookthief udp to="$to" port=3053 mark=MARK
	attempt "$family: UDP, sendmsg with a destination" no-rule refused attack bookthief udp to="$to" port=3053 mark=MARK how=sendmsg
	attempt "$family: UDP, connected to oneself, sendmsg to another destination" no-rule refused attack bookthief udp to="$to" port=3053 mark=MARK how=other
	attempt "$family: UDP, allowed destination first" no-rule refused attack bookthief udp to="$to" port=3053 mark=MARK how=many
	attempt "$family: UDP, connected to oneself, then disconnected" no-rule refused attack bookthief udp to="$to" port=3053 mark=MARK how=unspec
	attempt "$family: UDP_SEGMENT" no-rule refused attack bookthief udp to="$to" port=3053 mark=MARK how=segments
	attempt "$family: UDP_CORK, the second piece elsewhere" - sent attack bookthief udp to="$to" port=3053 mark=MARK how=cork
	attempt "$family: MSG_MORE, the second piece elsewhere" - sent attack bookthief udp to="$to" port=3053 mark=MARK how=more
	attempt "$family: UDP to another port of who may use one" no-rule refused attack bookbuyer udp to="$to" port=3054 mark=MARK
	attempt "$family: UDP to where only TCP is allowed" no-rule refused attack bookbuyer udp to="$to" port=3001 mark=MARK
	attempt "$family: UDP by raw socket" no-rule sent attack bookthief packet to="$to" port=3053 protocol=17 mark=MARK
	attempt "$family: UDP by packet socket" no-tag sent attack bookthief packet to="$to" port=3053 protocol=17 mark=MARK via=link
	attempt "$family: UDP-Lite, connected" ip-protocol sent attack bookthief udp to="$to" port=3053 mark=MARK how=connected lite=1
	attempt "$family: UDP-Lite, sendto" no-rule refused attack bookthief udp to="$to" port=3053 mark=MARK lite=1
	attempt "$family: UDP-Lite, for whom UDP is allowed" ip-protocol sent attack bookbuyer udp to="$to" port=3053 mark=MARK lite=1
	attempt "$family: a large datagram in fragments" no-rule refused attack bookthief udp to="$to" port=3053 size=4000 mark=MARK
	attempt "$family: fragments, for whom UDP is allowed" fragment sent attack bookbuyer udp to="$to" port=3053 size=4000 mark=MARK
	attempt "$family: a UDP length beyond the packet" malformed sent attack bookthief packet to="$to" port=3053 protocol=17 long=1 mark=MARK
	attempt "$family: a process of the machine" no-ingress sent attack here udp to="$to" port=3053 mark=MARK
	attempt "$family: a process of the machine, connected" no-ingress "*" attack here udp to="$to" port=3053 how=connected mark=MARK
}

forbidden IPv4 "$store"
attempt "UDP, v4-mapped, connected" no-rule refused attack bookthief udp to="$store" port=3053 mark=MARK how=connected family=6
attempt "UDP, v4-mapped, sendto" no-rule refused attack bookthief udp to="$store" port=3053 mark=MARK family=6
attempt "UDP, v4-mapped, connected to oneself first" no-rule refused attack bookthief udp to="$store" port=3053 mark=MARK how=other family=6
attempt "bookbuyer's address as the source, IP_PKTINFO" no-rule refused attack bookthief udp to="$store" port=3053 how=from source="$buyer" mark=MARK
attempt "bookthief's address as the source of who may, IP_PKTINFO" - "@(EINVAL|ENETUNREACH)" attack bookbuyer udp to="$store" port=3053 how=from source="$thief" mark=MARK
allowed "UDP_SEGMENT, for whom UDP is allowed" answered allow-rule attack bookbuyer udp to="$store" port=3053 how=segments wait=1 mark=MARK
attempt "bookbuyer's address as the source, raw socket" spoofed-source sent attack bookthief packet to="$store" port=3053 protocol=17 source="$buyer" mark=MARK
attempt "bookbuyer's address as the source, packet socket" spoofed-source sent attack bookthief packet to="$store" port=3053 protocol=17 source="$buyer" mark=MARK via=link
attempt "bookbuyer's address as the source, by the machine" spoofed-source sent attack here packet to="$store" port=3053 protocol=17 source="$buyer" mark=MARK
attempt "broadcast" - "*" attack bookthief udp to=255.255.255.255 port=3053 mark=MARK
attempt "multicast, sendto" multicast refused attack bookthief udp to=224.0.0.251 port=5353 mark=MARK
attempt "multicast, raw socket" multicast sent attack bookthief packet to=224.0.0.251 port=5353 protocol=17 mark=MARK
if [ -z "$store6" ]; then
	skip "UDP over IPv6" "there is no IPv6"
else
	works "UDP over IPv6" attack plain udp to="$victim6" port=3001 mark=MARK
	works "UDP over IPv6 by raw socket" attack plain packet to="$victim6" protocol=17 mark=MARK
	forbidden IPv6 "$store6"
	allowed "UDP_SEGMENT over IPv6, for whom UDP is allowed" answered allow-rule attack bookbuyer udp to="$store6" port=3053 how=segments wait=1 mark=MARK
	attempt "bookthief's IPv6 address as the source of who may, IPV6_PKTINFO" - "@(EINVAL|EADDRNOTAVAIL|ENETUNREACH)" attack bookbuyer udp to="$store6" port=3053 how=from source="$thief6" mark=MARK
	attempt "bookbuyer's IPv6 address as the source, raw socket" spoofed-source sent attack bookthief packet to="$store6" port=3053 protocol=17 source="$buyer6" mark=MARK
	attempt "bookbuyer's IPv6 address as the source, packet socket" spoofed-source sent attack bookthief packet to="$store6" port=3053 protocol=17 source="$buyer6" mark=MARK via=link
fi

# ---- through a Service ----
questions=$(in_pod bookthief getent ahostsv4 questions.bookstore.svc.cluster.local </dev/null | cut -d' ' -f1 | head -n 1)
allowed "bookbuyer asks the Service" answered allow-rule attack bookbuyer udp to="$questions" port=53 wait=1 mark=MARK
attempt "the Service, sendto" no-rule refused attack bookthief udp to="$questions" port=53 mark=MARK
attempt "the Service, connected" no-rule refused attack bookthief udp to="$questions" port=53 how=connected mark=MARK
attempt "a port of it for TCP" no-service refused attack bookthief tcp to="$questions" port=53 mark=MARK
attempt "a TCP Service's port" no-service refused attack bookthief udp to="$(service_address bookstore)" port=80 mark=MARK
attempt "the Service's address by raw socket: no pod has it" - sent attack bookthief packet to="$questions" port=53 protocol=17 mark=MARK

# ---- answers ----
allowed "bookbuyer asks and is answered" answered allow-rule attack bookbuyer udp to="$store" port=3053 wait=1 mark=MARK
# bookstore has asked bookthief from port 5353: only the answer to that may come back.
allowed "bookstore, which may, sends to bookthief" sent allow-datagram attack bookstore udp to="$thief" port=4053 sport=5353 mark=MARK
attempt "bookthief answers from another port, raw socket" no-rule sent attack bookthief packet to="$store" port=5353 sport=4054 protocol=17 mark=MARK
attempt "bookthief answers to another port, raw socket" no-rule sent attack bookthief packet to="$store" port=5354 sport=4053 protocol=17 mark=MARK
attempt "bookthief answers by packet socket" no-tag sent attack bookthief packet to="$store" port=5355 sport=4053 protocol=17 mark=MARK via=link
attempt "bookbuyer answers in bookthief's place" no-rule refused attack bookbuyer udp to="$store" port=5353 sport=4053 mark=MARK
next_mark
result=$(attack bookthief packet to="$store" port=5353 sport=4053 protocol=17 mark="$mark")
judge "bookthief's answer itself" sent "$result"
expect "arrives" 1 grep -c "$mark" "$WORK/camera-bookstore"
# Who asked has gone; its kernel said so ("port unreachable"), and who comes to have the port next has not asked.
attempt "bookthief goes on answering when nobody listens any more" no-rule sent attack bookthief packet to="$store" port=5353 sport=4053 protocol=17 mark=MARK
# bookstore has told bookbuyer something before, between the very ports from which bookbuyer will ask.
allowed "bookstore sends from the port where it is asked" sent allow-datagram attack bookstore packet to="$buyer" port=6000 sport=3053 protocol=17 mark=MARK

cat >"$WORK/protect-buyer.yaml" <<'YAML'
apiVersion: access.smi-spec.io/v1alpha3
kind: TrafficTarget
metadata: {name: asks-only, namespace: bookbuyer}
spec:
  destination: {kind: ServiceAccount, name: bookbuyer, namespace: bookbuyer}
  sources: [{kind: ServiceAccount, name: bookbuyer, namespace: bookbuyer}]
  rules: [{kind: UDPRoute, name: nothing}]
YAML
rf apply -f "$WORK/protect-buyer.yaml" >/dev/null || exit 1
attempt "bookbuyer is protected, too" no-rule refused attack bookstore udp to="$buyer" port=4053 mark=MARK
allowed "and is answered all the same when it asks from there" answered allow-rule attack bookbuyer udp to="$store" port=3053 sport=6000 wait=1 mark=MARK
allowed "and is answered all the same when it asks" answered allow-rule attack bookbuyer udp to="$store" port=3053 wait=1 mark=MARK
allowed "also through the Service" answered allow-rule attack bookbuyer udp to="$questions" port=53 wait=1 mark=MARK
rf delete -f "$WORK/protect-buyer.yaml" >/dev/null || exit 1

# ---- errors ----
allowed "nobody listens on the port: bookbuyer is told by ICMP" refused allow-related attack bookbuyer udp to="$store" port=3055 how=connected wait=1 mark=MARK

# ---- what was allowed once ----
coproc TALK { in_pod bookbuyer python3 "$WORK/tools/attack.py" talk to="$store" port=3053 2>&1; }
talk() {
	local text
	[ -z "${1:-}" ] || printf '%s\n' "$1" >&"${TALK[1]}"
	read -r -t 10 text <&"${TALK[0]}" || text="nothing"
	echo "$text"
}
judge "bookbuyer has a connected socket" open "$(talk)"
judge "which is answered" answered "$(talk hello)"
sed '/^kind: UDPRoute/,/^---/s/3053, 3055/3056/' "$WORK/hostile.yaml" >"$WORK/narrow.yaml"
rf apply -f "$WORK/narrow.yaml" >/dev/null || exit 1
next_mark
# Cut: the kernel took its destination away. Where it cannot, each packet is decided again: silence.
judge "after the change it is not" "@(ECONNABORTED|EDESTADDRREQ|silent)" "$(talk "$mark")"
judge "nor later" "@(EDESTADDRREQ|silent)" "$(talk "$mark")"
fence || judge "the next fence" seen "not seen"
judge "and bookstore got nothing" "nothing" "$(grep -m 1 "$mark" "$WORK/camera-bookstore" || echo nothing)"
attempt "a new datagram" no-rule refused attack bookbuyer udp to="$store" port=3053 mark=MARK
rf apply -f "$WORK/hostile.yaml" >/dev/null || exit 1
allowed "allowed again" answered allow-rule attack bookbuyer udp to="$store" port=3053 wait=1 mark=MARK
