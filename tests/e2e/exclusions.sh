#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Exclusion lists, of MeshConfig and of pods' annotations, in force at once and without a restart: out, they make a client one outside the
# mesh, for which a server of the mesh stays closed; in, they open a port of a server to clients outside.
# shellcheck source=tests/e2e/lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=tests/e2e/outside.bash
. "$(dirname "$0")/outside.bash"
world_up
outside_up 7001/tcp 7002/tcp
traffic_access

tcp() {
	probe "$1" "{\"dial\":\"$2\",\"port\":$3,\"proto\":\"tcp\",\"send\":\"hello\"}" | json "d['received'] or d['connect']"
}
# from_host PORT: how a process of the machine, in no pod, is received at bookstore
from_host() {
	python3 "$WORK/tools/probe.py" "{\"dial\":\"$(pod_address bookstore)\",\"port\":$1,\"proto\":\"tcp\",\"send\":\"hello\",\"timeout\":5}" | json "d['received'] or d['connect']"
}
# mesh_lists YAML: the MeshConfig of the instance with these keys under spec.traffic
mesh_lists() {
	cat >"$WORK/mesh.yaml" <<YAML
apiVersion: config.openservicemesh.io/v1alpha2
kind: MeshConfig
metadata: {name: osm-mesh-config, namespace: osm-system}
spec: {traffic: {enablePermissiveTrafficPolicyMode: false, enableEgress: false $1}}
YAML
	rf apply -f "$WORK/mesh.yaml" >/dev/null || failures=$((failures + 1))
}
# annotated NAME ANNOTATIONS: the tutorial's manifest of that Deployment with these annotations of its pods
annotated() {
	python3 - "$TOP/policies/bookstore/manifests" "$1" "$2" >"$WORK/annotated.yaml" <<'PY'
import glob, re, sys
directory, name, annotations = sys.argv[1:]
for path in glob.glob(directory + "/*.yaml"):
    for document in re.split(r"^---$", open(path).read(), flags=re.M):
        if "kind: Deployment" in document and re.search(rf"^  name: {name}$", document, re.M):
            print(document.replace("  template:\n    metadata:\n", f"  template:\n    metadata:\n      annotations: {{{annotations}}}\n"))
PY
	rf apply -f "$WORK/annotated.yaml" >/dev/null || failures=$((failures + 1))
}

expect "closed" refused tcp bookbuyer "$FAR" 7001
started=$(status_of "[p['pid'] for p in d['pods'] if p['ns'] == 'bookbuyer']")

mesh_lists ", outboundPortExclusionList: [7001]"
expect "MeshConfig, out, port: open" hello tcp bookbuyer "$FAR" 7001
expect "for every pod" hello tcp bookthief "$FAR" 7001
expect "another port stays closed" refused tcp bookbuyer "$FAR" 7002
expect "seen" "*allow-excluded*" rf observe --verdict allowed --last 50 -o json
mesh_lists ", outboundIPRangeExclusionList: [\"$FAR/32\"]"
expect "MeshConfig, out, range: open" hello tcp bookbuyer "$FAR" 7002
mesh_lists ""
expect "taken back: closed" refused tcp bookbuyer "$FAR" 7002

mesh_lists ", outboundPortExclusionList: [3000]"
expect "out, the port of the pods and not of the Service that is dialled: served, through the checker" "200 404" get bookbuyer /api/buy /
expect "dialled itself: an outsider there" refused tcp bookbuyer "$(pod_address bookstore)" 3000
mesh_lists ", outboundPortExclusionList: [80]"
expect "out to a server of the mesh: an outsider there" "re[fs]*" get bookbuyer /api/buy
mesh_lists ""
expect "taken back: served again" 200 get bookbuyer /api/buy

annotated bookbuyer '"openservicemesh.io/outbound-port-exclusion-list": "7001, 7003"'
expect "annotation, out, port: open" hello tcp bookbuyer "$FAR" 7001
expect "not for another pod" refused tcp bookthief "$FAR" 7001
annotated bookbuyer '"openservicemesh.io/outbound-ip-range-exclusion-list": "'"$FAR"'/32"'
expect "annotation, out, range: open" hello tcp bookbuyer "$FAR" 7002
expect "not for another pod" refused tcp bookthief "$FAR" 7002
annotated bookbuyer ''
expect "taken back: closed" refused tcp bookbuyer "$FAR" 7002

expect "from outside: closed" refused from_host 3001
annotated bookstore '"openservicemesh.io/inbound-port-exclusion-list": "3001"'
expect "annotation, in: open from outside" hello from_host 3001
expect "another port is not" "re[fs]*" from_host 3000
expect "and pairs of the mesh are decided as ever" refused tcp bookthief "$(pod_address bookstore)" 3001
annotated bookstore ''
expect "taken back: closed" refused from_host 3001
mesh_lists ", inboundPortExclusionList: [3001]"
expect "MeshConfig, in: open from outside" hello from_host 3001
mesh_lists ""
expect "taken back: closed" refused from_host 3001

expect "nobody was started again" "$started" status_of "[p['pid'] for p in d['pods'] if p['ns'] == 'bookbuyer']"
expect "a bad annotation is refused" "*abc*outbound-port-exclusion-list*" \
	rf run -n bookbuyer --name bad --service-account bookbuyer --annotation openservicemesh.io/outbound-port-exclusion-list=80,abc -- true
rf run -n bookthief --name own --service-account bookthief --annotation openservicemesh.io/outbound-port-exclusion-list=7002 -d -- sleep 1000 >/dev/null || failures=$((failures + 1))
expect "a pod's own annotation" hello eval "rf exec bookthief/own -- python3 $WORK/tools/probe.py '{\"dial\":\"$FAR\",\"port\":7002,\"proto\":\"tcp\",\"send\":\"hello\"}' </dev/null | json \"d['received'] or d['connect']\""
