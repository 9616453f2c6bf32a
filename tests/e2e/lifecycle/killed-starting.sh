#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Agent and broker are killed at a system call of their start-up: on a clean machine, and beside a running pod. Whatever half of the
# work is there, the pod's policy holds, the next start mends it, and an uninstall leaves nothing.
# Short: every STEP-th system call from an offset of chance (STEP=150). LIFECYCLE_LONG=1: all of them (hours).
# shellcheck source=tests/e2e/lifecycle/lib.sh
. "$(dirname "$0")/lib.sh"
STEP=${LIFECYCLE_STEP:-$([ -n "$LONG" ] && echo 1 || echo 150)}
build_killat
forbidden_to
up=1
killed=0

# kill_start N COMMAND...: "killed COUNT SYSCALL", "ended COUNT 0" or "exited COUNT STATUS".
kill_start() {
	local n=$1
	shift
	# shellcheck disable=SC2086 # nothing, or one option
	"$WORK/killat" ${FOLLOW:-} -w "${LIMIT:-3000}" "$n" "$@" 2>>"$WORK/log/killed" 9>&- | tail -n 1
}

pod() {
	rf run -n bookthief --service-account bookthief --name "$1" -d -- sleep infinity >/dev/null
}

# clean WHEN: uninstalls and looks for traces.
clean() {
	rf uninstall --yes --force >>"$WORK/log/uninstall" 2>&1 || complain "$1: uninstall fails: $(tail -n 3 "$WORK/log/uninstall")"
	[ -z "$(traces)" ] || complain "$1: after uninstall there is" "$(traces)"
}

# agent_clean N: killed at N on a clean machine.
agent_clean() {
	answer=$(kill_start "$1" "$BUILD/ringfenced" --policies "$WORK/policies")
	[[ $answer = killed* ]] || return 1
	if begin && pod after && soon whole; then
		[ "$(reaches bookthief/after)" = no ] || complain "clean start, $answer: the pod gets out"
	else
		complain "clean start, $answer: $(trouble)"
	fi
	end_noted "$STATE/agent.pid" KILL
	clean "clean start, $answer"
}

# agent_again N: killed at N while the pod of an agent before it runs.
agent_again() {
	answer=$(kill_start "$1" "$BUILD/ringfenced" --policies "$WORK/policies")
	[[ $answer = killed* ]] || return 1
	if begin && soon whole; then
		[ "$(reaches bookthief/stays)" = no ] || complain "start beside a pod, $answer: with the next agent the pod gets out"
		[ "$(rf ps | grep -c running)" = 1 ] || complain "start beside a pod, $answer: the pod is lost"
	else
		complain "start beside a pod, $answer: $(trouble)"
	fi
	end_noted "$STATE/agent.pid" KILL
}

# broker N: killed at N, with its checker, while an agent waits for it.
broker() {
	answer=$(FOLLOW=-f kill_start "$1" "$BUILD/ringfence-sockd")
	[[ $answer = killed* ]] || return 1
	spawn sockd "$BUILD/ringfence-sockd"
	soon whole || complain "broker, $answer: $(trouble)"
	end_noted "$STATE/sockd.pid" KILL
	soon checker_gone || complain "broker, $answer: its checker outlives it"
}

checker_gone() {
	[ ! -s "$CGROUP/sockd/cgroup.procs" ]
}

# sweep WHAT FUNCTION: every STEP-th call until the program is through.
sweep() {
	local n=$((RANDOM % STEP + 1)) first count=0
	first=$n
	while "$2" "$n"; do
		count=$((count + 1))
		n=$((n + STEP))
		[ "$failures" -lt 10 ] || break
	done
	killed=$((killed + count))
	[ "$count" -ge 3 ] || complain "$1: only $count kills; the last: $answer"
	echo "ok    $1: killed at $count system calls, every $STEP from $first; then: $answer"
}

cp "$TOP"/policies/bookstore/manifests/* "$WORK/policies/"
begin || exit 1
pod free || exit 1
expect "outside the mesh a pod gets out" yes reaches bookthief/free
rf namespace add bookthief >/dev/null || exit 1
expect "inside it does not" no reaches bookthief/free
end_noted "$STATE/agent.pid" KILL
clean "first"

sweep "agent on a clean machine" agent_clean
clean "the last start"
begin || exit 1
probe_from stays || exit 1
end_noted "$STATE/agent.pid" KILL
sweep "agent beside a pod" agent_again
judge "the pod tried all the time and never got out" "[1-9]* tries" "$(probed stays)"
clean "after the starts beside a pod"
AGENT_OPTION=--no-sockd
begin || exit 1
pod stays || exit 1
sweep "broker and checker" broker
clean "after the broker"
up=''
echo "$killed kills, $failures failures"
