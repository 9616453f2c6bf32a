#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Entries and pins of the kernel's tables that somebody alters by hand: nothing forbidden passes meanwhile, the agent puts them back.
# shellcheck source=tests/e2e/lib.sh
. "$(dirname "$0")/lib.sh"
foreign=$(tool foreign)
world_up
buyer_only
besiege http bookthief forbidden-connect 3000
besiege tcp bookthief forbidden-connect 3001
besiege steal bookbuyer forbidden-request 3000
expect "an allowed request passes" 200 get bookbuyer /api/buy
expect "and all is well" 0 exit_code_of rf status

altered() { [ "$(python3 "$WORK/tools/mapedit.py" "$PINS/maps/$1" "$2" "$(cgroup_id_of "$3")")" -ge 1 ]; }
for map in pods peers links; do
	mends map-entries "bookstore is deleted from $map" altered $map delete bookstore
done
for map in pods peers; do
	mends map-entries "bookthief is another in $map" altered $map spoil bookthief
done
mends map-entries "bookbuyer's interface is another pod's" altered links spoil bookbuyer

mends live-pin "live/allow is removed" rm "$PINS/live/allow"
mends map-pin "maps/flows is removed" rm "$PINS/maps/flows"
mends map-pin "maps/dials is removed" rm "$PINS/maps/dials"
mends program-pin "progs/rf_connect4 is removed" rm "$PINS/progs/rf_connect4"
replaced() { rm "$PINS/progs/rf_from_pod" && "$foreign" pin "$PINS/progs/rf_from_pod"; }
mends program-pin "progs/rf_from_pod is another program" replaced
expect_now "which never ran" 0 status_of "d['repairs'].get('tc-from-pod', 0)"

# The number of the live revision: one that never was denies everything, and so does 0.
now=$(epoch)
number() { [ "$(python3 "$WORK/tools/mapedit.py" "$PINS/maps/control" set 0 "$1")" = 1 ]; }
mends epoch "control names no revision" number 0
mends epoch "control names a revision that never was" number $((now + 1000))
expect_now "the revision is what it was" "$now" epoch

for name in http tcp steal; do
	end_siege "$name"
done

# The revision before the live one is still in the other slot: until the agent looks again, it decides. Root did that; root could also have
# applied it.
mends epoch "control names the revision before" number $((now - 1))
