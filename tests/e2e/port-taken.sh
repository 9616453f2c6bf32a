#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# A process in a pod takes the checker's port (in the moment in which the broker is replaced): that pod's L7 pairs fail closed and status
# says so; the other pods are untouched; when the port is free again, all is well.
# shellcheck source=tests/e2e/lib.sh
. "$(dirname "$0")/lib.sh"
world_up
traffic_access
expect "bookbuyer buys" 200 get bookbuyer /api/buy
coproc GRAB { in_pod bookbuyer python3 "$WORK/tools/grab.py" 15001 2>&1; }
await 5 pgrep -f "$WORK/tools/grab.py" >/dev/null || exit 1
checker=$(status_of "d['broker']['checker_pid']")
kill -KILL "$(ps -o ppid= -p "$checker" | tr -d ' ')" || exit 1
read -r -t 10 line <&"${GRAB[0]}" || line="no answer"
judge "the port is taken" grabbed "$line"
expect "a new broker" True status_of "d['broker']['connected'] and d['broker']['checker_pid'] not in (0, None, $checker)"
expect "the other pod works" 200 get bookthief /api/buy
expect "this one fails closed" "re[fs]*" get bookbuyer /api/buy
expect "status says so" "*15001*" rf status
expect "and is not ok: no checker where one is needed" 5 exit_code_of rf status
pkill -f "$WORK/tools/grab.py"
expect "the port is free again" 200 get bookbuyer /api/buy
