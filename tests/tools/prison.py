#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""prison.py NAME [ARGUMENT...]: one attempt of a pod's process to get out of the pod, by system call. Prints "done" with what was gained, or the
name of the error."""
import ctypes
import errno
import os
import socket
import struct
import sys
import time

LIBC = ctypes.CDLL(None, use_errno=True)
NEWNS, NEWCGROUP, NEWUSER, NEWNET = 0x20000, 0x2000000, 0x10000000, 0x40000000
SYS = {"x86_64": {"bpf": 321, "keyctl": 250, "add_key": 248, "io_uring_setup": 425, "pidfd_open": 434, "perf_event_open": 298, "process_vm_readv": 310,
                  "open_by_handle_at": 304, "init_module": 175, "reboot": 169},
       "aarch64": {"bpf": 280, "keyctl": 219, "add_key": 217, "io_uring_setup": 425, "pidfd_open": 434, "perf_event_open": 241, "process_vm_readv": 270,
                   "open_by_handle_at": 265, "init_module": 105, "reboot": 142}}[os.uname().machine]  # fmt: skip


def check(result):
    if result < 0:
        raise OSError(ctypes.get_errno(), "")
    return result


def call(name, *arguments):
    return check(LIBC.syscall(SYS[name], *arguments))


def unshare(flags):
    check(LIBC.unshare(flags))


def mount(kind, where="/tmp/prison", flags=0):
    os.makedirs(where, exist_ok=True)
    check(LIBC.mount(kind.encode(), where.encode(), kind.encode(), flags, None))
    return where


def own_user_namespace(more):
    uid = os.getuid()
    unshare(NEWUSER | more)
    with open("/proc/self/uid_map", "w") as f:
        f.write(f"0 {uid} 1")


def mount_it(kind):
    return "done: " + " ".join(os.listdir(mount(kind)))


def mount_in_user_namespace(kind):
    """What a cgroup or BPF file system of one's own shows, and whether there is a way up."""
    own_user_namespace(NEWNS | NEWCGROUP)
    where = mount(kind)
    if kind != "cgroup2":
        return "done: " + (" ".join(os.listdir(where)) or "nothing in it")
    os.mkdir(where + "/below")
    with open(where + "/below/cgroup.procs", "w") as f:
        f.write("0")
    return "done: " + open("/proc/self/cgroup").read().split("0::")[1].strip()


def below_cgroup(to, port):
    """A connection from a cgroup of one's own making below the pod's, as deep as it goes."""
    own_user_namespace(NEWNS | NEWCGROUP)
    where = mount("cgroup2")
    for _ in range(16):
        where += "/deeper"
        os.mkdir(where)
    with open(where + "/cgroup.procs", "w") as f:
        f.write("0")
    return dial(to, port)


def dial(to, port):
    sock = socket.socket()
    sock.settimeout(2)
    sock.connect((to, int(port)))
    return "done: connected"


def new_network(kind):
    if kind == "user":
        own_user_namespace(NEWNET)
    else:
        unshare(NEWNET)
    return "done: " + " ".join(name for _, name in socket.if_nameindex())


def enter(path, flags="0"):
    with open(path, "rb") as f:
        check(LIBC.setns(f.fileno(), int(flags, 0)))
    return "done"


def namespaces(kind):
    """All namespaces of a kind that any visible process is in."""
    found = set()
    for pid in filter(str.isdigit, os.listdir("/proc")):
        try:
            found.add(os.readlink(f"/proc/{pid}/ns/{kind}"))
        except OSError:
            pass
    return f"done: {len(found)}"


def unix(path, kind="stream"):
    sock = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET if kind == "seqpacket" else socket.SOCK_STREAM)
    sock.settimeout(2)
    sock.connect(path)
    sock.sendall(b'{"op":"status"}\n')
    return "done: " + (sock.recv(200).decode() or "closed")


def kill(pid, number="9"):
    os.kill(int(pid), int(number))
    return "done"


def trace(pid):
    check(LIBC.ptrace(16, int(pid), None, None))  # PTRACE_ATTACH
    return "done"


def read_memory(pid):
    buffer = ctypes.create_string_buffer(16)
    local = struct.pack("QQ", ctypes.addressof(buffer), 16)
    with open(f"/proc/{pid}/maps") as f:
        remote = struct.pack("QQ", int(f.readline().split("-")[0], 16), 16)
    call("process_vm_readv", int(pid), local, 1, remote, 1, 0)
    return "done"


def chmod(path):
    os.chmod(path, os.stat(path).st_mode)
    return "done"


def trap():
    """Makes whoever execs /tmp/trap run its own program, takes hold of that program's file, and changes its mode (to what it is)."""
    with open("/tmp/trap", "w") as f:
        f.write("#!/proc/self/exe\n")
    os.chmod("/tmp/trap", 0o755)
    known = set(os.listdir("/proc"))
    print("set", flush=True)
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        for pid in set(os.listdir("/proc")) - known:
            try:
                held = os.open(f"/proc/{pid}/exe", os.O_PATH)
            except OSError:
                continue
            if "ringfence" not in open(f"/proc/{pid}/cmdline").read() and "trap" not in open(f"/proc/{pid}/cmdline").read():
                os.close(held)
                continue
            try:
                os.chmod(f"/proc/self/fd/{held}", os.stat(held).st_mode)
                return "caught: done"
            except OSError as failure:
                return "caught: " + errno.errorcode[failure.errno]
    return "nobody came"


def read(path):
    return "done: " + open(path).read()[:100].replace("\n", " ")


def write(path, text):
    with open(path, "w") as f:
        f.write(text)
    return "done"


def disk():
    os.mknod("/tmp/disk", 0o60600, os.makedev(254, 0))
    return "done"


def handle():
    call("open_by_handle_at", os.open("/", os.O_RDONLY), struct.pack("IiQ", 8, 1, 2), 0)
    return "done"


def bpf(command):
    attr = ctypes.create_string_buffer(128)
    if command == "0":  # MAP_CREATE: array, 4, 4, 1
        struct.pack_into("IIII", attr, 0, 2, 4, 4, 1)
    return f"done: {call('bpf', int(command), attr, 128)}"


def key():
    call("add_key", b"user", b"between-pods", b"bytes", 5, ctypes.c_int(-4))  # KEY_SPEC_USER_KEYRING
    return "done"


def ring():
    return f"done: {call('io_uring_setup', 1, ctypes.create_string_buffer(256))}"


def family(number):
    socket.socket(int(number), socket.SOCK_STREAM)
    return "done"


def setting(action):
    """By rtnetlink: another address on the cable."""
    sock = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, 0)
    body = struct.pack("BBBBI", 2, 32, 0, 0, socket.if_nametoindex("eth0")) + struct.pack("HH4s", 8, 2, socket.inet_aton("192.0.2.9"))
    sock.send(struct.pack("IHHII", 16 + len(body), 20, 0x605, 1, 0) + body)  # RTM_NEWADDR
    result = struct.unpack_from("i", sock.recv(1024), 16)[0]
    if result:
        raise OSError(-result, "")
    return f"done: {action}"


def legacy():
    """The 32-bit way to make a socket, int 0x80 with socketcall, which no filter on arguments sees."""
    import mmap

    code = mmap.mmap(-1, 4096, prot=mmap.PROT_READ | mmap.PROT_WRITE | mmap.PROT_EXEC)
    # push rbx; mov eax,359 (socket); mov ebx,40 (VSOCK); mov ecx,1; xor edx,edx; int 0x80; pop rbx; ret
    code.write(bytes.fromhex("53b867010000bb28000000b90100000031d2cd805bc3"))
    result = ctypes.CFUNCTYPE(ctypes.c_int)(ctypes.addressof(ctypes.c_char.from_buffer(code)))()
    if result < 0:
        raise OSError(-result, "")
    return "done"


ATTEMPTS = {"mount": mount_it, "user-mount": mount_in_user_namespace, "below-cgroup": below_cgroup, "dial": dial, "network": new_network, "enter": enter,
            "namespaces": namespaces, "unix": unix, "kill": kill, "trace": trace, "memory": read_memory, "chmod": chmod, "trap": trap, "read": read, "write": write,
            "disk": disk, "handle": handle, "bpf": bpf, "key": key, "ring": ring, "family": family, "setting": setting, "legacy": legacy}  # fmt: skip

try:
    print(ATTEMPTS[sys.argv[1]](*sys.argv[2:]), flush=True)
except OSError as failure:
    print(errno.errorcode.get(failure.errno, str(failure)), flush=True)
os._exit(0)
