#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Every table filled on purpose: what needs a new entry is refused with a reason that is counted and shown, everybody else goes on.
# LOAD_ALL=1 also compiles too many ServiceAccounts; LOAD_FLOWS=1 fills the flow table to its last entry, too (150 MB of kernel memory, some seconds).
# shellcheck source=tests/e2e/lib.sh
. "$(dirname "$0")/lib.sh"
fill=$(tool fill)
flood=$(tool flood)
world_up
buyer_only
install -m 755 "$flood" "$WORK/tools/flood"
store=$(pod_address bookstore)
expect "an allowed request passes" 200 get bookbuyer /api/buy
reason() { status_of "d['reasons'].get('$1', 0)"; }
full_in_status() { rf status -o json | json "[m['used'] >= m['max'] for m in d['maps'] if m['name'] == '$1'][0]"; }

# A table of pods is full: the next pod is refused in words, the others do not notice; status says so.
for map in pods links peers usage; do
	[ -e "$PINS/maps/$map" ] || continue
	judge "$map filled" "[1-9]*" "$("$fill" "$PINS/maps/$map" add 10000000)"
	expect_now "a new pod is refused" "*cannot enter pod*map '$map'*the table is full*" rf run -n bookthief --name other --service-account bookthief -- true
	if [ "$map" != usage ]; then
		expect_now "status shows it" True full_in_status "$map"
		expect_now "and is not ok" 1 exit_code_of rf status
	fi
	expect_now "others go on" 200 get bookbuyer /api/buy
	judge "emptied" "[1-9]*" "$("$fill" "$PINS/maps/$map" remove 10000000)"
done
expect "all is well" 0 exit_code_of rf status
expect_now "a new pod is welcome again" "" rf run -n bookthief --name other --service-account bookthief -- true

# Tables of a revision: one that is too big is refused whole, with the table's name; the good one stays.
too_big() {
	local what=$1
	now=$(epoch)
	mv "$WORK"/big/* "$WORK/policies/" && rmdir "$WORK/big"
	expect "$what: refused" 4 exit_code_of rf status
	expect_now "$what: in words" "*$what*" status_of "d['error']"
	expect_now "$what: the good revision stays" "$now" epoch
	expect_now "$what: and is enforced" 200 get bookbuyer /api/buy
	rm "$WORK"/policies/big*.yaml
	expect "$what: well again" 0 exit_code_of rf status
}

tables=ingress
[ -z "${LOAD_ALL:-}" ] || tables="ingress idents"
for table in $tables; do
	python3 "$WORK/tools/big_policy.py" "$table" "$WORK/big"
	too_big "$table"
done

# names: all revisions share it.
judge "names filled" "[1-9]*" "$("$fill" "$PINS/maps/names" add 10000000)"
now=$(epoch)
rf namespace add newcomers >/dev/null 2>&1
cat >"$WORK/policies/newcomer.yaml" <<'YAML'
apiVersion: access.smi-spec.io/v1alpha3
kind: TrafficTarget
metadata: {name: newcomer, namespace: bookstore}
spec:
  destination: {kind: ServiceAccount, name: bookstore, namespace: bookstore}
  sources: [{kind: ServiceAccount, name: newcomer, namespace: newcomers}]
  rules: [{kind: HTTPRouteGroup, name: buying}]
YAML
expect "no name for a newcomer: the revision is refused" 4 exit_code_of rf status
expect_now "in words" "*names*" status_of "d['error']['text']"
expect_now "others go on" 200 get bookbuyer /api/buy
"$fill" "$PINS/maps/names" remove 10000000 >/dev/null
touch "$WORK/policies/newcomer.yaml"
expect "with room it is taken" 0 exit_code_of rf status

# origdst: connections that wait for the checker. Nobody's is lost for another's.
if [ -e "$PINS/maps/usage" ]; then
	judge "origdst filled" "[1-9]*" "$("$fill" "$PINS/maps/origdst" add 10000000)"
	expect_now "status shows it" True full_in_status origdst
	expect_now "a request that needs the checker is refused" "re*" get bookbuyer /api/buy
	expect "with a reason" "[1-9]*" reason checker-busy
	judge "emptied" "[1-9]*" "$("$fill" "$PINS/maps/origdst" remove 10000000)"
	expect "and answered again" 200 get bookbuyer /api/buy
fi

# One pod has used up its share of the flow table: it gets no new connection, the others do. (The counts are at the start of its row.)
if [ -e "$PINS/maps/usage" ]; then
	share_answer() { case $(get bookbuyer /api/buy) in 503 | re*) echo refused_or_503 ;; *) echo passed ;; esac; }
	share() { python3 "$WORK/tools/mapedit.py" "$PINS/maps/usage" put "$(cgroup_id_of bookbuyer)" "$1" "$2"; }
	judge "bookbuyer's share of flows is used up" 1 "$(share 0 65536)"
	expect_now "it gets no connection" refused_or_503 share_answer
	expect "with a reason" "[1-9]*" reason flow-quota
	share 0 0 >/dev/null
	expect "and does when there is room" 200 get bookbuyer /api/buy
	judge "bookbuyer's share of the checker's queue is used up" 1 "$(share 8 4096)"
	expect_now "a request that needs the checker is refused" "re*" get bookbuyer /api/buy
	expect "with a reason" "[1-9]*" reason checker-busy
	share 8 0 >/dev/null
	expect "and answered when there is room" 200 get bookbuyer /api/buy
fi

# flows: to the last entry. The agent, which would clear away what belongs to no pod, does not run meanwhile.
if [ -n "${LOAD_FLOWS:-}" ]; then
	coproc DIALER { in_pod bookbuyer python3 "$WORK/tools/dialer.py" "$store" 3001; }
	dial() {
		echo >&"${DIALER[1]}"
		read -r -t 10 line <&"${DIALER[0]}" || line="no answer"
		echo "$line"
	}
	expect_now "a new connection" ok dial
	end_noted "$STATE/agent.pid" KILL
	from=$SECONDS
	judge "flows filled" "[1-9]*" "$("$fill" "$PINS/maps/flows" add 10000000)"
	echo "figure: filled in $((SECONDS - from)) s"
	expect_now "a new connection is refused" "ConnectionRefusedError" dial
	full() { rf status -o json 2>/dev/null | json "[m['used'] >= m['max'] for m in d['maps'] if m['name'] == 'flows'][0]"; }
	expect_now "status shows it, without an agent" True full
	alone_reason() { rf status -o json 2>/dev/null | json "d['reasons'].get('flow-table-full', 0)"; }
	expect_now "with a reason" "[1-9]*" alone_reason
	start_agent || exit 1
	expect "the agent clears away what is nobody's" 200 get bookbuyer /api/buy
fi
