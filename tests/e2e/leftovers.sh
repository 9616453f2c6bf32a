#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# tests/leftovers sees what it is for: each kind of thing that is left behind is named, and gone again it is not.
set -uo pipefail
TOP=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")/../.." && pwd)
# Names and one setting that are the machine's: one run at a time, of any checkout.
exec 9>>/tmp/rf-test-leftovers.lock
flock -w 250 9 || exit 1
work=$(mktemp -d /tmp/rfe-leftovers.XXXXXX) failures=0 pid=
cgroup=$(awk '{ for (i = 7; i < NF; i++) if ($i == "-" && $(i + 1) == "cgroup2") { print $5; exit } }' /proc/self/mountinfo)/rfe-leftovers

remove_all() {
	[ -z "$pid" ] || kill -KILL "$pid" 2>/dev/null
	ip link delete rfe-left0 2>/dev/null
	mountpoint -q "$work/mount" && umount "$work/mount"
	rm -f /sys/fs/bpf/rfe-leftovers
	[ ! -d "$cgroup" ] || rmdir "$cgroup"
	[ ! -e "$work/sysctl" ] || cat "$work/sysctl" >/proc/sys/net/ipv4/ipfrag_time
	pid=
}
trap 'remove_all; rm -rf "$work"' EXIT

# Whatever else happens on this machine has other names.
export LEFTOVERS_ONLY='rfe[-_]left|ipfrag_time'
"$TOP/tests/leftovers" save "$work/before" || exit 1
ip link add rfe-left0 type veth peer name rfe-left1 || exit 1
ip address add 192.0.2.1/30 dev rfe-left0 && ip link set rfe-left0 up
mkdir "$work/mount" "$cgroup" && mount -t tmpfs rfe-leftovers "$work/mount"
bpftool map create /sys/fs/bpf/rfe-leftovers type array key 4 value 4 entries 1 name rfe_left || exit 1
cat /proc/sys/net/ipv4/ipfrag_time >"$work/sysctl"
echo $(($(cat "$work/sysctl") + 1)) >/proc/sys/net/ipv4/ipfrag_time
bash -c 'exec -a rfe-leftovers-process sleep 60' 9>&- &
pid=$!
disown
said=$("$TOP/tests/leftovers" compare "$work/before")
[ $? = 1 ] || { failures=1 && echo "FAIL  compare finds nothing"; }
for section in links mounts "bpf maps" "bpf pins" routes cgroups sysctls processes; do
	if grep -q "^[+-] $section: " <<<"$said"; then
		echo "ok    $section"
	else
		failures=1
		echo "FAIL  $section are not looked at"
	fi
done
remove_all
said=$("$TOP/tests/leftovers" compare "$work/before") || { failures=1 && printf 'FAIL  all is gone, but\n%s\n' "$said"; }
[ "$failures" = 0 ]
