#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""mkimage.py - make small images and bad ones, offline

mkimage.py tar KIND OUT.tar             one layer: see KINDS below
mkimage.py layout DIR NAME LAYER…       an OCI layout folder of one image
    --compress gzip|zstd|plain  --config JSON  --arch ARCH  --docker (schema 2)
mkimage.py index DIR NAME LAYOUT…       a multi-arch index out of such folders
mkimage.py archive DIR OUT.tar          an OCI archive of a folder
mkimage.py dockersave DIR NAME OUT.tar  a docker archive of a folder
"""
import argparse
import gzip
import hashlib
import io
import json
import os
import random
import shutil
import subprocess
import sys
import tarfile
import time

BUSYBOX = "/bin/busybox"
MEDIA = {
    "gzip": "application/vnd.oci.image.layer.v1.tar+gzip",
    "zstd": "application/vnd.oci.image.layer.v1.tar+zstd",
    "plain": "application/vnd.oci.image.layer.v1.tar",
}
DOCKER_MEDIA = {
    "gzip": "application/vnd.docker.image.rootfs.diff.tar.gzip",
    "plain": "application/vnd.docker.image.rootfs.diff.tar",
}


class Layer:
    """A tar being written; every helper adds one member."""

    def __init__(self, path, **kw):
        self.tar = tarfile.open(path, "w", format=kw.get("format", tarfile.PAX_FORMAT))

    def add(self, name, kind=tarfile.REGTYPE, data=b"", **kw):
        info = tarfile.TarInfo(name)
        info.type = kind
        info.mode = kw.get("mode", 0o755 if kind == tarfile.DIRTYPE else 0o644)
        info.uid, info.gid = kw.get("uid", 0), kw.get("gid", 0)
        info.mtime = kw.get("mtime", 1700000000)
        info.linkname = kw.get("to", "")
        info.devmajor, info.devminor = kw.get("dev", (0, 0))
        info.pax_headers = kw.get("pax", {})
        info.size = len(data)
        self.tar.addfile(info, io.BytesIO(data))

    def dir(self, name, **kw):
        self.add(name, tarfile.DIRTYPE, **kw)

    def link(self, name, to, **kw):
        self.add(name, tarfile.SYMTYPE, to=to, **kw)

    def hard(self, name, to, **kw):
        self.add(name, tarfile.LNKTYPE, to=to, **kw)

    def close(self):
        self.tar.close()


def busybox(layer):
    with open(BUSYBOX, "rb") as f:
        binary = f.read()
    for d in ("bin", "etc", "proc", "sys", "dev", "tmp", "var", "root"):
        layer.dir(d, mode=0o1777 if d == "tmp" else 0o755)
    layer.add("bin/busybox", data=binary, mode=0o755)
    names = subprocess.run([BUSYBOX, "--list"], capture_output=True, text=True, check=True)
    for name in sorted(set(names.stdout.split()) - {"busybox"}):
        layer.link("bin/" + name, "busybox")
    layer.add("etc/passwd", data=b"root:x:0:0:root:/root:/bin/sh\nwww:x:33:33::/:/bin/sh\n")
    layer.add("etc/group", data=b"root:x:0:\nwww:x:33:\n")


def hello(layer):
    layer.dir("etc")
    layer.add("etc/greeting", data=b"hello\n")


def owners(layer):
    layer.dir("srv", uid=33, gid=33, mode=0o2750)
    layer.add("srv/file", data=b"x", uid=33, gid=34, mode=0o640)
    layer.link("srv/link", "file", uid=33, gid=33)
    layer.add("srv/suid", data=b"x", uid=0, gid=42, mode=0o4755)
    layer.add("srv/fifo", tarfile.FIFOTYPE, uid=33, gid=33, mode=0o600)
    layer.add("srv/root", data=b"x", mode=0o600)
    layer.add("srv/readonly", data=b"x", uid=33, gid=33, mode=0o400)
    layer.dir("closed", mode=0o500)
    layer.add("closed/inside", data=b"x", uid=1, gid=1)


def hugeids(layer):
    layer.add("huge", data=b"x", uid=172761424, gid=172761424, pax={"uid": "172761424"})
    layer.add("nobody", data=b"x", uid=65534, gid=65534)


def devices(layer):
    layer.dir("dev")
    layer.add("dev/null", tarfile.CHRTYPE, dev=(1, 3), mode=0o666)
    layer.add("dev/sda", tarfile.BLKTYPE, dev=(8, 0), mode=0o660, gid=6)
    layer.add("dev/white", tarfile.CHRTYPE, dev=(0, 0))


def base(layer):
    layer.dir("a")
    layer.add("a/keep", data=b"keep\n")
    layer.add("a/gone", data=b"gone\n")
    layer.dir("b")
    layer.add("b/old", data=b"old\n")
    layer.dir("c")
    layer.add("c/old", data=b"old\n")
    layer.dir("d")
    layer.add("d/old", data=b"old\n")


def whiteouts(layer):
    layer.dir("a")
    layer.add("a/.wh.gone")
    layer.dir("b")
    layer.add("b/.wh..wh..opq")
    layer.add("b/new", data=b"new\n")
    # a folder that was removed and made again
    layer.add(".wh.c")
    layer.dir("c")
    layer.add("c/new", data=b"new\n")
    # the same, told the other way round
    layer.dir("d")
    layer.add("d/new", data=b"new\n")
    layer.add(".wh.d")
    layer.dir(".wh..wh.plnk")


def absolute(layer):
    layer.add("/etc/absolute", data=b"inside\n")
    layer.add("./dot/./file", data=b"x")
    layer.add("x/../y", data=b"x")


def dotdot(layer):
    layer.add("../../../../../../tmp/mkimage-escaped", data=b"x")


def symlink(layer):
    """Writing through links that lead out: they lead to the root instead."""
    layer.link("out", "../../../../../../../../tmp")
    layer.link("abs", "/tmp")
    layer.dir("tmp")
    layer.add("out/mkimage-escaped", data=b"x")
    layer.add("abs/mkimage-escaped2", data=b"x")
    layer.link("self", "self")
    layer.link("proc", "/proc/self/root")


def symlink_overwrite(layer):
    layer.link("passwd", "/etc/passwd")
    layer.add("passwd", data=b"mine\n")


def hardlink(layer):
    layer.hard("shadow", "../../../../../../etc/shadow")


def hardlink_symlink(layer):
    """A hard link through a link that leads out must not reach the host."""
    layer.link("etc", "/etc")
    layer.hard("shadow", "etc/shadow")


def badwhiteout(layer):
    layer.dir("a")
    layer.add("a/.wh...")


def through_file(layer):
    layer.add("a", data=b"x")
    layer.add("a/b", data=b"x")


def links(layer):
    layer.add("one", data=b"one\n")
    layer.hard("two", "one")
    layer.link("sym", "one")
    layer.hard("symtwo", "sym")
    layer.dir("deep/er")
    layer.hard("deep/er/three", "./one")


def names(layer):
    layer.add("n" * 255, data=b"x")
    layer.add("/".join(["d" * 50] * 20) + "/file", data=b"x")
    layer.add("grüße/日本語", data=b"x")
    layer.add("new\nline", data=b"x", uid=5)
    layer.add("späte" * 30, data=b"x")


def times(layer):
    layer.add("old", data=b"x", mtime=-86400, pax={"mtime": "-86400"})
    layer.add("far", data=b"x", mtime=2**33)
    layer.dir("dir", mtime=1000000000)
    layer.add("dir/file", data=b"x", mtime=1234567890.5, pax={"mtime": "1234567890.5"})


def xattrs(layer):
    cap = bytes.fromhex("0100000200040000000000000000000000000000")
    layer.add("ping", data=b"x", mode=0o755,
              pax={"SCHILY.xattr.security.capability": cap.decode("latin1"),
                   "SCHILY.xattr.user.mine": "yes",
                   "SCHILY.xattr.user.overlay.opaque": "y",
                   "SCHILY.xattr.user.containers.override_stat": "0:0:4755",
                   "SCHILY.xattr.trusted.overlay.opaque": "y"})


def bigdir(layer):
    layer.dir("big")
    for i in range(100000):
        layer.add("big/%06d" % i)


def deep(layer):
    name = "d"
    for _ in range(400):
        layer.dir(name)
        name += "/d"
    layer.link("again", "/".join(["d"] * 400))
    name = "again/e"
    for _ in range(400):
        layer.dir(name)
        name += "/e"
    layer.link("more", "again/" + "/".join(["e"] * 400))
    name = "more/f"
    for _ in range(400):
        layer.dir(name)
        name += "/f"
    layer.add(name, data=b"x")


def toodeep(layer):
    layer.add("/".join(["d"] * 600), data=b"x")


def random_data(layer):
    rng = random.Random(int(os.environ.get("SEED", "1")))
    for i in range(int(os.environ.get("FILES", "40"))):
        layer.add("data%s/%04d" % (os.environ.get("SEED", "1"), i),
                  data=rng.randbytes(int(os.environ.get("SIZE", "65536"))))


KINDS = {
    f.__name__: f for f in (
        busybox, hello, owners, hugeids, devices, base, whiteouts, absolute, dotdot, symlink,
        symlink_overwrite, hardlink, hardlink_symlink, badwhiteout, through_file, links, names,
        times, xattrs, bigdir, deep, toodeep, random_data)
}


def sparse(path):
    """A 5 GiB file that is nearly all hole, as GNU tar writes it."""
    work = path + ".d"
    os.mkdir(work)
    with open(work + "/sparse", "wb") as f:
        f.write(b"begin")
        f.seek((5 << 30) - 3)
        f.write(b"end")
    subprocess.run(["tar", "-S", "--format=gnu", "--owner=0", "--group=0", "-C", work, "-cf", path,
                    "sparse"], check=True)
    shutil.rmtree(work)


def make_tar(kind, out):
    if kind == "sparse":
        sparse(out)
    elif kind == "truncated":
        make_tar("busybox", out)
        os.truncate(out, os.path.getsize(out) // 2)
    elif kind == "garbage":
        with open(out, "wb") as f:
            f.write(random.Random(2).randbytes(100000))
    else:
        layer = Layer(out)
        KINDS[kind](layer)
        layer.close()


def digest(data):
    return "sha256:" + hashlib.sha256(data).hexdigest()


def put(folder, data):
    d = digest(data)
    with open(os.path.join(folder, "blobs/sha256", d[7:]), "wb") as f:
        f.write(data)
    return d


def compress(data, how):
    if how == "gzip":
        return gzip.compress(data, 6 if len(data) < 1 << 24 else 1, mtime=0)
    if how == "zstd":
        return subprocess.run(["zstd", "-q", "-c"], input=data, capture_output=True,
                              check=True).stdout
    return data


def new_layout(folder):
    os.makedirs(os.path.join(folder, "blobs/sha256"), exist_ok=True)
    with open(os.path.join(folder, "oci-layout"), "w") as f:
        f.write('{"imageLayoutVersion":"1.0.0"}')


def write_index(folder, entries):
    with open(os.path.join(folder, "index.json"), "w") as f:
        json.dump({"schemaVersion": 2, "mediaType": "application/vnd.oci.image.index.v1+json",
                   "manifests": entries}, f)


def make_layout(args):
    folder = args.folder
    new_layout(folder)
    diff_ids, layers = [], []
    for path in args.layers:
        with open(path, "rb") as f:
            data = f.read()
        diff_ids.append(digest(data))
        blob = compress(data, args.compress)
        media = (DOCKER_MEDIA if args.docker else MEDIA)[args.compress]
        layers.append({"mediaType": media, "digest": put(folder, blob), "size": len(blob)})
    config = {
        "created": "2026-01-02T03:04:05Z", "architecture": args.arch, "os": "linux",
        "config": json.loads(args.config), "rootfs": {"type": "layers", "diff_ids": diff_ids},
        "history": [{"created": "2026-01-02T03:04:05Z", "created_by": "mkimage"}] * len(layers),
    }
    blob = json.dumps(config).encode()
    kind = "docker" if args.docker else "oci"
    config_media = {"docker": "application/vnd.docker.container.image.v1+json",
                    "oci": "application/vnd.oci.image.config.v1+json"}[kind]
    media = {"docker": "application/vnd.docker.distribution.manifest.v2+json",
             "oci": "application/vnd.oci.image.manifest.v1+json"}[kind]
    manifest = json.dumps({
        "schemaVersion": 2, "mediaType": media,
        "config": {"mediaType": config_media, "digest": put(folder, blob), "size": len(blob)},
        "layers": layers}).encode()
    write_index(folder, [{
        "mediaType": media, "digest": put(folder, manifest), "size": len(manifest),
        "platform": {"os": "linux", "architecture": args.arch},
        "annotations": {"org.opencontainers.image.ref.name": args.name}}])


def make_index(args):
    folder = args.folder
    new_layout(folder)
    entries = []
    for other in args.layouts:
        with open(os.path.join(other, "index.json")) as f:
            entry = json.load(f)["manifests"][0]
        entry.pop("annotations", None)
        entries.append(entry)
        shutil.copytree(os.path.join(other, "blobs"), os.path.join(folder, "blobs"),
                        dirs_exist_ok=True)
    media = "application/vnd.oci.image.index.v1+json"
    blob = json.dumps({"schemaVersion": 2, "mediaType": media, "manifests": entries}).encode()
    write_index(folder, [{"mediaType": media, "digest": put(folder, blob), "size": len(blob),
                          "annotations": {"org.opencontainers.image.ref.name": args.name}}])


def make_archive(args):
    with tarfile.open(args.out, "w") as tar:
        for name in ("oci-layout", "index.json", "blobs"):
            tar.add(os.path.join(args.folder, name), name)


def make_dockersave(args):
    """What docker save wrote until it learned OCI: HEX/layer.tar, HEX.json, manifest.json."""
    blobs = os.path.join(args.folder, "blobs/sha256")

    def read(d):
        with open(os.path.join(blobs, d[7:]), "rb") as f:
            return f.read()

    with open(os.path.join(args.folder, "index.json")) as f:
        manifest = json.loads(read(json.load(f)["manifests"][0]["digest"]))
    config = read(manifest["config"]["digest"])
    with tarfile.open(args.out, "w") as tar:
        def add(name, data):
            info = tarfile.TarInfo(name)
            info.size = len(data)
            info.mtime = int(time.time())
            tar.addfile(info, io.BytesIO(data))

        paths = []
        for layer in manifest["layers"]:
            data = read(layer["digest"])
            if data[:2] == b"\x1f\x8b":
                data = gzip.decompress(data)
            paths.append(layer["digest"][7:] + "/layer.tar")
            add(paths[-1], data)
        config_name = manifest["config"]["digest"][7:] + ".json"
        add(config_name, config)
        add("manifest.json", json.dumps([
            {"Config": config_name, "RepoTags": [args.name], "Layers": paths}]).encode())


def main():
    p = argparse.ArgumentParser()
    sub = p.add_subparsers(dest="verb", required=True)
    s = sub.add_parser("tar")
    s.add_argument("kind")
    s.add_argument("out")
    s = sub.add_parser("layout")
    s.add_argument("folder")
    s.add_argument("name")
    s.add_argument("layers", nargs="*")
    s.add_argument("--compress", default="gzip")
    s.add_argument("--config", default='{"Cmd":["/bin/sh"],"Env":["PATH=/bin"]}')
    s.add_argument("--arch", default="amd64")
    s.add_argument("--docker", action="store_true")
    s = sub.add_parser("index")
    s.add_argument("folder")
    s.add_argument("name")
    s.add_argument("layouts", nargs="+")
    s = sub.add_parser("archive")
    s.add_argument("folder")
    s.add_argument("out")
    s = sub.add_parser("dockersave")
    s.add_argument("folder")
    s.add_argument("name")
    s.add_argument("out")
    args = p.parse_args()
    if args.verb == "tar":
        make_tar(args.kind, args.out)
    else:
        {"layout": make_layout, "index": make_index, "archive": make_archive,
         "dockersave": make_dockersave}[args.verb](args)
    return 0


if __name__ == "__main__":
    sys.exit(main())
