#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What the agent of $RINGFENCE_INSTANCE knows of a denial, from its control socket.
ask_agent.py counter REASON      how often, since it started
ask_agent.py told REASON SINCE   "told" if an event of that reason is not older than SINCE (as events write the time)"""
import json
import os
import socket
import sys


def lines(request):
    with socket.socket(socket.AF_UNIX) as connection:
        connection.settimeout(20 * int(os.environ.get("RINGFENCE_PATIENCE", "1")))
        connection.connect(f"/run/{os.environ['RINGFENCE_INSTANCE']}/control.sock")
        connection.sendall(json.dumps(request).encode() + b"\n")
        with connection.makefile() as answers:
            yield from map(json.loads, answers)


def counter(reason):
    status = next(lines({"op": "status"}))
    return status["reasons"].get(reason, 0)


def told(reason, since):
    # It is nearly always among the newest; all of them are many.
    for last in (50, 4000):
        for line in lines({"op": "events", "last": last, "follow": False, "verdict": "denied"}):
            if line.get("reason") == reason and line.get("time", "") >= since and line.get("kind") != "lost":
                return "told"
    return "not told"


print({"counter": counter, "told": told}[sys.argv[1]](*sys.argv[2:]))
