#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# A second agent of the same name is refused and changes nothing.
# shellcheck source=tests/e2e/lib.sh
. "$(dirname "$0")/lib.sh"
world_up
traffic_access
expect "bookbuyer buys" 200 get bookbuyer /api/buy
agent=$(status_of "d['pid']")
second() {
	timeout 10 "$BUILD/ringfenced" --policies "$WORK/policies" 2>&1
	echo "exit code $?"
}
expect_now "refused, naming the first" "*$agent*exit code [1-9]*" second
expect_now "the first still answers" "$agent" status_of "d['pid']"
expect_now "traffic as before" "200 404" get bookbuyer /api/buy /
