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
names=$(bpftool -j map show | json "['%d %s' % (m['id'], m.get('name', '')) for m in d]")
used=$(for program in "$PINS"/progs/*; do bpftool -j prog show pinned "$program"; echo; done |
	python3 -c 'import json, sys; print(*{n for line in sys.stdin if line.strip() for n in json.loads(line).get("map_ids", [])}, sep="\n")' |
	sort | join - <(sort <<<"$names") | cut -d' ' -f2- | grep -v '^[^ ]*\.rodata' | sort -u)
judge "programs use maps" "*allow*flows*" "${used//$'\n'/ }"
judge "what programs use is documented" "" "$(comm -13 <(echo "$documented") <(echo "$used"))"
