#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""whole.py SWITCHES RACE EVENTS PORT_A PORT_B: were decisions whole? Policy A allows only port A, policy B only port B.

Every attempt that does not touch a switch must have had exactly the result of the policy between its neighbours (one that does
may also be cut, but is never left to a time-out), and every event of
a connect(), a packet or an opened flow exactly the verdict of the policy of the epoch it names. Prints "ATTEMPTS BETWEEN DURING EVENTS EPOCHS WRONG" and the first wrong ones."""
import bisect
import json
import sys

port_of = {"A": int(sys.argv[4]), "B": int(sys.argv[5])}
switches = [(name, int(epoch), int(begin), int(end)) for name, epoch, begin, end in map(str.split, open(sys.argv[1]))]
begins = [s[2] for s in switches]
policy_of = {epoch: name for name, epoch, _begin, _end in switches}
wrong, between, during, attempts = [], 0, 0, 0

for line in open(sys.argv[2]):
    fields = line.split()
    if len(fields) != 4:
        continue
    port, result, begin, end = int(fields[0]), fields[1], int(fields[2]), int(fields[3])
    attempts += 1
    last = bisect.bisect_right(begins, begin) - 1  # the switch that began before this attempt
    if "imeout" in result:
        wrong.append(line)
    if last < 0 or switches[last][3] > begin or (last + 1 < len(switches) and begins[last + 1] < end):
        during += 1
        continue
    between += 1
    if result != str(int(port_of[switches[last][0]] == port)):
        wrong.append(f"{switches[last]}: {line}")

events, epochs = 0, set()
for line in open(sys.argv[3]):
    event = json.loads(line)
    if event.get("port") not in port_of.values() or event.get("epoch") not in policy_of or event["kind"] not in ("connect", "packet", "open"):
        continue
    events += 1
    epochs.add(event["epoch"])
    if (event["verdict"] == "allowed") != (port_of[policy_of[event["epoch"]]] == event["port"]):
        wrong.append(line)
print(attempts, between, during, events, len(epochs), len(wrong), *wrong[:3], flush=True)
