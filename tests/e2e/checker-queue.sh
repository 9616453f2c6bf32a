#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# New connections of L7 pairs wait while the checker is away, and the next checker serves every one of them: however the last one ended, and as
# long as the broker, which holds the listening sockets, lives. What is forbidden stays forbidden meanwhile.
# shellcheck source=tests/e2e/lib.sh
. "$(dirname "$0")/lib.sh"
COUNT=200
world_up
traffic_access
expect "bookbuyer buys" 200 get bookbuyer /api/buy

# The status is as old as the agent's last question, so the processes are asked. 0: there is none.
checker_pid() {
	ps -o pid=,stat= --ppid "$broker" | awk '$2 !~ /^Z/ { pid = $1 } END { print pid + 0 }'
}

restarts() {
	status_of "d['broker']['restarts']"
}

is_dead() {
	[ "$(ps -o stat= -p "$1" | cut -c1)" = Z ] || ! kill -0 "$1" 2>/dev/null
}

# another_than PID: there is a checker, and it is not that one
another_than() {
	local pid
	pid=$(checker_pid)
	[ "$pid" != 0 ] && [ "$pid" != "$1" ]
}

# burst NAME NAMESPACE PATH: COUNT requests in the background; returns when all of them are on their way (or have failed)
burst() {
	: >"$WORK/$1"
	in_pod "$2" python3 "$WORK/tools/burst.py" "$STORE" 80 "$COUNT" "$3" >"$WORK/$1" 2>&1 </dev/null &
	disown $!
	await 15 grep -q sent "$WORK/$1" || { judge "$1: all are sent" "sent $COUNT" "$(cat "$WORK/$1")" && return; }
}

forbidden_pair() {
	probe bookthief "{\"dial\":\"$(pod_address bookbuyer)\",\"port\":4000,\"requests\":[{\"path\":\"/\"}]}" | json "d['connect']"
}

# The last line of the burst's output: nothing as long as one waits.
outcome() {
	sed -n '/^sent/d; p' "$WORK/$1"
}

# A gap that lasts: the broker is stopped, so nobody starts the next checker.
checker=$(status_of "d['broker']['checker_pid']")
broker=$(ps -o ppid= -p "$checker" | tr -d ' ')
kill -STOP "$broker" || exit 1
kill -KILL "$checker" || exit 1
await 5 is_dead "$checker" || exit 1
burst killed bookbuyer /api/buy
burst forbidden-route bookbuyer /nothing-here
expect_now "they wait" "" outcome killed
expect_now "what no target allows is refused at once, without a checker" refused forbidden_pair
kill -CONT "$broker" || exit 1
expect "killed: each is served" "200:$COUNT" outcome killed
expect "a route that nobody has" "404:$COUNT" outcome forbidden-route
expect "one restart" 1 restarts

# Stopped, then killed: what it had not accepted yet is not lost with it.
checker=$(checker_pid)
kill -STOP "$checker" || exit 1
burst stopped bookbuyer /api/buy
expect_now "they wait for a stopped one" "" outcome stopped
kill -KILL "$checker" || exit 1
expect "stopped, then killed: each is served" "200:$COUNT" outcome stopped

# Again and again, until the broker waits for a while before the next start.
for _ in {1..6}; do
	checker=$(checker_pid)
	kill -KILL "$checker" || exit 1
	await 5 another_than "$checker" || exit 1
done
checker=$(checker_pid)
kill -KILL "$checker" || exit 1
burst repeated bookbuyer /api/buy
expect "killed again and again: each is served" "200:$COUNT" outcome repeated
judge "the broker is the same" ringfence-sockd "$(cat "/proc/$broker/comm")"
expect "a request as always" 200 get bookbuyer /api/buy
