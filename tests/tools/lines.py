#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""lines.py HOST PORT: a connection on which every line of standard input (with Python's escapes) is sent. Prints "open", then for each line
what came back within a second: an HTTP status, "answered", "nothing yet", or "ended"."""
import re
import socket
import sys


def say(sock, line):
    try:
        sock.sendall(line.encode().decode("unicode_escape").encode("latin-1"))
        data = sock.recv(65536)
    except TimeoutError:
        return "nothing yet"
    except OSError:
        return "ended"
    status = re.match(rb"HTTP/1\.1 (\d\d\d)", data)
    return status[1].decode() if status else "answered" if data else "ended"


def main():
    sock = socket.create_connection((sys.argv[1], int(sys.argv[2])), 5)
    sock.settimeout(1)
    print("open", flush=True)
    for line in sys.stdin:
        print(say(sock, line.rstrip("\n")), flush=True)


main()
