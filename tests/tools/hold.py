#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""hold.py HOST PORT [PATH]: opens a connection (and gets PATH on it), prints "open", then sends nothing and prints how the connection ends:
"reset", "closed", "data", or "still open" after a line arrives on standard input (or its end)."""
import http.client
import select
import socket
import sys

host, port = sys.argv[1], int(sys.argv[2])
sock = socket.create_connection((host, port), 5)
if len(sys.argv) > 3:
    sock.sendall(f"GET {sys.argv[3]} HTTP/1.1\r\nHost: {host}\r\n\r\n".encode())
    answer = http.client.HTTPResponse(sock)  # whole: head and body may come in two pieces
    answer.begin()
    answer.read()
print("open", flush=True)
readable, _, _ = select.select([sock, sys.stdin], [], [], 120)
if sock in readable:
    try:
        print("data" if sock.recv(65536) else "closed", flush=True)
    except OSError as error:
        print("reset" if isinstance(error, (ConnectionResetError, ConnectionAbortedError)) else repr(error), flush=True)
else:
    print("still open", flush=True)
