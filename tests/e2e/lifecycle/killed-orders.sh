#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# kill -9 of agent, broker and checker in every order, each as soon as the one before is dead, also while a revision is switched and while
# the one before starts again: a forbidden connection never passes, an allowed one never breaks, and afterwards all is as before. While only
# the agent is dead, new requests that are allowed go through. Each order in one of three ways; LIFECYCLE_LONG=1: in each.
# shellcheck source=tests/e2e/lifecycle/lib.sh
. "$(dirname "$0")/lib.sh"
forbidden_to
world_up
traffic_access
probe_from prober || exit 1
expect "bookbuyer buys" 200 get bookbuyer /api/buy
rf apply -f - >/dev/null <<'YAML' || exit 1
apiVersion: v1
kind: Service
metadata: {name: bookstore-tcp, namespace: bookstore}
spec:
  selector: {app: bookstore}
  ports: [{port: 3001, targetPort: 3001, name: tcp-echo}]
YAML
mkfifo "$WORK/stream.in"
in_pod bookbuyer python3 "$WORK/loads.py" stream "$(pod_address bookstore)" 3001 <"$WORK/stream.in" >"$WORK/stream.out" 2>&1 &
exec 11>"$WORK/stream.in"
await 10 grep -qs open "$WORK/stream.out" || { echo "the stream does not start: $(cat "$WORK/stream.out")" && exit 1; }

nth_of_broker() { sed -n "$1p" "$CGROUP/sockd/cgroup.procs" 2>/dev/null; }

# fell WHO: and wait until that very process is gone.
fell() {
	local pid
	case $1 in
	agent) end_noted "$STATE/agent.pid" KILL && return ;;
	broker) pid=$(nth_of_broker 1) ;;
	checker) pid=$(nth_of_broker 2) ;;
	esac
	[ -z "$pid" ] || kill -9 "$pid" 2>/dev/null
	soon gone "$pid"
}

gone() { [ -z "$1" ] || ! start_time "$1" >/dev/null; }

new_revision() {
	printf 'apiVersion: v1\nkind: ServiceAccount\nmetadata: {name: turn-%s, namespace: bookbuyer}\n' "$1" >"$WORK/policies/.turn" &&
		mv "$WORK/policies/.turn" "$WORK/policies/turn.yaml"
}

works() { whole && [ "$(get bookbuyer /api/buy 2>/dev/null)" = 200 ]; }

# round HOW WHO...: HOW = at-once | switching | starting.
round=0
round() {
	local how=$1 who
	shift
	round=$((round + 1))
	for who in "$@"; do
		[ "$how" != switching ] || new_revision "$round-$who"
		[ "$how" != starting ] || recall "$STATE/agent.pid" >/dev/null || spawn agent "$BUILD/ringfenced" --policies "$WORK/policies"
		fell "$who"
	done
	recall "$STATE/agent.pid" >/dev/null || begin || complain "$how: $*: the agent does not start: $(tail -n 2 "$WORK/log/agent")"
	soon works || complain "$how: $*: $(trouble)"
}

orders=("agent broker checker" "agent checker broker" "broker agent checker" "broker checker agent" "checker agent broker" "checker broker agent")
hows=(at-once switching starting)
for ((i = 0; i < ${#orders[@]}; i++)); do
	for ((j = 0; j < ${#hows[@]}; j++)); do
		# shellcheck disable=SC2086
		if [ -n "$LONG" ] || [ $(((i + j + LIFECYCLE_SEED) % 3)) = 0 ]; then round "${hows[j]}" ${orders[i]}; fi
	done
done
echo "ok    $round rounds"

mkfifo "$WORK/new.in"
in_pod bookbuyer python3 "$WORK/loads.py" new "$STORE" 80 <"$WORK/new.in" >"$WORK/new.out" 2>&1 &
exec 12>"$WORK/new.in"
await 10 grep -qs open "$WORK/new.out" || complain "no new connections: $(cat "$WORK/new.out")"
fell agent
before=$(probed prober)
sleep 1 # so long there is no agent; the requests of this second are what is judged
judge "the forbidden one goes on trying meanwhile" yes "$([ "$(probed prober)" != "$before" ] && echo yes)"
echo end >&12
expect "new requests while only the agent is dead: requests, broken" "[1-9]* 0" tail -n 1 "$WORK/new.out"
begin || exit 1
soon works || complain "the last agent"
echo end >&11
expect "the allowed connection: bytes, broken" "[1-9]* 0" tail -n 1 "$WORK/stream.out"
judge "the forbidden one tried all the time" "[1-9]* tries" "$(probed prober)"
