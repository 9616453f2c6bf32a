#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""older.py COMMAND...: runs the command as on a kernel before 5.11: a seccomp filter, inherited by all that it starts, answers mount_setattr with
ENOSYS, close_range(..., CLOSE_RANGE_CLOEXEC) with EINVAL and getsockopt(SO_NETNS_COOKIE) with ENOPROTOOPT. Needs root."""
import ctypes
import errno
import os
import struct
import sys

ARCH, GETSOCKOPT = {"x86_64": (0xC000003E, 55), "aarch64": (0xC00000B7, 209)}[os.uname().machine]
MOUNT_SETATTR, CLOSE_RANGE = 442, 436
LOAD, EQUAL, RETURN = 0x20, 0x15, 0x06  # BPF_LD|BPF_W|BPF_ABS, BPF_JMP|BPF_JEQ|BPF_K, BPF_RET|BPF_K
ALLOW, ERRNO = 0x7FFF0000, 0x00050000
NUMBER, ARCHITECTURE = 0, 4


def argument(index):
    return 16 + 8 * index  # the low half: both machines are little-endian


PROGRAM = [
    (LOAD, 0, 0, ARCHITECTURE),
    (EQUAL, 0, 12, ARCH),
    (LOAD, 0, 0, NUMBER),
    (EQUAL, 11, 0, MOUNT_SETATTR),
    (EQUAL, 2, 0, CLOSE_RANGE),
    (EQUAL, 3, 0, GETSOCKOPT),
    (RETURN, 0, 0, ALLOW),
    (LOAD, 0, 0, argument(2)),
    (EQUAL, 7, 5, 4),  # CLOSE_RANGE_CLOEXEC
    (LOAD, 0, 0, argument(1)),
    (EQUAL, 0, 3, 1),  # SOL_SOCKET
    (LOAD, 0, 0, argument(2)),
    (EQUAL, 0, 1, 71),  # SO_NETNS_COOKIE
    (RETURN, 0, 0, ERRNO | errno.ENOPROTOOPT),
    (RETURN, 0, 0, ALLOW),
    (RETURN, 0, 0, ERRNO | errno.ENOSYS),
    (RETURN, 0, 0, ERRNO | errno.EINVAL),
]


def main():
    code = ctypes.create_string_buffer(b"".join(struct.pack("=HBBI", *line) for line in PROGRAM))
    program = ctypes.create_string_buffer(struct.pack("@HP", len(PROGRAM), ctypes.addressof(code)))
    if ctypes.CDLL(None, use_errno=True).prctl(22, 2, program, 0, 0):  # PR_SET_SECCOMP, SECCOMP_MODE_FILTER
        sys.exit(f"older.py: {os.strerror(ctypes.get_errno())}")
    os.execvp(sys.argv[1], sys.argv[1:])


main()
