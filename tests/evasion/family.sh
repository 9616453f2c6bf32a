#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# IPv6, and IPv4 dressed as IPv6. Only IPv4 is admitted for pods of the mesh; a v4-mapped address is judged as the IPv4 address it is.
# shellcheck source=tests/evasion/lib.sh
. "$(dirname "$0")/lib.sh"
hostile_world
plain_world

works "v4-mapped TCP" attack plain tcp family=6 to="$victim" port=3001 mark=MARK
attempt "v4-mapped TCP to a forbidden port" no-rule refused attack bookthief tcp family=6 to="$store" port=3001 mark=MARK
attempt "v4-mapped TCP to a checked port (its bytes are no request)" bad-request "connected*" attack bookthief tcp family=6 to="$store" port=3000 mark=MARK
attempt "TCP to a global IPv6 address" address-family refused attack bookthief tcp family=6 to=2001:db8::1 port=3001 mark=MARK
attempt "TCP to an IPv4-compatible IPv6 address" address-family refused attack bookthief tcp family=6 to="::$store" port=3001 mark=MARK
attempt "TCP to a NAT64 address" address-family refused attack bookthief tcp family=6 to="64:ff9b::$store" port=3001 mark=MARK
attempt "TCP to a 6to4 address" address-family refused attack bookthief tcp family=6 to=2002:a00:1::1 port=3001 mark=MARK
attempt "TCP to a link-local IPv6 address" address-family refused attack bookthief tcp family=6 to=fe80::1%eth0 port=3001 mark=MARK
attempt "TCP to all nodes of IPv6" address-family refused attack bookthief tcp family=6 to=ff02::1%eth0 port=3001 mark=MARK
attempt "UDP to all nodes of IPv6, sendto" address-family refused attack bookthief udp family=6 to=ff02::1%eth0 port=3001 mark=MARK
attempt "UDP to a global IPv6 address, connected" address-family refused attack bookthief udp family=6 to=2001:db8::1 port=3001 mark=MARK how=connected
attempt "an IPv6 packet by packet socket" ethertype sent attack bookthief packet to="$store" mark=MARK via=link ethertype=86dd
