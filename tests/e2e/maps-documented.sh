#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Every map of a running instance has its row in docs/ARCHITECTURE.md, every row is a map; so are the tables below live/.
# shellcheck source=tests/e2e/lib.sh
. "$(dirname "$0")/lib.sh"
instance_up
documented=$("$TOP/scripts/check-docs" --maps | sort -u) || exit 1
pinned() { find "$PINS/$1" -mindepth 1 -maxdepth 1 -printf '%f\n' | sort; }
judge "maps are documented" "*flows*" "$documented"
expect "what is pinned is what is documented" "$documented" pinned maps
undocumented() { comm -13 <(echo "$documented") <(pinned live); }
judge "there are live tables" "*allow*" "$(pinned live)"
expect "live tables are documented" "" undocumented
# The kernel's own list: a map with our programs that is pinned nowhere would be missing above. Constants of the programs are no tables.
used() {
	local program
	for program in "$PINS"/progs/*; do
		bpftool -j prog show pinned "$program" | json "d.get('map_ids', [])"
	done | sort -un | while read -r id; do bpftool -j map show id "$id" | json "d.get('name', '')"; done | grep -v "^[^ ]*\.rodata" | sort -u
}
unknown() { comm -13 <(echo "$documented") <(used); }
judge "programs use maps" "*allow*flows*" "$(used | tr '\n' ' ')"
expect "what programs use is documented" "" unknown
