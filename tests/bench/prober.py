#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""prober.py HOST PORT: connects again and again, every millisecond or so, and prints a line whenever the result is another than before:
CLOCK_MONOTONIC nanoseconds at the end of that attempt, and "open" or "refused". Ends with its standard input."""
import select
import socket
import sys
import time

host, port, before = sys.argv[1], int(sys.argv[2]), None
while not select.select([sys.stdin], [], [], 0.001)[0]:
    try:
        socket.create_connection((host, port), 3).close()
        now = "open"
    except OSError:  # a reset, where the switch comes between connect() and the packet
        now = "refused"
    if now != before:
        print(time.monotonic_ns(), now, flush=True)
    before = now
