#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# The tutorial's decisions: refused without a rule, 404 without a route, 403 for a route of others, permissive mode, outside closed.
# shellcheck source=tests/e2e/lib.sh
. "$(dirname "$0")/lib.sh"
world_up

body_of() {
	probe "$1" "{\"dial\":\"$STORE\",\"port\":80,\"requests\":[{\"path\":\"$2\",\"host\":\"$STORE\"}]}" |
		json "[[a['status'], a['headers'].get('content-type', ''), a['body']] for a in d['answers']][0]" | tr '\n' '|'
}

from_host() {
	python3 "$TOP/tests/tools/probe.py" "{\"dial\":\"$(pod_address bookstore)\",\"port\":3000,\"requests\":[{\"path\":\"/api/buy\"}]}" |
		json "d['connect']"
}

# Another account with a route of its own at the same destination: what only bookthief may do is 403 for bookbuyer.
routes_of_others() {
	cat >"$WORK/others.yaml" <<END
apiVersion: access.smi-spec.io/v1alpha3
kind: TrafficTarget
metadata: {name: only-thief, namespace: bookstore}
spec:
  destination: {kind: ServiceAccount, name: bookstore, namespace: bookstore}
  sources: [{kind: ServiceAccount, name: bookthief, namespace: bookthief}]
  rules: [{kind: HTTPRouteGroup, name: thief-routes}]
---
apiVersion: specs.smi-spec.io/v1alpha4
kind: HTTPRouteGroup
metadata: {name: thief-routes, namespace: bookstore}
spec:
  matches: [{name: cellar, pathRegex: "/cellar/.*", methods: ["GET"]}]
END
	rf apply -f "$WORK/others.yaml" >/dev/null
}

expect "no rule, bookbuyer" refused get bookbuyer /api/buy
expect "no rule, bookthief" refused get bookthief /api/steal
expect "the host is outside" refused from_host
traffic_access
expect "bookbuyer buys" 200 get bookbuyer /api/buy
expect "bookthief steals" 200 get bookthief /api/steal
expect "the query does not count" 200 get bookbuyer '/api/buy?how=many'
expect "no route" '404|||' body_of bookbuyer /
routes_of_others
expect "bookthief's own route" 200 get bookthief /cellar/1
expect "a route of others" '403|text/plain|RBAC: access denied|' body_of bookbuyer /cellar/1
expect "a path that leaves /cellar" 404 get bookthief /cellar/../api/none
rf mesh set permissive=true >/dev/null
expect "permissive mode" 200 get bookbuyer /anything
expect "permissive mode does not open to the outside" refused from_host
rf mesh set permissive=false >/dev/null
without_stealing >"$WORK/target.yaml"
rf apply -f "$WORK/target.yaml" >/dev/null
expect "steal-books commented out" 404 get bookthief /api/steal
expect "bookthief still buys" 200 get bookthief /api/buy
rf delete -f "$TOP/policies/bookstore/traffic-access" >/dev/null
expect "policies deleted" refused get bookbuyer /api/buy
