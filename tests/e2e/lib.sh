# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
# A throw-away ringfence for one test: instance and address ranges come from the test's name and the checkout. Sourced first; the test then calls
# `instance_up` (agent and broker) or `world_up` (and three pods of the tutorial), `expect`s, and ends. Everything is removed at exit.
set -uo pipefail

TOP=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")/../.." && pwd)
TEST=$(basename "$0" .sh)
# One at a time: two runs of a test would be in each other's way. Descriptor 9 is never inherited (scripts/lib/common.sh).
exec 9<"$0"
flock -w 250 9 || exit 1
# Another checkout's run of the same test is another instance, which we must not take for ours and remove.
number=$(($(cksum <<<"$TOP/$TEST" | cut -d' ' -f1) % 30 * 2 + 130))
RINGFENCE_INSTANCE=rfe-$(printf %04x $(($(cksum <<<"$TOP" | cut -d' ' -f1) % 65536)))-${TEST:0:21}
export RINGFENCE_INSTANCE
export RINGFENCE_POD_CIDR=10.$number.0.0/16 RINGFENCE_SERVICE_CIDR=10.$((number + 1)).0.0/16
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
	[ -z "$up" ] || remove_instance || { failures=$((failures + 1)) && echo "uninstall failed:" && tail -n 10 "$WORK/log/uninstall"; }
	if [ "$failures" != 0 ] || [ "$1" != 0 ]; then
		# Without an instance there may be no log at all.
		tail -n 30 "$WORK"/log/* 2>/dev/null
		rm -rf -- "$WORK"
		exit 1
	fi
	rm -rf -- "$WORK"
	exit 0
}

# expect WHAT EXPECTED COMMAND...: the command's output, asked for at most 5 seconds until it is as expected (a shell pattern).
expect() {
	local what=$1 expected=$2 actual deadline=$((SECONDS + 5 * ${RINGFENCE_PATIENCE:-1}))
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
	await 10 server_ready "$name" || { echo "$name does not start" && rf logs "$name/$name" && exit 1; }
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
	read -r -t 10 line <&"${STREAM[0]}" || line="no answer"
	[ "$line" = open ] || { echo "no stream: $line" && exit 1; }
}

stream() {
	local line
	echo "$1" >&"${STREAM[1]}"
	read -r -t 10 line <&"${STREAM[0]}" || line="no answer"
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
	make -s -C "$TOP" "${BUILD#"$TOP"/}/tests/tools/$1" >&2 || exit 1
	echo "$BUILD/tests/tools/$1"
}

# besiege NAME NAMESPACE KIND PORT: tests/tools/siege.py in that pod against bookstore; "open" in $WORK/NAME.out when it has begun.
# end_siege NAME then makes it print its result: tries and breaches.
besiege() {
	mkfifo "$WORK/$1.in"
	in_pod "$2" python3 "$WORK/tools/siege.py" "$3" "$(pod_address bookstore)" "$4" <"$WORK/$1.in" >"$WORK/$1.out" 2>&1 &
	exec {siege_fd}>"$WORK/$1.in"
	await 10 grep -q open "$WORK/$1.out" || { echo "$1 does not start" && exit 1; }
	eval "siege_$1=$siege_fd"
}

end_siege() {
	local fd=siege_$1
	echo end >&"${!fd}"
	expect "$1 tried all the time: tries, breaches" "[1-9]* 0" tail -n 1 "$WORK/$1.out"
}

# buyer_only: bookbuyer may GET /api/buy and use port 3001, nobody else may do anything.
buyer_only() {
	rf apply -f - >/dev/null <<'YAML' || exit 1
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
