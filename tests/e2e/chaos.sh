#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# kill -9 of agent, broker and checker at random, also in the middle of a switch, under load: nothing forbidden ever passes, an allowed
# connection is not broken, new allowed L7 connections go through while only the agent is dead, and all is well afterwards. CHAOS_KILLS
# (default 30; 200 for a long run, which needs E2E_TIMEOUT=900) and CHAOS_SEED choose the run; the seed is printed.
# shellcheck source=tests/e2e/lib.sh
. "$(dirname "$0")/lib.sh"
KILLS=${CHAOS_KILLS:-30}
RANDOM=${CHAOS_SEED:=$$}
echo "CHAOS_SEED=$CHAOS_SEED CHAOS_KILLS=$KILLS"

world_up
store=$(pod_address bookstore)
cat >"$WORK/chaos.yaml" <<'YAML'
apiVersion: v1
kind: Service
metadata: {name: bookstore-tcp, namespace: bookstore}
spec:
  selector: {app: bookstore}
  ports: [{port: 3001, targetPort: 3001, name: tcp-echo}]
---
apiVersion: specs.smi-spec.io/v1alpha4
kind: HTTPRouteGroup
metadata: {name: buying, namespace: bookstore}
spec: {matches: [{name: buy, pathRegex: /api/buy, methods: [GET]}]}
---
apiVersion: access.smi-spec.io/v1alpha3
kind: TrafficTarget
metadata: {name: buyer, namespace: bookstore}
spec:
  destination: {kind: ServiceAccount, name: bookstore, namespace: bookstore}
  sources: [{kind: ServiceAccount, name: bookbuyer, namespace: bookbuyer}]
  rules: [{kind: HTTPRouteGroup, name: buying}]
YAML
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
rf apply -f "$WORK/chaos.yaml" >/dev/null || exit 1

# besiege NAME NAMESPACE KIND PORT: $WORK/NAME.out gets "open", then the result once a line comes through $WORK/NAME.in.
besiege() {
	mkfifo "$WORK/$1.in"
	in_pod "$2" python3 "$WORK/tools/siege.py" "$3" "$store" "$4" <"$WORK/$1.in" >"$WORK/$1.out" 2>&1 &
}

result() { tail -n 1 "$WORK/$1.out"; }
is_open() { grep -q open "$WORK/$1.out"; }

besiege thief-http bookthief forbidden-connect 3000
exec 11>"$WORK/thief-http.in"
besiege thief-tcp bookthief forbidden-connect 3001
exec 12>"$WORK/thief-tcp.in"
besiege buyer-steals bookbuyer forbidden-request 3000
exec 13>"$WORK/buyer-steals.in"
besiege stream bookbuyer stream 3001
exec 14>"$WORK/stream.in"
for name in thief-http thief-tcp buyer-steals stream; do
	await 10 is_open "$name" || { echo "$name does not start" && exit 1; }
done

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
for fd in 11 12 13 14; do
	echo end >&"$fd"
done
for name in thief-http thief-tcp buyer-steals; do
	expect "$name: tries, breaches" "[1-9]* 0" result "$name"
done
expect "the allowed connection: numbers, broken" "[1-9]* 0" result stream
