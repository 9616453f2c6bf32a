# SPDX-License-Identifier: Apache-2.0
"""Is what happened what the case expects? Nothing here touches the machine."""
import collections
import re

Verdict = collections.namedtuple("Verdict", "passed reason")

# Refused and reset are one result (nothing was let through, and the client was told at once); a timeout is never a denial, but for UDP,
# where silence is one.
DENIED = ("refused", "reset")


# Where ringfence differs on purpose: the case's policy is rejected, with a message that names this.
REJECTED_ON_PURPOSE = {"ingress-11-principal-only-http": "AuthenticatedPrincipal"}


def not_covered(case):
    """Why this runner cannot judge the case, or None."""
    request, expect = case["request"] or {}, case["expect"]
    if request.get("proto") == "grpc":
        return "the runner has no grpc client"
    if request.get("tls"):
        return "the runner has no TLS server outside"
    if "http_any" in expect:
        return "the runner has no concurrent clients"
    if case["mesh_config"].get("pod_annotations"):
        return "local pods have no annotations"
    return None


def alternatives(case):
    """What may be instead of the case's expectation. OSM does not intercept UDP and lets it pass; ringfence enforces the specification."""
    udp = (case["request"] or {}).get("proto") == "udp"
    return [a for a in case["accept"] if not (udp and a.get("connect") == "ok")]


def datagram(line):
    """What tests/tools/datagram.py printed, as probe.py says it."""
    words = {"refused": "refused", "silent": "timeout", "from": "ok"}
    return {"proto": "udp", "connect": words.get(line.split(" ")[0], line), "received": line, "answers": []}


def request(expect, accept, result):
    """result: what tests/tools/probe.py printed."""
    for alternative in [expect] + accept:
        if matches(alternative, result):
            return Verdict(True, "")
    return Verdict(False, f"expected {expect}{' or one of ' + str(accept) if accept else ''}, got {summary(result)}")


def matches(expect, result):
    last = result["answers"][-1] if result["answers"] else None
    if "http_sequence" in expect:
        return result["outcomes"] == expect["http_sequence"]
    if "connect_sequence" in expect:
        return ["reset" if o in DENIED else "ok" for o in result["outcomes"]] == expect["connect_sequence"]
    if "shares" in expect:
        return set(result["outcomes"]) == {expect["http"]} and shares_match(expect, result["servers"])
    if "http" in expect:
        return last is not None and last["status"] == expect["http"] and expect.get("body", last["body"]) == last["body"]
    if result.get("proto") == "udp" and expect.get("connect") in DENIED + ("timeout",):
        return result["connect"] in DENIED + ("timeout",)
    if expect.get("connect") in DENIED:
        return result["connect"] in DENIED
    if expect.get("connect") == "ok":
        return result["connect"] == "ok" and bool(result["received"] or last)
    return False


def shares_match(expect, servers):
    return all(abs(servers.count(name) / len(servers) - share) <= expect["tolerance"] for name, share in expect["shares"].items())


def summary(result):
    if result.get("outcomes"):
        return dict(collections.Counter(result["outcomes"]))
    if result["answers"]:
        return {"http": result["answers"][-1]["status"], "body": result["answers"][-1]["body"][:60]}
    return {k: result[k] for k in ("connect", "error", "received", "seconds") if result.get(k)}


def applied(expect, accept, result):
    """result: (exit code, output) of `ringfence validate`."""
    for alternative in [expect] + accept:
        if alternative["apply"] == "accept" and result[0] == 0:
            return Verdict(True, "")
        if alternative["apply"] == "reject" and result[0] == 1 and names_it(alternative.get("error_contains"), result[1]):
            return Verdict(True, "")
    return Verdict(False, f"expected {expect}, got exit code {result[0]}: {result[1].strip()[:300]}")


def names_it(wanted, output):
    """Does a message with its place (file:line:column) name the field or value that OSM's sentence names?"""
    placed = [line.split(": ", 1)[1].lower() for line in output.splitlines() if re.match(r"^\S+:\d+:\d+: ", line)]
    return any(word.lower() in line for line in placed for word in significant(wanted or "")) or (bool(placed) and not wanted)


def significant(sentence):
    """Quoted and bracketed values, and the last part of field paths like spec.Destination.Namespace; or else the sentence itself."""
    field = r"[A-Za-z]+(?:\.[A-Za-z]+)+"
    values = re.findall(r"['\"`]([^'\"`]+)['\"`]", sentence) + re.findall(r"\(([^()]+)\)", sentence)
    paths = re.findall(rf"\b{field}", re.sub(r"['\"`][^'\"`]+['\"`]", "", sentence)) + [v for v in values if re.fullmatch(field, v)]
    words = [path.rsplit(".", 1)[-1] for path in paths] + [v for v in values if v not in paths]
    return [word for word in words if len(word) > 2] or [sentence]
