# SPDX-License-Identifier: Apache-2.0
"""many: a hundred containers at once, and what is left of them"""
import contextlib
import time

import engines
from measure import Failure, Table, Target


def mounts():
    with open("/proc/self/mountinfo") as f:
        return {line.split(" ")[4] for line in f}


def leavings(bench, engine, before):
    """what one round left, as words; empty when nothing"""
    deadline = time.monotonic() + 5
    while time.monotonic() < deadline and bench.world.processes() - before[0]:
        time.sleep(0.05)
    left = []
    if bench.world.processes() - before[0]:
        left.append("%d processes" % len(bench.world.processes() - before[0]))
    if mounts() - before[1]:
        left.append("%d mounts" % len(mounts() - before[1]))
    if engine.do("ps", "--all", "--quiet").split():
        left.append("records")
    return ", ".join(left)


def one(bench, engine, image, network, count, removal, left):
    world = bench.world
    before = world.processes(), mounts()
    words = engine.argv("run", "--detach", "--name", "many-{}", *network, image, "sleep", engines.PAYLOAD)
    ns, failed = world.run([world.helper("spawn"), "parallel", str(count)] + words).split()
    begin = time.perf_counter()
    engine.do("rm", "--force", "--time", "0", *["many-%d" % i for i in range(count)])
    removal.setdefault(engine.name, []).append((time.perf_counter() - begin) * 1e3)
    if failed != "0":
        raise Failure("%s of %d did not start" % (failed, count))
    what = leavings(bench, engine, before)
    if what:
        left[engine.name] = what
    return int(ns) / 1e6


def run(bench):
    count = 20 if bench.quick else 100
    table = Table("many", "%d containers started at once, then removed" % count, "ms")
    image = engines.busybox_image(bench)
    for label, network in (("--network none", ["--network", "none"]), ("default network", [])):
        if bench.quick and not network:
            continue
        row = table.row("start, " + label, [Target("podman", 10)])
        gone = table.row("rm --force, " + label, [Target("podman", 10)])
        removal, left = {}, {}
        found = engines.ready(bench, row, image)
        for engine in found.values():  # leaves what stays for the user, such as a pause process
            with contextlib.suppress(Failure):
                engine.do("run", "--rm", image, "true")
        bench.alternate(row, {n: (lambda e=e: one(bench, e, image, network, count, removal, left))
                              for n, e in found.items()}, bench.rounds(10, 1), warmup=0)
        gone.samples = {n: v for n, v in removal.items() if n not in row.failed}
        gone.failed = dict(row.failed)
        for name in row.samples:
            table.notes.append("%s: %s left %s" % (label, name, left.get(name, "nothing")))
        for engine in found.values():
            with contextlib.suppress(Failure):
                engine.remove_all()
    bench.finish(table)
