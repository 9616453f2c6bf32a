#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# 10 000 pods' worth: as many ServiceAccounts compiled and live, as many entries in the tables of pods. A connection costs what it cost
# before (a figure), status answers, nobody fails. LOAD_IDENTITIES is how many.
# shellcheck source=tests/e2e/lib.sh
. "$(dirname "$0")/lib.sh"
fill=$(tool fill)
COUNT=${LOAD_IDENTITIES:-10000}
world_up
buyer_only
cat >>"$WORK/policies/echo.yaml" <<'YAML'
apiVersion: specs.smi-spec.io/v1alpha4
kind: TCPRoute
metadata: {name: echo, namespace: bookstore}
spec: {matches: {ports: [3001]}}
---
apiVersion: access.smi-spec.io/v1alpha3
kind: TrafficTarget
metadata: {name: echo, namespace: bookstore}
spec:
  destination: {kind: ServiceAccount, name: bookstore, namespace: bookstore}
  sources: [{kind: ServiceAccount, name: bookthief, namespace: bookthief}]
  rules: [{kind: TCPRoute, name: echo}]
YAML
store=$(pod_address bookstore)
customer() { in_pod bookthief python3 "$WORK/tools/customer.py" "$store" 3001 2 tcp; }
echoes() { customer | cut -d' ' -f1,2; }
expect "bookthief may use the echo server" "[1-9]* 0" echoes
read -r bought failed rate median < <(customer)
judge "before: connections, failed" "[1-9]* 0" "$bought $failed"

python3 "$WORK/tools/big_policy.py" "$COUNT" "$WORK/big"
from=${EPOCHREALTIME/./}
mv "$WORK"/big/* "$WORK/policies/"
live() { [ "$(status_of "d['revision']['allow_entries']")" -ge "$COUNT" ]; }
await 30 live || { echo "FAIL  $COUNT identities do not become live" && failures=$((failures + 1)); }
printf 'figure: %d identities live after %d ms\n' "$COUNT" $(((${EPOCHREALTIME/./} - from) / 1000))
for map in pods peers; do
	judge "$map: $COUNT entries more" "$COUNT" "$("$fill" "$PINS/maps/$map" add "$COUNT")"
done

read -r many_done many_failed many_rate many_median < <(customer)
judge "with $COUNT: connections, failed" "[1-9]* 0" "$many_done $many_failed"
printf 'figure: a connection took %s us and takes %s us; %s/s and %s/s\n' "$median" "$many_median" "$rate" "$many_rate"
from=${EPOCHREALTIME/./}
expect_now "status answers, and all is well" 0 exit_code_of rf status
printf 'figure: status took %d ms\n' $(((${EPOCHREALTIME/./} - from) / 1000))
expect_now "it counts them" True status_of "all(m['used'] >= $COUNT for m in d['maps'] if m['name'] in ('pods', 'peers', 'idents', 'allow'))"
expect_now "what needs the checker passes, too" 200 get bookbuyer /api/buy
agent=$(recall "$STATE/agent.pid")
awk '/VmRSS/ { print "figure: the agent takes " $2 " KiB" }' "/proc/$agent/status"
for map in pods peers; do
	judge "$map: taken away" "$COUNT" "$("$fill" "$PINS/maps/$map" remove "$COUNT")"
done
expect "all is well" 0 exit_code_of rf status
