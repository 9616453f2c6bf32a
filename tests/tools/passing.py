#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""passing.py MAKER USER KEY=VALUE...: a socket that one makes and another uses, handed over by SCM_RIGHTS. MAKER and USER: a pod
"NAMESPACE/NAME", "netns:FILE" (a process of the machine in that network namespace) or "here" (a process of the machine).
to=ADDRESS port=N mark=TEXT cli=PROGRAM [connect=maker]: who connects; otherwise the user does. Prints what the user saw."""
import array
import ctypes
import errno
import os
import socket
import subprocess
import sys


def outcome(error):
    return "refused" if error.errno == errno.ECONNREFUSED else "timeout" if isinstance(error, TimeoutError) else errno.errorcode.get(error.errno, str(error))


def make(a, channel):
    sock = socket.socket()
    sock.settimeout(2)
    if a.get("connect") == "maker":
        sock.connect((a["to"], int(a["port"])))
    channel.sendmsg([b"x"], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", [sock.fileno()]))])
    channel.recv(1)  # held until it was used


def use(a, channel):
    _, ancillary, _, _ = channel.recvmsg(1, socket.CMSG_SPACE(4))
    if not ancillary:
        return "nothing was handed over"
    sock = socket.socket(fileno=array.array("i", ancillary[0][2][:4])[0])
    sock.settimeout(2)
    if a.get("connect") != "maker":
        sock.connect((a["to"], int(a["port"])))
    sock.sendall(a["mark"].encode() + b"\r\n\r\n")
    sock.shutdown(socket.SHUT_WR)
    return "answered" if sock.recv(4096) else "closed"


def worker(role, a, channel):
    try:
        result = (make if role == "make" else use)(a, channel)
        if role == "use":
            print(result, flush=True)
    except OSError as error:
        print(outcome(error), flush=True)
    channel.close()


def spawn(who, role, arguments, cli, channel):
    program = ["python3", os.path.abspath(__file__), "worker", role, *arguments]
    setup = None
    if who.startswith("netns:"):

        def setup():
            with open(who[6:], "rb") as f:
                if ctypes.CDLL(None, use_errno=True).setns(f.fileno(), 0x40000000):
                    os._exit(99)

    elif who != "here":
        program = [cli, "exec", who, "--", *program]
    return subprocess.Popen(program, stdin=channel, stdout=subprocess.PIPE, preexec_fn=setup)


def main():
    if sys.argv[1] == "worker":
        a = dict(text.split("=", 1) for text in sys.argv[3:])
        return worker(sys.argv[2], a, socket.socket(fileno=0))
    maker, user, *arguments = sys.argv[1:]
    cli = dict(text.split("=", 1) for text in arguments)["cli"]
    one, other = socket.socketpair()
    first, second = spawn(maker, "make", arguments, cli, one), spawn(user, "use", arguments, cli, other)
    one.close()
    other.close()
    seen = second.communicate(timeout=20)[0] + first.communicate(timeout=20)[0]
    print(seen.decode().strip().replace("\n", ", "))


main()
