#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Header conditions of an HTTPRouteGroup: names in any letter case, values by full match, every value of a repeated header and all of them
# joined, the Host; one connection, request by request; and strictAuthority, switched while the connection lives.
# shellcheck source=tests/e2e/lib.sh
. "$(dirname "$0")/lib.sh"
world_up

cat >"$WORK/headers.yaml" <<'YAML'
apiVersion: specs.smi-spec.io/v1alpha4
kind: HTTPRouteGroup
metadata: {name: conditions, namespace: bookstore}
spec:
  matches:
    - name: agent
      pathRegex: /agent
      headers: [{User-Agent: ".*Android.*"}, {client-app: "bookbuyer"}]
    - name: map
      pathRegex: /map
      headers: {x-one: "1|2"}
    - name: host
      pathRegex: /host
      headers: [{host: "bookstore[.].*"}]
    - name: mine
      pathRegex: /shared
      headers: [{x-who: "buyer"}]
    - name: plain
      pathRegex: /plain
---
apiVersion: specs.smi-spec.io/v1alpha4
kind: HTTPRouteGroup
metadata: {name: for-thief, namespace: bookstore}
spec: {matches: [{name: theirs, pathRegex: /shared, headers: [{x-who: "thief"}]}]}
---
apiVersion: access.smi-spec.io/v1alpha3
kind: TrafficTarget
metadata: {name: buyer, namespace: bookstore}
spec:
  destination: {kind: ServiceAccount, name: bookstore, namespace: bookstore}
  sources: [{kind: ServiceAccount, name: bookbuyer, namespace: bookbuyer}]
  rules: [{kind: HTTPRouteGroup, name: conditions}]
---
apiVersion: access.smi-spec.io/v1alpha3
kind: TrafficTarget
metadata: {name: thief, namespace: bookstore}
spec:
  destination: {kind: ServiceAccount, name: bookstore, namespace: bookstore}
  sources: [{kind: ServiceAccount, name: bookthief, namespace: bookthief}]
  rules: [{kind: HTTPRouteGroup, name: for-thief}]
YAML
expect_now "accepted" 0 exit_code_of rf apply -f "$WORK/headers.yaml"

# ask NAMESPACE HOST PATH LINES...: statuses on one connection; each LINES is the header lines of one request, separated by |
ask() {
	local namespace=$1 host=$2 path=$3
	shift 3
	probe "$namespace" "$(python3 -c '
import json, sys
store, host, path, *requests = sys.argv[1:]
print(json.dumps({"dial": store, "port": 80, "requests": [
    {"path": path, "host": host, "lines": [line for line in lines.split("|") if line]} for lines in requests]}))' "$STORE" "$host" "$path" "$@")" |
		json "' '.join(str(a['status']) for a in d['answers']) or d['connect']"
}

expect "no condition" "200" ask bookbuyer "$STORE" /plain ""
expect "both hold; one is missing, another; other value; none" "200 404 404 404 404" ask bookbuyer "$STORE" /agent \
	"User-Agent: x Android y|Client-App: bookbuyer" "User-Agent: x Android y" "Client-App: bookbuyer" "User-Agent: Android|Client-App: book" ""
expect "the name in any letter case, the value in none" "200 200 404" ask bookbuyer "$STORE" /agent \
	"USER-AGENT: Android|CLIENT-APP: bookbuyer" "user-agent: Android|client-app: bookbuyer" "user-agent: Android|client-app: BOOKBUYER"
expect "a value is matched whole" "404 404" ask bookbuyer "$STORE" /agent "User-Agent: Android|client-app: bookbuyerx" "User-Agent: Android|client-app: xbookbuyer"
expect "the map form" "200 404" ask bookbuyer "$STORE" /map "X-One: 2" "X-One: 3"
expect "repeated: each value counts, and all joined" "404 404 404 404" ask bookbuyer "$STORE" /map \
	"X-One: 1|X-One: evil" "X-One: evil|X-One: 1" "X-One: 1|x-one: 2" "X-One: 1, 2"
expect "the Host" "200" ask bookbuyer "$STORE" /host ""
expect "another Host" "404" ask bookbuyer other.example /host ""
expect "a condition of another's route: 403; of nobody's: 404; one's own: 200" "403 404 200" ask bookbuyer "$STORE" /shared "x-who: thief" "x-who: nobody" "x-who: buyer"
expect "seen, with the rule that decided" "*for-thief*" rf observe --verdict denied --path /shared --last 50 -o json

# strictAuthority
expect "any Host, as long as nobody asks for strictness" "200" ask bookbuyer foo.example /plain ""
expect_now "switched on" 0 exit_code_of rf mesh set strictAuthority=true
expect "a Host that is none of the Service's" "404" ask bookbuyer foo.example /plain ""
expect "its names" "200" ask bookbuyer "$STORE" /plain ""
for host in bookstore.bookstore bookstore.bookstore:80 bookstore.bookstore.svc BookStore.bookstore.SVC:80 bookstore.bookstore.svc.cluster.local:80; do
	expect "Host $host" "200" ask bookbuyer "$host" /plain ""
done
for host in bookstore bookstore:80 bookstore.bookstore:81 bookstore.bookstore.svc.cluster.local. bookbuyer.bookbuyer bookstore.bookstore.svc.example; do
	expect "Host $host" "404" ask bookbuyer "$host" /plain ""
done
expect "and is named" "*wrong-authority*" rf observe --verdict denied --last 50
expect_now "switched off" 0 exit_code_of rf mesh set strictAuthority=false
expect "any Host again" "200" ask bookbuyer foo.example /plain ""
