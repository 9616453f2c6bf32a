#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Runs alone: a flood, and requests that have to come back in time.
# One pod takes all the connections of the checker that it can get, and then floods it: the other pods are served as always.
# shellcheck source=tests/e2e/lib.sh
. "$(dirname "$0")/lib.sh"
HOARD=1500 # more than RF_CONNS_PER_POD (userspace/checker/limits.h)
world_up
traffic_access
expect "bookbuyer buys" 200 get bookbuyer /api/buy
expect "bookthief is checked, too" 404 get bookthief /nothing-here

# in_time NAMESPACE SECONDS: how a request of the pod ends that has to come back within that time
in_time() {
	probe "$1" "{\"dial\":\"$STORE\",\"port\":80,\"timeout\":$2,\"requests\":[{\"path\":\"/nothing-here\",\"host\":\"$STORE\"}]}" |
		json "' '.join(str(a['status']) for a in d['answers']) or d['connect']"
}

mkfifo "$WORK/hoard.in"
in_pod bookthief python3 "$WORK/tools/hoard.py" "$STORE" 80 "$HOARD" <"$WORK/hoard.in" >"$WORK/hoard" 2>&1 &
disown $!
exec 8>"$WORK/hoard.in"
await 30 grep -q holds "$WORK/hoard"
judge "bookthief hoards" "holds $HOARD" "$(cat "$WORK/hoard")"
expect_now "its own next request waits in its own queue" timeout in_time bookthief 2
expect_now "bookbuyer is served" 404 in_time bookbuyer 5
expect "and people are told" "*1024 connections here*" grep "connections here" "/run/$RINGFENCE_INSTANCE/sockd.log"
exec 8>&-
expect "when the hoard is gone, bookthief is served again" 404 in_time bookthief 5

flood() {
	while [ -e "$WORK/flooding" ]; do
		in_pod bookthief python3 "$WORK/tools/burst.py" "$STORE" 80 400 /nothing-here </dev/null
	done
}

: >"$WORK/flooding"
flood >"$WORK/flood" 2>&1 &
disown $!
await 20 grep -q sent "$WORK/flood"
served=0
for _ in {1..20}; do
	[ "$(in_time bookbuyer 5)" != 404 ] || served=$((served + 1))
done
rm "$WORK/flooding"
judge "twenty requests of bookbuyer during a flood" 20 "$served"
expect "the flood was one" "*404:*" cat "$WORK/flood"
