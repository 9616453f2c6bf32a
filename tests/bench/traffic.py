#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""traffic.py HOST PORT CONNECTIONS EXCHANGES: so many connections one after the other, on each so many times 64 bytes there and back. Prints
how many failed."""
import socket
import sys

host, port, connections, exchanges = sys.argv[1], *(int(n) for n in sys.argv[2:])
failed = 0
for _ in range(connections):
    try:
        with socket.create_connection((host, port), 3) as s:
            s.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            for _ in range(exchanges):
                s.sendall(b"x" * 64)
                left = 64
                while left:
                    part = s.recv(left)
                    if not part:
                        raise ConnectionError("closed")
                    left -= len(part)
    except OSError:
        failed += 1
print(failed)
