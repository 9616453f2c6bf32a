#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# UDP: a UDPRoute decides who may send, refusals are known at once, Services stand in front of pods for datagrams, too, nothing comes from outside.
# shellcheck source=tests/e2e/lib.sh
. "$(dirname "$0")/lib.sh"
instance_up
rf apply -f "$TOP/policies/bookstore/manifests" >/dev/null || exit 1
rf namespace add bookstore bookbuyer bookthief >/dev/null || exit 1
run_server bookstore 3000/http 3053/udp 3054/udp
run_server bookbuyer 4000/http 4053/udp
run_server bookthief 4001/http 4053/udp
cat >"$WORK/udp.yaml" <<'YAML'
apiVersion: specs.smi-spec.io/v1alpha4
kind: UDPRoute
metadata: {name: questions, namespace: bookstore}
spec: {matches: {ports: [3053]}}
---
apiVersion: access.smi-spec.io/v1alpha3
kind: TrafficTarget
metadata: {name: questions, namespace: bookstore}
spec:
  destination: {kind: ServiceAccount, name: bookstore, namespace: bookstore}
  sources: [{kind: ServiceAccount, name: bookbuyer, namespace: bookbuyer}]
  rules: [{kind: UDPRoute, name: questions}]
---
apiVersion: v1
kind: Service
metadata: {name: questions, namespace: bookstore}
spec:
  ipFamilyPolicy: PreferDualStack
  selector: {app: bookstore}
  ports: [{name: ask, protocol: UDP, port: 53, targetPort: 3053}, {name: other, protocol: UDP, port: 54, targetPort: 3054}]
YAML
rf apply -f "$WORK/udp.yaml" >/dev/null || exit 1
QUESTIONS=questions.bookstore.svc.cluster.local

# datagram NAMESPACE TO PORT [KEY=VALUE]...
datagram() {
	in_pod "$1" python3 "$WORK/tools/datagram.py" "${@:2}" </dev/null
}

store=$(pod_address bookstore) buyer=$(pod_address bookbuyer) thief=$(pod_address bookthief)
address=$(in_pod bookbuyer getent ahostsv4 "$QUESTIONS" </dev/null | cut -d' ' -f1 | head -n 1)

expect "allowed" "from $store 3053: bookstore to $buyer: hello" datagram bookbuyer "$store" 3053
expect "allowed, connected" "peer $store 3053 from $store 3053: *" datagram bookbuyer "$store" 3053 how=connected
expect "allowed, as v4-mapped address" "from $store 3053: *" datagram bookbuyer "$store" 3053 mapped=1
expect "not allowed: refused at once" "refused at send" datagram bookthief "$store" 3053
expect "not allowed, connected" "refused at connect" datagram bookthief "$store" 3053 how=connected
expect "not allowed, as v4-mapped address" "refused at send" datagram bookthief "$store" 3053 mapped=1
expect "another port of what is protected" "refused at send" datagram bookbuyer "$store" 3054
expect "with its reason" "*bookthief/bookthief*$store:3053 *udp*no-rule*" rf observe -o wide --verdict denied --last 200

judge "the Service has an address" "10.*" "$address"
expect "to the Service: answers come from it" "from $address 53: bookstore to $buyer: hello" datagram bookbuyer "$QUESTIONS" 53 family=4
expect "connected to the Service" "peer $address 53 from $address 53: *" datagram bookbuyer "$QUESTIONS" 53 family=4 how=connected
expect "many on one socket" "servers 1 from $address 53: *" datagram bookbuyer "$QUESTIONS" 53 family=4 count=50
expect "the Service, for whom it is not allowed" "refused at send" datagram bookthief "$QUESTIONS" 53 family=4
expect "and connected" "refused at connect" datagram bookthief "$QUESTIONS" 53 family=4 how=connected
expect "a port of the Service whose target is not allowed" "refused at send" datagram bookbuyer "$QUESTIONS" 54 family=4
expect "a port that the Service has not" "refused at send" datagram bookbuyer "$QUESTIONS" 55 family=4
expect "a TCP Service has no UDP" "refused at send" datagram bookbuyer "$STORE" 80

# No UDPRoute protects these two: the mesh's pods may send, nobody else may.
expect "nothing protects it: allowed" "from $thief 4053: bookthief to $buyer: hello" datagram bookbuyer "$thief" 4053
expect "and the other way" "from $buyer 4053: *" datagram bookthief "$buyer" 4053
expect "with its reason" "[1-9]*" status_of "d['reasons'].get('allow-datagram', 0)"
expect "to oneself" "from $buyer 4053: *" datagram bookbuyer "$buyer" 4053
expect "from outside, protected" "silent" python3 "$WORK/tools/datagram.py" "$store" 3053
expect "from outside, not protected" "silent" python3 "$WORK/tools/datagram.py" "$thief" 4053
expect "and is named" "*outside*$thief:4053 *udp*" rf observe -o wide --verdict denied --last 200

if [ "$(status_of "d['pods'][0].get('address6', 'none')")" != none ]; then
	store6=$(status_of "[p['address6'] for p in d['pods'] if p['ns'] == 'bookstore'][0]")
	buyer6=$(status_of "[p['address6'] for p in d['pods'] if p['ns'] == 'bookbuyer'][0]")
	address6=$(in_pod bookbuyer getent ahostsv6 "$QUESTIONS" </dev/null | cut -d' ' -f1 | grep -v ffff: | head -n 1)
	judge "the Service has an IPv6 address" "fd*" "$address6"
	expect "IPv6, allowed" "from $store6 3053: bookstore to $buyer6: hello" datagram bookbuyer "$store6" 3053
	expect "IPv6, not allowed" "refused at send" datagram bookthief "$store6" 3053
	expect "IPv6, not allowed, connected" "refused at connect" datagram bookthief "$store6" 3053 how=connected
	expect "IPv6, to the Service" "from $address6 53: bookstore to $buyer6: hello" datagram bookbuyer "$QUESTIONS" 53 family=6
	expect "IPv6, connected to the Service" "peer $address6 53 from $address6 53: *" datagram bookbuyer "$QUESTIONS" 53 family=6 how=connected
	expect "IPv6, from outside" "silent" python3 "$WORK/tools/datagram.py" "$store6" 3053
fi

# A pod that is stopped takes its Service's datagrams along; a new one is found by the same socket's owner.
rf stop bookstore/bookstore >/dev/null
expect "a Service without a pod" "refused at send" datagram bookbuyer "$QUESTIONS" 53 family=4
run_server bookstore 3000/http 3053/udp 3054/udp
expect "with a new one" "from $address 53: bookstore to *: hello" datagram bookbuyer "$QUESTIONS" 53 family=4

# Nothing is allowed any more: the next datagram of a socket that was allowed is refused.
rf delete -f "$WORK/udp.yaml" >/dev/null
expect "no target, no protection: everybody of the mesh" "from *" datagram bookthief "$(pod_address bookstore)" 3053
rf apply -f "$WORK/udp.yaml" >/dev/null
expect "protected again" "refused at send" datagram bookthief "$(pod_address bookstore)" 3053
