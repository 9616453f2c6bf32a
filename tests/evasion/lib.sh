# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
# A throw-away mesh with a hostile pod. Sourced first by every test; see hostile_world, attempt and works below. Each line that is printed is
# one attempt: "ok    WHAT: ...", "FAIL  WHAT" or "SKIP  WHAT: reason"; tests/evasion/run counts them.
#
# How an attempt is judged: it carries a mark of its own; a camera in the victim's pod prints every frame that arrives; after the attempt an
# allowed request with a fence in its path is sent, and when the camera has shown the fence everything before it has been seen. So "the
# victim did not get it" is knowledge and not a race. Besides, the counter of the named reason must have grown and an event must name it.
# shellcheck source=tests/e2e/lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/../e2e/lib.sh"

export RINGFENCE_PATIENCE=${RINGFENCE_PATIENCE:-1}

# Starting Python is most of what an attempt costs, above all on an emulated machine: so one tests/tools/runner.py stays in each place, and
# every attempt, question and fence is a process forked from it. Request and answer go through two FIFOs that this shell holds open.
declare -A asked=() told_by=()

# runner_at PLACE [COMMAND]...: the command starts the runner there. Places: "here", a pod's namespace, or a test's own.
runner_at() {
	local place=$1 to from ready=''
	shift
	mkfifo "$WORK/runner-$place.in" "$WORK/runner-$place.out" || exit 1
	"$@" env RINGFENCE_PATIENCE="$RINGFENCE_PATIENCE" python3 "$WORK/tools/runner.py" <"$WORK/runner-$place.in" >"$WORK/runner-$place.out" 2>"$WORK/log/runner-$place" &
	disown $!
	exec {to}>"$WORK/runner-$place.in" {from}<"$WORK/runner-$place.out"
	asked[$place]=$to told_by[$place]=$from
	read -r -d '' -t $((20 * RINGFENCE_PATIENCE)) ready <&"$from"
	[ "$ready" = running ] || { echo "no runner in $place: $ready" && exit 1; }
}

runner_in() {
	runner_at "$1" in_pod "$1"
}

# tool PLACE NAME.py ARGUMENT...: what this tool prints when it runs there.
tool() {
	local place=$1 said
	shift
	if [ -z "${asked[$place]:-}" ]; then
		in_pod "$place" python3 "$WORK/tools/$1" "${@:2}" </dev/null
		return
	fi
	printf '%s\0' $# "$@" >&"${asked[$place]}"
	# Longer than the runner itself waits for a tool.
	if ! read -r -d '' -t $((40 * RINGFENCE_PATIENCE)) said <&"${told_by[$place]}"; then
		echo "the runner in $place is gone: $(cat "$WORK/log/runner-$place")"
		return 1
	fi
	printf '%s' "$said"
}

pod_address6() {
	status_of "[p.get('address6', '') for p in d['pods'] if p['ns'] == '$1'][0]"
}

run_pod() {
	local name=$1 namespace=$2
	shift 2
	rf run -n "$namespace" --name "$namespace" --net-raw -d "$@" -- python3 "$WORK/tools/server.py" "$name" 3000/http 3001/tcp 3053/udp 4001/http || exit 1
	await 30 server_ready "$namespace" || { not_started && exit 1; }
}

# Where each server is, in user space or in which call of the kernel.
not_started() {
	echo "a pod's server does not start"
	rf ps
	ps -eo pid,ppid,stat,time,wchan:24,args | awk '/ringfence|server\.py/'
	tail -n 5 /run/"$RINGFENCE_INSTANCE"/pods/*/log
}

# camera_on NAMESPACE: films what arrives there into $WORK/camera-NAMESPACE
camera_on() {
	: >"$WORK/camera-$1"
	in_pod "$1" python3 "$WORK/tools/camera.py" >"$WORK/camera-$1" 2>&1 </dev/null &
	disown $!
	await 30 grep -q rolling "$WORK/camera-$1" || { echo "no camera in $1: $(cat "$WORK/camera-$1")" && exit 1; }
}

# How a denied connection ends: by tc, which alone judges the checker's, always so; by connect() see find_denied.
denied=ECONNREFUSED

# The tutorial's three accounts: bookbuyer may buy, use 3001 and ask 3053 by UDP, bookthief may buy and not steal. bookthief is the hostile one and has raw sockets,
# as has bookstore, for the camera. plain and victim are two pods outside the mesh: what works between them shows that the attack is one.
hostile_world() {
	instance_up
	rf apply -f "$TOP/policies/bookstore/manifests" >/dev/null || exit 1
	rf namespace add bookstore bookbuyer bookthief >/dev/null || exit 1
	rf run -n bookstore --name bookstore --deployment bookstore/bookstore --net-raw -d -- python3 "$WORK/tools/server.py" bookstore 3000/http 3001/tcp 3053/udp 3054/udp || exit 1
	rf run -n bookbuyer --name bookbuyer --deployment bookbuyer/bookbuyer -d -- python3 "$WORK/tools/server.py" bookbuyer 4000/http || exit 1
	rf run -n bookthief --name bookthief --deployment bookthief/bookthief --net-raw -d -- python3 "$WORK/tools/server.py" bookthief 4001/http || exit 1
	await 30 servers_ready || { not_started && exit 1; }
	write_policy
	rf apply -f "$WORK/hostile.yaml" >/dev/null || exit 1
	# shellcheck disable=SC2034 # for the tests
	store=$(pod_address bookstore) thief=$(pod_address bookthief) buyer=$(pod_address bookbuyer)
	# shellcheck disable=SC2034 # for the tests; empty where there is no IPv6
	store6=$(pod_address6 bookstore) thief6=$(pod_address6 bookthief) buyer6=$(pod_address6 bookbuyer)
	camera_on bookstore
	find_denied
	runner_at here
	runner_in bookthief
	runner_in bookbuyer
	expect "the fence works" 200 get bookbuyer "/api/buy?fence"
}

# Before 5.18 a denied connect() ends in EPERM, as `check` finds out.
find_denied() {
	[[ $(rf check 2>&1) != *"connect() fails with EPERM"* ]] || denied=EPERM
}

servers_ready() {
	server_ready bookstore && server_ready bookbuyer && server_ready bookthief
}

write_policy() {
	cp "$TOP/policies/bookstore/traffic-access/http-route-group.yaml" "$WORK/hostile.yaml"
	cat >>"$WORK/hostile.yaml" <<'YAML'
---
apiVersion: specs.smi-spec.io/v1alpha4
kind: TCPRoute
metadata: {name: shop, namespace: bookstore}
spec: {matches: {ports: [3000]}}
---
apiVersion: specs.smi-spec.io/v1alpha4
kind: TCPRoute
metadata: {name: echo, namespace: bookstore}
spec: {matches: {ports: [3001]}}
---
apiVersion: access.smi-spec.io/v1alpha3
kind: TrafficTarget
metadata: {name: bookstore, namespace: bookstore}
spec:
  destination: {kind: ServiceAccount, name: bookstore, namespace: bookstore}
  sources:
    - {kind: ServiceAccount, name: bookbuyer, namespace: bookbuyer}
    - {kind: ServiceAccount, name: bookthief, namespace: bookthief}
  rules:
    - {kind: HTTPRouteGroup, name: bookstore-service-routes, matches: [buy-books]}
    - {kind: TCPRoute, name: shop}
---
apiVersion: access.smi-spec.io/v1alpha3
kind: TrafficTarget
metadata: {name: echo, namespace: bookstore}
spec:
  destination: {kind: ServiceAccount, name: bookstore, namespace: bookstore}
  sources:
    - {kind: ServiceAccount, name: bookbuyer, namespace: bookbuyer}
  rules:
    - {kind: TCPRoute, name: echo}
---
apiVersion: v1
kind: Service
metadata: {name: bookstore-echo, namespace: bookstore}
spec:
  selector: {app: bookstore}
  ports:
    - {name: tcp-echo, port: 3001, targetPort: 3001}
---
apiVersion: specs.smi-spec.io/v1alpha4
kind: UDPRoute
metadata: {name: questions, namespace: bookstore}
spec: {matches: {ports: [3053, 3055]}}
---
apiVersion: access.smi-spec.io/v1alpha3
kind: TrafficTarget
metadata: {name: questions, namespace: bookstore}
spec:
  destination: {kind: ServiceAccount, name: bookstore, namespace: bookstore}
  sources:
    - {kind: ServiceAccount, name: bookbuyer, namespace: bookbuyer}
  rules:
    - {kind: UDPRoute, name: questions}
---
apiVersion: v1
kind: Service
metadata: {name: questions, namespace: bookstore}
spec:
  ipFamilyPolicy: PreferDualStack
  selector: {app: bookstore}
  ports:
    - {name: ask, protocol: UDP, port: 53, targetPort: 3053}
YAML
}

# Two pods outside the mesh, where nothing is forbidden.
plain_world() {
	printf 'apiVersion: v1\nkind: Namespace\nmetadata: {name: %s}\n---\n' plain victim >"$WORK/plain.yaml"
	rf apply -f "$WORK/plain.yaml" >/dev/null || exit 1
	run_pod plain plain
	run_pod victim victim
	# shellcheck disable=SC2034 # for the tests
	plain=$(pod_address plain) victim=$(pod_address victim) plain6=$(pod_address6 plain) victim6=$(pod_address6 victim)
	camera_on victim
	runner_in plain
}

# attack PLACE NAME KEY=VALUE...
attack() {
	tool "$1" attack.py "${@:2}"
}

probe() {
	tool "$1" probe.py "$2"
}

counter() {
	tool here ask_agent.py counter "$1"
}

# An event of this reason after the moment.
told() {
	[ "$(tool here ask_agent.py told "$1" "$2")" = told ]
}

# As events write the time.
now() {
	local t=${EPOCHREALTIME/,/.}
	TZ=UTC0 printf "%(%Y-%m-%dT%H:%M:%S)T.%.3sZ\n" "${t%.*}" "${t#*.}"
}

marks=0
next_mark() {
	marks=$((marks + 1))
	mark=evade-$$-$marks-
}

# fence: everything that arrived at bookstore until now is in the film afterwards
fence() {
	local text=fence-$$-$marks
	probe bookbuyer "{\"dial\":\"$STORE\",\"port\":80,\"requests\":[{\"path\":\"/api/buy?$text\",\"host\":\"$STORE\"}]}" >/dev/null
	await 15 grep -q "$text" "$WORK/camera-bookstore"
}

# What is denied by the checker has no counter in the kernel, only its event.
by_the_checker() {
	[[ $1 == @(no-route|route-for-others|bad-request|bad-path) ]]
}

# attempt WHAT REASON RESULT COMMAND...: the command ("MARK" in it is replaced) must end as the pattern RESULT says, for REASON ("-": for none
# that a counter shows), and bookstore must not get the mark nor a SYN of bookthief for another port than the one the policy names.
attempt() {
	local what=$1 reason=$2 expected=$3 before since result
	shift 3
	[ "$denied" = ECONNREFUSED ] || { expected=${expected//ECONNREFUSED/$denied} && expected=${expected//refused/@(refused|$denied)}; }
	next_mark
	before=$(counter "$reason") since=$(now)
	result=$("${@//MARK/$mark}" 2>&1)
	# shellcheck disable=SC2053 # a pattern is meant
	[[ $result == $expected ]] || { judge "$what" "$expected" "$result" && return; }
	fence || { judge "$what" "the fence seen" "no fence: the camera is blind" && return; }
	if grep -q "$mark" "$WORK/camera-bookstore"; then
		judge "$what" "nothing at the victim" "$(grep -m 1 "$mark" "$WORK/camera-bookstore")"
	elif [ "$reason" = - ]; then
		judge "$what" "*" "$result, nothing at the victim"
	elif ! await 10 told "$reason" "$since" || { ! by_the_checker "$reason" && [ "$(counter "$reason")" -le "$before" ]; }; then
		judge "$what" "reason $reason" "$result, but the counter went from $before to $(counter "$reason"): $(rf observe --verdict denied --last 3)"
	else
		judge "$what" "*" "$result, nothing at the victim, $reason"
	fi
}

# allowed WHAT RESULT REASON COMMAND...: what must work, as RESULT, counted as REASON: the defence is not simply a wall.
allowed() {
	local what=$1 expected=$2 reason=$3 before result
	shift 3
	next_mark
	before=$(counter "$reason")
	result=$("${@//MARK/$mark}" 2>&1)
	# shellcheck disable=SC2053 # a pattern is meant
	[[ $result != $expected ]] || [ "$(counter "$reason")" -gt "$before" ] || result="$result, but $reason was not counted"
	judge "$what" "$expected" "$result"
}

# works WHAT COMMAND...: the same attack where nothing forbids it (sent to $victim) does arrive: otherwise it would prove nothing.
works() {
	local what=$1
	shift
	next_mark
	result=$("${@//MARK/$mark}" 2>&1)
	if await 15 grep -q "$mark" "$WORK/camera-victim"; then
		judge "outside the mesh it works: $what" "*" "$result"
	else
		judge "outside the mesh it works: $what" "the mark at the victim" "$result, not seen"
	fi
}

# hex ADDRESS
hex() {
	# shellcheck disable=SC2046,SC2086 # four words
	printf '%02x' ${1//./ }
}

skip() {
	printf 'SKIP  %s: %s\n' "$1" "$2"
}

# service_address NAMESPACE: of the Service of that name, as the pods know it
service_address() {
	in_pod bookthief getent hosts "$1.$1.svc.cluster.local" | cut -d' ' -f1
}

# netns_file NAMESPACE: the file of the pod's network namespace
netns_file() {
	echo "/run/$RINGFENCE_INSTANCE/pods/$1_$1/netns"
}
