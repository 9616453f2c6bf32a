# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
# For tests that change the agent under load, after lib.sh: a world in which somebody tries what is forbidden all the time, and one allowed
# connection carries numbers to and fro. Descriptors 11 to 14 are taken.
# besiege NAME NAMESPACE KIND PORT: $WORK/NAME.out gets "open", then the result once a line comes through $WORK/NAME.in.
besiege() {
	mkfifo "$WORK/$1.in"
	in_pod "$2" python3 "$WORK/tools/siege.py" "$3" "$store" "$4" <"$WORK/$1.in" >"$WORK/$1.out" 2>&1 &
}
result() { tail -n 1 "$WORK/$1.out"; }
is_open() { grep -q open "$WORK/$1.out"; }

besieged_world_up() {
	local name
	world_up
	store=$(pod_address bookstore)
	buyer_only
	expect "bookbuyer buys" "200 404" get bookbuyer /api/buy /
	besiege thief-http bookthief forbidden-connect 3000
	exec 11>"$WORK/thief-http.in"
	besiege thief-tcp bookthief forbidden-connect 3001
	exec 12>"$WORK/thief-tcp.in"
	besiege buyer-steals bookbuyer forbidden-request 3000
	exec 13>"$WORK/buyer-steals.in"
	besiege stream bookbuyer stream 3001
	exec 14>"$WORK/stream.in"
	for name in thief-http thief-tcp buyer-steals stream; do
		await 10 is_open "$name" || { echo "$name does not start" && cat "$WORK/$name.out" && exit 1; }
	done
}

# Everybody is told to end; nothing forbidden ever passed. What became of the stream is in `result stream`: numbers, broken.
siege_ends() {
	local fd name
	for fd in 11 12 13 14; do
		(echo end >&"$fd") 2>/dev/null # who has ended already does not listen
	done
	for name in thief-http thief-tcp buyer-steals; do
		expect "$name: tries, breaches" "[1-9]* 0" result "$name"
	done
}

# map FIELD NAME: what the kernel says about a pinned map.
map() { bpftool -j map show pinned "$PINS/maps/$2" | json "d['$1']"; }
trees() { (cd /sys/fs/bpf && echo "$RINGFENCE_INSTANCE"*); }
hooked() { status_of "all(p['hooked'] for p in d['pods']) and len(d['pods']) == 3"; }
# A connection of a pod to the echo server: how it went and what came back.
echoes() { probe "$1" "{\"dial\":\"$store\",\"port\":3001,\"proto\":\"tcp\",\"send\":\"hello\"}" | json "d['connect'], d.get('received')"; }
# shellcheck disable=SC2034 # scripts/lib looks there
use() { BUILD=$1; }

# whole WHAT: everything works, for those who may.
whole() {
	expect "$1: every pod is hooked" True hooked
	expect "$1: one tree" "$RINGFENCE_INSTANCE" trees
	expect "$1: new requests" "200 404" get bookbuyer /api/buy /
	expect "$1: a new connection" "*ok*hello*" echoes bookbuyer
	expect "$1: nobody else's" "*refused*" echoes bookthief
}
