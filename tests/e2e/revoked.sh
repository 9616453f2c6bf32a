#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# A policy change cuts the connections that it forbids: the idle client is told at once, also on connections older than the mesh, and what
# is still allowed goes on.
# shellcheck source=tests/e2e/lib.sh
. "$(dirname "$0")/lib.sh"

# hold NAMESPACE ADDRESS PORT [PATH]: an idle connection; `ends` waits for its end and names it.
hold() {
	local line namespace=$1
	shift
	# shellcheck disable=SC2154 # set by coproc
	[ -z "${HOLD_PID:-}" ] || wait "$HOLD_PID" 2>/dev/null # the one before has ended
	coproc HOLD { in_pod "$namespace" python3 "$WORK/tools/hold.py" "$@" 2>&1; }
	exec {held}<&"${HOLD[0]}" # bash takes its own away as soon as the program has ended
	read -r -t 10 line <&"$held" || line="no answer"
	judge "connection of $namespace to $1:$2" open "$line"
}

ends() {
	local line
	read -r -t 10 line <&"$held" || line="nothing within 10 seconds"
	echo "$line"
}

world_up
store=$(pod_address bookstore)
rf mesh set permissive=true >/dev/null

hold bookbuyer "$store" 3001
rf mesh set permissive=false >/dev/null
judge "permissive mode goes off: an idle TCP connection" reset "$(ends)"

traffic_access
hold bookthief "$STORE" 80 /api/steal
rf delete -f "$TOP/policies/bookstore/traffic-access" >/dev/null
judge "the policy is deleted: an idle checked connection" reset "$(ends)"

rf mesh set permissive=true >/dev/null
rf namespace remove bookstore bookbuyer >/dev/null
hold bookbuyer "$store" 3001
rf namespace add bookstore bookbuyer >/dev/null
judge "the namespaces join: a connection older than that" reset "$(ends)"

hold bookbuyer "$store" 3001
traffic_access
echo >&"${HOLD[1]}"
judge "a change that allows it still" "still open" "$(ends)"
expect "the cuts are in the log" "were cut" sh -c "grep -ho 'were cut' $WORK/log/agent | head -n 1"
