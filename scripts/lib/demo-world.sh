# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
# What the demo stands in: the lock, the working directory, the pods, a machine "outside", and the removal of all that.

# A network namespace with a cable to this machine plays somebody outside. The addresses are reserved for documentation (RFC 5737); each
# instance has four of them: which, follows from the second number of its pods' range, as that is nobody else's either.
OUTSIDE_NUMBER=$(cut -d. -f2 <<<"$RINGFENCE_POD_CIDR")
OUTSIDE_NUMBER=$((OUTSIDE_NUMBER / 2 % 64))
OUTSIDE_GATEWAY=203.0.113.$((OUTSIDE_NUMBER * 4 + 1))
OUTSIDE_ADDRESS=203.0.113.$((OUTSIDE_NUMBER * 4 + 2))
OUTSIDE_LINK=rfdemo-out$OUTSIDE_NUMBER

take_lock() {
	local pid
	mkdir -p "$STATE" || die "cannot make $STATE"
	while :; do
		# Opened for appending: the pid of who holds it must stay readable.
		exec 9>>"$STATE/lock"
		if ! flock -n 9; then
			pid=$(recall "$STATE/lock")
			# A killed demo's last command may hold the lock for the moment it still runs.
			if [ -n "$pid" ] || ! flock -w 15 9; then
				die "another demo is running (process ${pid:-unknown}); wait for it, end it with: kill ${pid:-PID}, or choose another" \
					"RINGFENCE_INSTANCE and address ranges"
			fi
		fi
		# The former holder may have removed the file between our open and our lock.
		[ "$(stat -Lc %i "/proc/$$/fd/9")" = "$(stat -c %i "$STATE/lock" 2>/dev/null)" ] && break
		mkdir -p "$STATE"
	done
	remember "$STATE/lock" $$
}

release_lock() {
	rm -rf -- "$STATE"
	exec 9>&-
}

refuse_if_kept() {
	[ -e "$STATE/kept" ] && recall "$STATE/agent.pid" >/dev/null || return 0
	trap - EXIT
	die "a demo is kept running; look at it, or end it with: scripts/demo --stop"
}

make_work_dir() {
	WORK=$(mktemp -d "/tmp/$RINGFENCE_INSTANCE.XXXXXX") || die "cannot make a directory under /tmp"
	echo "$WORK" >"$STATE/work"
	mkdir -p "$WORK/policies" "$WORK/log" "$WORK/nginx"
	# Pods have few capabilities: they could not read a checkout in somebody's private home.
	cp -R -- "$TOP/policies/bookstore/apps" "$WORK/apps"
	chmod -R a+rX "$WORK"
}

# Removes what this or an earlier demo made, whatever state it is in. Everything is found through $STATE, which outlives a kill -9.
repair() {
	[ -z "$WORK" ] && [ -s "$STATE/work" ] && read -r WORK <"$STATE/work"
	if [ -n "$WORK" ]; then
		mkdir -p "$WORK/log"
		remove_outside
		remove_instance || { echo "uninstall says:" >&2 && tail -n 5 "$WORK/log/uninstall" >&2; }
		end_noted "$STATE/run.pid" KILL
		case $WORK in /tmp/"$RINGFENCE_INSTANCE".*) rm -rf -- "$WORK" ;; esac
	fi
	rm -f -- "$STATE"/*.pid "$STATE/work" "$STATE/kept"
	WORK=
}

# The end of every demo. Further signals have to wait: half a clean-up would leave more behind than none.
finish() {
	local result=$1
	trap '' INT TERM HUP
	trap - EXIT
	if [ -e "$STATE/kept" ]; then
		exec 9>&-
	else
		[ "$result" -lt 128 ] || printf '\ninterrupted, cleaning up\n'
		repair
		release_lock
	fi
	exit "$result"
}

make_outside() {
	setsid unshare --net sleep infinity </dev/null >/dev/null 2>&1 9>&- &
	local pid=$!
	remember "$STATE/outside.pid" "$pid"
	disown "$pid"
	await 5 in_other_netns "$pid" || return 1
	ip link add "$OUTSIDE_LINK" type veth peer name eth0 netns "$pid" &&
		ip address add "$OUTSIDE_GATEWAY/30" dev "$OUTSIDE_LINK" &&
		ip link set "$OUTSIDE_LINK" up &&
		echo 1 >"/proc/sys/net/ipv4/conf/$OUTSIDE_LINK/forwarding" &&
		outside ip link set lo up &&
		outside ip address add "$OUTSIDE_ADDRESS/30" dev eth0 &&
		outside ip link set eth0 up &&
		outside ip route add default via "$OUTSIDE_GATEWAY"
}

in_other_netns() {
	local theirs
	theirs=$(readlink "/proc/$1/ns/net") && [ "$theirs" != "$(readlink /proc/self/ns/net)" ] && [ "$(cat "/proc/$1/comm")" = sleep ]
}

outside() {
	local pid
	pid=$(recall "$STATE/outside.pid") || return 1
	nsenter --target "$pid" --net "$@" 9>&-
}

# Here the veth goes with its namespace, but not at once: it is taken down by name as well.
remove_outside() {
	end_noted "$STATE/outside.pid" KILL
	[ ! -e "/sys/class/net/$OUTSIDE_LINK" ] || ip link delete "$OUTSIDE_LINK" 2>/dev/null
}

# pod NAMESPACE FIELD: a field of the one pod in that namespace ("address", "name", "pid").
pod() {
	rf ps -o json | json "[p['$2'] for p in (d['pods'] if isinstance(d, dict) else d) if p['ns'] == '$1'][0]"
}

pod_exec() {
	local namespace=$1
	shift
	rf exec "$namespace/$(pod "$namespace" name)" -- "$@" </dev/null
}

# Every process of the demo's pods with its start time: the same line before and after means that nothing was restarted.
pod_processes() {
	local namespace pid cgroup
	for namespace in "$@"; do
		cgroup=$(sed -n 's/^0:://p' "/proc/$(pod "$namespace" pid)/cgroup")
		while read -r pid; do
			printf '%s:%s(%s) ' "$(cat "/proc/$pid/comm")" "$pid" "$(start_time "$pid")"
		done < <(sort -n "$(cgroup_mount)$cgroup/cgroup.procs")
	done
	echo
}

cgroup_mount() {
	awk '{ for (i = 7; i < NF; i++) if ($i == "-" && $(i + 1) == "cgroup2") { print $5; exit } }' /proc/self/mountinfo
}
