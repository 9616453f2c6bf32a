#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# An instance that is named by --instance alone, on a kernel that makes the agent ask a program for the network's cookie: pods are made all
# the same, in that instance.
# shellcheck source=tests/e2e/lib.sh
. "$(dirname "$0")/lib.sh"
up=1
spawn agent python3 "$WORK/tools/older.py" env -u RINGFENCE_INSTANCE "$BUILD/ringfenced" --instance "$RINGFENCE_INSTANCE" --policies "$WORK/policies"
await 20 agent_ready_or_gone
agent_ready || { tail -n 5 "$WORK/log/agent" && exit 1; }
expect_now "a pod is made" "default/one" rf run --name one -d -- sleep 100
expect "it is hooked" 0 exit_code_of rf status
expect_now "nothing is left of the question" "" find "$(cgroups)" -maxdepth 1 -name 'cookie-*'
