#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# An audit annotation, on a TrafficTarget or a Namespace, lets pass what would be denied and counts it: connections in the kernel, requests by
# path template in the agent, over restarts of agent and checker. Without the annotation it is denied again at once.
# shellcheck source=tests/e2e/lib.sh
. "$(dirname "$0")/lib.sh"
world_up
traffic_access
RUN=/run/$RINGFENCE_INSTANCE node=10.$number.0.1

# tcp NAMESPACE ADDRESS PORT: what becomes of a TCP connection.
tcp() {
	probe "$1" "{\"dial\":\"$2\",\"port\":$3,\"proto\":\"tcp\",\"send\":\"hello\"}" | json "d['connect'] + ' ' + d['received']"
}

# rows EXPRESSION: of the rows (r) of `audit` that fulfil it: count and the first and last path, one line each.
rows() {
	rf audit -o json | json "[' '.join([str(r['count']), r.get('method', '-'), r.get('path', '-'), r['would']]) for r in d['rows'] if $1]"
}

# annotated FILE: our target, under audit.
annotated_target() {
	sed 's/^metadata:$/&\n  annotations: {ringfence.io\/audit: enabled}/' "$TOP/policies/bookstore/traffic-access/traffic-target.yaml"
}

namespace() {
	cat <<END
apiVersion: v1
kind: Namespace
metadata:
  name: $1
  labels: {openservicemesh.io/monitored-by: osm}
  $2
END
}

store=$(pod_address bookstore)
requests="r['layer'] == 'request' and r['source'] == 'bookbuyer/bookbuyer' and r['destination'] == 'bookstore/bookstore' and r['port'] == 3000"
connections="r['layer'] == 'connection' and r['destination'] == 'bookstore/bookstore' and r['port'] == 3001"

expect "no annotation: no route" 404 get bookbuyer /nothing
expect_now "no annotation: no rule" "refused *" tcp bookbuyer "$store" 3001
expect_now "nothing is counted" "nothing would have been denied" rf audit

# ---- a TrafficTarget ----
annotated_target >"$WORK/target.yaml"
rf apply -f "$WORK/target.yaml" >/dev/null || exit 1
expect_now "status says that not all is enforced" "*audit*about 1 ServiceAccount passes*" rf status
expect_now "audit: the request passes" 200 get bookbuyer /nothing
expect_now "audit: requests by one template" "200 200" get bookbuyer /orders/4711 /orders/0815
expect_now "audit: an allowed request is none" 200 get bookbuyer /api/buy
expect_now "audit: the connection passes" "ok hello" tcp bookbuyer "$store" 3001
expect_now "audit: a source that no target names" "ok hello" tcp bookthief "$store" 3001
expect "requests are counted by template" $'1 GET /nothing no-route\n2 GET /orders/{} no-route' rows "$requests"
expect_now "connections are counted" $'1 - - no-rule' rows "$connections and r['source'] == 'bookbuyer/bookbuyer'"
expect_now "of each source" $'1 - - no-rule' rows "$connections and r['source'] == 'bookthief/bookthief'"
expect_now "a table for people" "*bookbuyer/bookbuyer*bookstore/bookstore*http*3000*GET /orders/{}*no-route*2*" rf audit
expect_now "of another namespace there is none" "nothing would have been denied" rf audit -n nobody
expect_now "why says so" "*would be denied: audit*no-route*" rf why --from bookbuyer/bookbuyer --to bookstore.bookstore:80 --path /nothing
expect_now "why: the connection, too" "*would be denied: audit*no-rule*" rf why --from bookthief/bookthief --to bookstore/bookstore:3001
expect_now "why: the exit code of what passes" 0 exit_code_of rf why --from bookthief/bookthief --to bookstore/bookstore:3001

# ---- over restarts ----
written() {
	grep -q 'orders' "$RUN/audit.json"
}
await 10 written || { echo "FAIL  the file is not written" && failures=$((failures + 1)); }
end_noted "$STATE/agent.pid" KILL
expect_now "without an agent connections are shown, and what is missing is said" "*bookthief/bookthief*3001*note: requests are not shown*" rf audit
expect_now "and known to be missing" False eval 'rf audit -o json | json "d[\"requests_known\"]"'
start_agent || exit 1
expect "a new agent knows the requests" $'1 GET /nothing no-route\n2 GET /orders/{} no-route' rows "$requests"
expect_now "and goes on" 200 get bookbuyer /orders/1
expect "counting" $'1 GET /nothing no-route\n3 GET /orders/{} no-route' rows "$requests"
checker=$(status_of "d['broker']['checker_pid']")
kill -KILL "$checker"
checker_is_new() {
	[[ $(status_of "d['broker']['checker_pid']") != @(0|"$checker") ]]
}
await 20 checker_is_new || { echo "FAIL  no new checker" && failures=$((failures + 1)); }
expect "a new checker" 200 get bookbuyer /orders/2
expect "what it lets pass is counted, too" "*[4-9] GET /orders/{} no-route" rows "$requests"

# ---- the annotation goes ----
rf apply -f "$TOP/policies/bookstore/traffic-access/traffic-target.yaml" >/dev/null || exit 1
expect_now "no annotation: no route, at once" 404 get bookbuyer /orders/3
expect_now "no annotation: no rule, at once" "refused *" tcp bookbuyer "$store" 3001
expect_now "what was counted stays" $'1 - - no-rule' rows "$connections and r['source'] == 'bookthief/bookthief'"
rf audit --clear || failures=$((failures + 1))
expect_now "until it is cleared" "nothing would have been denied" rf audit

# ---- a Namespace: to its accounts, and from them to the outside ----
spawn server python3 "$WORK/tools/server.py" node 7001/tcp
await 10 grep -q 'ready, pid' "$WORK/log/server" || exit 1
mv "$STATE/server.pid" "$WORK/server.pid"
trap 'end_noted "$WORK/server.pid"; finish $?' EXIT
expect_now "outside is closed" "refused *" tcp bookbuyer "$node" 7001
namespace bookstore 'annotations: {ringfence.io/audit: enabled}' >"$WORK/ns.yaml"
rf apply -f "$WORK/ns.yaml" >/dev/null || exit 1
expect_now "namespace: a request" 200 get bookbuyer /other
expect_now "namespace: a connection" "ok hello" tcp bookthief "$store" 3001
expect_now "namespace of the destination: outside stays closed" "refused *" tcp bookbuyer "$node" 7001
namespace bookbuyer 'annotations: {ringfence.io/audit: enabled}' >"$WORK/ns2.yaml"
rf apply -f "$WORK/ns2.yaml" >/dev/null || exit 1
expect_now "namespace of the source: to the outside" "ok hello" tcp bookbuyer "$node" 7001
expect "counted: a request" "1 GET /other no-route" rows "$requests"
expect_now "counted: a connection" "1 - - no-rule" rows "$connections"
expect_now "counted: to the outside" "1 - - no-egress" rows "r['destination'] == 'outside' and r['port'] == 7001"
namespace bookstore '' >"$WORK/ns.yaml"
namespace bookbuyer '' >"$WORK/ns2.yaml"
rf apply -f "$WORK/ns.yaml" -f "$WORK/ns2.yaml" >/dev/null || exit 1
expect_now "no annotation: no route" 404 get bookbuyer /other
expect_now "and status is silent" 0 eval 'rf status -o json | json "d[\"config\"][\"audited\"]"'
expect_now "no annotation: no rule" "refused *" tcp bookthief "$store" 3001
expect_now "no annotation: outside" "refused *" tcp bookbuyer "$node" 7001

# ---- a broken file ----
end_noted "$STATE/agent.pid"
expect_now "the file holds what was counted" 1 grep -c other "$RUN/audit.json"
echo '{"version": 1, "rows": [["half' >"$RUN/audit.json"
start_agent || exit 1
expect_now "a broken file is named" "*note: *audit.json could not be read*" rf audit
expect_now "and put aside" "*half*" cat "$RUN/audit.json.broken"
expect_now "connections are the kernel's" "1 - - no-rule" rows "$connections"
