#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""hold.py HOST PORT [PATH]: opens a connection (and gets PATH on it), prints "open", then sends nothing and prints how the connection ends:
"reset", "closed", "data", or "still open" after a line arrives on standard input (or its end). PORT 53/udp: a connected UDP socket and one answer on it."""
import http.client
import select
import socket
import sys



def connected(to, at):
    if not at.endswith("/udp"):
        return socket.create_connection((to, int(at)), 5)
    family, kind, protocol, _, address = socket.getaddrinfo(to, int(at[:-4]), type=socket.SOCK_DGRAM)[0]
    udp = socket.socket(family, kind, protocol)
    udp.settimeout(5)
    udp.connect(address)
    udp.send(b"hello")
    udp.recv(65536)
    return udp


host, port = sys.argv[1], sys.argv[2]
sock = connected(host, port)
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
