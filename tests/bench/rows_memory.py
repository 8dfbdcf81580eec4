# SPDX-License-Identifier: Apache-2.0
"""memory: what an idle container with a published port costs beside its own program"""
import contextlib
import time

import engines
from measure import Failure, Table, Target
from world import comm, free_port


def one(bench, engine, image, notes):
    """MB (PSS) of all processes that this container added but its own"""
    world, before = bench.world, bench.world.processes()
    world.detach(engine.argv("run", "--detach", "--name", "bench-memory", "--publish",
                             "%d:80" % free_port(), image, "sleep", engines.PAYLOAD))
    try:
        time.sleep(0.5)
        added = {p: comm(p) for p in world.processes() - before}
        helpers = {p: name for p, name in added.items() if name and name != "sleep"}
        if len(helpers) == len(added):
            raise Failure("the container's program does not run")
        notes[engine.name] = ", ".join("%s %.1f" % (name, world.pss_mb([p]))
                                       for p, name in sorted(helpers.items()))
        return world.pss_mb(helpers)
    finally:
        with contextlib.suppress(Failure):
            engine.do("rm", "--force", "--time", "0", "bench-memory")


def run(bench):
    table = Table("memory", "Memory of an idle container with one published port", "MB PSS")
    image = engines.busybox_image(bench)
    row = table.row("all helper processes", [Target(limit=2.5), Target("podman", 1)])
    found, notes = engines.ready(bench, row, image), {}
    for engine in found.values():  # what stays for the user, such as podman's pause process
        with contextlib.suppress(Failure):
            engine.do("run", "--rm", image, "true")
    bench.alternate(row, {n: (lambda e=e: one(bench, e, image, notes)) for n, e in found.items()},
                    bench.rounds(10, 3))
    table.notes += ["%s: %s" % item for item in notes.items()]
    bench.finish(table)
