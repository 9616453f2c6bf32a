# SPDX-License-Identifier: Apache-2.0
"""A ringfence of the measurement's own: made, measured and removed again. It has a name and addresses of its own, those of the environment if
they are given (RINGFENCE_INSTANCE and the ranges)."""
import ctypes
import json
import os
import pathlib
import re
import shutil
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import time

TOP = pathlib.Path(__file__).resolve().parents[2]
BUILD = pathlib.Path(os.environ.get("RINGFENCE_BUILD", TOP / "build"))
PYTHON = "/usr/bin/python3" if os.path.exists("/usr/bin/python3") else sys.executable
HOST, PORT = "bookbuyer-tcp.bookbuyer", 3001  # who may use it changes; the tutorial says nothing about it


class BenchError(Exception):
    """The measurement could not be made."""


def until(what, check, seconds=60):
    deadline = time.monotonic() + seconds * int(os.environ.get("RINGFENCE_PATIENCE", "1"))
    while not (value := check()):
        if time.monotonic() > deadline:
            raise BenchError(f"{what}: not in {seconds} seconds")
        time.sleep(0.0005 if deadline - time.monotonic() > seconds - 1 else 0.02)
    return value


class Bpf:
    """The few calls of libbpf that are needed; a map is asked too often for a program each time."""

    def __init__(self):
        self.library = ctypes.CDLL("libbpf.so.1", use_errno=True)

    def statistics(self):
        """A descriptor: while it is open the kernel times every run of every program."""
        fd = self.library.bpf_enable_stats(0)
        if fd < 0:
            raise BenchError("the kernel keeps no statistics of BPF programs (BPF_ENABLE_STATS)")
        return fd

    def open(self, path):
        fd = self.library.bpf_obj_get(str(path).encode())
        if fd < 0:
            raise BenchError(f"{path}: {os.strerror(ctypes.get_errno())}")
        return fd

    def first(self, fd, size):
        key, value = ctypes.c_uint32(0), ctypes.create_string_buffer(size)
        if self.library.bpf_map_lookup_elem(fd, ctypes.byref(key), value) < 0:
            raise BenchError("the control map cannot be read")
        return value.raw


def memory(pid):
    """VmRSS and Pss, KiB. Pss counts what several processes share (code of libraries) by its share."""
    rss = re.search(r"VmRSS:\s+(\d+)", pathlib.Path(f"/proc/{pid}/status").read_text())
    pss = re.search(r"^Pss:\s+(\d+)", pathlib.Path(f"/proc/{pid}/smaps_rollup").read_text(), re.M)
    return {"rss_kib": int(rss[1]), "pss_kib": int(pss[1])}


class Instance:
    def __init__(self, realtime=False):
        # Before whatever else the machine does, and what it starts is not (--reset-on-fork).
        self.first = ["chrt", "--reset-on-fork", "--fifo", "5"] if realtime else []
        self.first_with_children = ["chrt", "--fifo", "5"] if realtime else []
        self.name = os.environ.get("RINGFENCE_INSTANCE", "rf-bench")
        self.environment = {**os.environ, "RINGFENCE_INSTANCE": self.name,
                            "RINGFENCE_POD_CIDR": os.environ.get("RINGFENCE_POD_CIDR", "10.217.0.0/16"),
                            "RINGFENCE_SERVICE_CIDR": os.environ.get("RINGFENCE_SERVICE_CIDR", "10.218.0.0/16")}
        self.pins = pathlib.Path("/sys/fs/bpf") / self.name
        self.agent, self.work, self.bpf, self.control = None, None, Bpf(), -1

    def __enter__(self):
        if os.getuid() != 0:
            raise BenchError("this needs root")
        if not os.access(BUILD / "ringfenced", os.X_OK):
            raise BenchError(f"{BUILD} has no programs: run make first")
        self.lock = socket.socket(socket.AF_UNIX)  # an abstract name is a lock that no death leaves behind
        until("the end of another measurement", self.take_lock, 600)
        self.work = pathlib.Path(tempfile.mkdtemp(prefix=f"{self.name}.", dir="/tmp"))
        self.policies = self.work / "policies"
        self.policies.mkdir()
        shutil.copytree(TOP / "tests/tools", self.work / "tools")
        shutil.copytree(TOP / "tests/bench", self.work / "bench")
        self.work.chmod(0o755)
        signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
        self.rf("uninstall", "--yes", "--force", check=False)  # what a killed run left
        return self

    def take_lock(self):
        try:
            self.lock.bind(f"\0bench-{self.name}")
            return True
        except OSError:
            return False

    def __exit__(self, *_):
        self.stop_agent()
        self.rf("uninstall", "--yes", "--force", check=False)
        shutil.rmtree(self.work, ignore_errors=True)
        self.lock.close()

    # -- programs

    def rf(self, *arguments, check=True):
        done = subprocess.run([BUILD / "ringfence", *arguments], env=self.environment, stdin=subprocess.DEVNULL, capture_output=True,
                              text=True, check=False)
        if check and done.returncode:
            raise BenchError(f"ringfence {' '.join(map(str, arguments))}: {done.stdout}{done.stderr}")
        return done.stdout

    def start_agent(self):
        with open(self.work / "agent.log", "a") as log:
            self.agent = subprocess.Popen([*self.first, BUILD / "ringfenced", "--policies", self.policies], env=self.environment, stdout=log,
                                          stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL, start_new_session=True)
        until("the agent", self.ready)
        self.control = self.bpf.open(self.pins / "maps/control")

    def ready(self):
        if self.agent.poll() is not None:
            raise BenchError("the agent ended: " + (self.work / "agent.log").read_text()[-2000:])
        return json.loads(self.rf("status", "-o", "json", check=False) or "{}").get("ready")

    def stop_agent(self):
        if self.control >= 0:
            os.close(self.control)
            self.control = -1
        if self.agent:
            self.agent.terminate()
            self.agent.wait()
            self.agent = None

    def status(self):
        return json.loads(self.rf("status", "-o", "json", check=False))

    @staticmethod
    def now():
        return time.monotonic_ns()

    def epoch(self):
        return struct.unpack_from("<I", self.bpf.first(self.control, 64))[0]

    # -- pods

    def tutorial(self):
        """The tutorial's three pods and its objects, all of them, and a plain TCP port for who measures connections."""
        self.rf("apply", "-f", TOP / "policies/bookstore/manifests", "-f", TOP / "policies/bookstore/traffic-access")
        self.rf("namespace", "add", "bookstore", "bookbuyer", "bookthief")
        self.write("tcp.yaml", target("bookstore"))
        for name, ports in (("bookstore", ["3000/http"]), ("bookbuyer", ["4000/http", f"{PORT}/tcp"]), ("bookthief", ["4001/http"])):
            self.rf("run", "-n", name, "--name", name, "--deployment", f"{name}/{name}", "-d", "--", PYTHON, self.work / "tools/server.py",
                    name, *ports)
            until(name, lambda name=name: "ready, pid" in self.rf("logs", f"{name}/{name}", check=False))

    def in_pod(self, pod, *command):
        return [*self.first_with_children, BUILD / "ringfence", "exec", f"{pod}/{pod}", "--", PYTHON, *command]

    # -- policies

    def write(self, name, text):
        """One file becomes another, in one step. CLOCK_MONOTONIC nanoseconds right before that step."""
        (self.policies / ".new").write_text(text)
        now = time.monotonic_ns()
        os.rename(self.policies / ".new", self.policies / name)
        return now

    def change(self, what):
        """Does something to the directory; returns when the kernel has another revision."""
        before = self.epoch()
        what()
        until("the next revision", lambda: self.epoch() != before)
        until("the end of the change", lambda: "took_ms" in self.status()["revision"])

    def add(self, directory):
        def move():
            for path in directory.iterdir():
                os.link(path, self.policies / path.name)
        self.change(move)
        self.settle()

    def add_only(self, directory):
        """Without an agent that would see it; what was there of another such directory goes."""
        for path in self.policies.glob("svc*.yaml"):
            path.unlink()
        for path in directory.iterdir():
            (self.policies / path.name).unlink(missing_ok=True)
            os.link(path, self.policies / path.name)

    def take_away(self, directory):
        def remove():
            for path in directory.iterdir():
                (self.policies / path.name).unlink()
        self.change(remove)
        self.settle()

    def settle(self):
        """Until the agent has read everything: many files are not one change."""
        while True:
            before = self.epoch()
            time.sleep(0.5)
            if self.epoch() == before:
                return


def target(account):
    """A plain port of bookbuyer's, for this account."""
    return f"""apiVersion: v1
kind: Service
metadata: {{name: bookbuyer-tcp, namespace: bookbuyer}}
spec:
  selector: {{app: bookbuyer}}
  ports: [{{port: {PORT}, targetPort: {PORT}, name: tcp-echo}}]
---
apiVersion: specs.smi-spec.io/v1alpha4
kind: TCPRoute
metadata: {{name: bench, namespace: bookbuyer}}
spec: {{matches: {{ports: [{PORT}]}}}}
---
apiVersion: access.smi-spec.io/v1alpha3
kind: TrafficTarget
metadata: {{name: bench, namespace: bookbuyer}}
spec:
  destination: {{kind: ServiceAccount, name: bookbuyer, namespace: bookbuyer}}
  sources: [{{kind: ServiceAccount, name: {account}, namespace: {account}}}]
  rules: [{{kind: TCPRoute, name: bench}}]
"""
