#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# A pod dies with a connection open and another account's pod gets its address: it inherits nothing.
# shellcheck source=tests/evasion/lib.sh
. "$(dirname "$0")/lib.sh"
hostile_world
address=${RINGFENCE_POD_CIDR%.0.0/16}.77.77

rf run -n bookbuyer --name late --service-account bookbuyer --ip "$address" -d -- python3 -c "
import socket, time
s = socket.socket()
s.bind(('', 45454))
s.connect(('$store', 3001))
print('ready, pid', flush=True)
while True:
    time.sleep(1000)" >/dev/null || exit 1
late_ready() {
	rf logs bookbuyer/late 2>/dev/null | grep -q 'ready, pid'
}
await 10 late_ready || { rf logs bookbuyer/late && exit 1; }
rf stop bookbuyer/late --timeout 0 >/dev/null 2>&1 || rf stop bookbuyer/late >/dev/null || exit 1

rf run -n bookthief --name heir --service-account bookthief --ip "$address" --net-raw -d -- python3 "$WORK/tools/server.py" heir 45455/tcp >/dev/null || exit 1
heir_ready() {
	rf logs bookthief/heir 2>/dev/null | grep -q 'ready, pid'
}
await 10 heir_ready || { rf logs bookthief/heir && exit 1; }

runner_at heir rf exec bookthief/heir --
heir() {
	attack heir "$@"
}

judge "the heir has the dead pod's address" "$address" "$(status_of "[p['address'] for p in d['pods'] if p['name'] == 'heir'][0]")"
attempt "the heir goes on with the dead pod's connection" no-flow sent heir packet to="$store" sport=45454 port=3001 flags=PA mark=MARK
attempt "the heir ends the dead pod's connection with payload" malformed sent heir packet to="$store" sport=45454 port=3001 flags=R mark=MARK
attempt "the heir opens it again" no-rule refused heir tcp to="$store" port=3001 sport=45454 mark=MARK
attempt "the heir opens it again by raw socket" no-rule sent heir packet to="$store" sport=45454 port=3001 flags=S mark=MARK
