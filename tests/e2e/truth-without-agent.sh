#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# No agent runs: status asks the kernel by itself, lists the pods, names what has drifted; the next agent puts it right. And its exit codes.
# shellcheck source=tests/e2e/lib.sh
. "$(dirname "$0")/lib.sh"
world_up
buyer_only
expect "an allowed request passes" 200 get bookbuyer /api/buy
expect "all is well" 0 exit_code_of rf status
expect_now "wrong usage" 2 exit_code_of rf status --nonsense
nothing() { RINGFENCE_INSTANCE=$RINGFENCE_INSTANCE-x rf status; }
expect_now "nothing installed" 2 exit_code_of nothing

# Policies that cannot be applied: the last good ones stay.
epoch=$(epoch)
echo 'kind: [' >"$WORK/policies/broken.yaml"
expect "a broken policy file" 4 exit_code_of rf status
expect_now "it is named" "*broken.yaml:*" rf status
expect_now "the good revision stays" "$epoch" epoch
rm "$WORK/policies/broken.yaml"
expect "well again" 0 exit_code_of rf status

# The checker cannot listen in a pod that needs it. (port-taken.sh has the pod that does not get it.)
judge "its exit code is in the help" "*5  the checker is not ready*" "$(rf status --help)"

# An agent that hangs is no reason to say nothing.
kill -STOP "$(recall "$STATE/agent.pid")"
expect_now "an agent that does not answer" 6 exit_code_of rf status
kill -CONT "$(recall "$STATE/agent.pid")"
expect "and does again" 0 exit_code_of rf status

alone_json() { rf status -o json 2>/dev/null | json "' '.join(sorted(p['name'] for p in d['pods'])) + ' ' + str(d['agent'] is None and all(p['hooked'] for p in d['pods']))"; }
end_noted "$STATE/agent.pid" KILL
expect_now "no agent, but all as it was left" 6 exit_code_of rf status
expect_now "says so" "*agent*not running*goes on enforcing revision $epoch*3 of 3 hooked*" rf status
expect_now "and as JSON" "bookbuyer bookstore bookthief True" alone_json
expect_now "which ends with the same code" 6 exit_code_of rf status -o json

# finds KIND WHAT COMMAND...: status, alone, names that kind and ends with 3.
finds() {
	local kind=$1 what=$2
	shift 2
	"$@" >"$WORK/drift.out" 2>&1 || { failures=$((failures + 1)) && echo "FAIL  $what: cannot be done: $(cat "$WORK/drift.out")"; }
	expect "$what" "*$kind: *" rf status
	expect_now "$what: exit code" 3 exit_code_of rf status
}

altered() { [ "$(python3 "$WORK/tools/mapedit.py" "$PINS/maps/$1" "$2" "$(cgroup_id_of "$3")")" -ge 1 ]; }
number() { [ "$(python3 "$WORK/tools/mapedit.py" "$PINS/maps/control" set 0 "$1")" = 1 ]; }
store=$(veth_of bookstore)
finds no-tables "control names a revision that never was" number 99
number "$epoch"
expect "and the right one" 6 exit_code_of rf status
finds tc-to-pod "the program at bookstore's door is detached" bpftool link detach pinned "$PINS/links/pods/bookstore_bookstore_to"
finds tc-from-pod "the pin of the link at bookthief's door is removed" rm "$PINS/links/pods/bookthief_bookthief_from"
finds map-entries "bookthief is deleted from pods" altered pods delete bookthief
finds node-programs "rf_connect4 is detached" bpftool link detach pinned "$PINS/links/rf_connect4"
finds live-pin "live/allow is removed" rm "$PINS/live/allow"
finds route "the route to bookbuyer is deleted" ip route del "$(rf status -o json | json "[p['address'] for p in d['pods'] if p['ns'] == 'bookbuyer'][0]")/32"
finds veth-down "bookstore's interface is set down" ip link set dev "$store" down
finds veth-renamed "bookstore's interface is renamed" ip link set dev "$store" name rfe-alone
finds netns-pin "bookbuyer's network namespace is unmounted" umount -l "/run/$RINGFENCE_INSTANCE/pods/bookbuyer_bookbuyer/netns"

start_agent || exit 1
expect "the next agent puts all of it right" 0 exit_code_of rf status
expect "nobody was ended" "3" status_of "len([p for p in d['pods'] if p['state'] == 'running'])"
expect "an allowed request passes" 200 get bookbuyer /api/buy
expect "a forbidden one does not" refused get bookthief /api/buy
