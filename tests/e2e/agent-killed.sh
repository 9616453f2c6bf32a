#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# The agent is never in the data path: kill -9, and traffic goes on by the same rules; a new agent takes the live tables over.
# shellcheck source=tests/e2e/lib.sh
. "$(dirname "$0")/lib.sh"
world_up
traffic_access
expect "bookbuyer buys" 200 get bookbuyer /api/buy
open_stream bookbuyer
judge "a connection of before" 200 "$(stream 'GET /api/buy')"
before=$(epoch)
links_before=$(bpftool -j link show | json "sorted(l['id'] for l in d)")

end_noted "$STATE/agent.pid" KILL
judge "the connection goes on" 200 "$(stream 'GET /api/buy')"
judge "and is judged" 404 "$(stream 'GET /')"
judge "a new connection" open "$(stream reopen)"
judge "goes through" 200 "$(stream 'GET /api/buy')"
judge "and is judged" 404 "$(stream 'GET /')"

start_agent || exit 1
expect "the revision was taken over" "$before" epoch
expect_now "new connections" "200 404" get bookbuyer /api/buy /
judge "the connection of the time without an agent" 200 "$(stream 'GET /api/buy')"
expect "every pod is hooked" "True" status_of "all(p['hooked'] for p in d['pods']) and len(d['pods']) == 3"
judge "no program was detached" "" "$(comm -23 <(sort <<<"$links_before") <(bpftool -j link show | json "sorted(l['id'] for l in d)" | sort))"
rf delete -f "$TOP/policies/bookstore/traffic-access" >/dev/null
expect "the new agent decides" refused get bookbuyer /api/buy
