#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Ways around the checker that must not exist: the pod's address instead of the Service, the checker's port, UDP, ping, other ports.
# shellcheck source=tests/e2e/lib.sh
. "$(dirname "$0")/lib.sh"
world_up
traffic_access
store=$(pod_address bookstore)
own=$(pod_address bookbuyer)

# at ADDRESS PORT PATH: what bookbuyer gets there
at() {
	probe bookbuyer "{\"dial\":\"$1\",\"port\":$2,\"requests\":[{\"path\":\"$3\",\"host\":\"$STORE\"}]}" |
		json "' '.join(str(a['status']) for a in d['answers']) or d['connect']"
}

reason() {
	status_of "d['reasons'].get('$1', 0)"
}

datagram() {
	in_pod bookbuyer python3 -c "
import socket, sys
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
s.settimeout(1)
try:
    s.sendto(b'x', ('$store', 3000))
    s.recv(10)
    print('answered')
except OSError as error:
    print('denied', type(error).__name__)" </dev/null
}

expect "through the Service" "200" get bookbuyer /api/buy
expect "the pod's address: allowed routes" 200 at "$store" 3000 /api/buy
expect "the pod's address: other routes" 404 at "$store" 3000 /
expect "a Service port nobody named" refused at bookstore.bookstore.svc.cluster.local 3000 /api/buy
expect "the checker's own port, in the pod" "re[fs]*" at "$own" 15001 /api/buy
expect "the checker's own port, by loopback" "re[fs]*" at 127.0.0.1 15001 /api/buy
expect "the checker's port of another pod" "re[fs]*" at "$store" 15001 /api/buy
expect "bookthief, where nobody allows it" "re[fs]*" at "$(pod_address bookthief)" 4001 /
rf apply -f - >/dev/null <<'YAML'
apiVersion: specs.smi-spec.io/v1alpha4
kind: UDPRoute
metadata: {name: elsewhere, namespace: bookstore}
spec: {matches: {ports: [53]}}
---
apiVersion: access.smi-spec.io/v1alpha3
kind: TrafficTarget
metadata: {name: elsewhere, namespace: bookstore}
spec:
  destination: {kind: ServiceAccount, name: bookstore, namespace: bookstore}
  sources: [{kind: ServiceAccount, name: bookbuyer, namespace: bookbuyer}]
  rules: [{kind: UDPRoute, name: elsewhere}]
YAML
denials=$(reason no-rule)
expect "UDP to the checked port, where a UDPRoute names another one" "denied ConnectionRefusedError" datagram
expect "UDP has its reason" True status_of "d['reasons'].get('no-rule', 0) > $denials"
judge "a path that leaves the route by encoding" 404 "$(get bookbuyer /api/buy/%2e%2e/other)"
judge "a path without a canonical form" 400 "$(get bookbuyer /api/%00buy)"
expect "bookbuyer still buys" 200 get bookbuyer /api/buy
