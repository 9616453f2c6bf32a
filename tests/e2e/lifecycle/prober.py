#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""prober.py HOST PORT: tries a forbidden connection all the time, for as long as it lives. Prints "tries N" every 50 tries, and a line for
each that did anything but fail at once: "breach" (it succeeded), "late" (a time-out), or the error."""
import errno
import socket
import sys
import time

address, tries = (sys.argv[1], int(sys.argv[2])), 0
print("tries 0", flush=True)
while True:
    try:
        socket.create_connection(address, 2).close()
        print("breach", time.time(), flush=True)
    except TimeoutError:
        print("late", time.time(), flush=True)
    except OSError as error:
        if error.errno not in (errno.ECONNREFUSED, errno.EPERM):
            print("error", error, flush=True)
    tries += 1
    if tries % 50 == 0:
        print("tries", tries, flush=True)
    time.sleep(0.002)
