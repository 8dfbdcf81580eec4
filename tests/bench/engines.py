# SPDX-License-Identifier: Apache-2.0
"""engines: the container engines and runtimes, and the images they run"""
import json
import os
import shutil
import subprocess
import tempfile
import time

import ociimage
from measure import Failure
from world import free_port

APPLETS = ["true", "sh", "sleep", "nc", "wget", "ip", "cat", "ls", "id"]
PAYLOAD = "86399"  # how long a waiting container sleeps; tells it from helpers


def fill_busybox(_, tar):
    with open(shutil.which("busybox"), "rb") as f:
        ociimage.add_dir(tar, "bin")
        ociimage.add_file(tar, "bin/busybox", f.read(), 0o755)
    for name in APPLETS:
        ociimage.add_link(tar, "bin/" + name, "busybox")
    for name in ("dev", "proc", "sys", "tmp", "etc", "root"):
        ociimage.add_dir(tar, name)


def busybox_rootfs(world):
    """the same files as the image, as a folder, for those that take no images"""
    root = os.path.join(world.work, "rootfs")
    if not os.path.isdir(root):
        for name in ("bin", "dev", "proc", "sys", "tmp", "etc", "root"):
            os.makedirs(os.path.join(root, name))
        shutil.copy(shutil.which("busybox"), os.path.join(root, "bin/busybox"))
        for name in APPLETS:
            os.symlink("busybox", os.path.join(root, "bin", name))
    return root


class Registry:
    """Debian's docker-registry on loopback, with our images pushed by skopeo"""

    def __init__(self, world, peers):
        self.world, self.peers, self.pushed = world, peers, {}
        self.port = free_port()
        conf = os.path.join(world.work, "registry.yml")
        with open(conf, "w") as f:
            f.write("version: 0.1\nlog: {level: error, accesslog: {disabled: true}}\n"
                    "storage: {filesystem: {rootdirectory: %s}}\n"
                    "http: {addr: '127.0.0.1:%d'}\n" % (world.folder("registry"), self.port))
        world.start([peers.need("docker-registry"), "serve", conf], stderr=subprocess.DEVNULL)
        for _ in range(100):
            try:
                world.run(["python3", "-c", "import urllib.request as u; u.urlopen('http://127.0.0.1:%d/v2/')" % self.port])
                return
            except Failure:
                time.sleep(0.05)
        raise Failure("docker-registry does not answer")

    def push(self, name, layout):
        reference = "127.0.0.1:%d/bench/%s:latest" % (self.port, name)
        if name not in self.pushed:
            self.world.run([self.peers.need("skopeo"), "--insecure-policy", "copy", "--quiet",
                            "--dest-tls-verify=false", "oci:%s:latest" % layout,
                            "docker://" + reference])
            self.pushed[name] = reference
        return reference


def registry(bench):
    if not hasattr(bench, "registry"):
        bench.registry = Registry(bench.world, bench.peers)
    return bench.registry


def busybox_image(bench):
    layout = os.path.join(bench.world.work, "busybox.oci")
    if not os.path.isdir(layout):
        ociimage.new(layout, fill_busybox, ["sh"])
    return registry(bench).push("busybox", layout)


def debian_image(bench):
    layout = os.path.join(bench.world.inputs, "debian")
    if not os.path.exists(os.path.join(layout, "index.json")):
        raise Failure("the Debian image is not made (make bench-deps)")
    return registry(bench).push("debian", layout)


def folder_short(world):
    """podman takes no runroot of more than 50 characters"""
    return tempfile.mkdtemp(prefix="b.", dir=world.env["XDG_RUNTIME_DIR"])


class Engine:
    """an engine with Docker's command line"""

    def __init__(self, bench, name, path, words=(), pull_words=()):
        self.bench, self.name, self.path = bench, name, path
        self.words, self.pull_words = list(words), list(pull_words)

    def argv(self, *words):
        return [self.path] + self.words + list(words)

    def do(self, *words, timeout=600):
        return self.bench.world.run(self.argv(*words), timeout)

    def pull_argv(self, image):
        return self.argv("pull", "--quiet", *self.pull_words, image)

    def ensure(self, image):
        self.bench.world.run(self.pull_argv(image))

    def at(self, folder):
        """the same engine with a store of its own in FOLDER"""
        words = self.words + ["--root", os.path.join(folder, "root"),
                              "--runroot", folder_short(self.bench.world)]
        return Engine(self.bench, self.name, self.path, words, self.pull_words)

    def remove_all(self):
        """every container, by name: whatever was there before stays"""
        names = self.do("ps", "--all", "--quiet").split()
        if names:
            self.do("rm", "--force", "--time", "0", *names)


def podman_setup(bench):
    """podman's configuration inside the view that root made"""
    world = bench.world
    if not bench.args.work or "CONTAINERS_CONF" in world.env:
        return
    conf, storage = os.path.join(world.work, "containers.conf"), os.path.join(world.work, "storage.conf")
    with open(conf, "w") as f:
        f.write('[engine]\ncgroup_manager = "cgroupfs"\nevents_logger = "file"\nruntime = "crun"\n')
    with open(storage, "w") as f:
        f.write('[storage]\ndriver = "overlay"\n')
    world.env.update(CONTAINERS_CONF=conf, CONTAINERS_STORAGE_CONF=storage)


def engines(bench):
    """name -> Engine or Failure, ours first"""
    if hasattr(bench, "engines"):
        return bench.engines
    podman_setup(bench)
    found = {}
    try:
        found["ours"] = Engine(bench, "ours", bench.world.ours("runner"))
    except Failure as why:
        found["ours"] = why
    for name, path in bench.peers.of("podman").items():
        found[name] = Engine(bench, name, path, pull_words=["--tls-verify=false"]) if path else \
            Failure("podman is not installed (make bench-deps)")
    bench.engines = found
    return found


def ready(bench, row, image):
    """engines that have IMAGE; the others are noted in ROW as failed"""
    out = {}
    for name, engine in engines(bench).items():
        try:
            if isinstance(engine, Failure):
                raise engine
            engine.ensure(image)
            out[name] = engine
        except Failure as why:
            row.failed[name] = str(why)
    return out


def bundle(bench, runtime, words):
    """an OCI bundle of the busybox root for an unprivileged runtime, running WORDS"""
    world = bench.world
    folder = world.fresh("bundle")
    world.run([bench.peers.need("crun"), "spec", "--rootless"], cwd=folder)
    path = os.path.join(folder, "config.json")
    with open(path) as f:
        spec = json.load(f)
    spec["process"].update(terminal=False, args=words)
    spec["root"] = {"path": busybox_rootfs(world), "readonly": False}
    spec["linux"].pop("resources", None)
    # written out: what a runtime assumes when they are missing differs
    spec["linux"]["uidMappings"] = [{"containerID": 0, "hostID": os.getuid(), "size": 1}]
    spec["linux"]["gidMappings"] = [{"containerID": 0, "hostID": os.getgid(), "size": 1}]
    with open(path, "w") as f:
        json.dump(spec, f)
    return folder


def bwrap_argv(bench, path, words):
    """every namespace bubblewrap has, on the same root"""
    return [path, "--unshare-all", "--uid", "0", "--gid", "0", "--bind",
            busybox_rootfs(bench.world), "/", "--proc", "/proc", "--dev", "/dev",
            "--die-with-parent", "--"] + words


