#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""mptcp.py serve PORT | dial ADDRESS PORT: both ends of an MPTCP connection. The server sends back what it gets. The client prints "open", and for
every line of standard input sends it and prints "answered N": how many subflows there are besides the first one (RFC 8684; linux/mptcp.h,
MPTCP_INFO), or "plain" if the other end speaks TCP only."""
import socket
import sys
import threading

IPPROTO_MPTCP, SOL_MPTCP, MPTCP_INFO = 262, 284, 1
FALLBACK = 1  # MPTCP_INFO_FLAG_FALLBACK
FLAGS_AT = 8  # in struct mptcp_info


def echo(sock):
    with sock:
        while data := sock.recv(4096):
            sock.sendall(data)


def serve(port):
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM, IPPROTO_MPTCP)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.bind(("0.0.0.0", port))
    listener.listen()
    print("serving", flush=True)
    while True:
        threading.Thread(target=echo, args=(listener.accept()[0],), daemon=True).start()


def subflows(sock):
    try:
        info = sock.getsockopt(SOL_MPTCP, MPTCP_INFO, 64)
    except OSError:
        return "plain"
    return "plain" if info[FLAGS_AT] & FALLBACK else str(info[0])


def dial(address, port):
    sock = socket.socket(socket.AF_INET, socket.SOCK_STREAM, IPPROTO_MPTCP)
    sock.settimeout(5)
    sock.connect((address, port))
    print("open", flush=True)
    for line in sys.stdin:
        sock.sendall(line.encode())
        print(f"answered {subflows(sock)}" if sock.recv(4096) else "closed", flush=True)


try:
    {"serve": lambda port: serve(int(port)), "dial": lambda address, port: dial(address, int(port))}[sys.argv[1]](*sys.argv[2:])
except OSError as error:
    print(error, flush=True)
