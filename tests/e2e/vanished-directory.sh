#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# A policy directory that vanishes means the last good policy, never "no policies"; when it is back it is read again.
# shellcheck source=tests/e2e/lib.sh
. "$(dirname "$0")/lib.sh"
world_up
traffic_access
expect "bookbuyer buys" 200 get bookbuyer /api/buy
mv "$WORK/policies" "$WORK/elsewhere"
expect "status says since when" "20*" status_of "d['error']['since'] if d['error'] else 'no error'"
expect "status names the directory" "*policies*" status_of "str(d['error'])"
expect_now "traffic as before" "200 404" get bookbuyer /api/buy /
expect_now "steal as before" 200 get bookthief /api/steal
sed -i 's/^\( *\)- steal-books$/\1# - steal-books/' "$WORK"/elsewhere/*
mv "$WORK/elsewhere" "$WORK/policies"
expect "it is back, and read" 404 get bookthief /api/steal
expect "status is clean" None status_of "d['error']"
