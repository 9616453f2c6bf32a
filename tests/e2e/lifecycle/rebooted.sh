#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# What a reboot takes away, whole and in parts: processes, cgroups, namespaces and interfaces, /run, the bpffs tree; policies stay. The next
# start works, says what it dropped, and enforces; nothing of before is counted twice or for ever.
# shellcheck source=tests/e2e/lifecycle/lib.sh
. "$(dirname "$0")/lib.sh"
forbidden_to
up=1
cp "$TOP"/policies/bookstore/manifests/* "$WORK/policies/"
begin || exit 1
rf namespace add bookthief bookbuyer >/dev/null || exit 1

pod() {
	rf run -n "$1" --service-account "$1" --name "$1" -d -- sleep infinity >/dev/null
}

dies_agent() { end_noted "$STATE/agent.pid" KILL; }
die_pods() { echo 1 >"$CGROUP/pods/cgroup.kill" && soon unpopulated "$CGROUP/pods"; }
dies_broker() { echo 1 >"$CGROUP/sockd/cgroup.kill" && soon unpopulated "$CGROUP/sockd"; }
unpopulated() { grep -q '^populated 0' "$1/cgroup.events"; }
go_cgroups() { find "$CGROUP" -depth -type d -exec rmdir {} +; }
go_namespaces() { for_each_netns umount -l; }
goes_bpffs() { rm -rf "/sys/fs/bpf/$RINGFENCE_INSTANCE"; }
goes_run() { rm -rf "/run/$RINGFENCE_INSTANCE"; }

for_each_netns() {
	local pin
	for pin in /run/"$RINGFENCE_INSTANCE"/pods/*/netns; do
		[ ! -e "$pin" ] || "$@" "$pin"
	done
}

goes_interface() {
	local alias
	for alias in $(interfaces); do
		! grep -q "bookthief/bookthief$" "$alias" || ip link delete "$(basename "$(dirname "$alias")")"
	done
}

breaks_record() { : >"/run/$RINGFENCE_INSTANCE/pods/bookthief_bookthief/pod.json"; }
goes_record() { rm "/run/$RINGFENCE_INSTANCE/pods/bookthief_bookthief/pod.json"; }

# after WHAT RUNNING SAID STEP...: two pods, then these steps; the next agent keeps so many of them running and says so.
after() {
	local what=$1 running=$2 said=$3 step name
	shift 3
	{ pod bookthief && pod bookbuyer && soon whole; } || complain "$what: no pods before"
	: >"$WORK/log/agent"
	dies_agent
	for step in "$@"; do
		"$step" 2>"$WORK/log/step" || complain "$what: $step: $(cat "$WORK/log/step")"
	done
	begin_whole || complain "$what: $(trouble)"
	judge "$what: pods that go on" "$running" "$(rf ps | grep -c running)"
	judge "$what: interfaces, cgroups, pods, peers" "$running $running $running $running" "$(rooms | cut -d' ' -f1,2,4,5)"
	judge "$what: it says" "$said" "$(grep -v 'goes on' "$WORK/log/agent" | tr '\n' ' ')"
	for name in bookthief bookbuyer; do
		rf ps | grep -q "^$name .*running" || pod "$name" || complain "$what: $name cannot be started again"
		[ "$(reaches "$name/$name")" = no ] || complain "$what: $name gets out"
	done
	soon whole || complain "$what: not whole afterwards"
	rf stop --all >/dev/null || complain "$what: the pods cannot be stopped"
	judge "$what: stopped" "0 0 0 0 0" "$(rooms)"
}

after "nothing goes" 2 "*ready*"
after "everything goes" 0 "*ready*" die_pods dies_broker go_namespaces go_cgroups goes_bpffs goes_run
after "/run survives" 0 "*ended while no agent ran*ended while no agent ran*" die_pods dies_broker go_namespaces go_cgroups goes_bpffs
after "bpffs survives" 0 "*of pods that are gone were removed*" die_pods dies_broker go_namespaces go_cgroups goes_run
after "only /run goes" 0 "*bookthief/bookthief, of which there is no record, was cleared away*" dies_broker go_namespaces goes_run
after "only bpffs goes" 2 "*ready*" goes_bpffs
after "only bpffs and the broker go" 2 "*ready*" dies_broker goes_bpffs
after "the pods' processes and cgroups go" 0 "*ended while no agent ran*" die_pods dies_broker go_cgroups
after "the namespaces go" 2 "*bookthief/bookthief: its room was put right again*bookbuyer/bookbuyer: its room was put right again*" go_namespaces
after "the namespaces and processes go" 0 "*ended while no agent ran*" die_pods go_namespaces
after "an interface goes" 2 "*bookthief/bookthief: its room was put right again*" goes_interface
after "a record is empty" 1 "*no record of a pod in*bookthief/bookthief, of which there is no record, was cleared away*" breaks_record
after "a record goes" 1 "*bookthief/bookthief, of which there is no record, was cleared away*" goes_record
