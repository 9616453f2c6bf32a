#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""loads.py KIND HOST PORT [PORT2]: traffic that must survive, or must not pass, until a line (or the end) arrives on standard input. Prints "open", then one line.

stream      ONE connection to an echo server, a few MB a second: every byte both ways is checked; "BYTES BROKEN"
keepalive   ONE HTTP connection, GET /api/buy on and on; "REQUESTS BROKEN"
body        ONE POST /echo with a body that does not end before the line comes; its echo is compared; "BYTES BROKEN"
new         GET /api/buy, each on a connection of its own; "REQUESTS BROKEN"
race        connects to PORT and PORT2 in turns; a line each: port, 1 or 0 (connected, refused), begin and end in nanoseconds
BROKEN is 0, or 1 and what happened.
"""
import hashlib
import http.client
import select
import socket
import sys
import threading
import time

kind, host, port = sys.argv[1], sys.argv[2], int(sys.argv[3])
BLOCK = 16384
PIECE = 4096


def told_to_end(wait=0.0):
    return bool(select.select([sys.stdin], [], [], wait)[0])


def pattern(start, size):
    """Bytes start to start + size of a sequence that does not repeat within 4 GiB: the number of every 8-byte word."""
    first, last = start // 8, (start + size + 7) // 8
    words = b"".join(b"%08x" % (n & 0xFFFFFFFF) for n in range(first, last))
    return words[start - first * 8:][:size]


def stream():
    sock = socket.create_connection((host, port), 5)
    sock.settimeout(10)
    print("open", flush=True)
    sent, ended, failures = 0, threading.Event(), []

    def send():
        nonlocal sent
        try:
            while not told_to_end(0.004):
                sock.sendall(pattern(sent, BLOCK))
                sent += BLOCK
            sock.shutdown(socket.SHUT_WR)
        except OSError as error:
            failures.append(error)
        ended.set()

    threading.Thread(target=send, daemon=True).start()
    got = 0
    while data := sock.recv(65536):
        if data != pattern(got, len(data)):
            raise ValueError(f"other bytes at {got}")
        got += len(data)
    ended.wait(10)
    if failures or got != sent:
        raise ValueError(f"{sent} sent, {got} came back, {failures}")
    return got


def buy(connection):
    connection.request("GET", "/api/buy")
    answer = connection.getresponse()
    answer.read()
    if answer.status != 200:
        raise ValueError(f"status {answer.status}")


def keepalive():
    connection = http.client.HTTPConnection(host, port, timeout=10)
    connection.auto_open = 0
    connection.connect()
    buy(connection)
    print("open", flush=True)
    count = 1
    while not told_to_end(0.002):
        buy(connection)
        count += 1
    return count


def new():
    print("open", flush=True)
    count = 0
    while not told_to_end(0.01):
        connection = http.client.HTTPConnection(host, port, timeout=10)
        buy(connection)
        connection.close()
        count += 1
    return count


def body():
    sock = socket.create_connection((host, port), 5)
    sock.settimeout(20)
    sock.sendall(b"POST /echo HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n")
    print("open", flush=True)
    size, digest = 0, hashlib.sha256()
    while not told_to_end(0.005):
        piece = pattern(size, PIECE)
        sock.sendall(b"%x\r\n%s\r\n" % (PIECE, piece))
        digest.update(piece)
        size += PIECE
    sock.sendall(b"0\r\n\r\n")
    answer = http.client.HTTPResponse(sock)
    answer.begin()
    back = answer.read()
    if answer.status != 200 or len(back) != size or hashlib.sha256(back).digest() != digest.digest():
        raise ValueError(f"status {answer.status}, {len(back)} of {size} bytes came back")
    return size


def race():
    ports = [port, int(sys.argv[4])]
    print("open", flush=True)
    while not told_to_end(0.001):
        for p in ports:
            begin, result = time.monotonic_ns(), 1
            try:
                socket.create_connection((host, p), 2).close()
            except ConnectionRefusedError:
                result = 0
            except OSError as error:
                result = repr(error).replace(" ", "")
            print(p, result, begin, time.monotonic_ns(), flush=True)
    return 0


def main():
    try:
        print({"stream": stream, "keepalive": keepalive, "new": new, "body": body, "race": race}[kind](), 0, flush=True)
    except (OSError, ValueError, http.client.HTTPException) as error:
        print(-1, 1, repr(error), flush=True)


main()
