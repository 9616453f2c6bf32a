# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
# For the tests of changes and of life and death: tests/e2e/lib.sh, killat, and a machine that is looked at in milliseconds.
# Every test here has a short form for every day and a long one: LIFECYCLE_LONG=1.
# shellcheck source=tests/e2e/lib.sh
. "$(dirname "$0")/../lib.sh"

LONG=${LIFECYCLE_LONG:-}
# shellcheck disable=SC2034 # read by the tests
RANDOM=${LIFECYCLE_SEED:=$$}
# shellcheck disable=SC2034
HERE=$TOP/tests/e2e/lifecycle
CGROUP=$(awk '{ for (i = 7; i < NF; i++) if ($i == "-" && $(i + 1) == "cgroup2") { print $5; exit } }' /proc/self/mountinfo)/$RINGFENCE_INSTANCE
cp "$HERE"/*.py "$WORK/"
echo "LIFECYCLE_SEED=$LIFECYCLE_SEED LIFECYCLE_LONG=$LONG"

# shellcheck disable=SC2154 # assigned there
trap 'code=$?; end_noted "$STATE/outside.pid" KILL; finish $code' EXIT

# build_killat: see killat.c.
build_killat() {
	gcc -O1 -Wall -Wextra -Werror -D_GNU_SOURCE -o "$WORK/killat" "$HERE/killat.c" || exit 1
}

# soon COMMAND...: as await, but looks 50 times a second, for 20 seconds at most.
soon() {
	local deadline=$((SECONDS + 20 * ${RINGFENCE_PATIENCE:-1}))
	until "$@"; do
		[ "$SECONDS" -lt "$deadline" ] || return 1
		sleep 0.02
	done
}

# says_ready: what agent_ready asks, without an interpreter.
says_ready() {
	[[ $(rf status -o json 2>/dev/null) =~ '"ready":'[[:space:]]*true ]]
}

ready_or_gone() {
	says_ready || noted_gone "$STATE/agent.pid"
}

# begin: the agent (with $AGENT_OPTION); fails unless it becomes ready.
begin() {
	# shellcheck disable=SC2086 # nothing, or one option
	spawn agent "$BUILD/ringfenced" --policies "$WORK/policies" ${AGENT_OPTION:-}
	soon ready_or_gone
	says_ready
}

# begin_whole: and all it keeps is as it should be.
begin_whole() {
	begin && soon whole
}

# trouble: what status and the agent say about it, short.
trouble() {
	echo "$(rf status 2>&1 | grep -v ✓ | head -n 5)" "$(tail -n 3 "$WORK/log/agent")"
}

# whole: every pod is hooked, has a checker that listens, and nothing is wrong: what `status` means by its exit code.
whole() {
	rf status >/dev/null 2>&1
}

# traces: what an instance that was uninstalled has left, one a line.
traces() {
	local path
	for path in "/sys/fs/bpf/$RINGFENCE_INSTANCE" "/sys/fs/bpf/${RINGFENCE_INSTANCE}_new" "/run/$RINGFENCE_INSTANCE" "$CGROUP"; do
		[ ! -e "$path" ] || echo "$path"
	done
	interfaces
	grep -o "/run/$RINGFENCE_INSTANCE/[^ ]*" /proc/self/mountinfo
}

# interfaces: host sides of this instance's pods.
interfaces() {
	grep -l "^ringfence $RINGFENCE_INSTANCE " /sys/class/net/*/ifalias 2>/dev/null
}

# rooms: how many pods there are for each who could remember one: interfaces, cgroups, directories, the kernel's table.
rooms() {
	echo "$(interfaces | wc -l) $(find "$CGROUP/pods" -mindepth 1 -maxdepth 1 -type d | wc -l)" \
		"$(find "/run/$RINGFENCE_INSTANCE/pods" -mindepth 1 -maxdepth 1 -type d | wc -l)" \
		"$(entries pods) $(peers)"
}

# peers: pods that have an address; each may have one of either family.
peers() {
	bpftool -j map dump pinned "/sys/fs/bpf/$RINGFENCE_INSTANCE/maps/peers" | json 'len({e["formatted"]["value"]["pod"] for e in d})'
}

entries() {
	bpftool map dump pinned "/sys/fs/bpf/$RINGFENCE_INSTANCE/maps/$1" | grep -c '"key":'
}

# complain WHAT...: one failure that has happened somewhere in a loop.
complain() {
	failures=$((failures + 1))
	echo "FAIL  $*"
}

# forbidden_to: a listener of the machine that a pod of the mesh may not reach; sets $outside to its port.
forbidden_to() {
	spawn outside python3 -u -c '
import socket
s = socket.create_server(("0.0.0.0", 0), backlog=4096)
print(s.getsockname()[1], flush=True)
while True:
    s.accept()[0].close()'
	await 5 test -s "$WORK/log/outside" || exit 1
	outside=$(cat "$WORK/log/outside")
}

# reaches POD: does a connect() of that pod to the machine succeed? "yes", "no" (refused at once) or what else happened.
reaches() {
	# shellcheck disable=SC2016
	timeout 3 "$BUILD/ringfence" exec "$1" -- bash -c 'exec 3<>"/dev/tcp/$1" && echo yes' - "10.$number.0.1/$outside" 2>&1 9>&- |
		sed -n 's/^yes$/yes/p; s/.*Connection refused$/no/p' | head -n 1
}

# probe_from NAME: a pod of bookthief that tries it all the time; `probed NAME` says what it saw: "TRIES, BREACHES and the like".
probe_from() {
	rf run -n bookthief --service-account bookthief --name "$1" -d -- python3 "$WORK/prober.py" "10.$number.0.1" "$outside" >/dev/null || return 1
	soon probing "$1"
}

probing() {
	[ "$(probed "$1")" != "0 tries" ]
}

probed() {
	awk '$1 == "tries" { tries = $2; next } { seen[$1]++ } END { printf "%d tries", tries; for (s in seen) printf ", %d %s", seen[s], s }' \
		"/run/$RINGFENCE_INSTANCE/pods/bookthief_$1/log"
}
