#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""switcher.py SOCKET DIRECTORY COUNT TEXT_A TEXT_B: puts text A and text B into DIRECTORY/turn.yaml in turns, COUNT times, each as soon as the
revision before it is live. Prints a line for each: A or B, its epoch, and when (monotonic nanoseconds) it was asked for and answered."""
import json
import os
import socket
import sys
import time


def sync(path):
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as sock:
        sock.connect(path)
        sock.sendall(b'{"op":"sync"}\n')
        answer = json.loads(sock.makefile().readline())
    if not answer.get("ok"):
        sys.exit(f"the agent refused: {answer}")
    return answer["revision"]["epoch"]


def main():
    control, directory, count = sys.argv[1], sys.argv[2], int(sys.argv[3])
    for turn in range(count):
        with open(f"{directory}/.turn", "w") as file:
            file.write(sys.argv[4 + turn % 2])
        begin = time.monotonic_ns()
        os.rename(f"{directory}/.turn", f"{directory}/turn.yaml")
        epoch = sync(control)
        print("AB"[turn % 2], epoch, begin, time.monotonic_ns(), flush=True)


main()
