#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# The file systems under a running instance: /run is full, the BPF file system is unmounted and another one mounted. Pods go on as they are,
# what cannot be done is refused and leaves nothing, and what was pinned is pinned again. In mounts of its own.
[ -n "${OWN_MOUNTS:-}" ] || exec env OWN_MOUNTS=1 unshare -m --propagation private bash "$0"
# shellcheck source=tests/e2e/lib.sh
. "$(dirname "$0")/../lib.sh"
run_dir=/run/$RINGFENCE_INSTANCE
# All of both, not just this instance's: what is mounted in here is removed with the process.
mount -t tmpfs -o size=4m,mode=0755,noexec,nosuid,nodev run /run || exit 1
while umount /sys/fs/bpf 2>/dev/null; do :; done
mount -t bpf bpf /sys/fs/bpf || exit 1
world_up
traffic_access
passes() {
	expect "$1: an allowed request passes" 200 get bookbuyer /api/buy
	expect "$1: a forbidden one does not" 404 get bookthief /nothing-here
}
passes "/run is noexec"

pods() { find "$run_dir/pods" -mindepth 1 -maxdepth 1 | wc -l; }
head -c 8M /dev/zero >"$run_dir/filling" 2>/dev/null
expect_now "/run is full: no pod is made" "*No space left*" rf run -n bookbuyer --name more -d -- sleep 100
expect_now "nothing of it is left" 3 pods
end_noted "$STATE/agent.pid" KILL
start_agent || exit 1
expect "another agent finds all pods" "running running running" status_of "' '.join(p['state'] for p in d['pods'])"
passes "/run is full"
rm "$run_dir/filling"
expect_now "there is room again" "bookbuyer/more" rf run -n bookbuyer --name more -d -- sleep 100

pins() { find "/sys/fs/bpf/$RINGFENCE_INSTANCE" -type f -printf '%P\n' 2>/dev/null | sort; }
before=$(pins)
umount -l /sys/fs/bpf || exit 1
expect "the pins are gone: status says so" 3 exit_code_of rf status
passes "without pins"
mount -t bpf bpf /sys/fs/bpf || exit 1
expect "another file system: everything is pinned again" "$before" pins
expect "all is well" 0 exit_code_of rf status
end_noted "$STATE/agent.pid" KILL
start_agent || exit 1
passes "the next agent"
expect "all is well with it" 0 exit_code_of rf status
