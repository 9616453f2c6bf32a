#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# What a policy change forbids is cut, also over IPv6, and connected UDP sockets: who waits on them is told at once. Others go on.
# shellcheck source=tests/e2e/lib.sh
. "$(dirname "$0")/lib.sh"
instance_up
rf apply -f "$TOP/policies/bookstore/manifests" >/dev/null || exit 1
rf namespace add bookstore bookbuyer bookthief >/dev/null || exit 1
run_server bookstore 3001/tcp 3053/udp
run_server bookbuyer 4000/http
run_server bookthief 4001/http 4053/udp
store=$(pod_address bookstore) thief=$(pod_address bookthief)
store6=$(status_of "[p.get('address6') or 'none' for p in d['pods'] if p['ns'] == 'bookstore'][0]")
rf mesh set permissive=true >/dev/null

# hold NAME ADDRESS PORT: bookbuyer's idle connection; `ends NAME` waits for its end and names it.
declare -A held
hold() {
	mkfifo "$WORK/$1.in"
	in_pod bookbuyer python3 "$WORK/tools/hold.py" "$2" "$3" <"$WORK/$1.in" >"$WORK/$1.out" 2>&1 &
	exec {fd}>"$WORK/$1.in"
	held[$1]=$fd
	expect "$1 to $2 $3" open tail -n 1 "$WORK/$1.out"
}
ends() {
	tail -n 1 "$WORK/$1.out"
}

hold udp "$store" 3053/udp
hold udp-stays "$thief" 4053/udp
hold tcp "$store" 3001
if [ "$store6" != none ]; then
	hold udp6 "$store6" 3053/udp
	hold tcp6 "$store6" 3001
fi
# From now on only bookthief may send to bookstore's 3053.
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
  sources: [{kind: ServiceAccount, name: bookthief, namespace: bookthief}]
  rules: [{kind: UDPRoute, name: questions}]
---
apiVersion: v1
kind: Service
metadata: {name: questions, namespace: bookstore}
spec:
  selector: {app: bookstore}
  ports: [{name: ask, protocol: UDP, port: 53, targetPort: 3053}]
YAML
rf apply -f "$WORK/udp.yaml" >/dev/null || exit 1
rf mesh set permissive=false >/dev/null
for name in tcp udp tcp6 udp6; do
	[ -e "$WORK/$name.out" ] || continue # no IPv6 on this machine
	expect "$name is told" reset ends "$name"
done
expect_now "what is allowed goes on" open ends udp-stays
echo >&"${held[udp-stays]}"
expect "until it is asked to end" "still open" ends udp-stays
