#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# What editors do: write a temporary file and rename it over the old one, keep a backup under another name, truncate and write in place.
# shellcheck source=tests/e2e/lib.sh
. "$(dirname "$0")/lib.sh"
world_up
traffic_access
expect "bookthief steals" 200 get bookthief /api/steal
target=$(grep -l '^kind: TrafficTarget' "$WORK"/policies/*)
group=$(grep -l '^kind: HTTPRouteGroup' "$WORK"/policies/*)
cp "$group" "$WORK/group.yaml"
cp "$target" "$WORK/with.yaml"
sed 's/^\( *\)- steal-books$/\1# - steal-books/' "$target" >"$WORK/without.yaml"

# vim: backup by rename, new file under the old name; the backup and a swap file are not policy.
mv "$target" "$target~"
cp "$WORK/without.yaml" "$target"
: >"$WORK/policies/.traffic-target.yaml.swp"
expect "backup and new file" 404 get bookthief /api/steal
rm -f "$target~" "$WORK/policies/.traffic-target.yaml.swp"

# Others: a temporary file in the same directory, renamed over the old one.
cp "$WORK/with.yaml" "$WORK/policies/4913"
mv "$WORK/policies/4913" "$target"
expect "renamed over" 200 get bookthief /api/steal

# In place.
cat "$WORK/without.yaml" >"$target"
expect "written in place" 404 get bookthief /api/steal
expect_now "no error remains" None status_of "d['error']"
expect_now "bookbuyer never lost its routes" 200 get bookbuyer /api/buy
