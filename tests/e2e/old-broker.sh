#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# The broker outlives agents. One of another version does not understand a new agent's messages: the agent ends it and starts its own,
# without trying without end and without writing a line for each attempt.
# shellcheck source=tests/e2e/lib.sh
. "$(dirname "$0")/lib.sh"
world_up
traffic_access
expect "bookbuyer buys" 200 get bookbuyer /api/buy
checker=$(status_of "d['broker']['checker_pid']")
end_noted "$STATE/agent.pid"
kill -KILL "$(ps -o ppid= -p "$checker" | tr -d ' ')" || exit 1
spawn mute "$WORK/tools/mute_broker.py" "/run/$RINGFENCE_INSTANCE"
await 10 grep -q listening "$WORK/log/mute" || { echo "no such broker" && exit 1; }

start_agent || exit 1
expect "the other broker ends" "*connections" tail -n 1 "$WORK/log/mute"
judge "after a few attempts" True "$(json "int(d) <= 4" <<<"$(grep -o '^[0-9]*' "$WORK/log/mute")")"
expect "another has taken its place" True status_of "d['broker']['connected'] and d['broker']['checker_pid'] > 0"
expect "L7 connections work again" "200 404" get bookbuyer /api/buy /
expect "it was said" "[1-9]*" grep -c "does not understand this agent" "$WORK/log/agent"
judge "and not more often than is good" True "$(json "int(d) <= 6" <<<"$(grep -c 'broker:' "$WORK/log/agent")")"
