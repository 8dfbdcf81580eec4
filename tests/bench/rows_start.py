# SPDX-License-Identifier: Apache-2.0
"""start: how long until a container has run `true` and is gone"""
import engines
from measure import Failure, Table, Target
from world import free_port, host_address


def spawn_rounds(bench, row, commands, rounds):
    """all commands alternately in one spawn process, so that only they are timed"""
    world, names = bench.world, []
    words = []
    for name, argv in commands.items():
        try:
            world.run(argv, 60)  # warm, and shows what a silent failure would hide
        except Failure as why:
            row.failed[name] = str(why)
            continue
        words += ([":::"] if names else []) + argv
        names.append(name)
    if not names:
        return
    with bench.alone():
        out = world.run([world.helper("spawn"), "rounds", str(rounds)] + words)
    for line in out.splitlines():
        which, ns, status = (int(w) for w in line.split())
        if status:
            row.failed[names[which]] = "exit %d in some rounds" % status
        row.samples.setdefault(names[which], []).append(ns / 1e6)
    for name in row.failed:
        row.samples.pop(name, None)


def no_network(bench, table, image, rounds):
    row = table.row("run --rm --network none IMG true",
                    [Target("bwrap", 1), Target("podman", 25)])
    commands = {name: e.argv("run", "--rm", "--network", "none", image, "true")
                for name, e in engines.ready(bench, row, image).items()}
    for name, path in bench.peers.of("bwrap").items():
        if path:
            commands[name] = engines.bwrap_argv(bench, path, ["true"])
        else:
            row.failed[name] = "bubblewrap is not installed (make bench-deps)"
    for name, path in bench.peers.of("crun").items():
        if path:
            folder = engines.bundle(bench, path, ["true"])
            commands[name] = [path, "--cgroup-manager=disabled", "run", "--bundle", folder, "bench-" + name]
        else:
            row.failed[name] = "crun is not installed (make bench-deps)"
    spawn_rounds(bench, row, commands, rounds)


def runtime(bench, table, rounds):
    row = table.row("OCI runtime: run --bundle DIR ID", [Target("crun", 1)])
    commands = {}
    try:
        ours = bench.world.ours("runner-oci")
        commands["ours"] = [ours, "run", "--bundle", engines.bundle(bench, ours, ["true"]), "bench-ours"]
    except Failure as why:
        row.failed["ours"] = str(why)
    for name, path in bench.peers.of("crun").items():
        if path:
            folder = engines.bundle(bench, path, ["true"])
            commands[name] = [path, "--cgroup-manager=disabled", "run", "--bundle", folder, "bench-" + name]
    spawn_rounds(bench, row, commands, rounds)


def default_network(bench, table, image, rounds):
    row = table.row("run --rm IMG true", [Target("podman", 20)])
    commands = {name: e.argv("run", "--rm", image, "true")
                for name, e in engines.ready(bench, row, image).items()}
    spawn_rounds(bench, row, commands, rounds)

    address = host_address()
    if not address:
        table.notes.append("no address but loopback: the row with a connection is left out")
        return
    port = free_port()
    bench.world.start([bench.world.helper("netload"), "serve", address, str(port)])
    row = table.row("run --rm IMG nc HOST PORT: one TCP connection made", [Target("podman", 20)])
    commands = {name: e.argv("run", "--rm", image, "sh", "-c", "nc -w 5 %s %d </dev/null" % (address, port))
                for name, e in engines.ready(bench, row, image).items()}
    spawn_rounds(bench, row, commands, rounds)


def run(bench):
    table = Table("start", "Container start to end", "ms")
    image = engines.busybox_image(bench)
    rounds = bench.rounds(30, 8)
    no_network(bench, table, image, rounds)
    runtime(bench, table, rounds)
    default_network(bench, table, image, rounds)
    bench.finish(table)
