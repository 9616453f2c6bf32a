#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# kill -9 of agent, broker and checker at random, also in the middle of a switch, under load: nothing forbidden ever passes, an allowed
# connection is not broken, new allowed L7 connections go through while only the agent is dead, and all is well afterwards. CHAOS_KILLS
# (default 30; 200 for a long run, which needs E2E_TIMEOUT=900) and CHAOS_SEED choose the run; the seed is printed.
# shellcheck source=tests/e2e/lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=tests/e2e/siege.bash
. "$(dirname "$0")/siege.bash"
KILLS=${CHAOS_KILLS:-30}
RANDOM=${CHAOS_SEED:=$$}
echo "CHAOS_SEED=$CHAOS_SEED CHAOS_KILLS=$KILLS"

besieged_world_up
cat >"$WORK/other.yaml" <<'YAML'
apiVersion: specs.smi-spec.io/v1alpha4
kind: HTTPRouteGroup
metadata: {name: unused, namespace: bookbuyer}
spec: {matches: [{name: n, pathRegex: "/REVISION"}]}
---
apiVersion: access.smi-spec.io/v1alpha3
kind: TrafficTarget
metadata: {name: unused, namespace: bookbuyer}
spec:
  destination: {kind: ServiceAccount, name: bookbuyer, namespace: bookbuyer}
  sources: [{kind: ServiceAccount, name: bookstore, namespace: bookstore}]
  rules: [{kind: HTTPRouteGroup, name: unused}]
YAML

broker_pid() { head -n 1 "/sys/fs/cgroup/unified/$RINGFENCE_INSTANCE/sockd/cgroup.procs" 2>/dev/null; }
checker_pid() { sed -n 2p "/sys/fs/cgroup/unified/$RINGFENCE_INSTANCE/sockd/cgroup.procs" 2>/dev/null; }
[ -d /sys/fs/cgroup/unified ] || {
	broker_pid() { head -n 1 "/sys/fs/cgroup/$RINGFENCE_INSTANCE/sockd/cgroup.procs" 2>/dev/null; }
	checker_pid() { sed -n 2p "/sys/fs/cgroup/$RINGFENCE_INSTANCE/sockd/cgroup.procs" 2>/dev/null; }
}

# buys: a new connection of the L7 pair, and a request on it.
buys() {
	[ "$(stream reopen)" = open ] && [ "$(stream 'GET /api/buy')" = 200 ]
}

alone=0
kill_agent() {
	if await 5 buys; then # broker and checker are back from what befell them before
		end_noted "$STATE/agent.pid" KILL
		alone=$((alone + 1))
		buys || { failures=$((failures + 1)) && echo "FAIL  only the agent is dead (kill $i), and a new L7 connection fails"; }
	else
		failures=$((failures + 1))
		echo "FAIL  before kill $i there is no way to buy for 5 seconds"
	fi
}

kill_one() {
	case $((RANDOM % 3)) in
	0) kill_agent ;;
	1) kill -9 "$(broker_pid)" 2>/dev/null ;;
	2) kill -9 "$(checker_pid)" 2>/dev/null ;;
	esac
}

open_stream bookbuyer
for ((i = 1; i <= KILLS; i++)); do
	recall "$STATE/agent.pid" >/dev/null || start_agent || exit 1
	sed "s/REVISION/$i/" "$WORK/other.yaml" >"$WORK/policies/.unused.$i"
	mv "$WORK/policies/.unused.$i" "$WORK/policies/unused.yaml" # the agent begins to switch
	sleep "0.0$((RANDOM % 100))"                                # and is met at a moment of chance
	kill_one
done
recall "$STATE/agent.pid" >/dev/null || start_agent || exit 1

echo "$KILLS kills, $alone of them of the agent while the rest was well"
expect "an allowed request goes through again" 200 get bookbuyer /api/buy
expect "every pod is hooked" True status_of "all(p['hooked'] for p in d['pods']) and len(d['pods']) == 3"
siege_ends
expect "the allowed connection: numbers, broken" "[1-9]* 0" result stream
