#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# An agent whose maps have another layout (make LAYOUT=test) takes the tables over, and the first one takes them back, after SIGTERM, after
# kill -9, and when it is killed itself in the middle: nothing forbidden passes at any time, and an allowed connection loses no byte.
# TAKEOVER_KILLS (default 5; 30 for a long run, with E2E_TIMEOUT=900) killed takeovers: at the four moments around the publishing, the others spread
# over everything a takeover does, by TAKEOVER_SEED, which is printed.
# shellcheck source=tests/e2e/lib.sh
. "$(dirname "$0")/lib.sh"
KILLS=${TAKEOVER_KILLS:-5}
RANDOM=${TAKEOVER_SEED:=$$}
echo "TAKEOVER_SEED=$TAKEOVER_SEED TAKEOVER_KILLS=$KILLS"
FIRST=$BUILD SECOND=${RINGFENCE_BUILD_LAYOUT:-$BUILD/layout}
[ -n "${RINGFENCE_BUILD_LAYOUT:-}" ] || flock "$BUILD" make -s -C "$TOP" LAYOUT=test programs >"$WORK/log/make" 2>&1 9>&- || exit 1
# shellcheck source=tests/e2e/siege.bash
. "$(dirname "$0")/siege.bash"
besieged_world_up

# Those who come in the middle: every connection and every request that is allowed succeeds.
besiege newcomer bookbuyer allowed-connect 3001
exec 15>"$WORK/newcomer.in"
besiege buyer bookbuyer allowed-request 3000
exec 16>"$WORK/buyer.in"
await 10 is_open newcomer && await 10 is_open buyer || exit 1
all_succeeded() {
	local tries successes
	read -r tries successes <<<"$(result "$1")"
	[ "$tries" = "$successes" ] && echo all || echo "$successes of $tries"
}

size_first=$(map bytes_value flows) tags=$(map id tags)
epoch_first=$(epoch)
end_noted "$STATE/agent.pid" TERM
use "$SECOND"
start_agent || exit 1
whole "the second layout"
judge "it is another layout" True "$([ "$(map bytes_value flows)" = $((size_first + 8)) ] && echo True)"
judge "sockets keep their tags" "$tags" "$(map id tags)"
expect_now "the revision's number goes on" True status_of "d['revision']['epoch'] > $epoch_first"
sed 's|/api/buy|/api/buy\|/|' "$WORK/allowed.yaml" >"$WORK/wider.yaml"
rf apply -f "$WORK/wider.yaml" >/dev/null || exit 1
expect "a switch by the second" "200 200" get bookbuyer /api/buy /
rf apply -f "$WORK/allowed.yaml" >/dev/null || exit 1
whole "after the switch"

end_noted "$STATE/agent.pid" KILL
use "$FIRST"
start_agent || exit 1
whole "the first again, after kill -9"
judge "with its own layout" "$size_first" "$(map bytes_value flows)"
end_noted "$STATE/agent.pid" KILL
use "$SECOND"
start_agent || exit 1
expect "the second once more" "$((size_first + 8))" map bytes_value flows

echo end >&15
echo end >&16
expect "allowed connections during three takeovers" all all_succeeded newcomer
expect "allowed requests" all all_succeeded buyer

# What one whole takeover calls: the places to be killed at.
end_noted "$STATE/agent.pid" KILL
use "$FIRST"
timeout -s KILL 60 strace -qq -e trace=bpf,rename -o "$WORK/calls" "$BUILD/ringfenced" --policies "$WORK/policies" >>"$WORK/log/agent" 2>&1 9>&- &
await 30 agent_ready || exit 1
agent=$(status_of "d['pid']")
kill -9 "$agent"
wait $! 2>/dev/null
published=$(grep -n "rename(\"$PINS\"" "$WORK/calls" | cut -d: -f1)
judge "there is a moment of publishing" "[1-9]*" "$published"
bpf_before=$(head -n "${published:-1}" "$WORK/calls" | grep -c '^bpf(')
bpf_after=$(awk -v from="${published:-1}" 'NR > from && /^bpf\(/ {n++} /^bpf\(BPF_PROG_TEST_RUN/ && NR > from {exit} END {print n}' "$WORK/calls")
renames=$(head -n "${published:-1}" "$WORK/calls" | grep -c '^rename(')
echo "a takeover: $bpf_before calls of bpf() and $renames renames to the moment of publishing, $bpf_after calls afterwards"

# killed_at CALL NUMBER: the agent that is to take over dies at its NUMBERth CALL.
killed_at() {
	timeout -s KILL 30 strace -qq -e trace="$1" -e inject="$1:signal=KILL:when=$2" -o /dev/null \
		"$BUILD/ringfenced" --policies "$WORK/policies" >>"$WORK/log/agent" 2>&1 9>&-
}

points=("rename $renames" "rename $((renames + 1))" "bpf $((bpf_before + 1))" "bpf $((bpf_before + 2))")
for ((i = ${#points[@]}; i < KILLS; i++)); do
	if ((i % 2)); then
		points+=("bpf $((1 + RANDOM % bpf_before))")
	else
		points+=("bpf $((bpf_before + 1 + RANDOM % (bpf_after > 0 ? bpf_after : 1)))")
	fi
done
next=$SECOND other=$FIRST
for point in "${points[@]}"; do
	use "$next"
	# shellcheck disable=SC2086 # two words
	killed_at $point 2>/dev/null
	# By turns: the same one comes back and ends what it began, or the other one stays.
	((RANDOM % 2)) || use "$other"
	start_agent || exit 1
	expect "killed at $point, then ${BUILD#"$TOP/"}: an allowed request" "200 404" get bookbuyer /api/buy /
	expect "one tree" "$RINGFENCE_INSTANCE" trees
	end_noted "$STATE/agent.pid" KILL
	if [ "$BUILD" = "$next" ]; then
		next=$other other=$BUILD
	fi
done

use "$FIRST"
start_agent || exit 1
whole "at the end"
siege_ends
expect "the allowed connection: numbers, broken" "[1-9]* 0" result stream
