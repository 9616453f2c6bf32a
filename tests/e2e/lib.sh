# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
# A throw-away ringfence for one test: instance and address ranges come from the test's name. Sourced first; the test then calls
# `instance_up` (agent and broker) or `world_up` (and three pods of the tutorial), `expect`s, and ends. Everything is removed at exit.
set -uo pipefail

TOP=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")/../.." && pwd)
TEST=$(basename "$0" .sh)
# One at a time: two runs of a test would be in each other's way. Descriptor 9 is never inherited (scripts/lib/common.sh).
exec 9<"$0"
flock -w 250 9 || exit 1
number=$(($(cksum <<<"$TEST" | cut -d' ' -f1) % 30 * 2 + 130))
export RINGFENCE_INSTANCE=rfe-${TEST:0:26}
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
