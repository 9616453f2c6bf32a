#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Revisions follow each other as fast as the agent can make them, under load: what both allow loses no byte and is never reset, what both
# forbid never passes, and each decision is by one revision as a whole. SWITCHES=200; LIFECYCLE_LONG=1: 1000.
# shellcheck source=tests/e2e/lifecycle/lib.sh
. "$(dirname "$0")/lib.sh"
SWITCHES=${LIFECYCLE_SWITCHES:-$([ -n "$LONG" ] && echo 1000 || echo 200)}

instance_up
rf apply -f "$TOP/policies/bookstore/manifests" >/dev/null || exit 1
rf namespace add bookstore bookbuyer bookthief >/dev/null || exit 1
run_server bookstore 3000/http 3001/tcp 3002/tcp 3003/tcp
for name in bookbuyer bookthief; do
	rf run -n $name --service-account $name --name $name -d -- sleep infinity >/dev/null || exit 1
done

# target NAME SOURCE KIND ROUTES: a TrafficTarget to bookstore.
target() {
	cat <<-YAML
		---
		apiVersion: access.smi-spec.io/v1alpha3
		kind: TrafficTarget
		metadata: {name: $1, namespace: bookstore}
		spec:
		  destination: {kind: ServiceAccount, name: bookstore, namespace: bookstore}
		  sources: [{kind: ServiceAccount, name: $2, namespace: bookbuyer}]
		  rules: [{kind: $3, name: $4}]
	YAML
}

tcp_route() {
	printf -- '---\napiVersion: specs.smi-spec.io/v1alpha4\nkind: TCPRoute\nmetadata: {name: %s, namespace: bookstore}\nspec: {matches: {ports: [%s]}}\n' "$1" "$2"
}

{
	cat <<-'YAML'
		apiVersion: v1
		kind: ServiceAccount
		metadata: {name: racer, namespace: bookbuyer}
		---
		apiVersion: v1
		kind: Service
		metadata: {name: shop, namespace: bookstore}
		spec:
		  selector: {app: bookstore}
		  ports:
		    - {port: 3000, targetPort: 3000, name: http}
		    - {port: 3001, targetPort: 3001, name: tcp-a}
		    - {port: 3002, targetPort: 3002, name: tcp-b}
		    - {port: 3003, targetPort: 3003, name: tcp-c}
		---
		apiVersion: specs.smi-spec.io/v1alpha4
		kind: HTTPRouteGroup
		metadata: {name: web, namespace: bookstore}
		spec: {matches: [{name: buy, pathRegex: /api/buy, methods: [GET]}, {name: echo, pathRegex: /echo, methods: [POST]}]}
	YAML
	tcp_route always 3003
	target web bookbuyer HTTPRouteGroup web
	target always bookbuyer TCPRoute always
} >"$WORK/base.yaml"
rf apply -f "$WORK/base.yaml" >/dev/null || exit 1
rf run -n bookbuyer --service-account racer --name racer -d -- sleep infinity >/dev/null || exit 1
store=$(pod_address bookstore)
a=$(tcp_route turn 3001 && target turn racer TCPRoute turn)
b=$(tcp_route turn 3002 && target turn racer TCPRoute turn)

# load NAME POD TOOL ARGUMENT...: $WORK/NAME.out gets "open", then the result after a line through NAME.in.
loads=()
load() {
	local name=$1 pod=$2 tool=$3 fd
	shift 3
	mkfifo "$WORK/$name.in"
	rf exec "$pod" -- python3 "$WORK/$tool" "$@" <"$WORK/$name.in" >"$WORK/$name.out" 2>&1 &
	exec {fd}>"$WORK/$name.in"
	loads+=("$fd")
	await 10 grep -qs open "$WORK/$name.out" || { echo "$name does not start: $(cat "$WORK/$name.out")" && exit 1; }
}

result() { tail -n 1 "$WORK/$1.out"; }

switch() {
	python3 "$WORK/switcher.py" "/run/$RINGFENCE_INSTANCE/control.sock" "$WORK/policies" "$1" "$a" "$b"
}

switch 1 >"$WORK/first" || exit 1
load stream bookbuyer/bookbuyer loads.py stream "$store" 3003
load keepalive bookbuyer/bookbuyer loads.py keepalive "$store" 3000
load body bookbuyer/bookbuyer loads.py body "$store" 3000
load thief-tcp bookthief/bookthief tools/siege.py forbidden-connect "$store" 3003
load thief-http bookthief/bookthief tools/siege.py forbidden-connect "$store" 3000
load buyer-steals bookbuyer/bookbuyer tools/siege.py forbidden-request "$store" 3000
load race bookbuyer/racer loads.py race "$store" 3001 3002
rf observe -f --all -o json >"$WORK/events" 2>&1 &
observer=$!

begin_ms=$(date +%s%3N)
switch "$SWITCHES" >"$WORK/switches" || complain "the switches: $(tail -n 1 "$WORK/switches")"
took_ms=$(($(date +%s%3N) - begin_ms))
for fd in "${loads[@]}"; do
	echo end >&"$fd"
done
echo "$SWITCHES switches in $took_ms ms, one every $((took_ms / SWITCHES)) ms"
judge "switches" "$SWITCHES" "$(wc -l <"$WORK/switches")"
expect "the allowed stream: bytes, broken" "[1-9]* 0" result stream
expect "the allowed requests on one connection: requests, broken" "[1-9]* 0" result keepalive
expect "the allowed body: bytes, broken" "[1-9]* 0" result body
for name in thief-tcp thief-http buyer-steals; do
	expect "$name: tries, breaches" "[1-9]* 0" result "$name"
done
expect "the race is over" "0 0" result race
# The last line may be cut off.
kill "$observer" 2>/dev/null
wait "$observer" 2>/dev/null
grep '}$' "$WORK/events" >"$WORK/events.whole"
judge "decisions: attempts, between switches, during one, events, epochs, wrong" "[1-9]* [1-9]* [1-9]* [1-9]* [1-9]* 0" \
	"$(python3 "$WORK/whole.py" <(cat "$WORK/first" "$WORK/switches") "$WORK/race.out" "$WORK/events.whole" 3001 3002)"
