#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Out of the pod: other namespaces, the cgroup, the machine's files and processes, ringfence's own sockets, tables and programs. The pod is what
# `run --net-raw` makes, the most that there is.
# shellcheck source=tests/evasion/lib.sh
. "$(dirname "$0")/lib.sh"
hostile_world

# tries WHAT EXPECTED NAME [ARGUMENT]...
tries() {
	judge "$1" "$2" "$(tool bookthief prison.py "${@:3}")"
}

run_dir=/run/$RINGFENCE_INSTANCE
agent=$(status_of "d['pid']") checker=$(status_of "d['broker']['checker_pid']")
broker=$(ps -o ppid= -p "$checker" | tr -d ' ')

tries "mount cgroup2" EPERM mount cgroup2
tries "mount cgroup (v1)" EPERM mount cgroup
tries "mount the BPF file system" EPERM mount bpf
tries "mount proc" EPERM mount proc
tries "mount cgroup2 in a user namespace of one's own: only what is below the pod" "done: /below" user-mount cgroup2
tries "mount the BPF file system in a user namespace: an empty one" "@(EPERM|done: nothing in it)" user-mount bpf
attempt "dial from a cgroup made 16 levels below the pod's" no-rule ECONNREFUSED tool bookthief prison.py below-cgroup "$store" 3001
tries "a new network namespace" EPERM network plain
tries "a new network namespace in a user namespace: without a cable" "done: lo*" network user
tries "setns to init's network namespace: the pod's own, and even that not" "@(EPERM|EACCES)" enter /proc/1/ns/net
tries "the machine's network namespace by its file" ENOENT enter "$run_dir/pods/bookbuyer_bookbuyer/netns"
tries "network namespaces in sight" "done: [01]" namespaces net
tries "/proc/1/root is the pod's own, and even that not" "@(ENOENT|EACCES)" read "/proc/1/root$run_dir/pods/bookbuyer_bookbuyer/pod.json"
tries "the machine's cgroup tree" ENOENT write /sys/fs/cgroup/unified/cgroup.procs 0
tries "the pins" ENOENT read "/sys/fs/bpf/$RINGFENCE_INSTANCE/maps/allow"
tries "the control socket" ENOENT unix "$run_dir/control.sock"
tries "the broker's socket" ENOENT unix "$run_dir/sockd.sock" seqpacket
tries "the control socket over /proc/1/root" "@(ENOENT|EACCES)" unix "/proc/1/root$run_dir/control.sock"
tries "kill the agent" ESRCH kill "$agent"
tries "kill the broker" ESRCH kill "$broker"
tries "kill the checker" ESRCH kill "$checker"
tries "trace the checker" ESRCH trace "$checker"
tries "trace the pod's init, which is a program of the machine" EPERM trace 1
tries "read its memory" "@(EPERM|EACCES)" memory 1
tries "change the machine's program file through /proc/1/exe" EACCES chmod /proc/1/exe
tries "read it" EACCES read /proc/1/exe
# The same with the program that `exec` is before it becomes the command: the trap makes it run itself in the pod.
in_pod bookthief python3 "$WORK/tools/prison.py" trap >"$WORK/trapped" 2>&1 </dev/null &
await 10 grep -q set "$WORK/trapped"
for _ in {1..40}; do
	grep -q caught "$WORK/trapped" && break
	in_pod bookthief /tmp/trap </dev/null >/dev/null 2>&1
done
expect "a program of the machine caught by #!/proc/self/exe" "*caught: EROFS" cat "$WORK/trapped"
tries "write a policy" "@(EROFS|done)" write "$WORK/policies/evil.yaml" "not a policy"
judge "and the machine has none" gone "$([ -e "$WORK/policies/evil.yaml" ] && echo there || echo gone)"
tries "core_pattern" EROFS write /proc/sys/kernel/core_pattern "|/tmp/evil"
tries "a setting of the network" EROFS write /proc/sys/net/ipv4/conf/all/forwarding 1
tries "the machine's files" EROFS write /etc/evil x
tries "make a disk device" EPERM disk
tries "open a file by handle" EPERM handle
tries "an address of one's own on the cable" EPERM setting "another address"
for command in 0:MAP_CREATE 5:PROG_LOAD 7:OBJ_GET 11:PROG_GET_NEXT_ID 12:MAP_GET_NEXT_ID 13:PROG_GET_FD_BY_ID 14:MAP_GET_FD_BY_ID 8:PROG_ATTACH; do
	tries "bpf(${command#*:})" EPERM bpf "${command%:*}"
done
# Bytes that cross no cable at all.
tries "VSOCK: to the hypervisor, past everything" EAFNOSUPPORT family 40
tries "AF_ALG" EAFNOSUPPORT family 38
tries "XDP sockets" EAFNOSUPPORT family 44
tries "keys, which all pods of one uid share" ENOSYS key
tries "io_uring, which makes sockets without socket(2)" ENOSYS ring
if [ "$(uname -m)" = x86_64 ]; then
	tries "VSOCK by the 32-bit system call" ENOSYS legacy
else
	skip "VSOCK by the 32-bit system call" "this architecture has no int 0x80"
fi
judge "agent, broker and checker live" "$agent $broker $checker" "$(ps -o pid= -p "$agent,$broker,$checker" | sort -n | tr -d ' ' | tr '\n' ' ' | sed 's/ $//')"
