#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# What leads out of the mesh and into it, live: Egress for tcp, exclusion lists of MeshConfig, Deployments and pods, shares of a
# TrafficSplit, the prober's cgroup. Every change is a changed file; no pod and no agent is restarted for it (but once, to see what stays).
# shellcheck source=tests/e2e/lib.sh
. "$(dirname "$0")/lib.sh"

cgroups=$(findmnt -n -o TARGET -t cgroup2 | head -n 1)
prober=$cgroups/$RINGFENCE_INSTANCE-prober
put_away() {
	rmdir "$prober" 2>/dev/null
	finish "$1"
}
trap 'put_away $?' EXIT
mkdir "$prober" || exit 1
export RINGFENCE_PROBER_CGROUP=/$RINGFENCE_INSTANCE-prober
world_up

# objects NAME: standard input becomes a policy file of that name; nothing is applied but what the agent sees by itself
objects() {
	cat >"$WORK/policies/.$1" && mv "$WORK/policies/.$1" "$WORK/policies/$1.yaml"
}

# tcp NAMESPACE ADDRESS PORT: how a connection ends
tcp() {
	probe "$1" "{\"dial\":\"$2\",\"port\":$3,\"proto\":\"tcp\",\"send\":\"hello\"}" | json "d['connect']"
}

objects out <<'YAML'
apiVersion: v1
kind: Namespace
metadata: {name: out}
YAML
expect "a namespace outside is known" 0 exit_code_of rf run -n out --name out -d -- python3 "$WORK/tools/server.py" out 9000/tcp 9001/tcp
await 30 server_ready out || exit 1
out=$(pod_address out) store=$(pod_address bookstore)

# ---- Egress ----
expect "without an object nothing leads out" refused tcp bookbuyer "$out" 9000
egress() {
	objects egress <<YAML
apiVersion: policy.openservicemesh.io/v1alpha1
kind: Egress
metadata: {name: e, namespace: bookbuyer}
spec:
  sources: [{kind: ServiceAccount, name: bookbuyer, namespace: bookbuyer}]
  ipAddresses: [$1]
  ports: [{number: 9000, protocol: tcp}]
YAML
}
egress "$out/32"
expect "egress-12: an Egress opens its port" ok tcp bookbuyer "$out" 9000
expect_now "and no other" refused tcp bookbuyer "$out" 9001
expect_now "egress-15: and to nobody else" refused tcp bookthief "$out" 9000
egress 203.0.113.0/24
expect "another range closes it" refused tcp bookbuyer "$out" 9000

# ---- exclusions ----
mesh() {
	objects mesh <<YAML
apiVersion: config.openservicemesh.io/v1alpha2
kind: MeshConfig
metadata: {name: osm-mesh-config, namespace: osm-system}
spec: {traffic: {$1}}
YAML
}
mesh "outboundPortExclusionList: [9001]"
expect "an excluded port leads out" ok tcp bookbuyer "$out" 9001
expect_now "another one does not" refused tcp bookbuyer "$out" 9000
mesh "outboundIPRangeExclusionList: [$out/32]"
expect "an excluded range leads out" ok tcp bookbuyer "$out" 9000
mesh "outboundPortExclusionList: [3000]"
expect "excl-04: no longer excluded, no longer open" refused tcp bookbuyer "$out" 9000
expect_now "excl-05: excluding a port opens nothing inside the mesh" refused tcp bookthief "$store" 3000
mesh ""

expect "a client outside does not come in" refused tcp out "$store" 3001
# annotate TEXT: the Deployment's template with these annotations, as an editor would
annotate() {
	python3 - "$WORK/policies" "$1" <<'PY'
import os, re, sys
folder, text = sys.argv[1:]
for name in sorted(os.listdir(folder)):
    path = os.path.join(folder, name)
    whole = open(path, encoding="utf-8").read()
    parts = re.split(r"(?m)^---\n", whole)
    for i, part in enumerate(parts):
        if re.search(r"(?m)^kind: Deployment$", part) and re.search(r"(?m)^  name: bookstore$", part):
            part = re.sub(r"(?m)^      annotations: .*\n", "", part)
            head, tail = re.split(r"(?m)^    metadata:\n", part, maxsplit=1)
            parts[i] = head + "    metadata:\n" + (f"      annotations: {{{text}}}\n" if text else "") + tail
    fresh = "---\n".join(parts)
    if fresh != whole:
        with open(os.path.join(folder, ".fresh"), "w", encoding="utf-8") as f:
            f.write(fresh)
        os.rename(os.path.join(folder, ".fresh"), path)
PY
}
annotate 'openservicemesh.io/inbound-port-exclusion-list: "3001"'
expect "excl-06: an annotation of the Deployment lets it in" ok tcp out "$store" 3001
expect_now "to that port alone" refused tcp out "$store" 3000
annotate 'openservicemesh.io/inbound-port-exclusion-list: "3001,abc"'
expect "excl-07: a bad one is named" "*Invalid port value 'abc' specified for annotation 'openservicemesh.io/inbound-port-exclusion-list'*" \
	status_of "d['error']['text']"
expect_now "and the last good policy stays" ok tcp out "$store" 3001
annotate ''
expect "without it the client is out again" refused tcp out "$store" 3001

expect_now "a bad annotation of a pod is refused" "*Invalid port value 'x' specified for annotation*" \
	rf run -n bookbuyer --name other --annotation openservicemesh.io/outbound-port-exclusion-list=9000,x -- true
rf run -n bookbuyer --name own --deployment bookbuyer/bookbuyer --annotation openservicemesh.io/outbound-port-exclusion-list=9000 -d -- \
	python3 "$WORK/tools/server.py" own 4000/http >/dev/null || exit 1
own() {
	rf exec bookbuyer/own -- python3 "$WORK/tools/probe.py" "{\"dial\":\"$out\",\"port\":$1,\"proto\":\"tcp\",\"send\":\"x\"}" </dev/null | json "d['connect']"
}
expect "a pod's own annotation counts for it" ok own 9000
expect_now "for what it names" refused own 9001
expect_now "and not for others of the same account" refused tcp bookbuyer "$out" 9000

# ---- the prober ----
# as_prober PORT, as_anybody PORT: a connection of this machine to bookstore
as_anybody() {
	python3 "$WORK/tools/probe.py" "{\"dial\":\"$store\",\"port\":$1,\"proto\":\"tcp\",\"send\":\"x\"}" | json "d['connect']"
}
as_prober() {
	(echo "$BASHPID" >"$prober/cgroup.procs" && as_anybody "$1")
}
expect "the prober reaches a pod of the mesh" ok as_prober 3001
expect_now "probe-02: but no port where nobody listens" refused as_prober 9999
expect_now "another process of the machine does not" refused as_anybody 3001
expect_now "status shows the path" "$prober True" status_of "d['prober']['path'] + ' ' + str(d['prober']['found'])"
await 10 rmdir "$prober"
expect "without its cgroup nobody is a prober" False status_of "d['prober']['found']"
mkdir "$prober" || exit 1
expect "a new cgroup of the same path is found" True status_of "d['prober']['found']"
expect "and its processes are probers" ok as_prober 3001

# ---- what an agent that starts again knows ----
end_noted "$STATE/agent.pid"
start_agent || exit 1
expect "after a restart of the agent the pod's own annotation still counts" ok own 9000
expect "and the prober is one" ok as_prober 3001

# ---- shares ----
rf run -n bookstore --name v2 --service-account bookstore -l app=v2 -d -- python3 "$WORK/tools/server.py" v2 3001/tcp-server-first >/dev/null || exit 1
shares() {
	objects split <<YAML
apiVersion: v1
kind: Service
metadata: {name: root, namespace: bookstore}
spec: {selector: {app: nobody}, ports: [{name: tcp-a, port: 7, targetPort: 3001}]}
---
apiVersion: v1
kind: Service
metadata: {name: one, namespace: bookstore}
spec: {selector: {app: bookstore}, ports: [{name: tcp-a, port: 7, targetPort: 3001}]}
---
apiVersion: v1
kind: Service
metadata: {name: two, namespace: bookstore}
spec: {selector: {app: v2}, ports: [{name: tcp-a, port: 7, targetPort: 3001}]}
---
apiVersion: split.smi-spec.io/v1alpha2
kind: TrafficSplit
metadata: {name: s, namespace: bookstore}
spec: {service: root.bookstore, backends: [{service: one, weight: $1}, {service: two, weight: $2}]}
YAML
}
# in_force: the split of the last file is what the kernel has
in_force() {
	[ "$(picked 20)" -gt 0 ] && [ "$(picked 20)" -lt 20 ]
}
# picked TRIES: how many of so many connections to the root reached "two", or what else happened
picked() {
	in_pod bookbuyer python3 -c '
import socket, sys
seen = 0
for _ in range(int(sys.argv[1])):
    with socket.socket() as s:
        s.settimeout(5)
        try:
            s.connect(("root.bookstore", 7))
        except OSError as e:
            sys.exit(print(type(e).__name__))
        s.sendall(b"x")
        s.shutdown(socket.SHUT_WR)
        seen += b"v2" in b"".join(iter(lambda: s.recv(100), b""))
print(seen)' "$1" </dev/null
}
mesh "enablePermissiveTrafficPolicyMode: true"
shares 0 1
expect "all of the weight is all of the connections" 20 picked 20
shares 1 0
expect "none of it is none" 0 picked 20
shares 0 0
expect "no weight at all serves nobody" "ConnectionRefusedError" picked 1
shares 1 1
await 15 in_force
expect_now "half is about half of 400, give or take five standard deviations" "@(1[5-9]?|2[0-4]?)" picked 400
