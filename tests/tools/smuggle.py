#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""smuggle.py HOST BYTES: sends the bytes (with Python's escapes) on a fresh connection to port 80 and prints the statuses of all that comes back
until the end or a while of silence (one second, two where all is slow), or how the connection ended without an answer."""
import os
import re
import socket
import sys


def main():
    patience = int(os.environ.get("RINGFENCE_PATIENCE", "1"))
    received, ending = b"", "silence"
    with socket.create_connection((sys.argv[1], 80), 5 * patience) as sock:
        sock.sendall(sys.argv[2].encode().decode("unicode_escape").encode("latin-1"))
        sock.settimeout(min(2, patience))
        try:
            while data := sock.recv(65536):
                received += data
            ending = "closed"
        except TimeoutError:
            pass
        except OSError as error:
            ending = f"reset {error.errno}"
    statuses = re.findall(rb"HTTP/1\.1 (\d\d\d)", received)
    print(" ".join(s.decode() for s in statuses) or ending)


main()
