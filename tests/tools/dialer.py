#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""dialer.py HOST PORT: for every line on standard input one connection, closed at once; prints "ok" or the name of the error."""
import socket
import sys

for _ in sys.stdin:
    try:
        socket.create_connection((sys.argv[1], int(sys.argv[2])), 3).close()
        print("ok", flush=True)
    except OSError as error:
        print(type(error).__name__, flush=True)
