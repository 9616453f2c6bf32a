#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# UDP between pods of the mesh, in every way in which a destination can be named: refused by system call, and by packet.
# shellcheck source=tests/evasion/lib.sh
. "$(dirname "$0")/lib.sh"
hostile_world
plain_world

works "UDP, sendto" attack plain udp to="$victim" port=3001 mark=MARK
works "UDP, connected" attack plain udp to="$victim" port=3001 mark=MARK how=connected
works "UDP, another destination than connected to" attack plain udp to="$victim" port=3001 mark=MARK how=other family=6
works "UDP, IPv4, another destination than connected to" attack plain udp to="$victim" port=3001 mark=MARK how=other
works "UDP by raw socket" attack plain packet to="$victim" protocol=17 mark=MARK
attempt "UDP, connected" datagram refused attack bookthief udp to="$store" port=3001 mark=MARK how=connected
attempt "UDP, sendto" datagram refused attack bookthief udp to="$store" port=3001 mark=MARK
attempt "UDP, sendmsg with a destination" datagram refused attack bookthief udp to="$store" port=3001 mark=MARK how=sendmsg
attempt "UDP, connected to oneself, sendmsg to another destination" datagram refused attack bookthief udp to="$store" port=3001 mark=MARK how=other
attempt "UDP, allowed destination first" datagram refused attack bookthief udp to="$store" port=3001 mark=MARK how=many
attempt "UDP, v4-mapped, connected" datagram refused attack bookthief udp to="$store" port=3001 mark=MARK how=connected family=6
attempt "UDP, v4-mapped, sendto" datagram refused attack bookthief udp to="$store" port=3001 mark=MARK family=6
attempt "UDP, v4-mapped, connected to oneself first" datagram refused attack bookthief udp to="$store" port=3001 mark=MARK how=other family=6
attempt "UDP-Lite, connected" ip-protocol sent attack bookthief udp to="$store" port=3001 mark=MARK how=connected lite=1
attempt "UDP-Lite, sendto" datagram refused attack bookthief udp to="$store" port=3001 mark=MARK lite=1
attempt "UDP to where TCP is allowed" datagram refused attack bookbuyer udp to="$store" port=3001 mark=MARK
attempt "UDP by raw socket" datagram sent attack bookthief packet to="$store" protocol=17 mark=MARK
attempt "UDP by packet socket" datagram sent attack bookthief packet to="$store" protocol=17 mark=MARK via=link
attempt "UDP from outside: a process of the machine" datagram "*" attack here udp to="$store" port=3001 mark=MARK
