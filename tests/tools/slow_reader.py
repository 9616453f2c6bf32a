#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""slow_reader.py HOST PORT PATH: asks for a large body and reads nothing until no more of it arrives; says how much waits in the socket,
then reads it all and says how much that was."""
import array
import fcntl
import http.client
import sys
import termios
import time

QUIET_SECONDS = 0.5

connection = http.client.HTTPConnection(sys.argv[1], int(sys.argv[2]), timeout=20)
connection.connect()
sock = connection.sock
connection.request("GET", sys.argv[3])
waiting, since = -1, time.monotonic()
while time.monotonic() - since < QUIET_SECONDS:
    now = array.array("i", [0])
    fcntl.ioctl(sock, termios.FIONREAD, now)
    if now[0] != waiting:
        waiting, since = now[0], time.monotonic()
    time.sleep(0.02)
answer = connection.getresponse()
length = 0
while chunk := answer.read(1 << 20):
    length += len(chunk)
print(waiting, length)
