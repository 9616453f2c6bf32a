#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""mute_broker.py DIRECTORY: a socket broker as an agent of another version sees it: it holds the lock, takes connections and ends each one
without an answer. Takes the name ringfence-sockd. Prints "listening", then how many connections came, when it is asked to end."""
import fcntl
import os
import signal
import socket
import sys

directory = sys.argv[1]
with open("/proc/self/comm", "w") as f:
    f.write("ringfence-sockd")
count = 0


def end(_signo, _frame):
    os.unlink(directory + "/sockd.sock")
    print(f"{count} connections", flush=True)
    os._exit(0)


lock = open(directory + "/sockd.lock", "w")
fcntl.flock(lock, fcntl.LOCK_EX)
signal.signal(signal.SIGTERM, end)
if os.path.exists(directory + "/sockd.sock"):
    os.unlink(directory + "/sockd.sock")
listener = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
listener.bind(directory + "/sockd.sock")
listener.listen(8)
print("listening", flush=True)
while True:
    connection, _ = listener.accept()
    count += 1
    connection.close()
