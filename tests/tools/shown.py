#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Does a command print what its document shows?

usage: shown.py SHOWN ACTUAL [vary=NAME,...]

A line "..." in SHOWN stands for lines that were cut out; without one SHOWN is the whole output. What is never the same twice is made
alike on both sides: the part of an address that belongs to the instance, and the numbers of the members named by vary= (but 0 stays 0: a
counter that counts nothing is no counter). vary=numbers: all numbers, for listings of the kernel. Entries of a dumped hash table come in
any order. Everything else must be as it is shown.
"""
import difflib
import re
import sys


def alike(text, vary):
    text = re.sub(r"\b10\.\d+\.(\d+\.\d+)\b", r"10.~.\1", text)
    text = re.sub(r"\b(fd[0-9a-f:]+):[0-9a-f]{3,4}:([0-9a-f]{1,4})\b", r"\1:~:\2", text)
    # The last word of struct rf_addr, little-endian: the instance's range is in its lower half.
    text = re.sub(r'("be": ?\[\d+,\d+,\d+,)(\d+)', lambda m: m[1] + "~%d" % (int(m[2]) >> 16), text)
    if "numbers" in vary:
        text = re.sub(r"\d{4}-\d\d-\d\dT[\d:]+[+-]\d{4}", "~", text)
        text = re.sub(r"\b[0-9a-f]{16}\b", "~", text)
        return re.sub(r"~(,~)+", "~", re.sub(r"(?<![a-z0-9_])[1-9]\d*", "~", text))
    for name in vary:
        text = re.sub(r'("%s": ?)[1-9]\d*' % re.escape(name), r"\1~", text)
    return text


def lines(path, vary):
    with open(path, encoding="utf-8") as file:
        return [line.rstrip() for line in alike(file.read(), vary).splitlines()]


# What stands between the entries of a table, as bpftool prints it for people.
BETWEEN = ("[{", "    },{", "    }", "]")


def pieces(printed):
    """The entries, or what is between "..." lines; the whole text where there is neither."""
    found = [[]]
    for line in printed:
        if line in BETWEEN or line.strip() == "...":
            found.append([])
        else:
            found[-1].append(line)
    return [piece for piece in found if piece]


def stands_in(piece, printed):
    return any(printed[i:i + len(piece)] == piece for i in range(len(printed)))


def main():
    if len(sys.argv) not in (3, 4) or (len(sys.argv) == 4 and not sys.argv[3].startswith("vary=")):
        print(__doc__, file=sys.stderr)
        return 2
    vary = sys.argv[3][5:].split(",") if len(sys.argv) == 4 else []
    shown, actual = lines(sys.argv[1], vary), lines(sys.argv[2], vary)
    if not pieces(shown):
        print("the document shows nothing")
        return 1
    if "..." not in [line.strip() for line in shown]:
        if sorted(pieces(shown)) == sorted(pieces(actual)):
            return 0
        print("\n".join(difflib.unified_diff(shown, actual, "document", "now", lineterm="", n=99)))
        return 1
    missing = [piece for piece in pieces(shown) if not stands_in(piece, actual)]
    for piece in missing:
        print("not printed:", *piece, sep="\n  ")
    if missing:
        print("but:", *actual, sep="\n  ")
    return 1 if missing else 0


sys.exit(main())
