# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
# For scripts/demo and the end-to-end tests: one ringfence instance of its own, started, watched and removed without a trace.
#
# The caller sets (before sourcing):  TOP            the checkout
#                                     WORK           a directory of its own under /tmp: policies/ log/ and whatever it likes
#                                     RINGFENCE_INSTANCE, RINGFENCE_POD_CIDR, RINGFENCE_SERVICE_CIDR (exported)

# A root shell by plain su does not look there.
PATH=$PATH:/usr/local/sbin:/usr/sbin:/sbin
BUILD=${RINGFENCE_BUILD:-$TOP/build}
# The demo holds its lock on descriptor 9; nothing it starts may inherit it, hence the 9>&- below.

die() {
	printf '%s: %s\n' "${0##*/}" "$*" >&2
	exit 1
}

# rf COMMAND...: the command line tool, of our instance.
rf() {
	"$BUILD/ringfence" "$@" 9>&-
}

# await SECONDS COMMAND...: polls until the command succeeds; its failure is the answer when the time is over. An emulated machine is given
# RINGFENCE_PATIENCE times as much.
await() {
	local deadline=$((SECONDS + $1 * ${RINGFENCE_PATIENCE:-1}))
	shift
	until "$@"; do
		[ "$SECONDS" -lt "$deadline" ] || return 1
		sleep 0.1
	done
}

# json EXPRESSION: evaluates a Python expression over the JSON on stdin (named d) and prints the result; a list is printed one item a line.
json() {
	python3 -c '
import json, sys
try:
    d = json.load(sys.stdin)
    value = eval(sys.argv[1])
except Exception as error:
    sys.exit("json: %s: %r" % (sys.argv[1], error))
for item in value if isinstance(value, list) else [value]:
    print(item)' "$1"
}

# start_time PID: when a process started, in ticks since boot; with the pid it names one process for ever. A zombie is as good as gone.
start_time() {
	local stat
	read -r stat 2>/dev/null <"/proc/$1/stat" || return 1
	stat=${stat##*) }
	# shellcheck disable=SC2086 # the fields are to be split
	set -- $stat
	[ "$1" != Z ] || return 1
	echo "${20}"
}

# remember FILE PID: notes a process in a way that survives our own death and a reuse of its pid.
remember() {
	printf '%s %s\n' "$2" "$(start_time "$2")" >"$1"
}

# recall FILE: the pid noted there if that very process still lives.
recall() {
	local pid ticks
	[ -s "$1" ] && read -r pid ticks <"$1" && [ -n "$ticks" ] && [ "$(start_time "$pid")" = "$ticks" ] && echo "$pid"
}

# end_noted FILE [SIGNAL]: ends the process noted there, if it lives, and waits until it is gone.
end_noted() {
	local pid
	pid=$(recall "$1") || return 0
	kill -"${2:-TERM}" "$pid" 2>/dev/null
	await 5 noted_gone "$1" || kill -KILL "$pid" 2>/dev/null
	await 5 noted_gone "$1" || printf 'process %s does not end\n' "$pid" >&2
}

noted_gone() {
	! recall "$1" >/dev/null
}

# spawn NAME COMMAND...: in the background, its output in $WORK/log/NAME, noted in $STATE/NAME.pid.
spawn() {
	local name=$1
	shift
	mkdir -p "$WORK/log"
	setsid "$@" >>"$WORK/log/$name" 2>&1 </dev/null 9>&- &
	remember "$STATE/$name.pid" $!
	# The shell shall not announce its death.
	disown $!
}
