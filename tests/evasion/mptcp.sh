#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# MPTCP: the first subflow is a connection like any other, and so is every one that joins it (MP_JOIN, RFC 8684 section 3.2), to whatever
# port the other end announces.
# shellcheck source=tests/evasion/lib.sh
. "$(dirname "$0")/lib.sh"
if ! grep -q '^MPTCP ' /proc/net/protocols; then
	skip "MPTCP" "this kernel has none"
	exit 0
fi
hostile_world
if [ "$(printf '5.19\n%s\n' "$(uname -r)" | sort -V | head -n 1)" != 5.19 ]; then
	attempt "MPTCP, on a kernel that cannot say whose subflow it is" no-tag refused attack bookbuyer tcp to="$store" port=3001 protocol=mptcp mark=MARK
	skip "MP_JOIN" "there is no first subflow"
	exit "$((failures > 0))"
fi
allowed "MPTCP to an allowed port" "connected, answered*" allow-rule attack bookbuyer tcp to="$store" port=3001 protocol=mptcp mark=MARK
attempt "MPTCP to a forbidden port" no-rule refused attack bookthief tcp to="$store" port=3001 protocol=mptcp mark=MARK
attempt "MPTCP to a forbidden port, MSG_FASTOPEN" no-rule refused attack bookthief tcp to="$store" port=3001 protocol=mptcp fastopen=1 mark=MARK
attempt "MPTCP to a checked port (its bytes are no request)" bad-request "connected*" attack bookthief tcp to="$store" port=3000 protocol=mptcp mark=MARK
attempt "MPTCP to the checker's port" checker-dialed refused attack bookthief tcp to="$thief" port=15001 protocol=mptcp mark=MARK
if [ -n "$store6" ]; then
	allowed "MPTCP over IPv6 to an allowed port" "connected, answered*" allow-rule attack bookbuyer tcp to="$store6" port=3001 protocol=mptcp mark=MARK
	attempt "MPTCP over IPv6 to a forbidden port" no-rule refused attack bookthief tcp to="$store6" port=3001 protocol=mptcp mark=MARK
fi
if ! ip mptcp limits >/dev/null 2>&1; then
	skip "MP_JOIN, a second subflow" "this iproute2 has no mptcp"
	exit "$((failures > 0))"
fi

# policy PORTS: bookbuyer may use these ports of bookstore; 3002 and 3003 are declared.
policy() {
	cat <<YAML
apiVersion: specs.smi-spec.io/v1alpha4
kind: TCPRoute
metadata: {name: multi, namespace: bookstore}
spec: {matches: {ports: [$1]}}
---
apiVersion: access.smi-spec.io/v1alpha3
kind: TrafficTarget
metadata: {name: multi, namespace: bookstore}
spec:
  destination: {kind: ServiceAccount, name: bookstore, namespace: bookstore}
  sources: [{kind: ServiceAccount, name: bookbuyer, namespace: bookbuyer}]
  rules: [{kind: TCPRoute, name: multi}]
---
apiVersion: v1
kind: Service
metadata: {name: multi, namespace: bookstore}
spec:
  selector: {app: bookstore}
  ports: [{name: tcp-a, port: 3002}, {name: tcp-b, port: 3003}]
YAML
}

apply_policy() {
	policy "$1" >"$WORK/multi.yaml"
	rf apply -f "$WORK/multi.yaml" >/dev/null || exit 1
}

# What a pod cannot do itself: its network lets subflows be added, and bookstore's announces another port (ADD_ADDR).
mp() {
	nsenter --net="$(netns_file "$1")" ip mptcp "${@:2}" || exit 1
}

serving() {
	grep -q serving "$WORK/mptcp-server"
}

mp bookbuyer limits set subflow 4 add_addr_accepted 4
mp bookstore limits set subflow 4 add_addr_accepted 4
mp bookstore endpoint add "$store" port 3003 signal
apply_policy 3002
in_pod bookstore python3 "$WORK/tools/mptcp.py" serve 3002 >"$WORK/mptcp-server" 2>&1 </dev/null &
disown $!
await 10 serving || { cat "$WORK/mptcp-server" && exit 1; }

dial() {
	coproc DIAL { in_pod bookbuyer python3 "$WORK/tools/mptcp.py" dial "$store" 3002 2>&1; }
	exec {dialled}<&"${DIAL[0]}"- {dialling}>&"${DIAL[1]}"-
	local text
	read -r -t 10 text <&"$dialled" || text="no answer"
	judge "$1" open "$text"
}

send() {
	local text
	echo hello >&"$dialling"
	read -r -t 10 text <&"$dialled" || text="no answer"
	echo "$text"
}

dial "a connection of two ends that speak MPTCP"
judge "it is one" "answered [0-9]" "$(send)"
expect "the announced port is forbidden: the join is refused" "*bookbuyer/bookbuyer*:3003*no-rule*" rf observe --verdict denied --last 50
judge "the connection has its first subflow only" "answered 0" "$(send)"
exec {dialling}>&- {dialled}<&-
wait
apply_policy "3002, 3003"
dial "again, with the announced port allowed"
expect "a second subflow joins" "answered 1" send
apply_policy 3002
expect "and is cut when its port is forbidden again" "answered 0" send
exec {dialling}>&- {dialled}<&-
wait
