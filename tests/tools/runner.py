#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""runner.py: runs the other tools of this folder, each in a process of its own, without starting Python for each. Standard input: for every
run the number of words, then TOOL and its arguments, each ended by a zero byte. Standard output: all that the tool printed, ended by a zero byte.
It ends with its standard input. A tool gets an empty standard input, and RINGFENCE_PATIENCE times 30 seconds."""
import ast
import os
import select
import signal
import sys
import time
import traceback

HERE = os.path.dirname(os.path.abspath(__file__))
SECONDS = 30 * int(os.environ.get("RINGFENCE_PATIENCE", "1"))
tools = {}


def load(tool):
    """The tool's code; what it imports is imported here, once, and inherited by every run."""
    if tool not in tools:
        path = os.path.join(HERE, tool)
        with open(path, encoding="utf-8") as f:
            tree = ast.parse(f.read(), path)
        for node in tree.body:
            for name in node.names if isinstance(node, ast.Import) else []:
                __import__(name.name)
        tools[tool] = compile(tree, path, "exec")
    return tools[tool]


def be(code, arguments, output):
    """The child: never returns into our loop."""
    for standard, fd in enumerate((os.open("/dev/null", os.O_RDONLY), output, output)):
        os.dup2(fd, standard)
    os.closerange(3, 1024)
    sys.argv = arguments
    try:
        exec(code, {"__name__": "__main__", "__file__": code.co_filename})  # pylint: disable=exec-used
    except SystemExit as end:
        print(end.code if isinstance(end.code, str) else "", end="")
    except BaseException:  # pylint: disable=broad-except
        traceback.print_exc()
    finally:
        sys.stdout.flush()
        os._exit(0)


def listen(output, deadline):
    """What comes until every writer is gone, as with a command substitution."""
    said = b""
    while select.select([output], [], [], max(0, deadline - time.monotonic()))[0]:
        data = os.read(output, 65536)
        if not data:
            return said
        said += data
    return said + b" (and hangs)"


def run(words):
    code = load(words[0])
    output, inner = os.pipe()
    child = os.fork()
    if child == 0:
        be(code, words, inner)
    os.close(inner)
    said = listen(output, time.monotonic() + SECONDS)
    os.close(output)
    if said.endswith(b" (and hangs)"):
        os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    return said.replace(b"\0", b"")


def read_word():
    word = b""
    while (byte := sys.stdin.buffer.read(1)) != b"\0":
        if not byte:
            os._exit(0)
        word += byte
    return word.decode()


def main():
    os.write(1, b"running\0")
    while True:
        words = [read_word() for _ in range(int(read_word()))]
        try:
            said = run(words)
        except OSError as error:
            said = repr(error).encode()
        os.write(1, said + b"\0")


main()
