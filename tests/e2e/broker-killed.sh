#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# The socket broker dies, and its checker with it: the agent starts another one, gives it the pods, and L7 connections are judged again.
# shellcheck source=tests/e2e/lib.sh
. "$(dirname "$0")/lib.sh"
world_up
traffic_access
expect "bookbuyer buys" 200 get bookbuyer /api/buy
checker=$(status_of "d['broker']['checker_pid']")
broker=$(ps -o ppid= -p "$checker" | tr -d ' ')
judge "the checker's parent is the broker" "ringfence-sockd" "$(cat "/proc/$broker/comm")"
kill -KILL "$broker" || exit 1
expect "another checker" True status_of "d['broker']['connected'] and d['broker']['checker_pid'] not in (0, None, $checker)"
expect "L7 connections work again" "200 404" get bookbuyer /api/buy /
expect "the old checker is gone" gone bash -c "kill -0 $checker 2>/dev/null || echo gone"
