#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""siege.py KIND HOST PORT: tries the same thing all the time until a line (or the end) arrives on standard input, then prints one line.

forbidden-connect   connects; prints "TRIES BREACHES" (a connect that succeeded)
forbidden-request   GET /api/steal, new connection each; prints "TRIES BREACHES" (an answer 2xx)
allowed-connect     the same as forbidden-connect; prints "TRIES SUCCESSES"
allowed-request     GET /api/buy, new connection each; prints "TRIES SUCCESSES" (an answer 2xx)
stream              ONE connection to an echo server, a number at a time; prints "NUMBERS LOST", LOST = 1 when the connection broke
"""
import http.client
import select
import socket
import sys

kind, host, port = sys.argv[1], sys.argv[2], int(sys.argv[3])


def told_to_end(wait=0.0):
    return bool(select.select([sys.stdin], [], [], wait)[0])


def connects():
    try:
        socket.create_connection((host, port), 2).close()
        return True
    except OSError:
        return False


def gets(path):
    connection = http.client.HTTPConnection(host, port, timeout=2)
    try:
        connection.request("GET", path)
        return connection.getresponse().status < 300
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


def count(succeeds):
    tries = successes = 0
    print("open", flush=True)
    while not told_to_end(0.002):
        tries += 1
        successes += succeeds()
    print(tries, successes, flush=True)


def stream():
    numbers = 0
    sock = socket.create_connection((host, port), 5)
    print("open", flush=True)
    try:
        while not told_to_end(0.01):
            line = f"{numbers}\n".encode()
            sock.sendall(line)
            back = b""
            while len(back) < len(line):
                part = sock.recv(len(line) - len(back))
                if not part:
                    raise ConnectionResetError("closed")
                back += part
            if back != line:
                raise ValueError("other bytes came back")
            numbers += 1
        print(numbers, 0, flush=True)
    except (OSError, ValueError) as error:
        print(numbers, 1, repr(error), flush=True)


{"forbidden-connect": lambda: count(connects), "forbidden-request": lambda: count(lambda: gets("/api/steal")),
 "allowed-connect": lambda: count(connects), "allowed-request": lambda: count(lambda: gets("/api/buy")), "stream": stream}[kind]()
