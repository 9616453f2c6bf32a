#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Every request of a kept-alive connection is judged on its own, and a denial leaves the connection usable.
# shellcheck source=tests/e2e/lib.sh
. "$(dirname "$0")/lib.sh"
world_up
traffic_access
expect "404, then 200, then 404 on one connection" "404 200 404 200" get bookbuyer / /api/buy /nothing /api/steal
open_stream bookthief
judge "steal" 200 "$(stream 'GET /api/steal')"
without_stealing >"$WORK/target.yaml"
rf apply -f "$WORK/target.yaml" >/dev/null
expect_now "the next request sees the new policy" 404 stream 'GET /api/steal'
expect_now "the connection is still usable" 200 stream 'GET /api/buy'
expect_now "a method without a route" 404 stream 'POST /api/buy'
