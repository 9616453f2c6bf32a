#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Sockets that somebody else made: a socket is the pod's whose process created it, for ever, whoever holds it. So a gift gives away what the
# giver may do, and nothing else; what nobody's pod created is nobody's.
# shellcheck source=tests/evasion/lib.sh
. "$(dirname "$0")/lib.sh"
hostile_world
thief_net=$(netns_file bookthief)
buyer_net=$(netns_file bookbuyer)


# given WHAT REASON RESULT MAKER USER PORT [connect=maker]
given() {
	attempt "$1" "$2" "$3" tool here passing.py "$4" "$5" to="$store" port="$6" mark=MARK cli="$BUILD/ringfence" "${@:7}"
}

given "bookthief's socket, connected by bookbuyer" no-rule refused bookthief/bookthief bookbuyer/bookbuyer 3001
given "bookthief's socket, connected by bookbuyer to a checked port" bad-request "*" bookthief/bookthief bookbuyer/bookbuyer 3000
given "bookbuyer's socket, connected by bookthief to what bookbuyer may not" no-rule refused bookbuyer/bookbuyer bookthief/bookthief 3999
given "made by the machine in bookthief's network, connected by bookthief" no-tag refused "netns:$thief_net" bookthief/bookthief 3001
given "made by the machine in bookthief's network, to a checked port" no-tag refused "netns:$thief_net" bookthief/bookthief 3000
given "made by the machine in bookbuyer's network, connected by bookthief to what bookbuyer may" no-tag refused "netns:$buyer_net" bookthief/bookthief 3001
given "made and connected by the machine in bookbuyer's network" no-tag "*refused" "netns:$buyer_net" bookthief/bookthief 3001 connect=maker
given "made by the machine in its own network, connected by bookthief" no-ingress refused here bookthief/bookthief 3001
given "bookthief's socket, connected by a process of the machine" no-rule refused bookthief/bookthief here 3001
given "bookthief's socket, connected by a process of the machine in bookbuyer's network" no-rule refused bookthief/bookthief "netns:$buyer_net" 3001

# What is not prevented, and under whose name it is seen: bookbuyer lends what bookbuyer may do.
next_mark
since=$(now)
for connect in maker user; do
	result=$(tool here passing.py bookbuyer/bookbuyer bookthief/bookthief to="$store" port=3001 mark="$mark$connect" cli="$BUILD/ringfence" connect=$connect)
	judge "bookbuyer's socket, connected by the $connect, is bookbuyer's" answered "$result"
done
expect "and the records name bookbuyer" "bookbuyer/bookbuyer" sh -c "'$BUILD/ringfence' observe --verdict allowed --last 200 -o json | python3 -c '
import json, sys
for line in sys.stdin:
    e = json.loads(line)
    if e.get(\"port\") == 3001 and e[\"time\"] >= \"$since\":
        print(e[\"source\"]); break'"
