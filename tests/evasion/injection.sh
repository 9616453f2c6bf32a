#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Packets of the attacker's own making on a connection that the checker has open from the attacker's pod: right addresses, right sequence
# numbers, a request that the policy forbids. A raw socket belongs to the pod, a packet socket to nobody.
# shellcheck source=tests/evasion/lib.sh
. "$(dirname "$0")/lib.sh"
hostile_world

# inject VIA REASON WHAT [KEY=VALUE]...
inject() {
	attempt "$3, $1 socket" "$2" sent attack bookthief inject to="$store" port=3000 dial="$STORE" mark=MARK via="$1" "${@:4}"
}

inject raw checker-bypass "a request into the checker's live connection"
inject raw checker-bypass "the same with a wrong checksum" sum=bad
inject raw checker-bypass "the same with FIN" flags=FA
inject raw malformed "payload in an RST" flags=R
inject raw checker-bypass "a new SYN with payload on its 4-tuple" flags=S
inject link no-tag "a request into the checker's live connection"
inject link no-tag "the same with a wrong checksum" sum=bad
inject link no-tag "the same with FIN" flags=FA
inject link malformed "payload in an RST" flags=R
inject link no-tag "a new SYN with payload on its 4-tuple" flags=S
