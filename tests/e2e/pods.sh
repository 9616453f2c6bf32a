#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Local pods come and go: exit codes, logs, a Service without its pod, a new pod under the old name, a restart of the same address.
# shellcheck source=tests/e2e/lib.sh
. "$(dirname "$0")/lib.sh"
world_up
traffic_access
expect "bookbuyer buys" 200 get bookbuyer /api/buy

judge "exec returns the command's exit code" 7 "$(exit_code_of in_pod bookbuyer sh -c 'exit 7')"
judge "run returns the command's exit code" 3 "$(exit_code_of rf run -n bookbuyer --service-account bookbuyer --name once -- sh -c 'exit 3')"
expect "and removes its pod" 3 status_of "len(d['pods'])"
judge "a pod has a process tree of its own" "1" "$(in_pod bookbuyer sh -c 'ls -d /proc/[0-9]* | grep -c "^/proc/1$"')"
judge "a pod has no way to the agent" absent "$(in_pod bookbuyer sh -c "test -e /run/$RINGFENCE_INSTANCE/control.sock || echo absent")"
judge "a pod cannot write to cgroups" absent "$(in_pod bookbuyer sh -c 'ls /sys/fs/cgroup 2>/dev/null | grep -q . || echo absent')"

# The same connection before and after, and new ones.
open_stream bookbuyer
judge "on a connection" 200 "$(stream 'GET /api/buy')"
rf stop bookstore/bookstore >/dev/null
judge "its server is gone" "@(503|closed*)" "$(stream 'GET /api/buy')"
expect "a Service without a pod" refused get bookbuyer /api/buy
expect "with its reason" "[1-9]*" status_of "d['reasons'].get('no-backend', 0)"
run_server bookstore 3000/http 3001/tcp
expect "a new pod under the old name" "200 404" get bookbuyer /api/buy /
expect "every pod is hooked" True status_of "all(p['hooked'] for p in d['pods'])"

# A pod whose server died inside: the pod is there, nobody listens.
rf stop bookstore/bookstore >/dev/null
rf run -n bookstore --name bookstore --deployment bookstore/bookstore -d -- sleep infinity >/dev/null
expect "a dead backend behind an L7 pair" 503 get bookbuyer /api/buy
expect "but what is not allowed is not even tried" 404 get bookbuyer /
expect_now "no word of trouble in the log" "" grep -E "warning|error" "$WORK/log/agent"
