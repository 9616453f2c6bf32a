#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Requests and TLS connections to outside the mesh by Egress objects, header conditions, names and audit, live: each change is a changed
# file. The TLS server is a real one, with a certificate made here.
# shellcheck source=tests/e2e/lib.sh
. "$(dirname "$0")/lib.sh"
world_up

# objects NAME: standard input becomes a policy file of that name; nothing is applied but what the agent sees by itself
objects() {
	cat >"$WORK/policies/.$1" && mv "$WORK/policies/.$1" "$WORK/policies/$1.yaml"
}

objects out <<'YAML'
apiVersion: v1
kind: Namespace
metadata: {name: out}
YAML
openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=one.example -keyout "$WORK/key.pem" -out "$WORK/cert.pem" 2>/dev/null || exit 1
cat >"$WORK/tools/tls.py" <<'PY'
import ssl, socket, sys, threading
context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
context.load_cert_chain(sys.argv[1] + "/cert.pem", sys.argv[1] + "/key.pem")
listener = socket.create_server(("", 8443))
print("ready, pid", flush=True)
def serve(conn):
    try:
        with context.wrap_socket(conn, server_side=True) as s:
            while data := s.recv(1000):
                s.sendall(b"echo " + data)
    except OSError:
        pass
while True:
    threading.Thread(target=serve, args=(listener.accept()[0],), daemon=True).start()
PY
chmod a+r "$WORK"/*.pem "$WORK/tools/tls.py"
expect "a namespace outside is known" 0 exit_code_of rf run -n out --name out -d -- python3 "$WORK/tools/server.py" out 8080/http
await 30 server_ready out || exit 1
rf run -n out --name tls -d -- python3 "$WORK/tools/tls.py" "$WORK" >/dev/null || exit 1
tls_ready() {
	rf logs out/tls 2>/dev/null | grep -q 'ready, pid'
}
await 30 tls_ready || { rf logs out/tls && exit 1; }
address_of() {
	status_of "[p['address'] for p in d['pods'] if p['ns'] == 'out' and p['name'] == '$1'][0]"
}
out=$(address_of out) tls=$(address_of tls)

# http NAMESPACE HOST PATH [HEADERS]: the status of a GET to outside, or how the connection ends
http() {
	probe "$1" "{\"dial\":\"$out\",\"port\":8080,\"requests\":[{\"path\":\"$3\",\"host\":\"$2\",\"headers\":{${4-}}}]}" |
		json "d['answers'][0]['status'] if d['answers'] else d['connect']"
}
# tls NAMESPACE NAME: what a TLS client with this server name ("" = none) hears, or how its connection ends
tls() {
	in_pod "$1" python3 -c '
import socket, ssl, sys
context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
try:
    with socket.create_connection((sys.argv[1], 8443), 5) as raw, context.wrap_socket(raw, server_hostname=sys.argv[2] or None) as s:
        s.sendall(b"hello")
        print(s.recv(100).decode())
except OSError as e:
    print(type(e).__name__)' "$tls" "$2" </dev/null
}
egress() {
	objects egress <<YAML
apiVersion: policy.openservicemesh.io/v1alpha1
kind: Egress
metadata: {name: web, namespace: bookbuyer}
spec:
  sources: [{kind: ServiceAccount, name: bookbuyer, namespace: bookbuyer}]
  hosts: [one.example, "*.two.example"]
  ports: [{number: 8080, protocol: $1}]
  $2
---
apiVersion: policy.openservicemesh.io/v1alpha1
kind: Egress
metadata: {name: tls, namespace: bookbuyer}
spec:
  sources: [{kind: ServiceAccount, name: bookbuyer, namespace: bookbuyer}]
  hosts: [${3-one.example}]
  ports: [{number: 8443, protocol: https}]
---
apiVersion: specs.smi-spec.io/v1alpha4
kind: HTTPRouteGroup
metadata: {name: get, namespace: bookbuyer}
spec: {matches: [{name: get, pathRegex: /get, methods: [GET]}, {name: key, pathRegex: /key, headers: [{api-key: "[0-9]+"}]}]}
YAML
}
route_group="matches: [{apiGroup: specs.smi-spec.io/v1alpha4, kind: HTTPRouteGroup, name"

expect "egress-02: without an object nothing leads out" refused http bookbuyer one.example /
egress http ""
expect "egress-03: a host that is named" 200 http bookbuyer one.example /any
expect_now "and one below" 200 http bookbuyer a.b.two.example:8080 /any
expect_now "egress-04: another host" 404 http bookbuyer example.com /
expect_now "egress-15: another ServiceAccount" refused http bookthief one.example /
egress http "$route_group: get}]"
expect "with routes, one that matches none of them" 404 http bookbuyer one.example /any
expect_now "one that does" 200 http bookbuyer one.example /get
expect_now "one without its header" 404 http bookbuyer one.example /key
expect_now "one with it" 200 http bookbuyer one.example /key '"API-Key":"123"'
expect_now "one with another value" 404 http bookbuyer one.example /key '"API-Key":"123x"'
egress http "$route_group: missing}]"
expect "egress-09: a group that is not there" 404 http bookbuyer one.example /get
egress http "ipAddresses: [203.0.113.0/24]"
expect "another address" refused http bookbuyer one.example /get
egress http "ipAddresses: [$out/32]"
expect "the right one" 200 http bookbuyer one.example /get

expect "egress-10: a server name that is named" "echo hello" tls bookbuyer one.example
expect_now "egress-11: another" "ConnectionResetError" tls bookbuyer two.example
expect_now "none" "ConnectionResetError" tls bookbuyer ""
expect_now "another ServiceAccount" "ConnectionRefusedError" tls bookthief one.example
plain() {
	probe bookbuyer "{\"dial\":\"$tls\",\"port\":8443,\"requests\":[{\"path\":\"/\",\"host\":\"one.example\"}]}" | json "d['connect']"
}
expect_now "HTTP on the https port" reset plain
egress http "" three.example
expect "the name changes" "ConnectionResetError" tls bookbuyer one.example
expect_now "to the new one" "echo hello" tls bookbuyer three.example

# ---- audit of the source ----
rf apply -f - >/dev/null <<'YAML' || exit 1
apiVersion: v1
kind: Namespace
metadata: {name: bookbuyer, labels: {openservicemesh.io/monitored-by: osm}, annotations: {ringfence.io/audit: enabled}}
YAML
expect "under audit any server name passes" "echo hello" tls bookbuyer one.example
expect_now "any host" 200 http bookbuyer example.com /
# would: the would-be denials of bookbuyer's requests to outside, each once
would() {
	rf audit -o json | json "' '.join(sorted({r['would'] for r in d['rows'] if r['layer'] == 'request' and r['source'] == 'bookbuyer/bookbuyer'}))"
}
expect "and both are counted" "no-route server-name" would

# ---- names ----
mesh() {
	objects mesh <<YAML
apiVersion: config.openservicemesh.io/v1alpha2
kind: MeshConfig
metadata: {name: osm-mesh-config, namespace: osm-system}
spec: {traffic: {$1}}
YAML
}
# named NAMESPACE HOST: the status of a GET to bookstore under this name
named() {
	probe "$1" "{\"dial\":\"$STORE\",\"port\":80,\"requests\":[{\"path\":\"/api/buy\",\"host\":\"$2\"}]}" |
		json "d['answers'][0]['status'] if d['answers'] else d['connect']"
}
traffic_access
expect "without strictAuthority any name will do" 200 named bookbuyer example.com
mesh "strictAuthority: true"
expect "host-11: with it, not" 404 named bookbuyer example.com
expect_now "host-01: a name of the Service" 200 named bookbuyer bookstore.bookstore
expect_now "host-02: with its port" 200 named bookbuyer bookstore.bookstore:80
expect_now "host-10: with another port" 404 named bookbuyer bookstore.bookstore:8080
expect_now "host-08: the short name from another namespace" 404 named bookbuyer bookstore
