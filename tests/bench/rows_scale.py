# SPDX-License-Identifier: Apache-2.0
"""scale: where cost bends as work grows: containers, files of an image, connections

ONLY=scale.containers, scale.files or scale.connections measures a part.
"""
import contextlib
import os
import subprocess
import time

import engines
import netpaths
import ociimage
from measure import Failure, Table
from rows_net import echo_server, listening, paths
from world import comm, free_port

FILES_A_FOLDER = 1000
PODMAN_CONTAINERS = 100  # at 0.1 to 0.2 s each, a thousand would take minutes
BATCH = 50


def start_more(bench, engine, image, have, want):
    """containers grow-HAVE… until WANT of them run, at most BATCH at once"""
    world = bench.world
    while have < want:
        count = min(BATCH, want - have)
        argv = engine.argv("run", "--detach", "--network", "none", "--name", "grow-%d-{}" % have,
                           image, "sleep", engines.PAYLOAD)
        failed = world.run([world.helper("spawn"), "parallel", str(count)] + argv).split()[1]
        if failed != "0":
            raise Failure("%s of %d did not start beside %d others" % (failed, count, have))
        have += count
    return have


def containers(bench):
    sizes = [1, 10] if bench.quick else [1, 10, 100, 1000]
    image = engines.busybox_image(bench)
    commands = {"ps": ["ps"], "run": ["run", "--rm", "--network", "none", image, "true"],
                "exec": ["exec", "grow-0-0", "true"]}
    tables = {key: Table("scale-containers-" + key, "%s beside N running containers" % key, "ms",
                         curve="running containers") for key in commands}
    rows = {(key, n): table.row("%d containers" % n, x=n) for key, table in tables.items() for n in sizes}
    memory = Table("scale-containers-memory", "Memory of all helpers of N containers without a network",
                   "MB PSS", curve="running containers")
    for name, engine in engines.ready(bench, rows["ps", sizes[0]], image).items():
        before, have = bench.world.processes(), 0
        try:
            for n in sizes:
                if name != "ours" and n > PODMAN_CONTAINERS:
                    rows["ps", n].failed[name] = "not tried: more than %d" % PODMAN_CONTAINERS
                    continue
                with bench.alone():
                    have = start_more(bench, engine, image, have, n)
                    for key, words in commands.items():
                        rows[key, n].samples[name] = [bench.world.timed(engine.argv(*words))
                                                      for _ in range(bench.rounds(10, 3))]
                    time.sleep(0.5)
                    helpers = [p for p in bench.world.processes() - before if comm(p) != "sleep"]
                    row = next((r for r in memory.rows if r.x == n), None) or memory.row(
                        "%d containers" % n, x=n)
                    row.samples[name] = [bench.world.pss_mb(helpers)]
        except Failure as why:
            rows["ps", n].failed[name] = str(why)
        with contextlib.suppress(Failure):
            engine.remove_all()
    for table in list(tables.values()) + [memory]:
        bench.finish(table)


def fill_many(count):
    def fill(number, tar):
        if number == 0:
            engines.fill_busybox(number, tar)
            return
        for i in range(count):
            if i % FILES_A_FOLDER == 0:
                ociimage.add_dir(tar, "many%d" % (i // FILES_A_FOLDER))
            ociimage.add_file(tar, "many%d/f%d" % (i // FILES_A_FOLDER, i), b"x")
    return fill


def files(bench):
    sizes = [10, 1000] if bench.quick else [10, 1000, 100000, 1000000]
    pulled = Table("scale-files-pull", "Pull of an image with N files, store on tmpfs", "ms", curve="files")
    started = Table("scale-files-run", "run --rm --network none of an image with N files", "ms", curve="files")
    for n in sizes:
        layout = os.path.join(bench.world.memory(), "files%d.oci" % n)
        ociimage.new(layout, fill_many(n), ["sh"], layers=2)
        image = engines.registry(bench).push("files%d" % n, layout)
        bench.world.remove(layout)
        first, second = pulled.row("%d files" % n, x=n), started.row("%d files" % n, x=n)
        for name, engine in engines.engines(bench).items():
            if isinstance(engine, Failure):
                first.failed[name] = str(engine)
                continue
            folder = bench.world.fresh("files", bench.world.memory())
            own = engine.at(folder)
            try:
                with bench.alone():
                    first.samples[name] = [bench.world.timed(own.pull_argv(image))]
                    second.samples[name] = [
                        bench.world.timed(own.argv("run", "--rm", "--network", "none", image, "true"))
                        for _ in range(bench.rounds(10, 3))]
            except Failure as why:
                first.failed[name] = str(why)
            bench.world.remove(folder)
    pulled.notes.append("one pull each")
    bench.finish(pulled)
    bench.finish(started)


def hold(bench, path, name, count, port, rows):
    """COUNT connections through PATH at once: opening, a round trip beside them, memory"""
    world = bench.world
    address = netpaths.Host(world).target
    target = path.target if name != "host" else address
    process = world.start(path.guest([world.helper("netload"), "hold", target, str(port), str(count), "1"]),
                          stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    try:
        words = process.stdout.readline().split()
        if len(words) != 4:
            raise Failure(process.stderr.read() or "netload hold died")
        opened, failed, opening, median = (int(w) for w in words)
        if failed or opened < count or not median:
            raise Failure("only %d of %d connections" % (opened, count))
        rows["rr"].samples[name] = [median / 1e3]
        rows["open"].samples[name] = [opening / 1e3 / count]
        if path.process:
            rows["memory"].samples[name] = [world.pss_mb([path.process.pid])]
    finally:
        with contextlib.suppress(BrokenPipeError):
            process.stdin.close()
        process.wait(20)


def connections(bench):
    sizes = [1, 100] if bench.quick else [1, 10, 100, 1000, 10000]
    tables = {
        "rr": Table("scale-connections-rr", "Round trip of one byte beside N open connections", "µs",
                    curve="open connections"),
        "open": Table("scale-connections-open", "Opening N connections, each", "µs", curve="open connections"),
        "memory": Table("scale-connections-memory", "Memory of the network program with N open connections",
                        "MB PSS", curve="open connections"),
    }
    for n in sizes:
        rows = {key: table.row("%d connections" % n, x=n) for key, table in tables.items()}
        server = echo_server(bench, "0.0.0.0", free_port())
        with bench.alone(), paths(bench, rows["rr"], 65520) as up:
            listening(netpaths.Host(bench.world), server.port)
            for name, path in up.items():
                try:
                    hold(bench, path, name, n, server.port, rows)
                except Failure as why:
                    rows["rr"].failed[name] = str(why)
        server.close()
        time.sleep(0.2)
    for table in tables.values():
        table.notes.append("one sample each")
        bench.finish(table)


def run(bench):
    parts = {"containers": containers, "files": files, "connections": connections}
    if bench.part and bench.part not in parts:
        raise SystemExit("bench: scale.%s: parts are %s" % (bench.part, " ".join(parts)))
    for name, measure in parts.items():
        if bench.part in ("", name):
            measure(bench)
