#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""datagram.py TO PORT [KEY=VALUE]...: sends datagrams and prints what comes back, in one line.

how=sendto      (default) on a socket that is not connected
how=connected   connect, then send; the answer's peer is what getpeername says
family=4|6      which of the name's addresses; without it the first
mapped=1        an IPv4 address as ::ffff:a.b.c.d, on an IPv6 socket
text=TEXT       what is sent, default "hello"
count=N         so many, one after the other, on the same socket; the last answer is printed and how many different servers there were
prints          "from ADDRESS PORT: TEXT" (of the answer), with "peer ADDRESS PORT " before it for a connected one and "servers N " for more than one;
                "refused at connect", "refused at send", "silent" (sent, and no answer in a second), or "error NAME"
"""
import errno
import ipaddress
import socket
import sys

ANSWER_SECONDS = 1.0


def resolve(to, port, a):
    if a.get("mapped"):
        return socket.AF_INET6, (f"::ffff:{to}", port)
    wanted = {"4": socket.AF_INET, "6": socket.AF_INET6}.get(a.get("family"), socket.AF_UNSPEC)
    family, _, _, _, address = socket.getaddrinfo(to, port, wanted, socket.SOCK_DGRAM)[0]
    return family, address[:2]


def plain(address):
    """Mapped addresses as the IPv4 they are, so that one expectation fits both."""
    ip = ipaddress.ip_address(address[0])
    return f"{getattr(ip, 'ipv4_mapped', None) or ip} {address[1]}"


def exchange(sock, to, how, data):
    if how == "connected":
        sock.send(data)
    else:
        sock.sendto(data, to)
    return sock.recvfrom(65536)


def run(to, port, a):
    how, step = a.get("how", "sendto"), "connect"
    family, to = resolve(to, int(port), a)
    servers, out = set(), ""
    with socket.socket(family, socket.SOCK_DGRAM) as sock:
        sock.settimeout(ANSWER_SECONDS)
        try:
            if how == "connected":
                sock.connect(to)
                out = f"peer {plain(sock.getpeername())} "
            step = "send"
            for _ in range(int(a.get("count", 1))):
                answer, sender = exchange(sock, to, how, a.get("text", "hello").encode())
                servers.add(answer.split(b" ")[0])
        except TimeoutError:
            return "silent"
        except OSError as error:
            return f"refused at {step}" if error.errno == errno.ECONNREFUSED else f"error {errno.errorcode.get(error.errno, error)}"
    return out + (f"servers {len(servers)} " if "count" in a else "") + f"from {plain(sender)}: {answer.decode()}"


def main():
    to, port, *rest = sys.argv[1:]
    print(run(to, port, dict(item.split("=", 1) for item in rest)))


main()
