# SPDX-License-Identifier: Apache-2.0
"""world: where a run happens: scratch folders, our programs, processes, cleanup"""
import contextlib
import os
import pwd
import shutil
import signal
import socket
import subprocess
import sys
import tempfile

import broker
from measure import Failure

TIMEOUT = 120


class World:
    def __init__(self, args):
        self.args = args
        self.bindir = os.path.abspath(args.bin)
        self.helpers = os.path.abspath(args.helpers)
        self.inputs = os.path.abspath(args.inputs)
        self.user = pwd.getpwuid(os.getuid()).pw_name
        self.broker = broker.Client()
        self.stack = contextlib.ExitStack()

    def __enter__(self):
        self.work = tempfile.mkdtemp(prefix="w.", dir=self.args.work or "/var/tmp")
        self.home = self.folder("home")
        self.env = dict(os.environ, HOME=self.home, PATH="/usr/sbin:/usr/bin:/sbin:/bin")
        for name in list(self.env):
            if name.startswith(("RUNNER_BENCH", "MAKE", "MFLAGS")):
                del self.env[name]
        self.env.setdefault("XDG_RUNTIME_DIR", self.folder("run"))
        os.chdir(self.work)
        # a stopped benchmark cleans up as a finished one does
        signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
        return self

    def __exit__(self, *_):
        self.stack.close()
        os.chdir("/")
        self.remove(self.work)

    def log(self, words):
        print("-- " + words, flush=True)

    def folder(self, name):
        path = os.path.join(self.work, name)
        os.makedirs(path, exist_ok=True)
        return path

    def fresh(self, prefix, where=None):
        return tempfile.mkdtemp(prefix=prefix + ".", dir=where or self.work)

    def memory(self):
        """a scratch folder on tmpfs: what is measured there is no disk"""
        if not hasattr(self, "shm"):
            self.shm = tempfile.mkdtemp(prefix="runner-bench.", dir=self.env["XDG_RUNTIME_DIR"]
                                        if self.args.work else "/dev/shm")
            self.stack.callback(self.remove, self.shm)
        return self.shm

    def remove(self, path):
        """also what subordinate ids own, where there are any"""
        shutil.rmtree(path, ignore_errors=True)
        if os.path.exists(path) and shutil.which("podman"):
            subprocess.run(["podman", "unshare", "rm", "-rf", path], env=self.env,
                           stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    def ours(self, name):
        path = os.path.join(self.bindir, name)
        if not os.access(path, os.X_OK):
            raise Failure("%s is not built" % name)
        return path

    def version(self):
        """which of our programs are here, of which commit where that is known"""
        names = sorted(os.listdir(self.bindir))
        return "%s: %s" % (os.environ.get("BENCH_COMMIT", "unknown commit"), " ".join(names) or "no programs")

    def helper(self, name):
        return os.path.join(self.helpers, name)

    def run(self, argv, timeout=TIMEOUT, **more):
        """stdout of a program that must succeed"""
        more.setdefault("env", self.env)
        more.setdefault("stdin", subprocess.DEVNULL)
        try:
            done = subprocess.run(argv, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                                  timeout=timeout, **more)
        except subprocess.TimeoutExpired:
            raise Failure("%s: no end after %d s" % (os.path.basename(argv[0]), timeout)) from None
        except OSError as why:
            raise Failure("%s: %s" % (argv[0], why)) from None
        if done.returncode:
            said = (done.stderr or done.stdout).strip().splitlines()
            raise Failure("%s: exit %d: %s" % (" ".join(argv[:3]), done.returncode,
                                               said[-1] if said else "no message"))
        return done.stdout

    def start(self, argv, **more):
        """a process that is killed at the end of the run; see stop()"""
        more.setdefault("env", self.env)
        more.setdefault("stdin", subprocess.DEVNULL)
        more.setdefault("stdout", subprocess.DEVNULL)
        process = subprocess.Popen(argv, text=True, **more)
        self.stack.callback(stop, process)
        return process

    def detach(self, argv):
        """run a program that leaves a process behind: no pipe of ours for it to hold"""
        code = subprocess.run(argv, env=self.env, stdin=subprocess.DEVNULL, timeout=TIMEOUT,
                              stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL).returncode
        if code:
            raise Failure("%s: exit %d" % (" ".join(argv[:3]), code))

    def timed(self, argv, timeout=TIMEOUT):
        """milliseconds of one run of a program that must succeed"""
        out = self.run([self.helper("spawn"), "rounds", "1"] + argv, timeout)
        _, ns, status = out.split()
        if status != "0":
            self.run(argv)
            raise Failure("%s: exit %s" % (" ".join(argv[:3]), status))
        return int(ns) / 1e6

    def processes(self):
        """pids of this user and of its subordinate ids"""
        ids = [(os.getuid(), 1)]
        with contextlib.suppress(OSError), open("/etc/subuid") as f:
            ids += [(int(w[1]), int(w[2])) for w in (line.split(":") for line in f)
                    if w[0] in (self.user, str(os.getuid()))]
        found = set()
        for name in os.listdir("/proc"):
            if not name.isdigit():
                continue
            with contextlib.suppress(OSError), open("/proc/%s/status" % name) as f:
                fields = dict(line.split(":", 1) for line in f if ":" in line)
                uid = int(fields["Uid"].split()[0])
                if "Z" not in fields["State"] and any(a <= uid < a + n for a, n in ids):
                    found.add(int(name))
        return found

    def pss_mb(self, pids):
        return self.broker.pss_kib(pids) / 1024


def comm(pid):
    """a process's own name; its words may still be those of whoever forked it"""
    try:
        with open("/proc/%d/comm" % pid) as f:
            return f.read().strip()
    except OSError:
        return ""


def stop(process):
    if process.poll() is None:
        process.terminate()
        try:
            process.wait(5)
        except subprocess.TimeoutExpired:
            process.kill()
    process.wait()


def free_port(kind=socket.SOCK_STREAM):
    with socket.socket(socket.AF_INET, kind) as s:
        s.bind(("0.0.0.0", 0))
        return s.getsockname()[1]


def host_address():
    """the machine's own address that containers reach without host loopback"""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
        try:
            s.connect(("198.51.100.1", 9))  # sends nothing
            return s.getsockname()[0]
        except OSError:
            return None
