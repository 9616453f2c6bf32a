#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Each decision can be seen: names on both sides, method and path, the reason, the deciding rule with its file and line.
# shellcheck source=tests/e2e/lib.sh
. "$(dirname "$0")/lib.sh"
world_up

# seen EXPRESSION: how many of the last events fulfil it, as e
seen() {
	rf observe -o json | python3 -c '
import json, sys
print(sum(1 for line in sys.stdin if line.strip() for e in [json.loads(line)] if eval(sys.argv[1])))' "$1"
}

expect "no rule: refused" refused get bookbuyer /api/buy
expect "and seen, with both names" "[1-9]*" seen \
	"e.get('reason') == 'no-rule' and e['verdict'] == 'denied' and 'bookbuyer/bookbuyer' in str(e['source']) and 'bookstore/bookstore' in str(e['destination'])"
traffic_access
expect "a request" "200 404" get bookbuyer /api/buy /nothing
expect "allowed, seen with its rule" "[1-9]*" seen "e.get('path') == '/api/buy' and e['verdict'] == 'allowed' and '.yaml:' in str(e['rule'])"
expect "404, seen with its path" "[1-9]*" seen "e.get('path') == '/nothing' and e.get('status') == 404 and e['reason'] == 'no-route'"
expect "the text form" "*bookbuyer/bookbuyer*bookstore/bookstore*GET /nothing*404*" rf observe --verdict denied
expect "and counted by its reason" "[1-9]*" status_of "d['reasons'].get('no-route', 0)"
