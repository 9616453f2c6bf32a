#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Bytes where none are looked for: behind the end of a packet, in the options of a reset or of an empty segment. Whoever listens with a packet socket
# would read them.
# shellcheck source=tests/evasion/lib.sh
. "$(dirname "$0")/lib.sh"
hostile_world
plain_world

# hidden FAMILY STORE VICTIM
hidden() {
	local family=$1 to=$2 where reason
	works "$family: an RST with something in its options" attack plain packet to="$3" flags=R hide=options mark=MARK
	for where in options behind; do
		# A raw IPv4 socket corrects the length: then it is an RST with payload.
		reason=no-flow
		[ "$family,$where" != IPv4,behind ] || reason=malformed
		attempt "$family: an RST of no connection, $where, raw socket" $reason sent attack bookthief packet to="$to" flags=R hide=$where mark=MARK
		attempt "$family: an RST with ACK of no connection, $where, raw socket" $reason sent attack bookthief packet to="$to" flags=RA hide=$where mark=MARK
		attempt "$family: an RST of no connection, $where, packet socket" no-flow sent attack bookthief packet to="$to" flags=R hide=$where mark=MARK via=link
		attempt "$family: an empty segment of no connection, $where, raw socket" no-flow sent attack bookthief packet to="$to" flags=A hide=$where mark=MARK
		attempt "$family: an empty segment of no connection, $where, packet socket" no-flow sent attack bookthief packet to="$to" flags=A hide=$where mark=MARK via=link
		attempt "$family: an empty segment of the checker's connection, $where, raw socket" checker-bypass sent attack bookthief inject to="$to" port=3000 dial="$to" dialport=3000 mark=MARK via=raw hide=$where
		attempt "$family: an empty segment of the checker's connection, $where, packet socket" no-tag sent attack bookthief inject to="$to" port=3000 dial="$to" dialport=3000 mark=MARK via=link hide=$where
		attempt "$family: an RST of the checker's connection, $where, packet socket" no-tag sent attack bookthief inject to="$to" port=3000 dial="$to" dialport=3000 mark=MARK via=link hide=$where flags=R
	done
}

hidden IPv4 "$store" "$victim"
if [ -n "$store6" ]; then
	hidden IPv6 "$store6" "$victim6"
else
	skip "IPv6" "there is no IPv6"
fi
