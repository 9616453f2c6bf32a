# SPDX-License-Identifier: Apache-2.0
"""What a case stands in: its namespaces, accounts, services and pods, its manifests, and the one request it makes."""
import ipaddress
import json

import judge
from mesh import MeshError

# Sources outside any pod. The cases' addresses may be in use around this machine, so they are played by addresses that are in the same
# place as far as the case is concerned (inside or outside 10.0.0.0/8).
OUTSIDE = {"10.9.8.7": "10.215.9.7", "192.168.1.5": "198.51.100.5", "172.16.0.1": "203.0.113.1"}
POD_NETWORK_OF_CASES = ipaddress.ip_network("10.244.0.0/16")


def obj(kind, version, namespace, name, **rest):
    metadata = {"name": name, **({"namespace": namespace} if namespace else {}), **rest.pop("metadata", {})}
    return {"apiVersion": version, "kind": kind, "metadata": metadata, **rest}


def server_kind(service):
    protocol = service.get("appProtocol") or "http"
    return protocol if protocol in ("http", "tcp", "tcp-server-first") else "tcp"


class World:
    def __init__(self, mesh, case):
        self.mesh, self.case = mesh, case
        self.from_ns, self.from_account = case["from_sa"].split("/")

    # -- objects

    def namespaces(self):
        names = set(self.case["mesh_namespaces"]) | {s["ns"] for s in self.case["services"]}
        if self.from_ns != "node":
            names.add(self.from_ns)
        return sorted(names)

    def meshed(self, namespace):
        # "sidecar: false": the namespace is watched, but its pods stand outside the mesh.
        bare = any(s["ns"] == namespace and s.get("sidecar") is False for s in self.case["services"])
        return namespace in self.case["mesh_namespaces"] and not bare

    def labels(self, service):
        labels = {"service": service["name"]}
        root = next((s for s in self.case["services"] if s.get("selector") and s["ns"] == service["ns"]), None)
        if root:
            labels.update([root["selector"].split("=")])
        return labels

    def selector(self, service):
        return dict([service["selector"].split("=")]) if service.get("selector") else {"service": service["name"]}

    def service_objects(self, service):
        port = {"port": service["port"], "targetPort": service["targetPort"]}
        if service.get("appProtocol"):
            port["appProtocol"] = service["appProtocol"]
        yield obj("Service", "v1", service["ns"], service["name"], spec={"selector": self.selector(service), "ports": [port]})
        if service["sa"]:
            account = service["sa"].split("/")[1]
            template = {"metadata": {"labels": self.labels(service)},
                        "spec": {"serviceAccountName": account, "containers": [{"name": "server", "image": "server"}]}}
            yield obj("ServiceAccount", "v1", service["ns"], account)
            yield obj("Deployment", "apps/v1", service["ns"], service["name"],
                      spec={"selector": {"matchLabels": self.labels(service)}, "template": template})

    def mesh_config(self, permissive):
        traffic = {"enablePermissiveTrafficPolicyMode": permissive, "enableEgress": self.case["enable_egress"],
                   **self.case["mesh_config"].get("traffic", {})}
        if self.case["group"] == "host":
            traffic["strictAuthority"] = True
        return obj("MeshConfig", "config.openservicemesh.io/v1alpha2", "osm-system", "osm-mesh-config", spec={"traffic": traffic})

    def objects(self, permissive):
        found = {}
        for namespace in self.namespaces():
            labels = {"openservicemesh.io/monitored-by": "osm"} if self.meshed(namespace) else {}
            found["Namespace", namespace] = obj("Namespace", "v1", None, namespace, metadata={"labels": labels})
        for service in self.case["services"]:
            for item in self.service_objects(service):
                found[item["kind"], service["ns"], item["metadata"]["name"]] = item
        if self.from_ns != "node":
            account = obj("ServiceAccount", "v1", self.from_ns, self.from_account)
            found.setdefault(("ServiceAccount", self.from_ns, self.from_account), account)
        return {"apiVersion": "v1", "kind": "List", "items": list(found.values()) + [self.mesh_config(permissive)]}

    # -- doing

    def validate(self, manifests):
        return self.mesh.validate({"world.json": json.dumps(self.objects(self.case["permissive"])), "case.yaml": manifests})

    def apply(self, manifests, permissive):
        files = {"world.json": json.dumps(self.objects(permissive), indent=1)}
        if manifests:
            files["case.yaml"] = manifests
        self.mesh.policies(files)

    def populate(self):
        """The world without the case's rules first, so that pods find their Deployments."""
        self.apply("", self.case["permissive"])
        pods = {}
        for service in self.case["services"]:
            if service["sa"]:
                ports = [f"{service['targetPort']}/{server_kind(service)}"] + self.datagram_ports(service)
                pods[service["ns"], service["name"]] = {"deployment": True, "account": service["sa"].split("/")[1], "ports": ports}
        if self.source_kind() == "pod" and not self.client_pod(pods):
            pods[self.from_ns, "client"] = {"deployment": False, "account": self.from_account, "ports": []}
        self.mesh.pods(pods)
        self.client = self.client_pod(pods)

    def datagrams(self):
        return (self.case["request"] or {}).get("proto") == "udp"

    def datagram_ports(self, service):
        """The server answers on the port that a UDP request goes to: else silence would be no denial."""
        return [f"{self.case['request']['port']}/udp"] if self.datagrams() and service["sa"] == self.case["to_sa"] else []

    def check_server(self):
        """Before the case's rules UDP is not protected, so the server must answer."""
        if self.datagrams() and (got := self.request())["connect"] != "ok":
            raise MeshError(f"no answer from the server before the case's rules: {got['received']}")

    def source_kind(self):
        address = (self.case["request"] or {}).get("source_ip")
        if self.from_ns == "node":
            return "node"
        return "outside" if address and ipaddress.ip_address(address) not in POD_NETWORK_OF_CASES else "pod"

    def client_pod(self, pods):
        """A pod of the source's account: one of the servers' if there is one."""
        return next((key for key, pod in pods.items() if key[0] == self.from_ns and pod["account"] == self.from_account), None)

    def target(self):
        """(address or name to dial, port): a Service by name, or a pod directly where the case speaks of a pod's port."""
        request = self.case["request"]
        if self.case["to_sa"] == "external":
            return self.mesh.external(request["port"]), request["port"]
        namespace, account = self.case["to_sa"].split("/")
        service = next((s for s in self.case["services"] if s["ns"] == namespace and (s["sa"] == self.case["to_sa"] or not s["sa"])), None)
        if self.source_kind() == "pod" and service and service["port"] == request["port"] and not request.get("source_ip"):
            return f"{service['name']}.{namespace}.svc.cluster.local", request["port"]
        return self.mesh.address(namespace, service["name"]), request["port"]

    def request(self):
        request = self.case["request"]
        dial, port = self.target()
        if self.datagrams():
            return judge.datagram(self.mesh.datagram_in_pod(self.client, dial, port))
        job = {"dial": dial, "port": port, "proto": request["proto"], "send": request.get("send", ""),
               "server_first": self.case["expect"].get("server_speaks_first", False), "timeout": 4}
        if request["proto"] == "http":
            headers = {**request["headers"], "Connection": "close"}
            job["requests"] = [{"method": request["method"], "path": request["path"], "host": request["host"], "headers": headers}]
        if "repeat" in request:
            job["repeat"] = request["repeat"]
        kind = self.source_kind()
        if kind == "pod":
            return self.mesh.probe_in_pod(self.client, job)
        return self.mesh.probe_from(OUTSIDE[request["source_ip"]] if kind == "outside" else None, job)
