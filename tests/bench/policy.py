#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""policy.py DIRECTORY [--pairs N] [--services N] [--pods N] [--namespaces N]: a policy directory of a given size, for measurements.

One file a service: its ServiceAccount, Service, HTTPRouteGroup, the TrafficTarget and its pods. pairs / services sources may call each
service, other services' accounts, each pair on one http port. Every file differs, as those of people do: names, ports and routes."""
import argparse
import pathlib

HEAD = """apiVersion: v1
kind: ServiceAccount
metadata:
  name: {name}
  namespace: {ns}
---
apiVersion: v1
kind: Service
metadata:
  name: {name}
  namespace: {ns}
spec:
  selector:
    app: {name}
  ports:
  - name: http-web
    port: 80
    targetPort: {port}
---
apiVersion: specs.smi-spec.io/v1alpha4
kind: HTTPRouteGroup
metadata:
  name: {name}
  namespace: {ns}
spec:
  matches:
  - name: read
    pathRegex: /{name}/[0-9]+(/.*)?
    methods:
    - GET
  - name: write
    pathRegex: /{name}
    methods:
    - POST
    - PUT
---
apiVersion: access.smi-spec.io/v1alpha3
kind: TrafficTarget
metadata:
  name: {name}
  namespace: {ns}
spec:
  destination:
    kind: ServiceAccount
    name: {name}
    namespace: {ns}
  rules:
  - kind: HTTPRouteGroup
    name: {name}
    matches:
    - read
    - write
  sources:
"""
SOURCE = """  - kind: ServiceAccount
    name: {name}
    namespace: {ns}
"""
POD = """---
apiVersion: v1
kind: Pod
metadata:
  name: {name}-{number}
  namespace: {ns}
  labels:
    app: {name}
spec:
  serviceAccountName: {name}
  containers:
  - name: web
    image: example/web:1
    ports:
    - containerPort: {port}
"""
NAMESPACE = """---
apiVersion: v1
kind: Namespace
metadata:
  name: {ns}
  labels:
    openservicemesh.io/monitored-by: osm
"""


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("directory", type=pathlib.Path)
    for name, default in (("pairs", 10000), ("services", 1000), ("pods", 10000), ("namespaces", 10)):
        parser.add_argument("--" + name, type=int, default=default)
    o = parser.parse_args()
    each, rest = divmod(o.pairs, o.services)
    if each + bool(rest) > o.services:
        parser.error("a service has at most one pair with every service")
    account = lambda i: {"name": f"svc{i}", "ns": f"bench{i % o.namespaces}"}
    o.directory.mkdir(parents=True, exist_ok=True)
    for i in range(o.services):
        me = account(i) | {"port": 8000 + i % 1000}
        text = [HEAD.format(**me)]
        text += (SOURCE.format(**account((i + 1 + k) % o.services)) for k in range(each + (i < rest)))
        text += (POD.format(number=k, **me) for k in range(o.pods // o.services + (i < o.pods % o.services)))
        (o.directory / f"svc{i:05}.yaml").write_text("".join(text))
    (o.directory / "namespaces.yaml").write_text("".join(NAMESPACE.format(ns=f"bench{i}") for i in range(o.namespaces)))


main()
