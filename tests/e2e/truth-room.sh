#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# What a running pod stands on is taken away by hand: its interface, its route, its network namespace's file, its cgroup. Nothing forbidden
# passes meanwhile; the agent puts it back under the running processes.
# shellcheck source=tests/e2e/lib.sh
. "$(dirname "$0")/lib.sh"
world_up
buyer_only
besiege http bookthief forbidden-connect 3000
besiege tcp bookthief forbidden-connect 3001
besiege steal bookbuyer forbidden-request 3000
expect "an allowed request passes" 200 get bookbuyer /api/buy
expect "and all is well" 0 exit_code_of rf status
store=$(veth_of bookstore)
address=$(pod_address bookstore)
server=$(status_of "[p['pid'] for p in d['pods'] if p['ns'] == 'bookstore'][0]")

mends veth-down "bookstore's interface is set down" ip link set dev "$store" down
renamed() { ip link set dev "$store" name rfe-other 2>/dev/null || { ip link set dev "$store" down && ip link set dev "$store" name rfe-other; }; }
mends veth-renamed "bookstore's interface is renamed" renamed
mends route "the route to bookstore is deleted" ip route del "$address/32"
mends route "the route to bookstore leads elsewhere" ip route replace "$address/32" dev lo
mends veth-gone "bookstore's interface is deleted" ip link del dev "$store"
mends veth-gone "bookbuyer's interface is deleted" ip link del dev "$(veth_of bookbuyer)"
mends netns-pin "bookstore's network namespace is unmounted" umount -l "/run/$RINGFENCE_INSTANCE/pods/bookstore_bookstore/netns"
judge "the server in it never noticed" "$server" "$(status_of "[p['pid'] for p in d['pods'] if p['ns'] == 'bookstore'][0]")"

# The agent sleeps while the cgroup is made again with the processes in it; what it then finds is another cgroup of the same name.
remade() {
	local directory=$1 agent processes pid result
	agent=$(recall "$STATE/agent.pid")
	kill -STOP "$agent"
	processes=$(cat "$directory/cgroup.procs")
	for pid in $processes; do echo "$pid" >"$(dirname "$(cgroups)")/cgroup.procs"; done
	await 5 rmdir "$directory" && mkdir "$directory"
	result=$?
	for pid in $processes; do echo "$pid" >"$directory/cgroup.procs"; done
	kill -CONT "$agent"
	return "$result"
}
# Sockets of the removed cgroup stay shut (their tag names a pod that is no more); new ones work.
mends cgroup-remade "bookbuyer's cgroup is removed and made again" remade "$(cgroup_of bookbuyer)"

for name in http tcp steal; do
	end_siege "$name"
done

# The parent of all pods can be removed while no pod lives. Whoever runs next is hooked like everybody.
for pod in bookstore bookbuyer bookthief; do rf stop "$pod/$pod" >/dev/null 2>&1; done
before=$(put_back node-programs)
expect_now "the cgroup of all pods is removed" "" rmdir "$(cgroups)/pods"
await 5 was_put_back node-programs "$before" || failures=$((failures + 1))
expect "and there again, hooked" 0 exit_code_of rf status
run_server bookstore 3000/http 3001/tcp
run_server bookthief 4001/http
expect "a new pod is hooked" "True" status_of "all(p['hooked'] for p in d['pods'] if p['state'] == 'running')"
expect "and refused what is forbidden" "refused" get bookthief /api/buy
