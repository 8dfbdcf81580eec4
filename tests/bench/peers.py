# SPDX-License-Identifier: Apache-2.0
"""peers: which programs are here to compare with, and their versions"""
import os
import shutil
import subprocess

from measure import Failure

# program: how it tells its version
KNOWN = {
    "podman": ["--version"], "crun": ["--version"], "bwrap": ["--version"],
    "slirp4netns": ["--version"], "pasta": ["--version"], "fuse-overlayfs": ["--version"],
    "skopeo": ["--version"], "umoci": ["--version"],
}
TOOLS = {"iperf3": ["--version"], "docker-registry": ["--version"]}


PACKAGES = {"bwrap": "bubblewrap", "pasta": "passt"}


def version(path, words, env):
    """the line of --version that names the program, and Debian's version of it"""
    name = os.path.basename(path)
    try:
        done = subprocess.run([path] + words, capture_output=True, text=True, timeout=10, env=env)
    except (OSError, subprocess.TimeoutExpired) as why:
        return str(why)
    lines = [line for line in (done.stdout + done.stderr).splitlines() if line.strip()]
    named = [line for line in lines if name in line] or lines or ["version unknown"]
    packaged = ""
    if path.startswith(("/usr/", "/bin/")):
        packaged = subprocess.run(["dpkg-query", "-W", "-f", "${Version}", PACKAGES.get(name, name)],
                                  capture_output=True, text=True).stdout
    return named[0] + (" (Debian %s)" % packaged if packaged else "")


class Peers:
    """name -> path of every contestant that is not ours; extras by PEERS=NAME=PATH"""

    def __init__(self, extra):
        self.paths, self.missing = {}, []
        for name in list(KNOWN) + list(TOOLS):
            path = shutil.which(name)
            if path:
                self.paths[name] = path
            else:
                self.missing.append(name)
        for words in extra:
            name, _, path = words.partition("=")
            if not os.access(path, os.X_OK):
                raise SystemExit("bench: --peer %s: %s is not a program" % (words, path))
            if not self.kind(name):
                raise SystemExit("bench: --peer %s: the name must begin with one of: %s" % (
                    words, " ".join(KNOWN)))
            self.paths[name] = os.path.abspath(path)
            if name in self.missing:
                self.missing.remove(name)

    @staticmethod
    def kind(name):
        """slirp4netns-1.3.3 is a slirp4netns"""
        return next((k for k in KNOWN if name == k or name.startswith(k + "-")), None)

    def of(self, kind):
        """name -> path of the contestants of one kind, the usual one first"""
        found = {n: p for n, p in self.paths.items() if self.kind(n) == kind}
        return found or {kind: None}

    def need(self, name):
        if not self.paths.get(name):
            raise Failure("%s is not installed (make bench-deps)" % name)
        return self.paths[name]

    def versions(self, env):
        return {n: version(p, KNOWN.get(self.kind(n)) or TOOLS[n], env) for n, p in self.paths.items()}
