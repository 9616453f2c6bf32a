#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# The agent is killed at a system call of its work: while it makes a pod for `ringfence run`, while it removes one, and while it publishes a
# revision. The next agent clears away what was half made: the pod can be started again, nothing is left of it twice or for ever, a revision is the old one or the new one,
# and the pods that were there lose nothing.
# Short: every STEP-th of the first 1500 system calls, from an offset of chance: the work itself is over by then, and the agent has looked
# after its pods several times. LIFECYCLE_LONG=1: all of them (an hour).
# shellcheck source=tests/e2e/lifecycle/lib.sh
. "$(dirname "$0")/lib.sh"
STEP=${LIFECYCLE_STEP:-$([ -n "$LONG" ] && echo 1 || echo 240)}
CALLS=$([ -n "$LONG" ] && echo 1000000 || echo 1500)
build_killat
forbidden_to
up=1
killed=0
cp "$TOP"/policies/bookstore/manifests/* "$WORK/policies/"
begin || exit 1
rf namespace add bookthief bookbuyer >/dev/null || exit 1
probe_from stays || exit 1

# kill_at N COMMAND...: runs the command while the agent is on its way to its N-th system call from now.
kill_at() {
	local n=$1 line
	shift
	coproc KILLAT { "$WORK/killat" -w "${LIMIT:-2000}" "$n" -p "$(recall "$STATE/agent.pid")" 2>&1; }
	exec {told}<&"${KILLAT[0]}"
	local pid=$KILLAT_PID # bash takes both away as soon as the program has ended
	read -r -t 5 line <&"$told"
	[ "$line" = attached ] || { complain "cannot attach: $line" && return 1; }
	"$@" >>"$WORK/log/command" 2>&1
	read -r -t 10 answer <&"$told"
	exec {told}<&-
	wait "$pid" 2>/dev/null
	[[ $answer = killed* ]]
}

run_pod() {
	rf run -n bookbuyer --service-account bookbuyer --name late -d -- sleep infinity
}

creating() {
	local state
	kill_at "$1" run_pod || { rf stop bookbuyer/late >/dev/null && return 1; }
	begin_whole || complain "creating, $answer: $(trouble)"
	state=$(rf ps | awk '$2 == "late" { print $6 }')
	case $state in
	running) [ "$(rooms)" = "2 2 2 2 2" ] || complain "creating, $answer: it runs, and there are $(rooms)" ;;
	*)
		[[ $(rooms) = "1 1 "[12]" 1 1" ]] || complain "creating, $answer: it is ${state:-unknown}, and there are $(rooms)"
		run_pod >/dev/null 2>>"$WORK/log/again" || complain "creating, $answer: cannot be made again: $(tail -n 1 "$WORK/log/again")"
		;;
	esac
	[ "$(reaches bookbuyer/late)" = no ] || complain "creating, $answer: the pod gets out"
	rf stop bookbuyer/late >/dev/null || complain "creating, $answer: it cannot be stopped"
	[ "$(rooms)" = "1 1 1 1 1" ] || complain "creating, $answer: stopped, and there are $(rooms)"
}

removing() {
	run_pod >/dev/null || complain "removing: no pod"
	kill_at "$1" rf stop bookbuyer/late || return 1
	begin_whole || complain "removing, $answer: $(trouble)"
	rf stop bookbuyer/late >/dev/null 2>&1
	[ "$(rooms)" = "1 1 1 1 1" ] || complain "removing, $answer: stopped again, and there are $(rooms)"
}

# Permissive mode on and off in turns; the prober would see what is half.
egress=false
publish() {
	if [ "$egress" = true ]; then egress=false; else egress=true; fi
	printf 'apiVersion: v1\nkind: Service\nmetadata: {name: turn-%s, namespace: bookbuyer}\nspec: {selector: {app: x}, ports: [{port: 80}]}\n' \
		"$egress" >"$WORK/turn" && mv "$WORK/turn" "$WORK/policies/turn.yaml"
	soon published
}

published() {
	noted_gone "$STATE/agent.pid" || rf get services -o json 2>/dev/null | grep -c "turn-$egress" >/dev/null
}

publishing() {
	local before after
	before=$(epoch)
	kill_at "$1" publish || return 1
	begin_whole || complain "publishing, $answer: $(trouble)"
	soon published || complain "publishing, $answer: it is not what the files say"
	after=$(epoch)
	[ "$after" -gt "$before" ] || complain "publishing, $answer: revision $before, then $after"
	[ "$(rooms)" = "1 1 1 1 1" ] || complain "publishing, $answer: there are $(rooms)"
}

# sweep WHAT FUNCTION: every STEP-th call until the work is done.
sweep() {
	local n=$((RANDOM % STEP + 1)) first count=0
	first=$n
	while [ "$n" -le "$CALLS" ] && "$2" "$n"; do
		count=$((count + 1))
		n=$((n + STEP))
		[ "$failures" -lt 10 ] || break
	done
	killed=$((killed + count))
	[ "$count" -ge 3 ] || complain "$1: only $count kills; the last: $answer"
	echo "ok    $1: killed at $count system calls, every $STEP from $first; then: $answer"
}

sweep "making a pod" creating
sweep "removing a pod" removing
sweep "publishing a revision" publishing
judge "the other pod tried all the time and never got out" "[1-9]* tries" "$(probed stays)"
echo "$killed kills, $failures failures"
