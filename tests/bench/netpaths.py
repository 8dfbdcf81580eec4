# SPDX-License-Identifier: Apache-2.0
"""netpaths: a network namespace of an ordinary user, joined to the host by one provider

Each path has the same face: guest() wraps a command so that it runs inside,
target is where the guest reaches the host's servers, publish() opens a port.
"""
import contextlib
import json
import os
import socket
import subprocess
import time

from measure import Failure
from world import host_address, stop

READY_TIMEOUT = 10


def wait_ready(fd, process, name):
    os.set_blocking(fd, False)
    deadline = time.monotonic() + READY_TIMEOUT
    while time.monotonic() < deadline:
        with contextlib.suppress(BlockingIOError):
            if os.read(fd, 1):
                return
        if process.poll() is not None:
            break
        time.sleep(0.01)
    raise Failure("%s: not ready: %s" % (name, (process.stderr.read() if process.poll() is not None
                                                else "no answer").strip()))


class Host:
    """no namespace at all: the ceiling"""
    pid = None

    def __init__(self, world):
        self.world, self.target = world, host_address() or "127.0.0.1"
        self.process = None

    def guest(self, argv):
        return argv

    def publish(self, proto, host, guest):
        return guest

    def close(self):
        pass


class Namespace(Host):
    """a user and network namespace, held by a sleeping process"""

    def __init__(self, world):
        super().__init__(world)
        self.holder = world.start(["unshare", "--user", "--map-root-user", "--net", "sleep", "86399"])
        self.pid = self.holder.pid
        own = os.readlink("/proc/self/ns/net")
        for _ in range(500):
            with contextlib.suppress(OSError), open("/proc/%d/comm" % self.pid) as f:
                if f.read() == "sleep\n" and os.readlink("/proc/%d/ns/net" % self.pid) != own:
                    break
            time.sleep(0.01)
        else:
            raise Failure("no user namespace")
        world.run(self.guest(["ip", "link", "set", "lo", "up"]))

    def guest(self, argv):
        return ["nsenter", "--target", str(self.pid), "--user", "--net", "--preserve-credentials"] + argv

    def close(self):
        if self.process:
            stop(self.process)
        stop(self.holder)


class Slirp(Namespace):
    """slirp4netns, or ours, which takes the same command line and socket"""

    def __init__(self, world, path, mtu=65520, name="slirp"):
        super().__init__(world)
        if self.target == "127.0.0.1":
            self.target = "10.0.2.2"
        self.api = os.path.join(world.work, "api-%d" % self.pid)
        r, w = os.pipe()
        self.process = world.start(
            [path, "--configure", "--mtu=%d" % mtu, "--ready-fd=%d" % w, "--api-socket", self.api,
             "--enable-sandbox", "--enable-seccomp", str(self.pid), "tap0"],
            pass_fds=[w], stderr=subprocess.PIPE)
        os.close(w)
        try:
            wait_ready(r, self.process, name)
        except Failure:
            self.close()
            raise
        finally:
            os.close(r)

    def publish(self, proto, host, guest):
        """the same port outside as inside; HOST is the address outside"""
        request = {"execute": "add_hostfwd", "arguments": {
            "proto": proto, "host_addr": host, "host_port": guest, "guest_port": guest}}
        with socket.socket(socket.AF_UNIX) as s:
            s.settimeout(5)
            s.connect(self.api)
            s.sendall(json.dumps(request).encode() + b"\n")
            s.shutdown(socket.SHUT_WR)
            answer = json.loads(s.recv(65536) or b"{}")
        if "return" not in answer:
            raise Failure("add_hostfwd: %s" % answer.get("error", answer))
        return guest


class Pasta(Namespace):
    """pasta attached to the namespace; its ports are fixed when it starts"""

    def __init__(self, world, path, mtu=65520, ports=()):
        super().__init__(world)
        words = [path, "--config-net", "--foreground", "--mtu", str(mtu), "--quiet"]
        for proto, port in ports:
            words += ["-t" if proto == "tcp" else "-u", str(port)]
        self.process = world.start(words + [str(self.pid)], stderr=subprocess.PIPE)
        for _ in range(200):
            route = world.run(self.guest(["ip", "route", "show", "default"])).split()
            if len(route) > 2:
                self.target = route[2]  # pasta maps the gateway to the host
                return
            if self.process.poll() is not None:
                break
            time.sleep(0.02)
        why = self.process.stderr.read() if self.process.poll() is not None else "no default route"
        self.close()
        raise Failure("pasta: " + why.strip())
