#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""mkdebian.py OUTDIR: a Debian image of six layers as an OCI layout, by mmdebstrap

The tree is made once, then cut by the package lists that dpkg keeps in it: the
first layer is what debootstrap would install and everything that no package
owns, each further layer a group of packages, as the RUN lines of a
Containerfile would have made them. Rerunning with the same mirror gives the
same files.
"""
import fnmatch
import os
import subprocess
import sys
import tarfile

from ociimage import Layer, write_image

GROUPS = [
    ["python3*", "libpython3*"],
    ["perl*", "libperl*"],
    ["git*", "libcurl*", "less*", "cmake*"],
    ["gcc-*", "cpp-*", "libgcc-*-dev", "libstdc++*-dev", "g++-*", "libasan*", "libtsan*", "liblsan*"],
    ["binutils*", "libbinutils", "libc6-dev", "linux-libc-dev", "vim*"],
]
INSTALL = "python3-minimal,python3,perl,git,gcc,g++,cmake,vim-tiny,less,curl,ca-certificates"


def bootstrap(path):
    env = dict(os.environ, SOURCE_DATE_EPOCH="1700000000")
    mode = "root" if os.getuid() == 0 else "unshare"
    subprocess.run(["mmdebstrap", "--quiet", "--mode=" + mode, "--variant=minbase",
                    "--include=" + INSTALL, "--dpkgopt=path-exclude=/usr/share/locale/*",
                    "bookworm", path], check=True, env=env)


def layer_of_paths(tree):
    """path -> layer number, from var/lib/dpkg/info/PACKAGE.list in the tar"""
    where = {}
    for member in tree:
        if not (member.name.startswith("./var/lib/dpkg/info/") and member.name.endswith(".list")):
            continue
        package = os.path.basename(member.name)[:-5].split(":")[0]
        number = next((i + 1 for i, group in enumerate(GROUPS)
                       if any(fnmatch.fnmatch(package, g) for g in group)), 0)
        if not number:
            continue
        for line in tree.extractfile(member).read().decode().splitlines():
            where["." + line] = number
    return where


def add_parents(layer, name, seen, dirs):
    """a layer names the folders above its files"""
    parts = name.split("/")
    for i in range(1, len(parts)):
        parent = "/".join(parts[:i])
        if parent not in seen and parent in dirs:
            seen.add(parent)
            layer.tar.addfile(dirs[parent])


def main():
    out = os.path.abspath(sys.argv[1])
    blobs = os.path.join(out, "blobs", "sha256")
    os.makedirs(blobs, exist_ok=True)
    whole = os.path.join(out, "tree.tar")
    bootstrap(whole)
    with tarfile.open(whole) as tree:
        where = layer_of_paths(tree)
        dirs = {m.name: m for m in tree if m.isdir()}
        layers = [Layer(out, i) for i in range(len(GROUPS) + 1)]
        seen = [set() for _ in layers]
        placed = {}
        for member in tree:
            # device nodes are no part of a package and no user may make them
            if member.name.startswith("./dev/") or member.isdev():
                continue
            number = where.get(member.name, 0)
            if member.isdir():
                number = 0
                if member.name in seen[0]:
                    continue
            elif member.islnk():
                number = placed.get(member.linkname, number)
            placed[member.name] = number
            layer = layers[number]
            if number:
                add_parents(layer, member.name, seen[number], dirs)
            seen[number].add(member.name)
            layer.tar.addfile(member, tree.extractfile(member) if member.isreg() else None)
        total = sum(layer.size for layer in layers)
        write_image(out, [layer.close(blobs) for layer in layers], blobs, ["sh"])
    os.unlink(whole)
    os.chmod(out, 0o755)
    print("mkdebian: %d layers, %.0f MB unpacked, %.0f MB compressed" % (
        len(layers), total / 1e6,
        sum(os.path.getsize(os.path.join(blobs, f)) for f in os.listdir(blobs)) / 1e6))


if __name__ == "__main__":
    main()
