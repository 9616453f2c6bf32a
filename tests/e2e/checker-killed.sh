#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# The checker dies: the broker starts another one, and new connections of L7 pairs are judged again.
# shellcheck source=tests/e2e/lib.sh
. "$(dirname "$0")/lib.sh"
world_up
traffic_access
expect "bookbuyer buys" 200 get bookbuyer /api/buy
checker=$(status_of "d['broker']['checker_pid']")
kill -KILL "$checker" || exit 1
expect "another checker" "True" status_of "d['broker']['checker_pid'] not in (0, None, $checker)"
expect "L7 connections work again" "200 404" get bookbuyer /api/buy /
expect "the restart is counted" "1" status_of "d['broker']['restarts']"
