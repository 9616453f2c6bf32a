# SPDX-License-Identifier: Apache-2.0
"""A ringfence of the runner's own: agent, broker, pods, and a network namespace that plays the world outside. All of it is removed again."""
import glob
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
BUILD = os.environ.get("RINGFENCE_BUILD", os.path.join(TOP, "build"))
TOOLS = os.path.join(TOP, "tests", "tools")
PYTHON = "/usr/bin/python3" if os.path.exists("/usr/bin/python3") else sys.executable
INSTANCE = "rf-conformance"
# RFC 5737 addresses for the cable to the world outside, and for a server out there.
NEAR, FAR, SERVER = "203.0.113.9", "203.0.113.10", "198.51.100.80"
CABLE = "rfconf-out"
MORTAL = ["setpriv", "--pdeathsig", "KILL"]  # for programs that shall not outlive a killed runner


def cgroup2():
    with open("/proc/self/mounts") as mounts:
        return next(line.split()[1] for line in mounts if line.split()[2] == "cgroup2")


class MeshError(Exception):
    """The runner could not do its own part."""


def until(what, check, seconds=15):
    deadline = time.monotonic() + seconds * int(os.environ.get("RINGFENCE_PATIENCE", "1"))
    while not (value := check()):
        if time.monotonic() > deadline:
            raise MeshError(f"{what}: not in {seconds} seconds")
        time.sleep(0.05)
    return value


class Mesh:
    def __init__(self, verbose=False):
        self.verbose, self.processes, self.running, self.outside, self.externals = verbose, [], {}, None, {}

    def __enter__(self):
        if os.getuid() != 0:
            raise MeshError("this needs root")
        if not os.access(os.path.join(BUILD, "ringfenced"), os.X_OK):
            raise MeshError(f"{BUILD} has no programs: run make first")
        # An abstract socket is a lock that no death leaves behind.
        self.lock = socket.socket(socket.AF_UNIX)
        deadline = time.monotonic() + 600  # another checkout's run is soon over
        while True:
            try:
                self.lock.bind(f"\0{INSTANCE}")
                break
            except OSError:
                if time.monotonic() > deadline:
                    raise MeshError("another tests/conformance/run is at work on this machine") from None
                time.sleep(0.5)
        self.work = tempfile.mkdtemp(prefix=f"{INSTANCE}.", dir="/tmp")
        self.directory = os.path.join(self.work, "policies")
        os.mkdir(self.directory)
        shutil.copytree(TOOLS, os.path.join(self.work, "tools"))
        os.chmod(self.work, 0o755)
        self.environment = {**os.environ, "RINGFENCE_INSTANCE": INSTANCE, "RINGFENCE_POD_CIDR": "10.213.0.0/16",
                            "RINGFENCE_SERVICE_CIDR": "10.214.0.0/16"}
        signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
        try:
            self.repair()
            self.make_prober()
            self.start("ringfenced", "--policies", self.directory, "--prober-cgroup", self.prober)
            until("the agent", lambda: json.loads(self.cli("status", "-o", "json", check=False)[1] or "{}").get("ready"))
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_):
        code, output = self.cli("uninstall", "--yes", "--force", check=False)
        for process in reversed(self.processes):
            process.terminate()
            try:
                process.wait(5)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        subprocess.run(["ip", "link", "delete", CABLE], stderr=subprocess.DEVNULL, check=False)
        if os.path.isdir(self.prober):
            os.rmdir(self.prober)
        if self.verbose or code:
            sys.stderr.write(output + self.log("ringfenced"))
        shutil.rmtree(self.work, ignore_errors=True)

    def make_prober(self):
        """The cgroup that plays the kubelet's."""
        self.prober = os.path.join(cgroup2(), f"{INSTANCE}-prober")
        os.makedirs(self.prober, exist_ok=True)

    def repair(self):
        """What a killed run left."""
        self.cli("uninstall", "--yes", "--force", check=False)
        subprocess.run(["ip", "link", "delete", CABLE], stderr=subprocess.DEVNULL, check=False)
        for directory in glob.glob(f"/tmp/{INSTANCE}.*"):
            if directory != self.work:
                shutil.rmtree(directory, ignore_errors=True)

    # -- programs

    def start(self, program, *arguments):
        with open(os.path.join(self.work, program + ".log"), "w") as log:
            self.processes.append(subprocess.Popen([os.path.join(BUILD, program), *arguments], env=self.environment, stdout=log,
                                                   stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL, start_new_session=True))

    def log(self, program):
        with open(os.path.join(self.work, program + ".log")) as log:
            return log.read()

    def cli(self, *arguments, check=True):
        """(exit code, what it printed)"""
        done = subprocess.run([os.path.join(BUILD, "ringfence"), *arguments], env=self.environment, stdin=subprocess.DEVNULL,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT if check else subprocess.DEVNULL, text=True, check=False,
                              timeout=60)
        if check and done.returncode:
            raise MeshError(f"ringfence {' '.join(arguments)}: {done.stdout.strip()}")
        return done.returncode, done.stdout

    def control(self, op, **fields):
        with socket.socket(socket.AF_UNIX) as connection:
            connection.settimeout(20)
            connection.connect(f"/run/{INSTANCE}/control.sock")
            connection.sendall(json.dumps({"op": op, **fields}).encode() + b"\n")
            with connection.makefile() as answers:
                answer = json.loads(answers.readline() or '{"ok": false, "error": "no answer"}')
        if not answer["ok"]:
            raise MeshError(f"agent, {op}: {answer.get('error')} {json.dumps(answer.get('diags', ''))}")
        return answer

    # -- policies

    def policies(self, files):
        """The whole policy directory becomes these files; returns when the kernel holds them."""
        for name in os.listdir(self.directory):
            if name not in files:
                os.unlink(os.path.join(self.directory, name))
        for name, text in files.items():
            path = os.path.join(self.directory, name)
            with open(path + ".new", "w") as file:
                file.write(text)
            os.rename(path + ".new", path)
        self.control("sync")

    def validate(self, files):
        with tempfile.TemporaryDirectory(dir=self.work) as directory:
            for name, text in files.items():
                with open(os.path.join(directory, name), "w") as file:
                    file.write(text)
            done = subprocess.run([os.path.join(BUILD, "ringfence"), "validate", directory], env=self.environment, capture_output=True,
                                  text=True, check=False)
        return done.returncode, done.stdout + done.stderr

    # -- pods

    def pods(self, wanted):
        """wanted: (namespace, name) -> {deployment, account, ports, annotations}. Pods that are already so stay; others go."""
        for key in [k for k, pod in self.running.items() if wanted.get(k) != pod]:
            self.cli("stop", "/".join(key))
            del self.running[key]
        for (namespace, name), pod in wanted.items():
            if (namespace, name) not in self.running:
                self.run_pod(namespace, name, pod)
                self.running[namespace, name] = pod

    def run_pod(self, namespace, name, pod):
        of = ["--deployment", f"{namespace}/{name}"] if pod["deployment"] else ["--service-account", pod["account"]]
        of += [word for key, value in pod["annotations"].items() for word in ("--annotation", f"{key}={value}")]
        self.cli("run", "-n", namespace, "--name", name, *of, "-d", "--", PYTHON, f"{self.work}/tools/server.py", name,
                 *(pod["ports"] or ["9/tcp"]))
        until(f"server {namespace}/{name}", lambda: "ready, pid" in self.cli("logs", f"{namespace}/{name}", check=False)[1])

    def address(self, namespace, name):
        return next(p["address"] for p in self.control("pods")["pods"] if (p["ns"], p["name"]) == (namespace, name))

    # -- requests

    def probe_in_pod(self, pod, job):
        return self.answer(self.cli("exec", "/".join(pod), "--", PYTHON, f"{self.work}/tools/probe.py", json.dumps(job))[1])

    def datagram_in_pod(self, pod, to, port):
        return self.cli("exec", "/".join(pod), "--", PYTHON, f"{self.work}/tools/datagram.py", to, str(port))[1].strip()

    def probe_from(self, source, job):
        """From the node's prober (source None), or from that address outside."""
        prefix = ["sh", "-c", f'echo $$ >"{self.prober}/cgroup.procs" && exec "$@"', "prober"]
        if source:
            self.make_outside()
            self.outside_address(source)
            prefix = ["nsenter", "-t", str(self.outside.pid), "-n"]
            self.ip("route", "replace", "default", "via", NEAR, "src", source, inside=True)
        done = subprocess.run([*prefix, PYTHON, f"{TOOLS}/probe.py", json.dumps(job)], capture_output=True, text=True, check=False)
        return self.answer(done.stdout or done.stderr)

    @staticmethod
    def answer(text):
        try:
            return json.loads(text)
        except json.JSONDecodeError:
            raise MeshError(f"the probe said: {text.strip()[-300:]}") from None

    # -- outside

    def ip(self, *arguments, inside=False):
        prefix = ["nsenter", "-t", str(self.outside.pid), "-n"] if inside else []
        done = subprocess.run([*prefix, "ip", *arguments], capture_output=True, text=True, check=False)
        if done.returncode:
            raise MeshError(f"ip {' '.join(arguments)}: {done.stderr.strip()}")

    def make_outside(self):
        if self.outside:
            return
        own = os.readlink("/proc/self/ns/net")
        self.outside = subprocess.Popen(["unshare", "--net", *MORTAL, "sleep", "infinity"], start_new_session=True)
        self.processes.append(self.outside)
        until("a network namespace", lambda: os.readlink(f"/proc/{self.outside.pid}/ns/net") != own)
        self.ip("link", "add", CABLE, "type", "veth", "peer", "name", "eth0", "netns", str(self.outside.pid))
        self.ip("address", "add", f"{NEAR}/30", "dev", CABLE)
        self.ip("link", "set", CABLE, "up")
        with open(f"/proc/sys/net/ipv4/conf/{CABLE}/forwarding", "w") as forwarding:
            forwarding.write("1")
        self.ip("link", "set", "lo", "up", inside=True)
        self.ip("address", "add", f"{FAR}/30", "dev", "eth0", inside=True)
        self.ip("link", "set", "eth0", "up", inside=True)
        self.ip("route", "add", "default", "via", NEAR, inside=True)

    def outside_address(self, address):
        self.ip("address", "replace", f"{address}/32", "dev", "lo", inside=True)
        self.ip("route", "replace", f"{address}/32", "via", FAR)

    def certificate(self):
        path = os.path.join(self.work, "external.pem")
        if not os.path.exists(path):
            subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2",
                            "-subj", "/CN=external", "-keyout", path, "-out", path + ".crt"], check=True, capture_output=True)
            with open(path, "a") as both, open(path + ".crt") as certificate:
                both.write(certificate.read())
        return path

    def external(self, address, port, tls=False):
        """A server outside at that address, which listens on this port."""
        kind = f"https={self.certificate()}" if tls else "http"
        self.make_outside()
        self.outside_address(address)
        server = self.externals.get(port)
        if server and server.kind == kind:
            return
        if server:
            server.kill()
            server.wait()
        with open(os.path.join(self.work, f"external-{port}.log"), "w") as log:
            server = subprocess.Popen(
                ["nsenter", "-t", str(self.outside.pid), "-n", *MORTAL, PYTHON, f"{TOOLS}/server.py", "external", f"{port}/{kind}"], stdout=log,
                stderr=subprocess.STDOUT, start_new_session=True)
        server.kind, self.externals[port] = kind, server
        self.processes.append(server)
        until("the server outside", lambda: "ready, pid" in open(log.name).read())
