#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""hoard.py HOST PORT COUNT: opens COUNT connections and holds them without a word; prints "holds N" (how many could be opened), and ends with its
standard input."""
import resource
import socket
import sys

host, port, count = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
held = []
for _ in range(count):
    try:
        held.append(socket.create_connection((host, port), 5))
    except OSError:
        break
print(f"holds {len(held)}", flush=True)
sys.stdin.read()
