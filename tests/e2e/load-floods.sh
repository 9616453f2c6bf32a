#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Runs alone: its flood would fall on others.
# One pod floods in every way it can; another's allowed requests all succeed meanwhile, the agent stays small and answers, what could not be
# told is counted. LOAD_SECONDS (default 1) is how long each flood lasts. The figures are for people; only failures fail the test.
# shellcheck source=tests/e2e/lib.sh
. "$(dirname "$0")/lib.sh"
flood=$(tool flood)
SECONDS_EACH=${LOAD_SECONDS:-1}
world_up
buyer_only
rf apply -f - >/dev/null <<'YAML' || exit 1
apiVersion: specs.smi-spec.io/v1alpha4
kind: TCPRoute
metadata: {name: echo, namespace: bookstore}
spec: {matches: {ports: [3001]}}
---
apiVersion: access.smi-spec.io/v1alpha3
kind: TrafficTarget
metadata: {name: echo, namespace: bookstore}
spec:
  destination: {kind: ServiceAccount, name: bookstore, namespace: bookstore}
  sources: [{kind: ServiceAccount, name: bookthief, namespace: bookthief}]
  rules: [{kind: TCPRoute, name: echo}]
YAML
store=$(pod_address bookstore)
install -m 755 "$flood" "$WORK/tools/flood"
rf stop bookthief/bookthief >/dev/null
rf run -n bookthief --name bookthief --service-account bookthief --net-raw -d -- sleep 1000 >/dev/null || exit 1

customer() { in_pod bookbuyer python3 "$WORK/tools/customer.py" "$store" 3000 "$SECONDS_EACH" http; }
rss() { awk '/VmRSS/ { print $2 }' "/proc/$(recall "$STATE/agent.pid")/status"; }

expect "an allowed request passes" 200 get bookbuyer /api/buy
read -r quiet_done quiet_failed quiet_rate quiet_median < <(customer)
judge "without a flood: requests, failed" "[1-9]* 0" "$quiet_done $quiet_failed"
before=$(rss)

# A reader of events that does not read: the agent keeps a bounded rest for it.
"$BUILD/ringfence" observe -f >"$WORK/observe.out" 2>/dev/null 9>&- &
observer=$!
await 5 test -s "$WORK/observe.out" && kill -STOP "$observer"

# floods WHAT ARGUMENTS...
floods() {
	local what=$1 bought failed rate median
	shift
	in_pod bookthief "$WORK/tools/flood" "$@" >"$WORK/flood.out" 2>&1 &
	local flooder=$!
	read -r bought failed rate median < <(customer)
	judge "$what: requests of the other pod, failed" "[1-9]* 0" "$bought $failed"
	expect_now "$what: status answers" "$(recall "$STATE/agent.pid")" status_of "d['pid']"
	wait "$flooder"
	read -r tried taken <"$WORK/flood.out"
	printf 'figure %s: %s sent (%s taken); the other pod %s/s instead of %s/s, %s us instead of %s us\n' "$what" "$tried" "$taken" "$rate" \
		"$quiet_rate" "$median" "$quiet_median"
	judge "$what: it did flood" "[1-9]*" "$tried"
}

floods "connects, forbidden" connect "$store" 3000 "$SECONDS_EACH"
floods "connects, allowed" connect "$store" 3001 "$SECONDS_EACH"
floods "SYN segments" syn "$store" 3001 "$SECONDS_EACH"
floods "datagrams" udp "$store" 5353 "$SECONDS_EACH"
floods "raw datagrams" rawudp "$store" 5353 "$SECONDS_EACH"

after=$(rss)
printf 'figure agent: %d KiB before, %d KiB after\n' "$before" "$after"
judge "the agent grew by less than 32 MiB" yes "$([ $((after - before)) -lt 32768 ] && echo yes || echo "no: $before $after")"
expect "events that nobody could be told are counted" "[1-9]*" status_of "d['events_lost']"
expect "and shown" "*events lost*" rf status
expect "and where they are missing" "*lost: [1-9]*" rf observe --verdict note --last 5
kill -CONT "$observer"
goes_on() { [ "$(wc -l <"$WORK/observe.out")" -gt 1000 ] && echo yes; }
expect "the slow reader goes on" yes goes_on
kill "$observer"
wait "$observer" 2>/dev/null
expect "an allowed request passes" 200 get bookbuyer /api/buy
expect "all is well" 0 exit_code_of rf status
