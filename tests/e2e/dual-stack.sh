#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# IPv6 beside IPv4: the same decisions for pods, Services, the checker and the outside; nothing of the machine is switched; a restart
# keeps it, also one that has no IPv6.
# shellcheck source=tests/e2e/lib.sh
. "$(dirname "$0")/lib.sh"
[ -e /proc/sys/net/ipv6 ] || { echo "ok    this kernel has no IPv6: nothing to see" && exit 0; }

# switches: what a mesh must not touch
switches() {
	local key
	for key in all/forwarding default/forwarding all/disable_ipv6 default/disable_ipv6 lo/disable_ipv6 all/accept_ra default/accept_ra \
		all/addr_gen_mode default/addr_gen_mode; do
		echo "$key $(cat /proc/sys/net/ipv6/conf/$key 2>&1)"
	done
}

switches_before=$(switches)
world_up
traffic_access
cat >"$WORK/dual.yaml" <<'YAML'
apiVersion: specs.smi-spec.io/v1alpha4
kind: TCPRoute
metadata: {name: echo, namespace: bookstore}
spec: {matches: {ports: [3001]}}
---
apiVersion: specs.smi-spec.io/v1alpha4
kind: TCPRoute
metadata: {name: shop, namespace: bookstore}
spec: {matches: {ports: [3000]}}
---
apiVersion: access.smi-spec.io/v1alpha3
kind: TrafficTarget
metadata: {name: bookstore, namespace: bookstore}
spec:
  destination: {kind: ServiceAccount, name: bookstore, namespace: bookstore}
  sources: [{kind: ServiceAccount, name: bookbuyer, namespace: bookbuyer}, {kind: ServiceAccount, name: bookthief, namespace: bookthief}]
  rules: [{kind: HTTPRouteGroup, name: bookstore-service-routes, matches: [buy-books]}, {kind: TCPRoute, name: shop}]
---
apiVersion: access.smi-spec.io/v1alpha3
kind: TrafficTarget
metadata: {name: echo, namespace: bookstore}
spec:
  destination: {kind: ServiceAccount, name: bookstore, namespace: bookstore}
  sources: [{kind: ServiceAccount, name: bookbuyer, namespace: bookbuyer}]
  rules: [{kind: TCPRoute, name: echo}]
---
apiVersion: v1
kind: Service
metadata: {name: both, namespace: bookstore}
spec:
  ipFamilyPolicy: PreferDualStack
  selector: {app: bookstore}
  ports: [{name: http, port: 80, targetPort: 3000}, {name: tcp-echo, port: 7, targetPort: 3001}]
---
apiVersion: v1
kind: Service
metadata: {name: six, namespace: bookstore}
spec:
  ipFamilies: [IPv6]
  selector: {app: bookstore}
  ports: [{name: http, port: 80, targetPort: 3000}, {name: tcp-echo, port: 7, targetPort: 3001}]
---
apiVersion: v1
kind: Service
metadata: {name: pods, namespace: bookstore}
spec:
  clusterIP: None
  ipFamilyPolicy: PreferDualStack
  selector: {app: bookstore}
  ports: [{name: http, port: 3000}]
YAML
rf apply -f "$WORK/dual.yaml" >/dev/null || exit 1

pod_address6() {
	status_of "[p.get('address6', 'none') for p in d['pods'] if p['ns'] == '$1'][0]"
}

# service_address6 NAME
service_address6() {
	rf get services -n bookstore "$1" | grep -o 'fd[0-9a-f:]*'
}

# web NAMESPACE URL...: status and whom the socket says it is connected to (getpeername), or how curl failed
web() {
	in_pod "$1" curl -g -sS -o /dev/null --max-time 5 -w '%{http_code} %{remote_ip}' "${@:2}" 2>&1 </dev/null | sed 's/^curl: .*\(refused\|Couldn.t connect\|Failed to connect\).*/refused /; s/000 $//' | head -n 1
}

# echo_from NAMESPACE ADDRESS PORT [MORE]: what comes back by TCP, and from whom
echo_from() {
	probe "$1" "{\"dial\":\"$2\",\"port\":$3,\"proto\":\"tcp\",\"send\":\"hello\"${4:-}}" | json "d['connect'] + ' ' + d['received'] + ' ' + d.get('peer', '')"
}

# from_outside ADDRESS PORT: how a process of the machine, in no pod, is received
from_outside() {
	python3 "$WORK/tools/probe.py" "{\"dial\":\"$1\",\"port\":$2,\"proto\":\"tcp\",\"send\":\"hello\",\"timeout\":2}" | json "d['connect'] + d['received']"
}

store6=$(pod_address6 bookstore) buyer6=$(pod_address6 bookbuyer) both6=$(service_address6 both) six6=$(service_address6 six)
store4=$(pod_address bookstore)

judge "a pod's addresses go together" True "$(status_of "all(int(__import__('ipaddress').ip_address(p['address6'])) & 0xffffffff == int(__import__('ipaddress').ip_address(p['address'])) for p in d['pods'])")"
judge "ps -o wide shows it" "*$store6*" "$(rf ps -o wide)"
judge "a pod has its address, ::1 and nothing else" "$buyer6/128 ::1/128 " "$(in_pod bookbuyer ip -6 -o addr show </dev/null | awk '{print $4}' | sort -r | tr '\n' ' ')"
judge "no link says anything unasked" 0 "$(status_of "d['reasons'].get('multicast', 0)")"
judge "no switch of the machine was touched" "$switches_before" "$(switches)"

expect "pod to pod, L4 rule" "ok hello $store6" echo_from bookbuyer "$store6" 3001
expect "pod to pod, L4, nobody allows it" "refused *" echo_from bookthief "$store6" 3001
expect "pod to pod, no rule at all" "refused *" echo_from bookstore "$buyer6" 4000
expect "pod to pod, allowed route" "200 $store6" web bookbuyer "http://[$store6]:3000/api/buy"
expect "pod to pod, other route" "404 $store6" web bookbuyer "http://[$store6]:3000/other"
expect "as v4-mapped address it is IPv4" "200 *$store4" web bookbuyer "http://[::ffff:$store4]:3000/api/buy"
expect "a connection to oneself" "200 $buyer6" web bookbuyer "http://[$buyer6]:4000/"
expect "loopback" "200 ::1" web bookbuyer "http://[::1]:4000/"
expect "the checker's own port" "re[fs]* *" echo_from bookbuyer "$buyer6" 15001
expect "the checker's port of another pod" "re[fs]* *" echo_from bookbuyer "$store6" 15001

expect "Service, IPv6 only, by address" "200 $six6" web bookbuyer "http://[$six6]/api/buy"
expect "and by name" "200 $six6" web bookbuyer http://six.bookstore/api/buy
expect "other route" "404 $six6" web bookbuyer http://six.bookstore/other
expect "its TCP port; getpeername is the Service" "ok hello $six6" echo_from bookbuyer "$six6" 7
expect "which not everybody may use" "refused *" echo_from bookthief "$six6" 7
expect "a port that it has not" "refused *" echo_from bookbuyer "$six6" 3001
expect "Service of both families, by IPv6" "200 $both6" web bookbuyer -6 http://both.bookstore.svc.cluster.local/api/buy
expect "and by IPv4" "200 10.*" web bookbuyer -4 http://both.bookstore.svc.cluster.local/api/buy
expect "headless, by IPv6: the pod itself" "200 $store6" web bookbuyer -6 http://pods.bookstore:3000/api/buy
judge "a Service that says nothing has IPv4 alone" "" "$(in_pod bookbuyer getent ahostsv6 "$STORE" </dev/null | grep -v '::ffff:')"

expect "outside, to a TCP port" "re[fs]*" from_outside "$store6" 3001
expect "outside, to an HTTP port" "re[fs]*" from_outside "$store6" 3000
expect "and is named" "*outside*$store6*no-ingress*" rf observe -o wide --verdict denied --last 200
expect "a forbidden one is named" "*bookthief/bookthief*\[$store6\]:3001*no-rule*" rf observe -o wide --verdict denied --last 200
expect "an address of nobody" "refused *" echo_from bookbuyer "${store6%:*}:ffff" 3001
expect "an address elsewhere" "refused *" echo_from bookbuyer 2001:db8::1 80

# A new agent: the same addresses. One without IPv6: IPv4 goes on, IPv6 is refused. Then again.
restart_agent() {
	end_noted "$STATE/agent.pid" KILL
	start_agent || exit 1
	expect "$1: every pod is hooked, its checker ready" "True" status_of "all(p['hooked'] and p['attest']['checker_ready'] for p in d['pods']) and len(d['pods']) == 3"
}
restart_agent "a new agent"
judge "the same address" "$store6" "$(pod_address6 bookstore)"
expect "TCP" "ok hello $store6" echo_from bookbuyer "$store6" 3001
expect "HTTP" "404 $six6" web bookbuyer http://six.bookstore/other
RINGFENCE_POD_CIDR6=none restart_agent "an agent without IPv6"
judge "no IPv6 address" none "$(pod_address6 bookstore)"
expect "IPv4 goes on" "200 404" get bookbuyer /api/buy /
expect "IPv6 is refused" "refused *" echo_from bookbuyer "$store6" 3001
expect "and by name there is IPv4 alone" "200 10.*" web bookbuyer http://both.bookstore/api/buy
restart_agent "an agent with IPv6"
judge "the address is back" "$store6" "$(pod_address6 bookstore)"
expect "TCP is back" "ok hello $store6" echo_from bookbuyer "$store6" 3001
expect "HTTP is back" "200 $six6" web bookbuyer http://six.bookstore/api/buy

links=$(ip -o link | grep -c "ringfence $RINGFENCE_INSTANCE ")
judge "three links" 3 "$links"
remove_instance && up=''
judge "afterwards no address is left" "" "$(ip -6 -o addr show | grep -F "${store6%:*}:")"
judge "nor a route" "" "$(ip -6 route show table all | grep -F "$store6")"
judge "nor a switch" "$switches_before" "$(switches)"
