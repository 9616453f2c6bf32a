#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# The demo ends without a difference and leaves nothing behind, also when it is interrupted or killed in the middle.
set -uo pipefail
TOP=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")/../.." && pwd)
# shellcheck source=tests/e2e/slot.bash
. "$TOP/tests/e2e/slot.bash"
take_slot demo || exit 1
work=$(mktemp -d) failures=0 demo=
trap '[ -z "$demo" ] || kill -KILL "$demo"; ! "$TOP/scripts/demo" --stop 9>&- || give_slot; rm -rf "$work"' EXIT
trap 'exit 143' INT TERM

judge() {
	if "${@:2}" >"$work/said" 2>&1; then
		echo "ok    $1"
	else
		failures=$((failures + 1))
		printf 'FAIL  %s\n' "$1"
		tail -n 40 "$work/said"
	fi
}

# Starts the demo in the background and waits until it is well inside. A shell gives its background jobs an ignored SIGINT: undo that.
start_demo() {
	env --default-signal=INT "$TOP/scripts/demo" --no-deps --no-build >"$work/demo" 2>&1 </dev/null 9>&- &
	demo=$!
	for _ in $(seq 600); do
		grep -q '^== 4' "$work/demo" && return
		kill -0 "$demo" 2>/dev/null || break
		sleep 0.1
	done
	echo "the demo did not come to its fourth step:"
	tail -n 30 "$work/demo"
	exit 1
}

end_demo() {
	kill -"$1" "$demo"
	wait "$demo"
	[ $? = "$2" ] || { cat "$work/demo" && false; }
	local result=$?
	demo=
	return $result
}

# What carries our name or addresses, and what no other test touches; the rest of the machine may be busy, and scripts/test looks at all of it.
export LEFTOVERS_ONLY="$RINGFENCE_INSTANCE|rfdemo-out$((number / 2 % 64))|10\\.($number|$((number + 1)))\\.|sysctls: (?!.*ipfrag_time)|packet filter"
nothing_left() {
	"$TOP/tests/leftovers" compare "$work/before"
}

refused() {
	! "$TOP/scripts/demo" --no-deps --no-build >"$work/second" 2>&1 && grep -q "another demo is running (process $demo)" "$work/second"
}

"$TOP/tests/leftovers" save "$work/before"
start_demo
judge "a second demo is refused and the first one named" refused
judge "interrupted by SIGINT, it says so with its exit code" end_demo INT 130
judge "SIGINT leaves nothing" nothing_left
start_demo
judge "killed" end_demo KILL 137
judge "a run after kill -9 mends that, and finds no difference" "$TOP/scripts/demo" --no-deps --no-build
judge "and leaves nothing" nothing_left
[ "$failures" = 0 ]
