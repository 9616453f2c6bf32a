#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# A later version's agent (make LAYOUT=version) takes over everything, in maps of its own: connections go on, and the broker hands the new
# maps to the checker. The earlier version cannot know what a later one means: it begins with empty maps, says so, and forbids as before.
# shellcheck source=tests/e2e/lib.sh
. "$(dirname "$0")/lib.sh"
FIRST=$BUILD LATER=${RINGFENCE_BUILD_VERSION:-$BUILD/version}
[ -n "${RINGFENCE_BUILD_VERSION:-}" ] || flock "$BUILD" make -s -C "$TOP" LAYOUT=version programs >"$WORK/log/make" 2>&1 9>&- || exit 1
# shellcheck source=tests/e2e/siege.bash
. "$(dirname "$0")/siege.bash"
besieged_world_up

ids() {
	local name
	for name in control flows routes pods; do
		map id "$name"
	done
}
shared() { comm -12 <(sort <<<"$1") <(sort <<<"$2"); }

earlier=$(ids) tags=$(map id tags)
epoch_first=$(epoch)
end_noted "$STATE/agent.pid" KILL
use "$LATER"
start_agent || exit 1
whole "the later version"
judge "its maps are its own" "" "$(shared "$earlier" "$(ids)")"
judge "sockets keep their tags" "$tags" "$(map id tags)"
expect_now "the revision's number goes on" True status_of "d['revision']['epoch'] > $epoch_first"
expect_now "nothing was left behind" nothing status_of "[w['text'] for w in d['warnings']] or 'nothing'"
judge "it says what it did" 1 "$(grep -c 'took over tables of another layout: .*flows' "$WORK/log/agent")"
judge "the connection goes on" open "$(tail -n 1 "$WORK/stream.out")"

end_noted "$STATE/agent.pid" TERM
use "$FIRST"
expect_now "who only looks cannot read a later version's tables" "*of another version*" rf status
start_agent || exit 1
whole "the earlier version again"
expect_now "it says what it left behind" "*tables of layout 4 cannot be converted to layout 3*" status_of "[w['text'] for w in d['warnings']]"
siege_ends
expect "the connection of before ended" "[1-9]* 1 Connection*Error*" result stream
