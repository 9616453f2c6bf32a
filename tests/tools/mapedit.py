#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Alters a pinned BPF map by hand, as a tired administrator would: mapedit.py PIN delete|spoil NUMBER, mapedit.py PIN set OFFSET NUMBER,
mapedit.py PIN put NUMBER OFFSET VALUE.

delete: removes the entries that have this 64-bit number in key or value (a cgroup id, say). spoil: makes the first byte of their values
another. set: writes a 32-bit number into the value of entry 0 of an array. put: a 64-bit number into the
values of the entries with this number. Prints how many entries it changed. Knows nothing of layouts.
"""
import json
import struct
import subprocess
import sys


def bpftool(*arguments):
    done = subprocess.run(["bpftool", "-j", *arguments], check=True, capture_output=True, text=True)
    return json.loads(done.stdout) if done.stdout.strip() else None


def raw(text):
    return bytes(int(b, 16) for b in text)


def words(data):
    return ["hex", *(f"{b:02x}" for b in data)]


def main(pin, what, *numbers):
    entries = [(raw(e["key"]), raw(e["value"])) for e in bpftool("map", "dump", "pinned", pin) if "key" in e and "value" in e]
    if what == "set":
        offset, number = (int(n) for n in numbers)
        key, value = entries[0]
        value = value[:offset] + struct.pack("<I", number) + value[offset + 4 :]
        bpftool("map", "update", "pinned", pin, "key", *words(key), "value", *words(value))
        return 1
    mark = struct.pack("<Q", int(numbers[0]))
    changed = 0
    for key, value in entries:
        if mark not in key + value:
            continue
        changed += 1
        if what == "delete":
            bpftool("map", "delete", "pinned", pin, "key", *words(key))
        else:
            if what == "put":
                offset = int(numbers[1])
                value = value[:offset] + struct.pack("<Q", int(numbers[2])) + value[offset + 8 :]
            else:
                value = bytes([value[0] ^ 0xFF]) + value[1:]
            bpftool("map", "update", "pinned", pin, "key", *words(key), "value", *words(value))
    return changed


if __name__ == "__main__":
    print(main(*sys.argv[1:]))
