#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Many requests at the same time: burst.py HOST PORT COUNT PATH [SECONDS]. Opens COUNT connections, sends one GET on each, prints "sent N" when N of
them are on their way, and at the end how often each outcome was seen: "200:COUNT", or instead of the status "refused", "reset", "timeout"."""
import asyncio
import collections
import sys

HOST, PORT, COUNT, PATH = sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), sys.argv[4]
SECONDS = float(sys.argv[5]) if len(sys.argv) > 5 else 20


async def one(sent):
    try:
        reader, writer = await asyncio.open_connection(HOST, PORT)
        writer.write(f"GET {PATH} HTTP/1.1\r\nHost: {HOST}\r\nConnection: close\r\n\r\n".encode())
        await writer.drain()
    except (ConnectionRefusedError, PermissionError):
        sent.release()
        return "refused"
    except OSError:
        sent.release()
        return "reset"
    sent.release()
    try:
        line = await reader.readline()
        return line.split()[1].decode() if line else "reset"
    except OSError:
        return "reset"
    finally:
        writer.close()


async def timed(sent):
    try:
        return await asyncio.wait_for(one(sent), SECONDS)
    except asyncio.TimeoutError:
        sent.release()
        return "timeout"


async def main():
    sent = asyncio.Semaphore(0)
    tasks = [asyncio.create_task(timed(sent)) for _ in range(COUNT)]
    for _ in range(COUNT):
        await sent.acquire()
    print(f"sent {COUNT}", flush=True)
    outcomes = collections.Counter(await asyncio.gather(*tasks))
    print(" ".join(f"{outcome}:{count}" for outcome, count in sorted(outcomes.items())))


asyncio.run(main())
