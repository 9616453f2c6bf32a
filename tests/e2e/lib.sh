# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
# A throw-away ringfence for one test, of a name and address ranges that nobody else has (slot.bash). Sourced first; the test then calls
# `instance_up` (agent and broker) or `world_up` (and three pods of the tutorial), `expect`s, and ends. Everything is removed at exit.
set -uo pipefail

TOP=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")/../.." && pwd)
TEST=$(basename "$0" .sh)
# shellcheck source=tests/e2e/slot.bash
. "$TOP/tests/e2e/slot.bash"
take_slot "$TEST" || exit 1
WORK=$(mktemp -d "/tmp/$RINGFENCE_INSTANCE.XXXXXX") || exit 1
STATE=$WORK/state
mkdir -p "$WORK/policies" "$WORK/log" "$STATE"
cp -R "$TOP/tests/tools" "$WORK/tools"
chmod -R a+rX "$WORK"

# shellcheck source=scripts/lib/common.sh
. "$TOP/scripts/lib/common.sh"
# shellcheck source=scripts/lib/instance.sh
. "$TOP/scripts/lib/instance.sh"

failures=0 up=''
trap 'finish $?' EXIT
trap 'exit 130' INT TERM

finish() {
	trap '' INT TERM
	# A slot that is not given back is cleared by the next one who takes it.
	if [ -z "$up" ] || remove_instance; then give_slot; else failures=$((failures + 1)) && echo "uninstall failed:" && tail -n 10 "$WORK/log/uninstall"; fi
	if [ "$failures" != 0 ] || [ "$1" != 0 ]; then
		# Without an instance there may be no log at all.
		tail -n 30 "$WORK"/log/* 2>/dev/null
		rm -rf -- "$WORK"
		exit 1
	fi
	rm -rf -- "$WORK"
	exit 0
}

# expect WHAT EXPECTED COMMAND...: the command's output, asked until it is as expected (a shell pattern), for at most 15 seconds, as nothing
# here is about speed and the machine may be busy.
expect() {
	local what=$1 expected=$2 actual deadline=$((SECONDS + 15 * ${RINGFENCE_PATIENCE:-1}))
	shift 2
	# shellcheck disable=SC2053 # a pattern is meant
	while actual=$("$@" 2>&1); [[ $actual != $expected ]] && [ "$SECONDS" -lt "$deadline" ]; do
		sleep 0.1
	done
	judge "$what" "$expected" "$actual"
}

# expect_now: the same without a second chance, where a moment of something else would be a bug.
expect_now() {
	local what=$1 expected=$2
	shift 2
	judge "$what" "$expected" "$("$@" 2>&1)"
}

judge() {
	# shellcheck disable=SC2053
	if [[ $3 == $2 ]]; then
		printf 'ok    %s: %s\n' "$1" "${3:0:200}"
	else
		failures=$((failures + 1))
		printf 'FAIL  %s\n      expected %s\n      actual   %s\n' "$1" "$2" "$3"
	fi
}

instance_up() {
	up=1
	start_instance || exit 1
}

# bookstore (3000 http, 3001 tcp), bookbuyer and bookthief, each with the test server, in namespaces of the mesh. Permissive mode is off.
world_up() {
	instance_up
	rf apply -f "$TOP/policies/bookstore/manifests" >/dev/null || exit 1
	rf namespace add bookstore bookbuyer bookthief >/dev/null || exit 1
	run_server bookstore 3000/http 3001/tcp
	run_server bookbuyer 4000/http
	run_server bookthief 4001/http
}

run_server() {
	local name=$1
	shift
	rf run -n "$name" --name "$name" --deployment "$name/$name" -d -- python3 "$WORK/tools/server.py" "$name" "$@" || exit 1
	await 30 server_ready "$name" || { echo "$name does not start" && rf logs "$name/$name" && exit 1; }
}

server_ready() {
	rf logs "$1/$1" 2>/dev/null | grep -q 'ready, pid'
}

traffic_access() {
	rf apply -f "$TOP/policies/bookstore/traffic-access" >/dev/null || exit 1
}

# Our copy of a policy file without steal-books.
without_stealing() {
	sed 's/^\( *\)- steal-books$/\1# - steal-books/' "$TOP/policies/bookstore/traffic-access/traffic-target.yaml"
}

in_pod() {
	local namespace=$1
	shift
	rf exec "$namespace/$namespace" -- "$@"
}

STORE=bookstore.bookstore.svc.cluster.local

# probe NAMESPACE JSON: tests/tools/probe.py in that pod.
probe() {
	in_pod "$1" python3 "$WORK/tools/probe.py" "$2" </dev/null
}

# get NAMESPACE PATH...: the statuses of these GETs on ONE connection to bookstore, or how the connection failed.
get() {
	local namespace=$1 path requests=''
	shift
	for path in "$@"; do
		requests+="${requests:+,}{\"path\":\"$path\",\"host\":\"$STORE\"}"
	done
	probe "$namespace" "{\"dial\":\"$STORE\",\"port\":80,\"requests\":[$requests]}" |
		json "' '.join(str(a['status']) for a in d['answers']) or d['connect']"
}

# status_of EXPRESSION: over the agent's status, as d.
status_of() {
	rf status -o json | json "$1"
}

pod_address() {
	status_of "[p['address'] for p in d['pods'] if p['ns'] == '$1'][0]"
}

# open_stream NAMESPACE: a connection to bookstore that stays open; `stream "GET /path"` sends on it and prints the status.
open_stream() {
	coproc STREAM { in_pod "$1" python3 "$WORK/tools/stream.py" "$STORE" 80 2>&1; }
	local line
	read -r -t 30 line <&"${STREAM[0]}" || line="no answer"
	[ "$line" = open ] || { echo "no stream: $line" && exit 1; }
}

stream() {
	local line
	echo "$1" >&"${STREAM[1]}"
	read -r -t 30 line <&"${STREAM[0]}" || line="no answer"
	echo "$line"
}

exit_code_of() {
	"$@" >/dev/null 2>&1
	echo $?
}

epoch() {
	status_of "d['revision']['epoch']"
}

# tool NAME: the path of a test program of tests/tools written in C, made if it is not there.
tool() {
	flock "$BUILD" make -s -C "$TOP" "${BUILD#"$TOP"/}/tests/tools/$1" >&2 9>&- || exit 1
	echo "$BUILD/tests/tools/$1"
}

# besiege NAME NAMESPACE KIND PORT: tests/tools/siege.py in that pod against bookstore; "open" in $WORK/NAME.out when it has begun.
# end_siege NAME then makes it print its result: tries and breaches.
besiege() {
	mkfifo "$WORK/$1.in"
	in_pod "$2" python3 "$WORK/tools/siege.py" "$3" "$(pod_address bookstore)" "$4" <"$WORK/$1.in" >"$WORK/$1.out" 2>&1 &
	exec {siege_fd}>"$WORK/$1.in"
	await 30 grep -q open "$WORK/$1.out" || { echo "$1 does not start" && exit 1; }
	eval "siege_$1=$siege_fd"
}

end_siege() {
	local fd=siege_$1
	echo end >&"${!fd}"
	expect "$1 tried all the time: tries, breaches" "[1-9]* 0" tail -n 1 "$WORK/$1.out"
}

# buyer_only: bookbuyer may GET /api/buy and use port 3001, nobody else may do anything. $WORK/allowed.yaml says so.
buyer_only() {
	cat >"$WORK/allowed.yaml" <<'YAML'
apiVersion: v1
kind: Service
metadata: {name: bookstore-tcp, namespace: bookstore}
spec:
  selector: {app: bookstore}
  ports: [{port: 3001, targetPort: 3001, name: tcp-echo}]
---
apiVersion: specs.smi-spec.io/v1alpha4
kind: HTTPRouteGroup
metadata: {name: buying, namespace: bookstore}
spec: {matches: [{name: buy, pathRegex: /api/buy, methods: [GET]}]}
---
apiVersion: access.smi-spec.io/v1alpha3
kind: TrafficTarget
metadata: {name: buyer, namespace: bookstore}
spec:
  destination: {kind: ServiceAccount, name: bookstore, namespace: bookstore}
  sources: [{kind: ServiceAccount, name: bookbuyer, namespace: bookbuyer}]
  rules: [{kind: HTTPRouteGroup, name: buying}]
YAML
	rf apply -f "$WORK/allowed.yaml" >/dev/null || exit 1
}

# ---- drift: what somebody does to the kernel's side by hand, and what becomes of it ----

# shellcheck disable=SC2034 # for the tests
PINS=/sys/fs/bpf/$RINGFENCE_INSTANCE

# The host side of a pod's interface, and the number of its cgroup.
veth_of() {
	ip -o link | sed -n "s/^[0-9]*: \\([^@:]*\\).*alias ringfence $RINGFENCE_INSTANCE $1\\/$1.*/\\1/p"
}

cgroups() {
	local root=/sys/fs/cgroup/unified
	[ -d $root ] || root=/sys/fs/cgroup
	echo "$root/$RINGFENCE_INSTANCE"
}

cgroup_of() { echo "$(cgroups)/pods/$1_$1"; }
cgroup_id_of() { stat -c %i "$(cgroup_of "$1")"; }

put_back() {
	grep -c "repair: .*put back: .*$1 (" "$WORK/log/agent"
}

was_put_back() {
	[ "$(put_back "$1")" -gt "$2" ]
}

# mends KIND WHAT COMMAND...: after the command the agent puts that kind of drift back by itself (its log is watched, for a question would
# make it look), tells it as an event, counts it; all is well afterwards and an allowed request passes.
mends() {
	local kind=$1 what=$2 before counted from
	shift 2
	before=$(put_back "$kind")
	counted=$(status_of "d['repairs'].get('$kind', 0)")
	from=${EPOCHREALTIME/./}
	"$@" >"$WORK/drift.out" 2>&1 || { failures=$((failures + 1)) && echo "FAIL  $what: cannot be done: $(cat "$WORK/drift.out")" && return; }
	if await 5 was_put_back "$kind" "$before"; then
		printf 'ok    %s: %s put back after %d ms\n' "$what" "$kind" $(((${EPOCHREALTIME/./} - from) / 1000))
	else
		failures=$((failures + 1))
		echo "FAIL  $what: $kind is not put back within 5 s"
	fi
	expect "$what: counted" "$((counted + 1))" status_of "d['repairs'].get('$kind', 0)"
	expect "$what: an event tells" "*put back: *$kind (*" rf observe --verdict note --last 5
	expect "$what: all is well again" 0 exit_code_of rf status
	expect "$what: an allowed request passes" 200 get bookbuyer /api/buy
}
