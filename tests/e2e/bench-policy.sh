#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# What one changed file does not concern is left alone; and the measurement of all that works and prints every figure. No figure is judged.
# shellcheck source=tests/e2e/lib.sh
. "$(dirname "$0")/lib.sh"
world_up
traffic_access
hosts=$(status_of "[p['dir'] for p in d['pods'] if p['ns'] == 'bookbuyer'][0]")/hosts
expect "the hosts file has the Services" "*bookstore.bookstore.svc*" cat "$hosts"
written() { stat -c %Y.%Z.%y "$hosts"; }
parsed() { status_of "d['revision']['took_ms']['files_parsed']"; }
live_after() { [ "$(epoch)" -gt "$1" ]; }

now=$(epoch) before=$(written)
printf 'apiVersion: v1\nkind: ServiceAccount\nmetadata: {name: newcomer, namespace: bookstore}\n' >"$WORK/policies/.account"
mv "$WORK/policies/.account" "$WORK/policies/account.yaml"
await 15 live_after "$now" || judge "a new file becomes a revision" "a new one" "$now"
judge "one file was parsed" 1 "$(parsed)"
judge "no hosts file was written" "$before" "$(written)"
now=$(epoch)
printf 'apiVersion: v1\nkind: Service\nmetadata: {name: newcomer, namespace: bookstore}\nspec:\n  selector: {app: bookstore}\n  ports: [{port: 81}]\n' \
	>"$WORK/policies/.service"
mv "$WORK/policies/.service" "$WORK/policies/service.yaml"
await 15 live_after "$now" || judge "a new Service becomes a revision" "a new one" "$now"
expect "a new Service is in the hosts files" "*newcomer.bookstore.svc*" cat "$hosts"
judge "all steps are told" True "$(status_of "all(d['revision']['took_ms'][s] > 0 for s in ('read', 'parse', 'check', 'compile', 'publish', 'whole'))")"

# On an instance of its own, beside this one.
RINGFENCE_INSTANCE=${RINGFENCE_INSTANCE}b RINGFENCE_POD_CIDR=10.$number.128.0/17 RINGFENCE_SERVICE_CIDR=10.$((number + 1)).128.0/17 \
	timeout -s INT 240 "$TOP/scripts/bench-policy" --quick -o json >"$WORK/bench.json" 2>"$WORK/log/bench"
judge "bench-policy ends well" 0 $?
figures() {
	json "(all(v['median'] >= 0 for part in ('cold', 'warm') for row in d[part].values() for k, v in row.items() if k.endswith('_ms')),
		len(d['memory']['rows']), len(d['cold']), len(d['warm']),
		{'rf_connect4', 'rf_from_pod', 'rf_to_pod'} <= set(d['cost']['programs']), d['machine']['commit'] != '')" <"$WORK/bench.json"
}
judge "it has every figure" "(True, 4, 4, 3, True, True)" "$(figures)"
judge "nothing of it is left" 0 "$(find /sys/fs/bpf /run -maxdepth 1 -name "${RINGFENCE_INSTANCE}b*" | wc -l)"
