#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Connections that do nothing, and when and how each of them ends.

holders.py server                      L4 on 3001, a listener on 3002 that takes nothing (its queue is full after one), HTTP on 3000
holders.py client HOST KIND=COUNT...   so many connections of each kind: idle (3001), syn (to 3002, stay in SYN_SENT),
                                       tunnel (3000, "Upgrade: echo", answered 101), alive (3000, GET /api/buy, kept alive)
Prints "ready". A line on standard input asks for the report, one line of JSON: per kind, how many there were, how many have ended, the
latest end (monotonic nanoseconds), and how they ended. Whoever is not done waits up to 5 seconds for the rest before it reports.
"""
import collections
import errno
import json
import resource
import select
import socket
import sys
import time

PATIENCE_SECONDS = 5
TCP_SYN_SENT = 2
PATHS = {"tunnel": b"GET /tunnel HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\n", "alive": b"GET /api/buy HTTP/1.1\r\nHost: x\r\n\r\n"}
SWITCHED = b"HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\n"
FINE = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"


class Held:
    def __init__(self):
        self.poll, self.kinds, self.socks = select.epoll(), {}, {}
        self.total = collections.Counter()
        self.ended = collections.defaultdict(list)
        self.how = collections.defaultdict(collections.Counter)

    def hold(self, sock, kind):
        sock.setblocking(False)
        self.kinds[sock.fileno()], self.socks[sock.fileno()] = kind, sock
        self.total[kind] += 1
        self.poll.register(sock, select.EPOLLIN | select.EPOLLRDHUP | select.EPOLLERR | select.EPOLLHUP)

    def rename(self, fd, kind):
        self.total[self.kinds[fd]] -= 1
        self.kinds[fd] = kind
        self.total[kind] += 1

    def end(self, fd, how):
        kind = self.kinds.pop(fd)
        self.ended[kind].append(time.monotonic_ns())
        self.how[kind][how] += 1
        self.poll.unregister(fd)
        self.socks.pop(fd).close()

    def look(self, fd):
        """What has come? Bytes, or None after an end."""
        sock = self.socks[fd]
        error = sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
        if error:
            return self.end(fd, errno.errorcode[error])
        try:
            data = sock.recv(65536)
        except BlockingIOError:
            return b""
        except OSError as problem:
            return self.end(fd, errno.errorcode[problem.errno])
        return data or self.end(fd, "closed")

    def report(self):
        kinds = {k: {"held": n, "ended": len(self.ended[k]), "last_ns": max(self.ended[k], default=0), "how": self.how[k]} for k, n in self.total.items() if n}
        print(json.dumps(kinds), flush=True)


def run(held, accept=lambda fd: False, data=lambda fd, bytes_: None):
    held.poll.register(sys.stdin, select.EPOLLIN)
    deadline = None
    while deadline is None or (held.kinds and time.monotonic() < deadline):
        for fd, _events in held.poll.poll(0.1):
            if fd == sys.stdin.fileno():
                held.poll.unregister(fd)
                deadline = time.monotonic() + PATIENCE_SECONDS
            elif not accept(fd) and (what := held.look(fd)):
                data(fd, what)
    held.report()


def server():
    held = Held()
    listeners = {}
    for port, kind in ((3001, "idle"), (3000, "http")):
        listener = socket.create_server(("0.0.0.0", port), backlog=2048)
        listeners[listener.fileno()] = (listener, kind)
        held.poll.register(listener, select.EPOLLIN)
    full = socket.create_server(("0.0.0.0", 3002), backlog=0)

    def accept(fd):
        if fd in listeners:
            held.hold(listeners[fd][0].accept()[0], listeners[fd][1])
        return fd in listeners

    def data(fd, what):
        if b"Upgrade" in what:
            held.rename(fd, "tunnel")
            held.socks[fd].sendall(SWITCHED)
        elif b"HTTP" in what:
            held.rename(fd, "alive")
            held.socks[fd].sendall(FINE)

    print("ready", full.getsockname()[1], flush=True)
    run(held, accept, data)


def dial(host, kind):
    if kind == "idle":
        return socket.create_connection((host, 3001), 5)
    sock = socket.create_connection((host, 3000), 5)
    sock.sendall(PATHS[kind])
    answer = sock.recv(4096)
    if not answer.startswith(b"HTTP/1.1 101" if kind == "tunnel" else b"HTTP/1.1 200"):
        sys.exit(f"{kind}: {answer!r}")
    return sock


def knock(host):
    sock = socket.socket()
    sock.setblocking(False)
    sock.connect_ex((host, 3002))
    return sock


def client(host, counts):
    held, knocking = Held(), []
    if counts.get("syn"):
        first = [knock(host) for _ in range(3)]  # they fill the queue
        time.sleep(0.3)
        knocking = [knock(host) for _ in range(counts.pop("syn"))] + first
    for kind, count in counts.items():
        for _ in range(count):
            held.hold(dial(host, kind), kind)
    for sock in knocking:
        waits = sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 1)[0] == TCP_SYN_SENT
        held.hold(sock, "syn" if waits else "queued")
    print("ready", dict(held.total), flush=True)
    run(held)


soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
if sys.argv[1] == "server":
    server()
else:
    client(sys.argv[2], {kind: int(count) for kind, count in (a.split("=") for a in sys.argv[3:])})
