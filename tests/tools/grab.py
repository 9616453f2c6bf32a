#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""grab.py PORT: tries to listen on a port until it can, says so, and holds it until it is ended."""
import signal
import socket
import sys
import time

while True:
    listener = socket.socket()
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind(("0.0.0.0", int(sys.argv[1])))
        listener.listen()
        break
    except OSError:
        listener.close()
        time.sleep(0.0005)
print("grabbed", flush=True)
signal.pause()
