#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# The broker dies, and its checker with it: L7 pairs fail closed, and a new broker gets its pods back from the agent.
# shellcheck source=tests/e2e/lib.sh
. "$(dirname "$0")/lib.sh"
world_up
traffic_access
expect "bookbuyer buys" 200 get bookbuyer /api/buy
end_noted "$STATE/broker.pid" KILL
expect "L7 pairs fail closed" "re[fs]*" get bookbuyer /api/buy
start_broker
expect "L7 connections work again" "200 404" get bookbuyer /api/buy /
expect "status says so" True status_of "d['broker']['connected']"
