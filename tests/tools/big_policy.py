#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""big_policy.py TABLE DIRECTORY: policy files that need more of that table than a revision may hold (userspace/policy/policy.h); with a
number for TABLE, so many ServiceAccounts that may all use port 3001 of bookstore. No file is larger than 1 MiB."""
import pathlib
import sys

documents = []


def print(text):
    """A document begins with ---; what follows belongs to it."""
    if text.startswith("---"):
        documents.append([])
    documents[-1].append(text + "\n")


def write(directory):
    directory.mkdir()
    size, parts, number = 0, [], 0
    for document in [*("".join(d) for d in documents), None]:
        if document is None or size + len(document) > 1000000:
            (directory / f"big{number}.yaml").write_text("".join(parts))
            size, parts, number = 0, [], number + 1
        if document is not None:
            parts.append(document)
            size += len(document)


def target(name, sources, rules):
    print(f"""---
apiVersion: access.smi-spec.io/v1alpha3
kind: TrafficTarget
metadata: {{name: {name}, namespace: bookstore}}
spec:
  destination: {{kind: ServiceAccount, name: bookstore, namespace: bookstore}}
  sources:""")
    for source in sources:
        print(f"  - {{kind: ServiceAccount, name: {source}, namespace: bookbuyer}}")
    print(f"  rules: [{rules}]")


def accounts(count):
    for i in range(count):
        print(f"---\napiVersion: v1\nkind: ServiceAccount\nmetadata: {{name: s{i}, namespace: bookbuyer}}")


def idents():
    accounts(66000)


def ingress():
    for n in range(10):
        print(f"---\napiVersion: policy.openservicemesh.io/v1alpha1\nkind: IngressBackend\nmetadata: {{name: many{n}, namespace: bookstore}}\nspec:\n"
              "  backends:\n  - {name: bookstore, port: {number: 3000, protocol: http}}\n  sources:")
        for i in range(n * 6600, (n + 1) * 6600):
            print(f"  - {{kind: IPRange, name: 10.{i >> 16 & 255}.{i >> 8 & 255}.{i & 255}/32}}")


def identities(count):
    accounts(count)
    print("---\napiVersion: specs.smi-spec.io/v1alpha4\nkind: TCPRoute\nmetadata: {name: many, namespace: bookstore}\nspec: {matches: {ports: [3001]}}")
    target("many", (f"s{i}" for i in range(count)), "{kind: TCPRoute, name: many}")


if sys.argv[1].isdigit():
    identities(int(sys.argv[1]))
else:
    {"idents": idents, "ingress": ingress}[sys.argv[1]]()
write(pathlib.Path(sys.argv[2]))
