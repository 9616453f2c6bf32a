#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Runs alone: a bound in milliseconds.
# A revision that forbids connections cuts them on both sides within 100 ms, whatever they do: idle, still in SYN_SENT, tunnels through the
# checker, kept-alive connections between two requests. FLOWS=1000 in all. A route that goes takes its tunnels with it, and the next request
# of a kept-alive connection is decided by the new revision.
# shellcheck source=tests/e2e/lifecycle/lib.sh
. "$(dirname "$0")/lib.sh"
FLOWS=${LIFECYCLE_FLOWS:-1000}
# Milliseconds. The bound is for the whole: switch in the kernel to the last of all ends as its owner sees it.
BOUND=$((100 * ${RINGFENCE_PATIENCE:-1}))

instance_up
rf apply -f "$TOP/policies/bookstore/manifests" >/dev/null || exit 1
rf namespace add bookstore bookbuyer >/dev/null || exit 1

# target KIND ROUTES: a TrafficTarget from bookbuyer to bookstore.
target() {
	cat <<-YAML
		---
		apiVersion: access.smi-spec.io/v1alpha3
		kind: TrafficTarget
		metadata: {name: $2, namespace: bookstore}
		spec:
		  destination: {kind: ServiceAccount, name: bookstore, namespace: bookstore}
		  sources: [{kind: ServiceAccount, name: bookbuyer, namespace: bookbuyer}]
		  rules: [{kind: $1, name: $2}]
	YAML
}

# allowed NAME...: bookbuyer may use bookstore's paths that end so, and its TCP ports; without a name: nothing.
allowed() {
	local name
	cat <<-'YAML'
		apiVersion: v1
		kind: Service
		metadata: {name: shop, namespace: bookstore}
		spec:
		  selector: {app: bookstore}
		  ports:
		    - {port: 3000, targetPort: 3000, name: http}
		    - {port: 3001, targetPort: 3001, name: tcp-a}
		    - {port: 3002, targetPort: 3002, name: tcp-b}
	YAML
	[ $# -gt 0 ] || return 0
	printf -- '---\napiVersion: specs.smi-spec.io/v1alpha4\nkind: HTTPRouteGroup\nmetadata: {name: web, namespace: bookstore}\nspec:\n  matches:\n'
	for name in "$@"; do
		printf '    - {name: %s, pathRegex: "/.*%s", methods: [GET]}\n' "$name" "$name"
	done
	printf -- '---\napiVersion: specs.smi-spec.io/v1alpha4\nkind: TCPRoute\nmetadata: {name: tcp, namespace: bookstore}\nspec: {matches: {ports: [3001, 3002]}}\n'
	target HTTPRouteGroup web
	target TCPRoute tcp
}

# live: these policies, and the revision that follows from them; sets $switched to its moment in monotonic nanoseconds.
live() {
	local before
	before=$(epoch)
	allowed "$@" >"$WORK/policies/.web" && mv "$WORK/policies/.web" "$WORK/policies/web.yaml"
	soon newer "$before" || complain "no new revision"
	# shellcheck disable=SC2034 # read by the judges
	switched=$(control 'd["formatted"]["value"]["switched_ns"]')
}

control() {
	bpftool -j map lookup pinned "/sys/fs/bpf/$RINGFENCE_INSTANCE/maps/control" key 0 0 0 0 | json "$1"
}

newer() {
	[ "$(control 'd["formatted"]["value"]["epoch"]')" -gt "$1" ]
}

# hold NAME POD ARGUMENT...: holders.py in that pod; `report NAME` asks for its report.
hold() {
	local name=$1 pod=$2 fd
	shift 2
	mkfifo "$WORK/$name.in"
	: >"$WORK/$name.out"
	rf exec "$pod" -- python3 "$WORK/holders.py" "$@" <"$WORK/$name.in" >"$WORK/$name.out" 2>&1 &
	exec {fd}>"$WORK/$name.in"
	eval "${name}_fd=$fd"
	await 30 grep -q '^ready' "$WORK/$name.out" || { echo "$name does not start: $(tail -n 5 "$WORK/$name.out")" && exit 1; }
	sed -n '/^ready/p' "$WORK/$name.out"
}

report() {
	local variable="${1}_fd" fd
	fd=${!variable}
	echo report >&"$fd"
	exec {fd}>&-
	rm "$WORK/$1.in"
	await 10 grep -q '^{' "$WORK/$1.out" || { echo '{}' && return; }
	grep '^{' "$WORK/$1.out"
}

# cut_of NAME KIND: "ENDED of HELD in MS ms: HOW".
cut_of() {
	json "'%d of %d in %d ms: %s' % ((lambda k: (k['ended'], k['held'], (k['last_ns'] - $switched) // 1000000, ' '.join(sorted(k['how']))))(d['$2']))" \
		<"$WORK/$1.report"
}

# judge_cut NAME KIND HELD HOW: all of them have ended, in that way; the slowest of all is kept in $slowest.
judge_cut() {
	local said ms
	said=$(cut_of "$1" "$2" 2>&1)
	judge "$1, $2: cut" "$3 of $3 in * ms: $4" "$said"
	ms=$(sed -n 's/.* in \([-0-9]*\) ms.*/\1/p' <<<"$said")
	[ "${ms:-9999}" -le "$slowest" ] || slowest=${ms:-9999}
}

# How an end is told: by a reset, by the kernel's abort, or, to a SYN that was sent once more before its socket's turn came, by a refusal.
told="@(ECONNABORTED|ECONNRESET|ECONNABORTED ECONNRESET)"
told_early="@(*ECONNABORTED*|ECONNREFUSED)"

# in_time WHAT ROUND...: each ROUND is a function; the bound has to hold in one of three, for a busy machine has delays of its own.
in_time() {
	local try slowest
	for try in 1 2 3; do
		slowest=0
		"$2"
		[ "$slowest" -gt "$BOUND" ] || break
		echo "      round $try: $slowest ms"
	done
	if [ "$slowest" -le "$BOUND" ]; then echo "ok    $1: the last of all after $slowest ms"; else complain "$1: the last of all after $slowest ms, in three rounds"; fi
}

rf run -n bookstore --service-account bookstore --name bookstore --deployment bookstore/bookstore -d -- sleep infinity >/dev/null || exit 1
rf run -n bookbuyer --service-account bookbuyer --name bookbuyer -d -- sleep infinity >/dev/null || exit 1
store=$(pod_address bookstore)
tunnels=$((FLOWS / 20)) waiting=$((FLOWS / 20))
idle=$((FLOWS - 2 * tunnels - waiting))

# begin_round KIND=COUNT...
begin_round() {
	live buy tunnel
	hold server bookstore/bookstore server
	hold client bookbuyer/bookbuyer client "$store" "$@"
}

end_round() {
	report client >"$WORK/client.report"
	report server >"$WORK/server.report"
	[ -z "$LONG" ] || cat "$WORK"/*.report
}

pair_goes() {
	begin_round "idle=$idle" "syn=$waiting" "tunnel=$tunnels" "alive=$tunnels"
	live
	end_round
	judge_cut client idle $idle "$told"
	judge_cut client syn '[1-9]*' "$told_early"
	for kind in tunnel alive; do
		judge_cut client $kind $tunnels ECONNRESET
		judge_cut server $kind $tunnels "$told"
	done
	judge_cut server idle $idle "$told"
}

# Only the route of the tunnels goes; the pair stays an L7 pair.
route_goes() {
	begin_round idle=5 tunnel=20 alive=5
	live buy
	end_round
	judge_cut client tunnel 20 ECONNRESET
	judge_cut server tunnel 20 ECONNRESET
	judge "client: what is still allowed goes on" "0 0" "$(json "'%d %d' % (d['idle']['ended'], d['alive']['ended'])" <"$WORK/client.report")"
}

in_time "$FLOWS connections of a pair that may not any more" pair_goes
in_time "tunnels whose route goes" route_goes
