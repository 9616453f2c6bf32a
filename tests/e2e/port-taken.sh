#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# The checker's port is taken in a pod: that pod's L7 pairs fail closed and status says so, the other pods are untouched.
# shellcheck source=tests/e2e/lib.sh
. "$(dirname "$0")/lib.sh"
instance_up
rf apply -f "$TOP/policies/bookstore/manifests" >/dev/null || exit 1
run_server bookstore 3000/http
# Before the namespaces join: whoever listens first has the port.
run_server bookbuyer 4000/http 15001/tcp
run_server bookthief 4001/http
rf namespace add bookstore bookbuyer bookthief >/dev/null || exit 1
traffic_access
expect "the other pod works" 200 get bookthief /api/buy
expect "this one fails closed" "re[fs]*" get bookbuyer /api/buy
expect "status says so" "*15001*" rf status
expect "and is not ok" 1 exit_code_of rf status
