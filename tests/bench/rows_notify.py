# SPDX-License-Identifier: Apache-2.0
"""notify: what a call costs that the supervisor of recorded identity answers"""
import contextlib
import json
import os
import shutil
import time

import engines
from measure import Failure, Table, Target

COUNT = 20000


def rootfs(world):
    """busybox, the measuring program, and two files: one has a recorded owner"""
    root = engines.busybox_rootfs(world)
    shutil.copy(world.helper("idcalls"), os.path.join(root, "bin/idcalls"))
    for name in ("plain", "owned"):
        with open(os.path.join(root, "etc", name), "w"):
            pass
    os.setxattr(os.path.join(root, "etc/owned"), "user.containers.override_stat", b"33:33:0644")
    return root


def container(world, name, rules):
    """a running container; RULES: filtered, with a supervisor of its own"""
    oci, folder = world.ours("runner-oci"), world.fresh("notify")
    world.run([oci, "spec", "--rootless", "--bundle", folder])
    path = os.path.join(folder, "config.json")
    with open(path) as f:
        spec = json.load(f)
    spec["process"].update(terminal=False, args=["sleep", engines.PAYLOAD])
    spec["root"] = {"path": rootfs(world), "readonly": False}
    spec["linux"].pop("resources", None)
    if rules:
        sock = os.path.join(folder, "agent.sock")
        world.start([world.ours("uidmap"), "agent", "--socket", sock])
        spec["linux"]["seccomp"] = {
            "defaultAction": "SCMP_ACT_ALLOW", "architectures": ["SCMP_ARCH_X86_64"],
            "flags": ["SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV"],
            "listenerPath": sock, "syscalls": rules}
        end = time.time() + 5
        while not os.path.exists(sock):
            if time.time() > end:
                raise Failure("uidmap agent does not listen")
            time.sleep(0.01)
    with open(path, "w") as f:
        json.dump(spec, f)
    state = os.path.join(world.work, "notify-state")
    world.detach([oci, "--root", state, "run", "--detach", "--bundle", folder, name])
    return [oci, "--root", state]


def run(bench):
    table = Table("notify", "A call answered from records, by `uidmap agent`", "µs")
    rounds, made, commands = bench.rounds(20, 5), [], {}
    row = table.row("getuid", [Target(limit=3)])
    try:
        rules = json.loads(bench.world.run([bench.world.ours("uidmap"), "agent", "--print-seccomp"]))
        for name, filtered in (("ours", rules), ("native", None)):
            words = container(bench.world, "bench-" + name, filtered)
            made.append(words + ["delete", "--force", "bench-" + name])
            commands[name] = words + ["exec", "bench-" + name]
    except Failure as why:
        row.failed["ours"] = str(why)

    def time_of(name, words):
        return int(bench.world.run(commands[name] + words)) / 1000

    for label, words, limit in (("getuid", ["getuid"], 3),
                                ("stat of a file with a recorded owner", ["stat", "/etc/owned"], 8),
                                ("stat of a file without", ["stat", "/etc/plain"], None)):
        if label != row.label:
            row = table.row(label, [Target(limit=limit)] if limit else [])
        if commands:
            bench.alternate(row, {n: (lambda n=n, w=words: time_of(n, ["idcalls", str(COUNT)] + w))
                                  for n in commands}, rounds)
    for argv in made:
        with contextlib.suppress(Failure):
            bench.world.run(argv)
    table.notes.append("native: the same container without filter and supervisor")
    bench.finish(table)
