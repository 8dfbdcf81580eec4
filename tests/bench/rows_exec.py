# SPDX-License-Identifier: Apache-2.0
"""exec: `true` in a container that runs already"""
import contextlib
import time

import engines
from measure import Failure, Table, Target
from rows_start import spawn_rounds


def run(bench):
    table = Table("exec", "Exec in a running container", "ms")
    image = engines.busybox_image(bench)
    rounds = bench.rounds(30, 8)
    row = table.row("exec C true", [Target("podman", 20)])
    commands, found = {}, engines.ready(bench, row, image)
    for name, engine in found.items():
        try:
            bench.world.detach(engine.argv("run", "--detach", "--name", "bench-exec", "--network",
                                           "none", image, "sleep", engines.PAYLOAD))
            commands[name] = engine.argv("exec", "bench-exec", "true")
        except Failure as why:
            row.failed[name] = str(why)
    spawn_rounds(bench, row, commands, rounds)
    for engine in found.values():
        with contextlib.suppress(Failure):
            engine.do("rm", "--force", "--time", "0", "bench-exec")

    row = table.row("OCI runtime: exec ID true", [Target("crun", 1)])
    commands, running = {}, []
    runtimes = {n: [p, "--cgroup-manager=disabled"] for n, p in bench.peers.of("crun").items() if p}
    try:
        runtimes["ours"] = [bench.world.ours("runner-oci")]
    except Failure as why:
        row.failed["ours"] = str(why)
    for name, words in runtimes.items():
        try:
            folder = engines.bundle(bench, words[0], ["sleep", engines.PAYLOAD])
            bench.world.detach(words + ["run", "--detach", "--bundle", folder, "bench-exec-" + name])
            running.append(words + ["delete", "--force", "bench-exec-" + name])
            commands[name] = words + ["exec", "bench-exec-" + name, "true"]
        except Failure as why:
            row.failed[name] = str(why)
    time.sleep(0.2)
    spawn_rounds(bench, row, commands, rounds)
    for argv in running:
        with contextlib.suppress(Failure):
            bench.world.run(argv)
    bench.finish(table)
