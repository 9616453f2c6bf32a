#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# TrafficSplit: weights of a root Service's backends, drawn once a connection, changed live; a backend without pods denies its share.
# shellcheck source=tests/e2e/lib.sh
. "$(dirname "$0")/lib.sh"
world_up
rf mesh set permissive=true >/dev/null || exit 1
cat >"$WORK/versions.yaml" <<'YAML'
apiVersion: v1
kind: Service
metadata: {name: store-v1, namespace: bookstore}
spec: {selector: {version: one}, ports: [{port: 80, targetPort: 3000}]}
---
apiVersion: v1
kind: Service
metadata: {name: store-v2, namespace: bookstore}
spec: {selector: {version: two}, ports: [{port: 80, targetPort: 3000}]}
---
apiVersion: v1
kind: Service
metadata: {name: store-v3, namespace: bookstore}
spec: {selector: {version: three}, ports: [{port: 80, targetPort: 3000}]}
---
apiVersion: v1
kind: Service
metadata: {name: store, namespace: bookstore}
spec: {selector: {shop: "yes"}, ports: [{port: 80, targetPort: 3000}]}
YAML
rf apply -f "$WORK/versions.yaml" >/dev/null || exit 1
# Two pods of version one: a backend's weight is the Service's, not each pod's.
for pod in one-a one-b two-a; do
	rf run -n bookstore --name "$pod" --service-account bookstore --label "version=${pod%-*}" --label shop=yes -d -- python3 "$WORK/tools/server.py" "${pod%-*}" 3000/http || exit 1
done
for pod in one-a one-b two-a; do
	await 30 eval "rf logs bookstore/$pod | grep -q 'ready, pid'" || exit 1
done

# split ROOT NAME WEIGHT [NAME WEIGHT]...
split() {
	printf 'apiVersion: split.smi-spec.io/v1alpha2\nkind: TrafficSplit\nmetadata: {name: store, namespace: bookstore}\nspec:\n  service: %s\n  backends:\n' "$1" >"$WORK/split.yaml"
	shift
	printf '    - {service: store-%s, weight: %s}\n' "$@" >>"$WORK/split.yaml"
	rf apply -f "$WORK/split.yaml" >/dev/null || failures=$((failures + 1))
}

# share LOW HIGH WHAT: "yes" if the per cent of 400 connections that ended as WHAT (a server's name, or how a connect failed) is in between
share() {
	probe bookbuyer '{"dial":"store.bookstore","port":80,"repeat":400,"requests":[{"path":"/","headers":{"Connection":"close"}}]}' |
		json "(lambda n: 'yes' if 400 * $1 <= 100 * n <= 400 * $2 else f'{n} of 400')((d['servers'] + [o for o in d['outcomes'] if o != 200]).count('$3'))"
}

# The bounds are five standard deviations of 400 draws away: less likely than one in a million.
expect_now "no split: each pod alike, two of three are version one" yes share 55 79 one
split store v1 50 v2 50
expect_now "even: half for version two, which has one pod of three" yes share 37 63 two
split store.bookstore v1 90 v2 10
expect_now "changed live: a tenth" yes share 2 18 two
split store.bookstore.svc.cluster.local v1 0 v2 7
expect_now "weight 0: nothing for version one" yes share 100 100 two
split store v1 1 v3 1
expect_now "a backend without pods: its half is refused" yes share 37 63 refused
expect "and named" "*no-backend*" rf observe --verdict denied --last 20
split store v2 1 nowhere 1
expect_now "a backend that does not exist: its half is refused" yes share 37 63 refused
expect "and status warns" "*store-nowhere*" rf status
rf delete -f "$WORK/split.yaml" >/dev/null || failures=$((failures + 1))
expect_now "no split any more" yes share 55 79 one
