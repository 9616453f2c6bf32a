#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# At the edges of the mesh: what an exclusion list, an Egress with hosts and an audit open is not a way to anything else, neither by a socket
# that was excluded once nor by handmade packets.
# shellcheck source=tests/evasion/lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=tests/e2e/outside.bash
. "$TOP/tests/e2e/outside.bash"
hostile_world
outside_up 7080/http 7001/tcp 7002/tcp
NEAR_BY=203.0.113.$number
outside_address "$NEAR_BY"

# http ADDRESS HOST: the status that bookthief gets
http() {
	probe bookthief "{\"dial\":\"$1\",\"port\":7080,\"requests\":[{\"path\":\"/get\",\"host\":\"$2\"}]}" | json "(d['answers'] or [{'status': d['connect']}])[0]['status']"
}
# again ADDRESS PORT ADDRESS PORT: one socket of bookthief goes to the first, is let go (AF_UNSPEC) and goes to the second
again() {
	in_pod bookthief python3 -c '
import errno, socket, struct, sys
s = socket.socket()
s.settimeout(5)
s.connect((sys.argv[1], int(sys.argv[2])))
libc = __import__("ctypes").CDLL(None, use_errno=True)
assert libc.connect(s.fileno(), struct.pack("=H14x", socket.AF_UNSPEC), 16) == 0
try:
    s.connect((sys.argv[3], int(sys.argv[4])))
    s.sendall(sys.argv[5].encode())
    print("connected")
except OSError as error:
    print(errno.errorcode[error.errno])' "$@" </dev/null
}
mesh_lists() {
	cat >"$WORK/mesh.yaml" <<YAML
apiVersion: config.openservicemesh.io/v1alpha2
kind: MeshConfig
metadata: {name: osm-mesh-config, namespace: osm-system}
spec: {traffic: {enablePermissiveTrafficPolicyMode: false, enableEgress: false $1}}
YAML
	rf apply -f "$WORK/mesh.yaml" >/dev/null || exit 1
}
egress() {
	cat >"$WORK/egress.yaml" <<YAML
apiVersion: policy.openservicemesh.io/v1alpha1
kind: Egress
metadata: {name: web, namespace: bookthief}
spec:
  sources: [{kind: ServiceAccount, name: bookthief, namespace: bookthief}]
  hosts: [allowed.example]
  ports: [{number: 7080, protocol: http}]
  ${1:-}
YAML
	rf apply -f "$WORK/egress.yaml" >/dev/null || exit 1
}

# ---- exclusions ----
mesh_lists ", outboundPortExclusionList: [7001], inboundPortExclusionList: [3054]"
expect "excluded: open" "connected, answered*" attack bookthief tcp to="$FAR" port=7001 mark=x
for how in family=6 fastopen=1; do
	expect "excluded, $how: open" "connected, answered*" attack bookthief tcp to="$FAR" port=7001 "$how" mark=x
	attempt "not excluded, $how" no-egress refused attack bookthief tcp to="$FAR" port=7002 "$how" mark=MARK
done
attempt "a socket that was excluded once: to another port outside" no-egress ECONNREFUSED again "$FAR" 7001 "$FAR" 7002 MARK
attempt "the same, to a pod" no-rule ECONNREFUSED again "$FAR" 7001 "$store" 3001 MARK
attempt "the excluded port of a pod" no-ingress refused attack bookthief tcp to="$store" port=7001 mark=MARK
attempt "the same, raw socket" no-ingress sent attack bookthief packet to="$store" port=7001 mark=MARK
attempt "from the excluded port, raw socket" no-rule sent attack bookthief packet to="$store" sport=7001 port=3001 mark=MARK
attempt "outside under bookbuyer's name" spoofed-source sent attack bookthief packet to="$FAR" port=7001 source="$buyer" mark=MARK
attempt "ICMP to there" icmp sent attack bookthief packet to="$FAR" protocol=1 mark=MARK
attempt "a port that is open to outsiders is not to bookthief" no-rule refused attack bookthief tcp to="$store" port=3054 mark=MARK
attempt "nor is another to outsiders" no-ingress "@(refused|reset)" attack here tcp to="$store" port=3001 mark=MARK
mesh_lists ""
attempt "after the list is gone" no-egress refused attack bookthief tcp to="$FAR" port=7001 mark=MARK

# ---- an Egress with hosts ----
egress
expect "the allowed name" 200 http "$FAR" allowed.example
expect "another name" 404 http "$FAR" other.example
judge "the allowed name at another address (nobody asks what its address is)" 200 "$(http "$NEAR_BY" allowed.example)"
attempt "around the checker, raw socket" checker-bypass sent attack bookthief packet to="$FAR" port=7080 mark=MARK
attempt "by UDP" no-egress refused attack bookthief udp to="$FAR" port=7080 mark=MARK
attempt "a pod of the mesh on that port" no-rule refused attack bookthief tcp to="$store" port=7080 mark=MARK
egress "ipAddresses: [$FAR/32]"
expect "with ipAddresses: there" 200 http "$FAR" allowed.example
expect "and nowhere else" refused http "$NEAR_BY" allowed.example
attempt "at another address, raw socket" no-egress sent attack bookthief packet to="$NEAR_BY" port=7080 mark=MARK

# ---- audit: what would be denied passes; what cannot be judged, and the way around the checker, do not ----
sed 's/^metadata: {name: bookstore, namespace: bookstore}/metadata: {name: bookstore, namespace: bookstore, annotations: {ringfence.io\/audit: enabled}}/' "$WORK/hostile.yaml" >"$WORK/audited.yaml"
rf apply -f "$WORK/audited.yaml" >/dev/null || exit 1
expect "under audit: it passes" "connected, answered*" attack bookthief tcp to="$store" port=3001 mark=x
attempt "around the checker, raw socket" checker-bypass sent attack bookthief packet to="$store" port=3000 mark=MARK
attempt "under bookbuyer's name" spoofed-source sent attack bookthief packet to="$store" source="$buyer" port=3001 mark=MARK
attempt "ICMP" icmp sent attack bookthief packet to="$store" protocol=1 mark=MARK
attempt "the checker's port" checker-dialed "@(refused|reset)" attack here tcp to="$store" port=15001 mark=MARK
