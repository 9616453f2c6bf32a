#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Bodies are streamed both ways, whole; half-close is passed on; a slow reader holds the sender back.
# shellcheck source=tests/e2e/lib.sh
. "$(dirname "$0")/lib.sh"
world_up
cat >"$WORK/routes.yaml" <<'END'
apiVersion: access.smi-spec.io/v1alpha3
kind: TrafficTarget
metadata: {name: all, namespace: bookstore}
spec:
  destination: {kind: ServiceAccount, name: bookstore, namespace: bookstore}
  sources: [{kind: ServiceAccount, name: bookbuyer, namespace: bookbuyer}]
  rules: [{kind: HTTPRouteGroup, name: all}]
---
apiVersion: specs.smi-spec.io/v1alpha4
kind: HTTPRouteGroup
metadata: {name: all, namespace: bookstore}
spec:
  matches: [{name: echo, pathRegex: "/echo", methods: [POST]}, {name: bytes, pathRegex: "/bytes/[0-9]+", methods: [GET]}]
END
rf apply -f "$WORK/routes.yaml" >/dev/null || exit 1

# ask FIELD REQUEST-JSON [MORE]: a field of the last answer
ask() {
	probe bookbuyer "{\"dial\":\"$STORE\",\"port\":80,\"timeout\":30,${3:-}\"requests\":[$2]}" | json "d['answers'][-1]['$1'] if d['answers'] else d"
}
size=5242880
sum=$(head -c $size /dev/zero | tr '\0' x | sha256sum | cut -d' ' -f1)
expect "5 MB to the server and back, unchanged" "$sum" ask sha256 "{\"method\":\"POST\",\"path\":\"/echo\",\"body_bytes\":$size}"
expect "5 MB from the server" $size ask length "{\"path\":\"/bytes/$size\"}"
expect "after a large body the connection is usable" 404 ask status "{\"method\":\"POST\",\"path\":\"/echo\",\"body_bytes\":$size},{\"path\":\"/\"}"
expect "half-close after the request" $size ask length "{\"method\":\"POST\",\"path\":\"/echo\",\"body_bytes\":$size}" '"half_close":true,'
expect "half-close without a body" 1600 ask length '{"path":"/bytes/1600"}' '"half_close":true,'

# 64 MB to a reader that waits: what passes the checker must not pile up in it.
body=67108864
checker=$(status_of "d['broker']['checker_pid']")
read -r waiting length <<<"$(in_pod bookbuyer python3 "$WORK/tools/slow_reader.py" "$STORE" 80 "/bytes/$body" </dev/null)"
judge "a slow reader gets all of it" "$body" "$length"
judge "the sender was held back" yes "$([ "$waiting" -gt 0 ] && [ "$waiting" -lt $((body / 4)) ] && echo yes || echo "no: $waiting waited")"
peak=$(sed -n 's/^VmHWM:[^0-9]*\([0-9]*\) kB/\1/p' "/proc/$checker/status")
judge "the checker stayed small" yes "$([ "$peak" -lt 32768 ] && echo yes || echo "no: $peak kB")"
