#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""One HTTP connection, driven line by line: stream.py HOST PORT. Each "METHOD PATH" on stdin is sent on the same connection; the answer's
status, or "closed", is printed at once. The line "reopen" makes a new connection and prints "open" or what happened instead."""
import http.client
import sys


def reopen():
    fresh = http.client.HTTPConnection(sys.argv[1], int(sys.argv[2]), timeout=5)
    fresh.auto_open = 0
    fresh.connect()
    return fresh


def answer_to(connection, line):
    method, path = line.split()
    connection.request(method, path)
    answer = connection.getresponse()
    answer.read()
    return answer.status


def main():
    connection = None
    for line in lines():
        try:
            if line == "reopen":
                connection = reopen()
                print("open", flush=True)
            else:
                print(answer_to(connection, line), flush=True)
        except (OSError, http.client.HTTPException) as error:
            print(f"closed {error!r}", flush=True)


def lines():
    yield "reopen"
    for line in sys.stdin:
        yield line.strip()


main()
