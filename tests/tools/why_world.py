#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""A random world and random questions about it, for tests/e2e/why.sh. All from one seed.

why_world.py objects SEED OUTSIDE            the policy, as a JSON List; OUTSIDE is the address of the machine outside the mesh
why_world.py ask SEED COUNT OUTSIDE          questions, one JSON object a line, as `ringfence why --batch` reads them
why_world.py pick SEED COUNT ANSWERS         COUNT of the answered questions of `why`, chosen so that every kind of answer is there
why_world.py try SOURCE <PICKED              really tries those of that source (in its pod, or outside), one line {"id", "got"} each
                                             after a line "{}" when it begins
why_world.py judge PICKED TRIED...           compares; prints each disagreement and "N tried, M disagree", and the kinds of answers"""
import collections
import itertools
import json
import random
import socket
import ssl
import sys

PODS = {"shop/front": "shop", "shop/cart": "shop", "bank/pay": "bank", "bank/audit": "bank", "wild/guest": "wild"}
MESHED = [a for a in PODS if not a.startswith("wild/")]
PORTS = {80: 8080, 81: 8081, 90: 9000, 91: 9001}  # of each Service -> of its pod
HTTP, TCP, UDP = (8080, 8081), (9000, 9001), (5300, 5301)
OUTSIDE_TCP, OUTSIDE_HTTP, OUTSIDE_TLS = (7000, 7001, 7002), (7080, 7081), (7443,)
EXCLUDED = {"bank/audit": {"openservicemesh.io/outbound-port-exclusion-list": "7002, 9000"},
            "shop/front": {"openservicemesh.io/inbound-port-exclusion-list": "9001"},
            "shop/cart": {"openservicemesh.io/outbound-ip-range-exclusion-list": "203.0.113.0/24"}}
HOSTS = ["one.example", "two.example"]
PATHS = ["/", "/buy", "/buy/7", "/sell", "/sell/x", "/a/../buy", "//buy", "/b%75y", "/%2e%2e", "/x;y/z", "/sell?buy", "/BUY"]
PATTERNS = ["/buy", "/buy/[0-9]+", "/sell.*", ".*", "/(buy|sell)", "/x/z", "(?i)/buy", "/"]
METHODS = ["GET", "POST", "DELETE", "PUT"]
HEADERS = [None, None, {"x-user": "ann"}, {"x-user": ["ann", "bob"]}, {"X-User": "eve", "x-level": "7"}]
CONDITIONS = [None, None, None, {"x-user": "ann|bob"}, {"x-level": "[0-9]"}]


def obj(kind, version, name, namespace=None, **rest):
    metadata = {"name": name, **({"namespace": namespace} if namespace else {}), **rest.pop("metadata", {})}
    return {"apiVersion": version, "kind": kind, "metadata": metadata, **rest}


def account(name):
    namespace, short = name.split("/")
    return {"kind": "ServiceAccount", "name": short, "namespace": namespace}


def fixed():
    yield obj("MeshConfig", "config.openservicemesh.io/v1alpha2", "osm-mesh-config", "osm-system",
              spec={"traffic": {"enablePermissiveTrafficPolicyMode": False, "enableEgress": False}})
    for namespace in ("shop", "bank", "wild"):
        labels = {"openservicemesh.io/monitored-by": "osm"} if namespace != "wild" else {}
        yield obj("Namespace", "v1", namespace, metadata={"labels": labels})
    for name in PODS:
        namespace, short = name.split("/")
        labels = {"app": short}
        template = {"metadata": {"labels": {**labels, "group": namespace}, "annotations": EXCLUDED.get(name, {})}, "spec": {"serviceAccountName": short, "containers": [{"name": "c", "image": "c"}]}}
        yield obj("ServiceAccount", "v1", short, namespace)
        yield obj("Deployment", "apps/v1", short, namespace, spec={"selector": {"matchLabels": labels}, "template": template})
        ports = [{"port": p, "targetPort": t, "name": f"p{p}", "appProtocol": "http" if t in HTTP else "tcp"} for p, t in PORTS.items()]
        yield obj("Service", "v1", short, namespace, spec={"selector": labels, "ports": ports})
    yield obj("Service", "v1", "all", "shop", spec={"selector": {"group": "shop"}, "ports": ports})
    yield obj("TrafficSplit", "split.smi-spec.io/v1alpha2", "all", "shop",
              spec={"service": "all", "backends": [{"service": "front", "weight": 1}, {"service": "cart", "weight": 3}]})


def match(rng, name):
    found = {"name": name, "pathRegex": rng.choice(PATTERNS), "methods": rng.choice([["*"], ["GET"], ["POST", "DELETE"], ["GET", "PUT"]])}
    condition = rng.choice(CONDITIONS)
    if condition:
        found["headers"] = [{k: v} for k, v in condition.items()]
    return found


def routes(rng, namespace):
    specs = "specs.smi-spec.io/v1alpha4"
    for i in range(3):
        yield obj("HTTPRouteGroup", specs, f"http{i}", namespace, spec={"matches": [match(rng, f"m{k}") for k in range(3)]})
        yield obj("TCPRoute", specs, f"tcp{i}", namespace,
                  spec={"matches": {"ports": rng.choice([[], [8080, 9000], [9001], [8081, 9000]])}})
    yield obj("UDPRoute", specs, "udp0", namespace, spec={"matches": {"ports": [5300]}})


def rules(rng):
    found = []
    for kind in rng.choice([["http"], ["tcp"], ["http", "tcp"], ["http", "http"], ["udp"], ["http", "udp"]]):
        rule = {"kind": {"http": "HTTPRouteGroup", "tcp": "TCPRoute", "udp": "UDPRoute"}[kind], "name": f"{kind}{0 if kind == 'udp' else rng.randrange(3)}"}
        if kind == "http" and rng.random() < 0.5:
            rule["matches"] = rng.sample(["m0", "m1", "m2"], 2)
        found.append(rule)
    return found


def targets(rng):
    for number in range(9):
        destination = rng.choice(MESHED[:3])  # one account stays closed
        sources = rng.sample(MESHED, rng.randrange(1, 3))
        yield obj("TrafficTarget", "access.smi-spec.io/v1alpha3", f"target{number}", destination.split("/")[0],
                  spec={"destination": account(destination), "sources": [account(s) for s in sources], "rules": rules(rng)})


def doors(rng, outside):
    policy = "policy.openservicemesh.io/v1alpha1"
    for number in range(2):
        namespace, short = rng.choice(MESHED).split("/")
        yield obj("IngressBackend", policy, f"in{number}", namespace,
                  spec={"backends": [{"name": short, "port": {"number": rng.choice([8080, 9000]), "protocol": "http"}}],
                        "sources": [{"kind": "IPRange", "name": f"{outside}/32"}]})
    for source in rng.sample(MESHED, 2):
        yield obj("Egress", policy, f"tls-{source.split('/')[1]}", source.split("/")[0],
                  spec={"sources": [account(source)], "hosts": [rng.choice(HOSTS)], "ports": [{"number": 7443, "protocol": "https"}]})
    for number in range(3):
        source = rng.choice(MESHED)
        http = {"hosts": [rng.choice(HOSTS)], "ports": [{"number": rng.choice(OUTSIDE_HTTP), "protocol": "http"}]}
        tcp = {"ipAddresses": [rng.choice([f"{outside}/32", "203.0.113.0/24"])], "ports": [{"number": rng.choice(OUTSIDE_TCP), "protocol": "tcp"}]}
        spec = {"sources": [account(source)], **(http if number else tcp)}
        if number == 2:
            group = {"apiGroup": "specs.smi-spec.io/v1alpha4", "kind": "HTTPRouteGroup", "name": f"http{rng.randrange(3)}"}
            spec["matches"] = [group]
        yield obj("Egress", policy, f"out{number}", source.split("/")[0], spec=spec)


def objects(seed, outside):
    rng = random.Random(seed)
    items = list(fixed())
    for namespace in ("shop", "bank"):
        items += routes(rng, namespace)
    items += targets(rng)
    items += doors(rng, outside)
    print(json.dumps({"apiVersion": "v1", "kind": "List", "items": items}, indent=1))


# ---- questions ----

def request(rng):
    found = {"path": rng.choice(PATHS), "method": rng.choice(METHODS)}
    headers = rng.choice(HEADERS)
    return {**found, **({"headers": headers} if headers else {})}


def outside_question(rng, question, outside):
    port = rng.choice(OUTSIDE_TCP + OUTSIDE_HTTP + OUTSIDE_TLS)
    question["to"] = f"{outside}:{port}"
    if port in OUTSIDE_HTTP and rng.random() < 0.8:
        question.update(request(rng))
        question["headers"] = {**question.get("headers", {}), "Host": rng.choice(HOSTS)}
    if port in OUTSIDE_TLS:
        question["server_name"] = rng.choice(HOSTS + ["three.example"])
    return question


def family(rng, asked, outside):
    return {"ipv6": True} if asked["from"] != outside and rng.random() < 0.3 else {}


def question(rng, outside):
    found = {"from": rng.choice(list(PODS) + [outside])}
    if found["from"] != outside and rng.random() < 0.2:
        return outside_question(rng, found, outside)
    to = rng.choice(list(PODS))
    namespace, short = to.split("/")
    kind = rng.random()
    if kind < 0.15:
        return {**found, "to": f"{to}:{rng.choice(UDP)}", "udp": True, **family(rng, found, outside)}
    if kind < 0.2:
        return {**found, "to": f"{to}:9999"}
    if kind < 0.6 and found["from"] != outside:
        port = rng.choice(list(PORTS) + [99])
        found["to"] = f"all.shop:{port}" if rng.random() < 0.2 else f"{short}.{namespace}:{port}"
        port = PORTS.get(port, 0)
    else:
        port = rng.choice(HTTP + TCP)
        found.update(to=f"{to}:{port}", **family(rng, found, outside))
    if port in HTTP and rng.random() < 0.85:
        found.update(request(rng))
    return found


def ask(seed, count, outside):
    rng = random.Random(f"ask {seed}")
    for number in range(count):
        print(json.dumps({**question(rng, outside), "id": number}))


def kind_of(answer):
    return answer["decision"], tuple(sorted({a["reason"] for a in answer["answers"]}))


def has_server(answer):
    return answer["port"] not in (99, 9999)


def pick(seed, count, answers):
    rng = random.Random(f"pick {seed}")
    kinds = collections.defaultdict(list)
    questions = [json.loads(line) for line in sys.stdin]
    with open(answers, encoding="utf-8") as lines:
        for asked, line in zip(questions, lines):
            answer = json.loads(line)
            if "error" in answer or answer["id"] != asked["id"]:
                sys.exit(f"no answer to {asked}: {line}")
            if has_server(answer) and answer["decision"] != "mixed" and not any(a["reason"] == "allow-self" for a in answer["answers"]):
                kinds[kind_of(answer)].append((asked, answer))
    for found in kinds.values():
        rng.shuffle(found)
    # By turns from every kind, so that the rare ones are tried as well as the common ones.
    turns = (pair for row in itertools.zip_longest(*kinds.values()) for pair in row if pair)
    for asked, answer in itertools.islice(turns, count):
        print(json.dumps({"question": asked, "answer": answer}))


# ---- trying ----

def headers_of(asked, host):
    given = asked.get("headers", {})
    lines = [f"Host: {given.get('Host', host)}"]
    for name, value in given.items():
        if name != "Host":
            lines += [f"{name}: {v}" for v in (value if isinstance(value, list) else [value])]
    return lines


def hello(server_name):
    """A TLS ClientHello."""
    context, outgoing = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT), ssl.MemoryBIO()
    try:
        context.wrap_bio(ssl.MemoryBIO(), outgoing, server_hostname=server_name).do_handshake()
    except ssl.SSLWantReadError:
        pass
    return outgoing.read()


def exchange(sock, asked, answer, host):
    if "server_name" in asked:
        sock.sendall(hello(asked["server_name"]))
        return "echo" if sock.recv(65536) else "closed"
    if "path" in asked:
        head = [f"{asked['method']} {asked['path']} HTTP/1.1", *headers_of(asked, host), "Content-Length: 0", "Connection: close"]
        sock.sendall(("\r\n".join(head) + "\r\n\r\n").encode())
        data = sock.recv(65536)
        return data.split(b" ")[1].decode() if data.startswith(b"HTTP/1.1 ") else "closed"
    if answer["answers"][0]["port"] in TCP + OUTSIDE_TCP:
        sock.sendall(b"hello")
        sock.shutdown(socket.SHUT_WR)
        return "echo" if sock.recv(65536) == b"hello" else "closed"
    return "connected"


def datagram(to):
    with socket.socket(socket.AF_INET6 if ":" in to[0] else socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.settimeout(0.7)
        sock.sendto(b"hello", to)
        return "answered" if sock.recv(65536) else "empty"


def attempt(asked, answer, addresses):
    where, port = asked["to"].rsplit(":", 1)
    host = addresses.get(where, where)
    try:
        if asked.get("udp"):
            return datagram((host, int(port)))
        with socket.create_connection((host, int(port)), 4) as sock:
            return exchange(sock, asked, answer, asked["to"].split("/")[-1])
    except (ConnectionError, PermissionError):
        return "refused"
    except TimeoutError:
        return "silent" if asked.get("udp") else "timeout"
    except OSError as error:
        return repr(error)


def resolve(answer):
    """Where a pod dials an account: the address that the answer names. Services are dialled by name."""
    return {answer["destination"]: answer["answers"][0].get("address", "")}


def try_all(source):
    print("{}", flush=True)  # it is where it is to be
    for line in sys.stdin:
        pair = json.loads(line)
        if pair["question"]["from"] == source:
            got = attempt(pair["question"], pair["answer"], resolve(pair["answer"]))
            print(json.dumps({"id": pair["question"]["id"], "got": got}), flush=True)


# ---- judging ----

STATUS = {"no-route": "404", "wrong-authority": "404", "route-for-others": "403", "bad-path": "400"}


def expected_of(asked, part):
    allowed = part["decision"] != "denied"
    if asked.get("udp"):
        return {"answered"} if allowed else {"refused", "silent"}
    if part["decision"] == "allowed per request":
        return {"connected"}
    if not allowed:
        return {STATUS[part["reason"]]} if part["reason"] in STATUS else {"refused", "closed"}
    if "path" in asked:
        return {"200"}
    return {"echo"} if part["port"] in TCP + OUTSIDE_TCP + OUTSIDE_TLS else {"connected"}


def expected(asked, answer):
    """Chance picks the backend, so what any of them would do is right."""
    return set().union(*(expected_of(asked, part) for part in answer["answers"]))


def judge(picked, tried):
    with open(picked, encoding="utf-8") as lines:
        pairs = [json.loads(line) for line in lines]
    got = {}
    for name in tried:
        with open(name, encoding="utf-8") as lines:
            got.update((item["id"], item["got"]) for item in map(json.loads, lines) if item)
    wrong, kinds = 0, collections.Counter()
    for pair in pairs:
        asked, answer = pair["question"], pair["answer"]
        kinds[" ".join([kind_of(answer)[0], *kind_of(answer)[1]])] += 1
        if got.get(asked["id"], "not tried") not in expected(asked, answer):
            wrong += 1
            print(f"why says {kind_of(answer)}, expected {expected(asked, answer)}, got {got.get(asked['id'])}: {asked}")
    for kind, count in sorted(kinds.items()):
        print(f"  {count:4} {kind}")
    print(f"{len(pairs)} tried, {wrong} disagree")


def main():
    what, *rest = sys.argv[1:]
    if what == "objects":
        objects(rest[0], rest[1])
    elif what == "ask":
        ask(rest[0], int(rest[1]), rest[2])
    elif what == "pick":
        pick(rest[0], int(rest[1]), rest[2])
    elif what == "try":
        try_all(rest[0])
    elif what == "judge":
        judge(rest[0], rest[1:])
    else:
        sys.exit(__doc__)


if __name__ == "__main__":
    main()
