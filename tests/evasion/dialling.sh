#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Ways to open a TCP connection that might miss connect(), the redirect or the checker.
# shellcheck source=tests/evasion/lib.sh
. "$(dirname "$0")/lib.sh"
hostile_world
plain_world

works "TCP" attack plain tcp to="$victim" port=3001 mark=MARK
works "MSG_FASTOPEN" attack plain tcp to="$victim" port=3001 fastopen=1 mark=MARK
works "bound to the device" attack plain tcp to="$victim" port=3001 device=eth0 mark=MARK
attempt "a forbidden port" no-rule refused attack bookthief tcp to="$store" port=3001 mark=MARK
attempt "MSG_FASTOPEN with data to a forbidden port" no-rule refused attack bookthief tcp to="$store" port=3001 fastopen=1 mark=MARK
attempt "MSG_FASTOPEN with data to a checked port" bad-request "connected*" attack bookthief tcp to="$store" port=3000 fastopen=1 mark=MARK
attempt "SO_BINDTODEVICE to a forbidden port" no-rule refused attack bookthief tcp to="$store" port=3001 device=eth0 mark=MARK
attempt "SO_BINDTODEVICE to a checked port" bound-device refused attack bookthief tcp to="$store" port=3000 device=eth0 mark=MARK
if [ "$(attack bookthief udp to=127.0.0.1 port=9 somark=1 mark=none)" = EPERM ]; then
	skip "SO_MARK with --net-raw" "before 5.17 a mark needs CAP_NET_ADMIN, which no pod has"
else
	attempt "SO_MARK of our own resets, to a forbidden port" no-rule refused attack bookthief tcp to="$store" port=3001 somark=0x52464e43 mark=MARK
	attempt "SO_MARK on a raw packet" no-rule sent attack bookthief packet to="$store" somark=0x52464e43 mark=MARK
	attempt "SO_MARK on a packet socket" no-tag sent attack bookthief packet to="$store" somark=0x52464e43 mark=MARK via=link
	attempt "SO_MARK on UDP by packet socket" no-tag sent attack bookthief packet to="$store" protocol=17 somark=0x52464e43 mark=MARK via=link
fi
attempt "SO_MARK in a pod without --net-raw" - EPERM attack bookbuyer tcp to="$store" port=3001 somark=1 mark=MARK
attempt "a loose source route over the victim to an allowed destination" ip-options "timeout" attack bookthief tcp to="$store" port=3000 options="830704$(hex "$buyer")00" mark=MARK
attempt "IP options on an allowed connection" ip-options "timeout" attack bookbuyer tcp to="$store" port=3001 options=01010100 mark=MARK
attempt "bound to another pod's address" - EADDRNOTAVAIL attack bookthief tcp to="$store" port=3001 from="$buyer" mark=MARK
attempt "bound to another pod's address with IP_FREEBIND" no-rule refused attack bookthief tcp to="$store" port=3001 from="$buyer" foreign=1 mark=MARK
attempt "bound to bookstore's own address with IP_FREEBIND" - ENETUNREACH attack bookthief tcp to="$store" port=3000 from="$store" foreign=1 mark=MARK

attempt "the checker's port in the own pod" checker-dialed refused attack bookthief tcp to="$thief" port=15001 mark=MARK
attempt "the same v4-mapped" checker-dialed refused attack bookthief tcp family=6 to="$thief" port=15001 mark=MARK
attempt "the same by 127.0.0.1" - refused attack bookthief tcp to=127.0.0.1 port=15001 mark=MARK
attempt "the same by 0.0.0.0 from the pod's address" checker-dialed refused attack bookthief tcp to=0.0.0.0 from="$thief" port=15001 mark=MARK
attempt "the same by ::ffff:0.0.0.0 from the pod's address" checker-dialed refused attack bookthief tcp family=6 to=0.0.0.0 from="$thief" port=15001 mark=MARK
attempt "the checker's port of another pod" "no-rule" refused attack bookthief tcp to="$store" port=15001 mark=MARK
attempt "the checker's port of another pod, raw socket" "no-rule" sent attack bookthief packet to="$store" port=15001 mark=MARK
attempt "the checker's port from the machine" checker-dialed refused attack here tcp to="$store" port=15001 mark=MARK
attempt "an own listener on the checker's port" - "taken" in_pod bookthief python3 -c "
import errno, socket
def listen(address, family=socket.AF_INET):
    s = socket.socket(family)
    s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
    try:
        s.bind((address, 15001)); s.listen()
        return True
    except OSError as e:
        return e.errno != errno.EADDRINUSE
print('got it' if listen('$thief') or listen('0.0.0.0') or listen('::', socket.AF_INET6) else 'taken')"
# To oneself there is no policy: the pod's own socket answers, by its address and through its own Service; nobody else gets anything.
attempt "to oneself, own address" - "connected*" attack bookthief tcp to="$thief" port=4001 mark=MARK
attempt "to oneself, through the own Service" - "connected*" attack bookthief tcp to="$(service_address bookthief)" port=80 mark=MARK
attempt "another's Service address, a port that it does not have" no-service refused attack bookthief tcp to="$(service_address bookstore)" port=3001 mark=MARK
attempt "an address of the Service range that nobody has" no-service refused attack bookthief tcp to="${RINGFENCE_SERVICE_CIDR%.*.*}.250.250" port=80 mark=MARK
