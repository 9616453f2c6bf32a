#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Programs that are taken away by hand, or that others come in the way of: nothing forbidden passes meanwhile, the agent puts ours back.
# shellcheck source=tests/e2e/lib.sh
. "$(dirname "$0")/lib.sh"
foreign=$(tool foreign)
world_up
buyer_only
besiege http bookthief forbidden-connect 3000
besiege tcp bookthief forbidden-connect 3001
besiege steal bookbuyer forbidden-request 3000
expect "an allowed request passes" 200 get bookbuyer /api/buy
expect "and all is well" 0 exit_code_of rf status
store=$(veth_of bookstore)
thief=$(veth_of bookthief)

detach() { bpftool link detach pinned "$PINS/links/$1"; }
mends tc-to-pod "the program at bookstore's door is detached" detach pods/bookstore_bookstore_to
mends tc-from-pod "the program at bookthief's door is detached" detach pods/bookthief_bookthief_from
for program in rf_connect4 rf_sock_create rf_sockops; do
	mends node-programs "$program is detached" detach "$program"
done
mends node-programs "the checker's rf_getsockopt is detached" detach rf_getsockopt

# A pin is not the last reference while the agent runs: nothing is ever detached.
lost=$(put_back tc-from-pod)
mends link-pin "the pin of a link is removed" rm "$PINS/links/pods/bookthief_bookthief_from"
expect_now "the program had never gone" "$lost" put_back tc-from-pod
lost=$(put_back node-programs)
mends node-link-pin "the pin of rf_connect4's link is removed" rm "$PINS/links/rf_connect4"
expect_now "the program had never gone" "$lost" put_back node-programs

qdisc() { tc qdisc add dev "$store" clsact && tc qdisc del dev "$store" clsact; }
expect_now "a queueing discipline comes and goes" "" qdisc
expect_now "which changes nothing" 0 exit_code_of rf status

# intruder ARGUMENTS...: somebody's program, until `intruder_leaves`.
intruder() {
	coproc INTRUDER { exec "$foreign" "$@"; }
	# shellcheck disable=SC2153 # set by coproc
	intruder_in=${INTRUDER[1]} intruder_pid=$INTRUDER_PID
	read -r -t 10 line <&"${INTRUDER[0]}" && [ "$line" = ready ]
}

intruder_leaves() {
	eval "exec $intruder_in>&-"
	wait "$intruder_pid" 2>/dev/null
}

# It lets everything pass by; ours is put before it.
mends tc-not-first "a program that passes everything comes before ours (entering)" intruder tcx "$store" egress pass
intruder_leaves
mends tc-not-first "a program that passes everything comes before ours (leaving)" intruder tcx "$thief" ingress pass
intruder_leaves

# One more that decides on connect() is nobody's fault; what it sends elsewhere is judged when it leaves the pod.
notes() { rf observe --verdict note --last 5; }
refused_by() { probe "$1" '{"dial":"10.9.9.9","port":9,"proto":"tcp","send":"x"}' | json "d['connect']"; }
intruder connect4 "$(cgroup_of bookthief)" "$(pod_address bookstore)" 3001 || exit 1
expect "a program that rewrites connect() is told of" "*notice: pod bookthief/bookthief: program-beside*" notes
expect_now "status names it" "*bookthief/bookthief: program-beside*" rf status
expect_now "which is no failure" 0 exit_code_of rf status
expect "where it leads is still forbidden" "re*" refused_by bookthief
intruder_leaves
expect "gone with it" False status_of "any(p['drift'] for p in d['pods'])"

for name in http tcp steal; do
	end_siege "$name"
done
