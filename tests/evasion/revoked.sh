#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Connections that were allowed once: after the policy has changed nothing more comes through, however they were opened.
# shellcheck source=tests/evasion/lib.sh
. "$(dirname "$0")/lib.sh"
hostile_world

# keep NAMESPACE PORT: a connection in the background which sends each line it is given; `line TEXT` sends one and prints what came back.
keep() {
	if [ -n "${keeper:-}" ]; then
		exec {keeper}>&- {kept}<&- # the one before ends
		wait
	fi
	coproc KEEP { in_pod "$1" python3 "$WORK/tools/lines.py" "$2" "$3" 2>&1; }
	exec {kept}<&"${KEEP[0]}"- {keeper}>&"${KEEP[1]}"-
	local text
	read -r -t 10 text <&"$kept" || text="no answer"
	judge "$1 has a connection to $2:$3" open "$text"
}

line() {
	local text
	printf '%s\n' "$1" >&"$keeper"
	read -r -t 10 text <&"$kept" || text="nothing"
	echo "$text"
}

revoke() {
	rf delete -f "$WORK/hostile.yaml" >/dev/null || exit 1
}

allow() {
	rf apply -f "$WORK/hostile.yaml" >/dev/null || exit 1
}

# gone WHAT TEXT: the fence needs a policy, which must not allow again what is tested: by then the connection has tried.
gone() {
	next_mark
	judge "$1: the sender" "ended" "$(line "${2//MARK/$mark}")"
	allow
	fence || judge "$1" "the fence seen" "no fence"
	judge "$1: the victim" "nothing" "$(grep -m 1 "$mark" "$WORK/camera-bookstore" || echo nothing)"
}

keep bookbuyer "$store" 3001
judge "an L4 connection" answered "$(line hello)"
revoke
gone "an L4 connection after the change" MARK

keep bookthief "$STORE" 80
judge "a kept-alive connection" "200" "$(line "GET /api/buy HTTP/1.1\\r\\nHost: $STORE\\r\\n\\r\\n")"
revoke
gone "a kept-alive connection after the change" "GET /api/buy?MARK HTTP/1.1\\r\\nHost: $STORE\\r\\n\\r\\n"

keep bookthief "$STORE" 80
judge "half a request" "nothing yet" "$(line "GET /api/buy?")"
revoke
gone "the other half after the change" "MARK HTTP/1.1\\r\\nHost: $STORE\\r\\n\\r\\n"

keep bookthief "$STORE" 80
judge "a request with half its body" "nothing yet" "$(line "GET /api/buy HTTP/1.1\\r\\nHost: $STORE\\r\\nContent-Length: 1000\\r\\n\\r\\nhalf")"
revoke
gone "the other half of the body after the change" "MARK"

keep bookthief "$STORE" 80
judge "a tunnel" 101 "$(line "GET /api/buy HTTP/1.1\\r\\nHost: $STORE\\r\\nConnection: Upgrade\\r\\nUpgrade: echo\\r\\n\\r\\n")"
judge "bytes through the tunnel" answered "$(line hello)"
revoke
gone "the tunnel after the change" MARK
