#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# The checker in the hands of an enemy: tests/bpf/hostile_checker.c in its place, started by the broker with exactly what the real one gets and
# confined as the real one is. bookbuyer gives the orders, over connections that the kernel redirects to the checker. It may do what any request
# of bookbuyer may (its routes are not checked any more: that is what capturing the checker gives); nothing beyond, and no other way.
# shellcheck source=tests/evasion/lib.sh
. "$(dirname "$0")/lib.sh"

HOSTILE=$BUILD/tests/bpf/hostile_checker
[ -x "$HOSTILE" ] || { echo "$HOSTILE is not built: make tests" && exit 1; }
cp "$HOSTILE" "$WORK/hostile" && cp "$HOSTILE" "$WORK/hostile-bare" || exit 1
chmod 755 "$WORK/hostile" "$WORK/hostile-bare"
run_dir=/run/$RINGFENCE_INSTANCE

# The broker runs before the agent, which then starts none.
start_broker() {
	spawn broker "$BUILD/ringfence-sockd" --checker "$1"
	await 5 test -S "$run_dir/sockd.sock" || { cat "$WORK/log/broker" && exit 1; }
}

# order WORD...: what bookbuyer's request makes the checker do, and what came of it
order() {
	local said
	said=$(probe bookbuyer "{\"dial\":\"$STORE\",\"port\":80,\"proto\":\"tcp\",\"timeout\":10,\"send\":\"$*\\n\"}")
	# There are hundreds of orders: no interpreter for each.
	if [[ $said =~ \"received\":\ \"([^\"]+)\" ]] || [[ $said =~ \"connect\":\ \"([^\"]+)\" ]]; then
		printf '%b\n' "${BASH_REMATCH[1]}"
	else
		echo "$said"
	fi
}

# The fence has to go around the checker: by the TCP route.
fence() {
	local text=fence-$$-$marks
	probe bookbuyer "{\"dial\":\"$store\",\"port\":3001,\"proto\":\"tcp\",\"send\":\"$text\"}" >/dev/null
	await 15 grep -q "$text" "$WORK/camera-bookstore"
}

refused() {
	local what=$1 expected=$2
	shift 2
	judge "$what" "$expected" "$(order "$@")"
}

ready() {
	[ "$(order namespace memfd)" = "$1" ]
}

checker_pid() {
	status_of "d['broker']['checker_pid'] or 0"
}

forged() {
	rf observe --last 4000 -o json | grep -m 1 FFFF
}

checker_file() {
	basename "$(readlink "/proc/$(checker_pid)/exe")"
}

start_broker "$WORK/hostile"
instance_up
rf apply -f "$TOP/policies/bookstore/manifests" >/dev/null || exit 1
rf namespace add bookstore bookbuyer bookthief >/dev/null || exit 1
rf run -n bookstore --name bookstore --deployment bookstore/bookstore --net-raw -d -- python3 "$WORK/tools/server.py" bookstore 3000/http 3001/tcp || exit 1
rf run -n bookbuyer --name bookbuyer --deployment bookbuyer/bookbuyer -d -- python3 "$WORK/tools/server.py" bookbuyer 4000/http 4001/tcp || exit 1
rf run -n bookthief --name bookthief --deployment bookthief/bookthief -d -- python3 "$WORK/tools/server.py" bookthief 4001/http || exit 1
await 30 servers_ready || { echo "the pods do not start" && exit 1; }
write_policy
rf apply -f "$WORK/hostile.yaml" >/dev/null || exit 1
store=$(pod_address bookstore) thief=$(pod_address bookthief) buyer=$(pod_address bookbuyer)
store6=$(pod_address6 bookstore) thief6=$(pod_address6 bookthief) buyer6=$(pod_address6 bookbuyer)
node=${buyer%.*.*}.0.1
camera_on bookstore
runner_at here
runner_in bookbuyer
await 10 ready EPERM || { echo "the hostile checker does not obey: $(order namespace memfd)"; tail "$WORK/log/broker"; exit 1; }
agent=$(status_of "d['pid']") broker=$(recall "$STATE/broker.pid") checker=$(checker_pid)
judge "it is the hostile one" "hostile" "$(checker_file)"

# What it may: the enemy is real.
next_mark
judge "the way that the policy allows is open" "done: *" "$(order reach - "$store" 3000 "$mark")"
await 5 grep -q "$mark" "$WORK/camera-bookstore" || judge "and seen" seen "not seen"

judge "by IPv6, too" "done: 1" "$(order reach - "$store6" 3000 x)"

# ---- destinations ----
attempt "a port that no rule names" no-rule ECONNREFUSED order reach - "$store" 4001 MARK
attempt "another pod" no-rule ECONNREFUSED order reach - "$thief" 4001 MARK
attempt "as another pod, what that one may not" no-rule ECONNREFUSED order reach "$thief" "$store" 3001 MARK
attempt "as another pod, a third one" no-rule ECONNREFUSED order reach "$store" "$buyer" 4000 MARK
attempt "outside" no-egress ECONNREFUSED order reach - 203.0.113.7 80 MARK
attempt "the machine by its address on the cable" "no-egress" ECONNREFUSED order reach - "$node" 22 MARK
attempt "the checker's port in another pod" no-rule ECONNREFUSED order reach - "$store" 15001 MARK
attempt "the address dressed as IPv6" - EACCES order reach - "::ffff:$store" 3001 MARK
attempt "IPv6 outside" no-egress "@(ECONNREFUSED|ENETUNREACH)" order reach - 2001:db8::7 80 MARK
attempt "another pod by IPv6" no-rule ECONNREFUSED order reach - "$thief6" 4001 MARK
attempt "by IPv6, a port that no rule names" no-rule ECONNREFUSED order reach - "$store6" 4001 MARK
for to in 127.0.0.1 127.8.9.10 0.0.0.0 "$buyer" "$buyer6" ::1 :: 169.254.169.254 fe80::1 255.255.255.255 224.0.0.1 ff02::1; do
	attempt "bookbuyer's own, or what no packet filter sees: $to" - EACCES order reach - "$to" 4001 MARK
done
attempt "no port" - EACCES order reach - "$store" 0 MARK
refused "as a pod that does not exist" ESRCH pod 4711 "$store" 3000
refused "as no pod" ESRCH pod 0 "$store" 3000
refused "as every pod" ESRCH pod 0xffffffffffffffff "$store" 3000
[ "$(order reach - "$store" 3000 x)" = "done: 1" ] || exit 1

# ---- outside, where Egress objects let the pod ask through it, and lists let the pod go without it ----
cat >"$WORK/egress.yaml" <<YAML
apiVersion: policy.openservicemesh.io/v1alpha1
kind: Egress
metadata: {name: web, namespace: bookbuyer}
spec:
  sources: [{kind: ServiceAccount, name: bookbuyer, namespace: bookbuyer}]
  hosts: [allowed.example]
  ipAddresses: [$node/32]
  ports: [{number: 7080, protocol: http}]
---
apiVersion: policy.openservicemesh.io/v1alpha1
kind: Egress
metadata: {name: tcp, namespace: bookbuyer}
spec:
  sources: [{kind: ServiceAccount, name: bookbuyer, namespace: bookbuyer}]
  ports: [{number: 7081, protocol: tcp}]
---
apiVersion: config.openservicemesh.io/v1alpha2
kind: MeshConfig
metadata: {name: osm-mesh-config, namespace: osm-system}
spec: {traffic: {enablePermissiveTrafficPolicyMode: false, enableEgress: false, outboundPortExclusionList: [7082]}}
YAML
rf apply -f "$WORK/egress.yaml" >/dev/null || exit 1
# Nobody listens there: the machine itself refuses, having been asked.
allowed "Egress, the checked port of what it names" ECONNREFUSED allow-checker order reach - "$node" 7080 x
attempt "of what it does not name" no-egress ECONNREFUSED order reach - 203.0.113.7 7080 MARK
attempt "another port" no-egress ECONNREFUSED order reach - "$node" 7083 MARK
attempt "a port that the pod may use without it" checker-bypass ECONNREFUSED order reach - "$node" 7081 MARK
attempt "a port that is excluded for the pod" no-egress ECONNREFUSED order reach - "$node" 7082 MARK
attempt "the checked port, as a pod that no Egress names" no-egress ECONNREFUSED order reach "$thief" "$node" 7080 MARK
attempt "the checked port of a pod of the mesh" no-rule ECONNREFUSED order reach - "$thief" 7080 MARK
attempt "the same, as an outsider would by its exclusion" no-rule ECONNREFUSED order reach - "$thief" 7082 MARK
attempt "link-local, as a service of the cloud is" - EACCES order reach - 169.254.169.254 7080 MARK
rf mesh set egress=true >/dev/null || exit 1
attempt "with egress open: a port that no Egress checks" checker-bypass ECONNREFUSED order reach - "$node" 7083 MARK
attempt "the same, as another pod" checker-bypass ECONNREFUSED order reach "$thief" "$node" 7080 MARK
rf mesh set egress=false >/dev/null && rf delete -f "$WORK/egress.yaml" >/dev/null || exit 1
attempt "after the objects are gone" no-egress ECONNREFUSED order reach - "$node" 7080 MARK

# ---- the sockets it holds ----
for socket in upstream client listener; do
	refused "$socket: connect again" EPERM connect "$socket" "$store" 3001
	refused "$socket: let go and connect again" EPERM connect "$socket" -
	refused "$socket: bind" EPERM bind "$socket" 0.0.0.0 9999
	refused "$socket: listen" EPERM listen "$socket"
	refused "$socket: send with a destination (Fast Open)" EPERM send sendto "$socket" "$store" 3001
	refused "$socket: sendmsg" EPERM send sendmsg "$socket" "$store" 3001
	refused "$socket: sendmmsg" EPERM send sendmmsg "$socket" "$store" 3001
	# level:name
	for option in 0:19:IP_TRANSPARENT 0:15:IP_FREEBIND 0:4:IP_OPTIONS 1:36:SO_MARK 1:25:SO_BINDTODEVICE 1:26:SO_ATTACH_FILTER \
		1:50:SO_ATTACH_BPF 1:62:SO_BINDTOIFINDEX 6:19:TCP_REPAIR 6:30:TCP_FASTOPEN_CONNECT 6:31:TCP_ULP 41:75:IPV6_TRANSPARENT; do
		IFS=: read -r level number name <<<"$option"
		refused "$socket: $name" EPERM option "$socket" "$level" "$number"
	done
	refused "$socket: SO_PEERCRED" EPERM ask-option "$socket" 1 17
	refused "$socket: ioctl SIOCGIFCONF" EPERM control "$socket" 0x8912
done
refused "listener: shut it, for its successor, too" EPERM shutdown listener 0
refused "listener: shut both ways" EPERM shutdown listener 2
refused "the records' socket: to a socket of the machine" EPERM connect records /run/systemd/journal/dev-log
refused "the records' socket: to an abstract one" EPERM connect records @x
refused "the records' socket: to the broker" EPERM connect records "$run_dir/sockd.sock"

# ---- files, maps, processes ----
for file in /etc/passwd /proc/self/maps /proc/self/fd/3 "/proc/$broker/fd" "$WORK/policies" "$run_dir/sockd.sock" "/sys/fs/bpf/$RINGFENCE_INSTANCE/maps/allow" /dev/null; do
	refused "open ${file/$WORK/}" EPERM open "$file"
done
refused "create a file" EPERM open /tmp/evil-checker w
judge "and there is none" none "$([ -e /tmp/evil-checker ] && echo there || echo none)"
for family in 1:UNIX 2:INET 10:INET6 16:NETLINK 17:PACKET 38:ALG 40:VSOCK; do
	refused "socket of AF_${family#*:}, stream" EPERM family "${family%:*}" 1
	refused "socket of AF_${family#*:}, datagram" EPERM family "${family%:*}" 2
	refused "socket of AF_${family#*:}, raw" EPERM family "${family%:*}" 3
done
refused "a socket pair" EPERM pair
for command in 0:MAP_CREATE 2:MAP_UPDATE_ELEM 3:MAP_DELETE_ELEM 4:MAP_GET_NEXT_KEY 5:PROG_LOAD 6:OBJ_PIN 8:PROG_ATTACH 11:PROG_GET_NEXT_ID \
	12:MAP_GET_NEXT_ID 13:PROG_GET_FD_BY_ID 14:MAP_GET_FD_BY_ID 15:OBJ_GET_INFO_BY_FD 21:MAP_LOOKUP_AND_DELETE_ELEM 22:MAP_FREEZE 26:MAP_UPDATE_BATCH 28:LINK_CREATE; do
	refused "bpf(${command#*:}) on control" EPERM bpf "${command%:*}" control
done
refused "bpf(OBJ_GET)" EPERM bpf 7 control "/sys/fs/bpf/$RINGFENCE_INSTANCE/maps/allow"
refused "bpf(MAP_UPDATE_ELEM) on routes" EPERM bpf 2 routes
refused "map control writable" EPERM map control 3
refused "map routes writable" EPERM map routes 3
refused "map routes to be run" EPERM map routes 5
refused "routes, as the real one maps them" "done: 0" map routes 1
refused "memory to be run" EPERM code
refused "write into control" EPERM write 4
refused "write into the records as a stream" EPERM write 5
for pid in "$agent" "$broker" 1; do
	for how in kill tgkill trace read write handle; do
		refused "$how process $(ps -o comm= -p "$pid")" EPERM process "$how" "$pid"
	done
done
for how in fork vfork exec execveat; do
	refused "$how" EPERM start "$how" /bin/true
done
for how in mount "unshare 0x10000000" "unshare 0x40000000" "setns 0" chroot memfd ring; do
	# shellcheck disable=SC2086 # two words
	refused "$how" EPERM namespace $how
done

# ---- the broker ----
refused "a flood of questions" "done: bounded, each answered" flood 5000
judge "the broker lives" "$broker" "$(recall "$STATE/broker.pid")"
judge "agent, broker and checker are the same" "$agent $broker $checker" "$(status_of "d['pid']") $(recall "$STATE/broker.pid") $(checker_pid)"
refused "an empty access record (the size 1 stands for it)" "done: sent" records 1 1 0
refused "access records that are none" "done: sent" records 20000 4000 0
refused "of a reason that does not exist, without an end to their text" "done: sent" records 1 0 65535
refused "a flood of forged ones" "done: sent" records 200000 0 35
expect "forged ones are seen (it can lie about what it does): the agent still reads" "*FFFF*418*" forged
expect "and answers" True status_of "d['ready']"
judge "and has said it once" 1 "$(grep -c "which is none" "$WORK/log/agent")"
refused "fill the log" EFBIG log 20
judge "there is an end to it" True "$(python3 -c "import os,sys; print(os.stat(sys.argv[1]).st_size <= 16 << 20)" "$WORK/log/broker")"
: >"$WORK/log/broker"
# Nonsense ends it; the next one is there at once.
for nonsense in "nonsense 0 0" "nonsense 1 0" "nonsense 4294967295 0" "nonsense 8 1" "short"; do
	checker=$(checker_pid)
	# shellcheck disable=SC2086 # several words
	order $nonsense >/dev/null
	expect "the broker ends a checker that sends: $nonsense" True status_of "d['broker']['checker_pid'] not in (0, None, $checker)"
	judge "and lives" "$broker" "$(recall "$STATE/broker.pid")"
	await 10 ready EPERM || judge "the next one works" EPERM "$(order namespace memfd)"
done
judge "other ways are as they were" ok "$(probe bookbuyer "{\"dial\":\"$store\",\"port\":3001,\"proto\":\"tcp\",\"send\":\"x\"}" | json "d['connect']")"

# ---- what the broker alone takes away, should the checker's own filter never be installed ----
# The agent, which would start one of its own, has to look away.
kill -STOP "$agent"
end_noted "$STATE/broker.pid"
start_broker "$WORK/hostile-bare"
kill -CONT "$agent"
await 10 ready EPERM || { echo "the bare one does not obey" && exit 1; }
expect "it is the bare one" hostile-bare checker_file
[ "$(order reach - "$store" 3000 x)" = "done: 1" ] || exit 1
refused "bare: socket" EPERM family 2 1
refused "bare: a UNIX socket" EPERM family 1 1
refused "bare: connect" EPERM connect upstream "$store" 3001
refused "bare: let go" EPERM connect upstream -
refused "bare: the records' socket" EPERM connect records @x
refused "bare: sendto" EPERM send sendto upstream "$store" 3001
refused "bare: bind" EPERM bind client 0.0.0.0 9999
refused "bare: SO_MARK" EPERM option upstream 1 36
refused "bare: shut the listener" EPERM shutdown listener 2
refused "bare: bpf(MAP_CREATE)" EPERM bpf 0 control
refused "bare: bpf(MAP_UPDATE_ELEM)" EPERM bpf 2 control
refused "bare: bpf(MAP_GET_FD_BY_ID)" EPERM bpf 14 control
refused "bare: map control writable" "@(EPERM|EACCES|ENOTSUPP|EINVAL|ENODEV|524)" map control 3
refused "bare: map routes writable" EPERM map routes 3
refused "bare: the policies" "@(EACCES|EPERM)" open "$run_dir/pods"
refused "bare: the pins" EACCES open "/sys/fs/bpf/$RINGFENCE_INSTANCE/maps/allow"
refused "bare: kill the broker" EPERM process kill "$(recall "$STATE/broker.pid")"
refused "bare: trace the broker" EPERM process trace "$(recall "$STATE/broker.pid")"
refused "bare: fork" EPERM start fork x
refused "bare: exec" EPERM start exec /bin/true
refused "bare: unshare" EPERM namespace unshare 0x10000000
