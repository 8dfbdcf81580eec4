# SPDX-License-Identifier: Apache-2.0
"""pull: a Debian image of six layers from a registry on loopback into a usable root

Every sample begins with an empty store. skopeo and umoci need two programs for
the same end: copy to an OCI layout, then unpack it.
"""
import os

import engines
from measure import Failure, Table, Target


def pull(bench, engine, image, where):
    world = bench.world
    folder = world.fresh("store", where)
    own = engine.at(folder)
    try:
        return world.timed(own.pull_argv(image))
    finally:
        world.remove(folder)


def two_programs(bench, image, where):
    world = bench.world
    folder = world.fresh("umoci", where)
    layout = os.path.join(folder, "layout")
    try:
        first = world.timed([bench.peers.need("skopeo"), "--insecure-policy", "copy", "--quiet",
                             "--src-tls-verify=false", "docker://" + image, "oci:%s:latest" % layout])
        second = world.timed([bench.peers.need("umoci"), "unpack", "--rootless", "--image",
                              layout + ":latest", os.path.join(folder, "bundle")])
        return first + second
    finally:
        world.remove(folder)


def run(bench):
    table = Table("pull", "Pull into a usable root file system", "ms")
    image = engines.debian_image(bench) if not bench.quick else engines.busybox_image(bench)
    label = "Debian, 6 layers" if not bench.quick else "busybox, 1 layer (QUICK)"
    if not bench.quick:
        blobs = os.path.join(bench.world.inputs, "debian", "blobs", "sha256")
        table.notes.append("%.0f MB compressed; the cached pages are warm for all" % (
            sum(os.path.getsize(os.path.join(blobs, f)) for f in os.listdir(blobs)) / 1e6))
    try:
        for where, words in ((bench.world.work, "disk"), (bench.world.memory(), "tmpfs")):
            row = table.row("%s, store on %s" % (label, words), [Target("podman", 2), Target("skopeo + umoci", 2)])
            runs = {}
            for name, engine in engines.engines(bench).items():
                if isinstance(engine, Failure):
                    row.failed[name] = str(engine)
                else:
                    runs[name] = lambda e=engine: pull(bench, e, image, where)
            runs["skopeo + umoci"] = lambda: two_programs(bench, image, where)
            bench.alternate(row, runs, bench.rounds(10, 1), warmup=0)
    finally:  # a run that is stopped shows what it has
        bench.finish(table)
