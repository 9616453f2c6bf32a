#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# The agent is never in the data path: kill -9, and traffic goes on by the same rules; a new agent takes the live tables over.
# shellcheck source=tests/e2e/lib.sh
. "$(dirname "$0")/lib.sh"
world_up

# What is attached, by the kernel's numbers: an update in place keeps them.
pinned_links() {
	local pin
	for pin in /sys/fs/bpf/"$RINGFENCE_INSTANCE"/links/rf_* /sys/fs/bpf/"$RINGFENCE_INSTANCE"/links/pods/*; do
		bpftool -j link show pinned "$pin" | json "'%s ${pin##*/}' % d['id']"
	done
}

traffic_access
expect "bookbuyer buys" 200 get bookbuyer /api/buy
open_stream bookbuyer
judge "a connection of before" 200 "$(stream 'GET /api/buy')"
before=$(epoch)
links_before=$(pinned_links)

end_noted "$STATE/agent.pid" KILL
judge "the connection goes on" 200 "$(stream 'GET /api/buy')"
judge "and is judged" 404 "$(stream 'GET /')"
judge "a new connection" open "$(stream reopen)"
judge "goes through" 200 "$(stream 'GET /api/buy')"
judge "and is judged" 404 "$(stream 'GET /')"

start_agent || exit 1
expect "the number of the revision never goes back" True status_of "d['revision']['epoch'] >= $before"
expect_now "new connections" "200 404" get bookbuyer /api/buy /
judge "the connection of the time without an agent" 200 "$(stream 'GET /api/buy')"
expect "every pod is hooked" "True" status_of "all(p['hooked'] for p in d['pods']) and len(d['pods']) == 3"
judge "no program was detached" "$links_before" "$(pinned_links)"
rf delete -f "$TOP/policies/bookstore/traffic-access" >/dev/null
expect "the new agent decides" refused get bookbuyer /api/buy
