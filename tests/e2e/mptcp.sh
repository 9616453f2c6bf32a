#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# MPTCP listeners and dialers (what Go programs are by default): each with the other and with plain TCP, through the checker, and getpeername.
# And what a refused datagram tells: the ICMP error of an admitted flow comes back.
# shellcheck source=tests/e2e/lib.sh
. "$(dirname "$0")/lib.sh"
grep -q '^MPTCP ' /proc/net/protocols || { echo "ok    this kernel has no MPTCP: nothing to see" && exit 0; }
world_up
traffic_access
cat >"$WORK/multi.yaml" <<'YAML'
apiVersion: specs.smi-spec.io/v1alpha4
kind: TCPRoute
metadata: {name: multi, namespace: bookstore}
spec: {matches: {ports: [3001, 3002]}}
---
apiVersion: access.smi-spec.io/v1alpha3
kind: TrafficTarget
metadata: {name: multi, namespace: bookstore}
spec:
  destination: {kind: ServiceAccount, name: bookstore, namespace: bookstore}
  sources: [{kind: ServiceAccount, name: bookbuyer, namespace: bookbuyer}]
  rules: [{kind: TCPRoute, name: multi}]
---
apiVersion: v1
kind: Service
metadata: {name: multi, namespace: bookstore}
spec:
  selector: {app: bookstore}
  ports: [{name: tcp-plain, port: 3001}, {name: tcp-multi, port: 3002}]
YAML
rf apply -f "$WORK/multi.yaml" >/dev/null || exit 1

# dial NAMESPACE ADDRESS PORT PROTOCOL TEXT: the first line of the answer and whom the socket says it is connected to
dial() {
	in_pod "$1" python3 - "${@:2}" <<'PYTHON'
import socket, sys
address, port, protocol, text = sys.argv[1:]
family = socket.AF_INET6 if ":" in address else socket.AF_INET
sock = socket.socket(family, socket.SOCK_STREAM, {"tcp": 6, "mptcp": 262}[protocol])
sock.settimeout(5)
try:
    sock.connect((address, int(port)))
    sock.sendall(text.encode())
    print(sock.recv(4096).decode().splitlines()[0], *sock.getpeername()[:2])
except OSError as error:
    print(error.strerror or error)
PYTHON
}

# unreachable ADDRESS: what a connected datagram socket learns of a port where nobody listens
unreachable() {
	in_pod bookbuyer python3 - "$1" <<'PYTHON'
import socket, sys
sock = socket.socket(socket.AF_INET6 if ":" in sys.argv[1] else socket.AF_INET, socket.SOCK_DGRAM)
sock.settimeout(5)
sock.connect((sys.argv[1], 9999))
sock.send(b"anybody?")
try:
    print(sock.recv(10))
except OSError as error:
    print(error.strerror or error)
PYTHON
}

address6() {
	status_of "[p.get('address6', '') for p in d['pods'] if p['ns'] == '$1'][0]"
}

GET_BUY=$'GET /api/buy HTTP/1.1\r\nHost: bookstore\r\n\r\n' GET_OTHER=$'GET /other HTTP/1.1\r\nHost: bookstore\r\n\r\n'
in_pod bookstore python3 "$WORK/tools/mptcp.py" serve 3002 >"$WORK/log/mptcp" 2>&1 </dev/null &
disown $!
await 10 grep -q serving "$WORK/log/mptcp" || exit 1
store=$(pod_address bookstore)
expect "TCP to an MPTCP listener" "hello $store 3002" dial bookbuyer "$store" 3002 tcp hello
expect "MPTCP to an MPTCP listener" "hello $store 3002" dial bookbuyer "$store" 3002 mptcp hello
expect "which not everybody may dial" "Connection refused" dial bookstore "$(pod_address bookbuyer)" 4000 mptcp hello
for store in "$store" $(address6 bookstore); do
	expect "MPTCP to a TCP listener, $store" "hello $store 3001" dial bookbuyer "$store" 3001 mptcp hello
	expect "MPTCP to a checked port, $store" "HTTP/1.1 200 OK $store 3000" dial bookbuyer "$store" 3000 mptcp "$GET_BUY"
	expect "MPTCP to a checked port, other route, $store" "HTTP/1.1 404 Not Found $store 3000" dial bookbuyer "$store" 3000 mptcp "$GET_OTHER"
done
for thief in "$(pod_address bookthief)" $(address6 bookthief); do
	expect "a datagram that nobody takes, $thief" "Connection refused" unreachable "$thief"
done
expect "its error was admitted as such" "[1-9]*" status_of "d['reasons'].get('allow-related', 0)"

# The checker is stopped: who waits for it counts on its pod, and who goes away leaves nothing.
origins() {
	bpftool -j map dump pinned "/sys/fs/bpf/$RINGFENCE_INSTANCE/maps/usage" | json "sum(e['formatted']['value']['origins'] for e in d)"
}
judge "nobody waits for the checker" 0 "$(origins)"
checker=$(status_of "d['broker']['checker_pid']")
kill -STOP "$checker" || exit 1
coproc WAITER { in_pod bookbuyer python3 -c 'import socket, sys
socks = [socket.create_connection((sys.argv[1], 80)) for _ in range(3)]
sys.stdin.read()' "$STORE" 2>&1; }
exec {leave}>&"${WAITER[1]}"-
expect "three wait" 3 origins
exec {leave}>&-
expect "they are gone" 0 origins
kill -CONT "$checker" || exit 1
expect "and others are served" 200 get bookbuyer /api/buy
