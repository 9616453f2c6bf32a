#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Egress: who may reach what outside the mesh. TCP by port and range in the kernel, HTTP by host and route and TLS by server name in the
# checker; nobody else's, nothing more, and gone when the object goes, for open connections, too.
# shellcheck source=tests/e2e/lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=tests/e2e/outside.bash
. "$(dirname "$0")/outside.bash"
world_up
outside_up 7080/http 7443/https=CERT 7001/tcp
NEAR_BY=203.0.113.$number
outside_address "$NEAR_BY"

# http NAMESPACE HOST PATH [METHOD] [ADDRESS]
http() {
	probe "$1" "{\"dial\":\"${5:-$FAR}\",\"port\":7080,\"requests\":[{\"method\":\"${4:-GET}\",\"path\":\"$3\",\"host\":\"$2\"}]}" | json "(d['answers'] or [{'status': d['connect']}])[0]['status']"
}
# https NAMESPACE NAME [ADDRESS]
https() {
	probe "$1" "{\"dial\":\"${3:-$FAR}\",\"port\":7443,\"tls\":\"$2\",\"requests\":[{\"path\":\"/\",\"host\":\"$2\"}]}" | json "(d['answers'] or [{'status': d['connect']}])[0]['status']"
}
tcp() {
	probe "$1" "{\"dial\":\"$2\",\"port\":${3:-7001},\"proto\":\"tcp\",\"send\":\"hello\"}" | json "d['received'] or d['connect']"
}

expect "closed: http" refused http bookbuyer allowed.example /
expect "closed: https" refused https bookbuyer allowed.example
expect "closed: tcp" refused tcp bookbuyer "$FAR"

cat >"$WORK/egress.yaml" <<YAML
apiVersion: policy.openservicemesh.io/v1alpha1
kind: Egress
metadata: {name: web, namespace: bookbuyer}
spec:
  sources: [{kind: ServiceAccount, name: bookbuyer, namespace: bookbuyer}]
  hosts: [allowed.example, "*.wide.example"]
  ports: [{number: 7080, protocol: http}, {number: 7443, protocol: https}]
  matches: [{apiGroup: specs.smi-spec.io/v1alpha4, kind: HTTPRouteGroup, name: web}]
---
apiVersion: specs.smi-spec.io/v1alpha4
kind: HTTPRouteGroup
metadata: {name: web, namespace: bookbuyer}
spec: {matches: [{name: get, pathRegex: "/get.*", methods: [GET]}]}
---
apiVersion: policy.openservicemesh.io/v1alpha1
kind: Egress
metadata: {name: tcp, namespace: bookbuyer}
spec:
  sources: [{kind: ServiceAccount, name: bookbuyer, namespace: bookbuyer}]
  ipAddresses: ["$FAR/32"]
  ports: [{number: 7001, protocol: tcp}]
YAML
expect_now "accepted" 0 exit_code_of rf apply -f "$WORK/egress.yaml"

expect "http: host and route" 200 http bookbuyer allowed.example /get
expect "http: host with its port" 200 http bookbuyer allowed.example:7080 /get
expect "http: letter case of the host" 200 http bookbuyer Allowed.Example /get
expect "http: a name below a wildcard" 200 http bookbuyer a.b.wide.example /get
expect "http: the wildcard's own name" 404 http bookbuyer wide.example /get
expect "http: another path" 404 http bookbuyer allowed.example /put
expect "http: another method" 404 http bookbuyer allowed.example /get DELETE
expect "http: another host" 404 http bookbuyer other.example /get
expect "http: another host's name behind" 404 http bookbuyer allowed.example.evil.example /get
expect "http: around the canonical form" 404 http bookbuyer allowed.example /get/../put
expect "https: the name" 200 https bookbuyer allowed.example
expect "https: below a wildcard" 200 https bookbuyer x.wide.example
expect "https: another name" reset https bookbuyer other.example
expect "https: no name" reset https bookbuyer ""
expect "https: no TLS at all" reset tcp bookbuyer "$FAR" 7443
expect "seen" "*server-name*" rf observe --verdict denied --last 50
expect "tcp: in the range" hello tcp bookbuyer "$FAR"
expect "tcp: outside the range" refused tcp bookbuyer "$NEAR_BY"
expect "tcp: a port that is not named" refused tcp bookbuyer "$FAR" 7002
for who in bookthief bookstore; do
	expect "$who: http" refused http "$who" allowed.example /get
	expect "$who: https" refused https "$who" allowed.example
	expect "$who: tcp" refused tcp "$who" "$FAR"
done
expect "and does not open the mesh" refused get bookbuyer /api/buy

# What is open when the object goes.
coproc OPEN { in_pod bookbuyer python3 -u -c '
import socket, sys
s = socket.create_connection((sys.argv[1], 7001), 10)
s.sendall(b"x")
print(s.recv(1).decode(), flush=True)
try:
    print("data" if s.recv(1) else "closed", flush=True)
except OSError as error:
    print(type(error).__name__, flush=True)' "$FAR" 2>&1; }
exec {open}<&"${OPEN[0]}" # the shell forgets OPEN as soon as it has ended
read -r -t 20 line <&"$open"
judge "a connection stays open" x "$line"
expect_now "the object goes" 0 exit_code_of rf delete -f "$WORK/egress.yaml"
read -r -t 20 line <&"$open"
judge "its open connection is cut" "Connection*Error" "$line"
expect "closed again: http" refused http bookbuyer allowed.example /get
expect "closed again: tcp" refused tcp bookbuyer "$FAR"
expect_now "enableEgress" 0 exit_code_of rf mesh set egress=true
expect "everything outside is open" "200" http bookthief any.example /anything
expect "and the mesh is not" refused get bookbuyer /api/buy
