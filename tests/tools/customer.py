#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""customer.py HOST PORT SECONDS [http|tcp]: one request after the other, each on a connection of its own, as a well-behaved program makes
them. Prints "DONE FAILED RATE MEDIAN": how many, how many of them failed, per second, and the median time of one in microseconds; what went
wrong first goes to standard error."""
import socket
import statistics
import sys
import time

host, port, seconds = sys.argv[1], int(sys.argv[2]), float(sys.argv[3])
http = sys.argv[4:] != ["tcp"]


def once():
    with socket.create_connection((host, port), 5) as s:
        s.sendall(b"GET /api/buy HTTP/1.1\r\nHost: bookstore\r\nConnection: close\r\n\r\n" if http else b"hello")
        if not http:
            s.shutdown(socket.SHUT_WR)
        data = b""
        while part := s.recv(65536):
            data += part
    if not data.startswith(b"HTTP/1.1 200 " if http else b"hello"):
        raise OSError(f"another answer: {data[:80]!r}")


def main():
    times, failed = [], 0
    began = time.monotonic()
    while time.monotonic() < began + seconds:
        start = time.monotonic()
        try:
            once()
        except OSError as error:
            if not failed:
                print(repr(error), file=sys.stderr)
            failed += 1
        times.append(time.monotonic() - start)
    took = time.monotonic() - began
    print(len(times), failed, round(len(times) / took, 1), round(statistics.median(times) * 1e6))


main()
