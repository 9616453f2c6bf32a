#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""hung_readers.py COUNT: so many clients of the agent ask for all of its events and read nothing of them. Prints "hang", waits for a line on
standard input, then prints how many of them the agent still has."""
import json
import os
import select
import socket
import sys

path = f"/run/{os.environ['RINGFENCE_INSTANCE']}/control.sock"
clients = []
for _ in range(int(sys.argv[1])):
    client = socket.socket(socket.AF_UNIX)
    client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    client.connect(path)
    client.sendall(json.dumps({"op": "events", "last": 8192, "follow": True}).encode() + b"\n")
    clients.append(client)
for client in clients:
    select.select([client], [], [])
print("hang", flush=True)
sys.stdin.readline()
poll = select.poll()
for client in clients:
    poll.register(client, select.POLLRDHUP)
print(len(clients) - len(poll.poll(0)))
