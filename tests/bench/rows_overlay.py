# SPDX-License-Identifier: Apache-2.0
"""overlay: fuse-overlay against fuse-overlayfs and the kernel's own overlay

Every sample is a fresh mount with a fresh upper folder, in a user and mount
namespace of its own: cold for the file system under test. Lower and upper folders are on
tmpfs, so that no disk is measured. ONLY=overlay.find (or another row's first word)
measures one row.
"""
import json
import os
import shutil
import tarfile

from measure import Failure, Table, Target

FAST, WELL = 3, 2  # times fuse-overlayfs: what is asked for metadata, for the rest

# Runs in "unshare -Urm": mounts, prepares, and times the one command by spawn.
SCRIPT = """set -e
cd "$SCRATCH"; mkdir up work merged
%(mount)s
cd merged
%(prepare)s
%(remount)s
"$HELPERS/spawn" rounds 1 sh -c %(command)s
cd ..
umount merged
"""


def quoted(words):
    return "'" + words.replace("'", "'\\''") + "'"


class Row:
    """PREPARE runs on the mount untimed, then COMMAND timed; remount between makes it cold"""

    def __init__(self, label, command, prepare="", remount=False, fuse=WELL, native=None):
        self.label, self.command, self.prepare = label, command, prepare
        self.remount, self.fuse, self.native = remount, fuse, native


def rows(quick):
    files, small, mib = (2000, 10000, 128) if quick else (10000, 50000, 1024)
    sub = "usr/share" if quick else "usr"
    ops = '"$HELPERS/fsops"'
    return [
        Row("find: every name and inode", "find . -printf '%s\\n' >/dev/null", fuse=FAST),
        Row("tar: read everything", "tar -cf - %s | cat >/dev/null" % sub),
        Row("grep -r: read everything", "grep -r no-such-words-anywhere %s || :" % sub),
        Row("untar", 'mkdir new && tar -xf "$ARCHIVE" -C new', fuse=FAST),
        Row("cp -a inside", "cp -a %s copy" % sub),
        Row("rm -rf of lower files", "rm -rf %s" % sub, fuse=FAST),
        Row("rm -rf of upper files", "rm -rf new", 'mkdir new; tar -xf "$ARCHIVE" -C new', fuse=FAST),
        Row("create %d files" % files, "mkdir d && %s create d %d" % (ops, files), fuse=FAST, native=3),
        Row("unlink %d files" % files, "%s unlink d %d" % (ops, files),
            "mkdir d; %s create d %d >/dev/null" % (ops, files), fuse=FAST, native=3),
        Row("stat %d files, cold" % files, "%s stat d %d" % (ops, files),
            "mkdir d; %s create d %d >/dev/null" % (ops, files), True, fuse=FAST),
        Row("chmod -R of lower files", "chmod -R o-rwx %s" % sub),
        Row("stream write %d MiB" % mib, "%s stream big %d" % (ops, mib), native=1.2),
        Row("stream read %d MiB" % mib, "%s slurp big 0" % ops,
            "%s stream big %d >/dev/null" % (ops, mib), True, native=1.2),
        Row("%d writes of 4 KiB" % small, "%s small f %d" % (ops, small), fuse=FAST),
    ]


def unpack(bench):
    """the Debian image's layers as folders, lowest first, and one tar of /usr/share/doc and the like"""
    world = bench.world
    layout = os.path.join(world.inputs, "debian")
    if not os.path.exists(os.path.join(layout, "index.json")):
        raise Failure("the Debian image is not made (make bench-deps)")
    with open(os.path.join(layout, "index.json")) as f:
        manifest = json.load(f)["manifests"][0]["digest"].split(":")[1]
    with open(os.path.join(layout, "blobs/sha256", manifest)) as f:
        layers = json.load(f)["layers"]
    folders = []
    for number, layer in enumerate(layers[:2] if bench.quick else layers):
        folder = os.path.join(world.memory(), "l%d" % number)
        os.mkdir(folder)
        world.run(["tar", "-xzf", os.path.join(layout, "blobs/sha256", layer["digest"].split(":")[1]),
                   "-C", folder, "--no-same-owner", "--no-same-permissions"])
        folders.append(folder)
    archive = os.path.join(world.memory(), "archive.tar")
    world.run(["tar", "--owner=0", "--group=0", "-cf", archive, "-C", folders[1], "usr"])
    return folders, archive


def mounts(bench, lower):
    """name -> shell words that mount ./merged; cold remounts use the same"""
    options = "lowerdir=%s,upperdir=up,workdir=work" % ":".join(reversed(lower))
    absolute = options.replace("upperdir=up", "upperdir=$SCRATCH/up").replace("workdir=work", "workdir=$SCRATCH/work")
    found = {}
    try:
        found["ours"] = '%s -o "%s,volatile" merged' % (bench.world.ours("fuse-overlay"), absolute)
    except Failure as why:
        found["ours"] = why
    for name, path in bench.peers.of("fuse-overlayfs").items():
        found[name] = '%s -o "%s,volatile" merged' % (path, absolute) if path else \
            Failure("fuse-overlayfs is not installed (make bench-deps)")
    found["native"] = 'mount -t overlay overlay -o "%s,userxattr" merged' % absolute
    return found


def one(bench, row, mount, archive):
    """milliseconds of row's command on a fresh mount"""
    world = bench.world
    scratch = world.fresh("overlay", world.memory())
    remount = "cd ..; umount merged\n%s\ncd merged" % mount if row.remount else ""
    script = SCRIPT % {"mount": mount, "prepare": row.prepare, "remount": remount,
                       "command": quoted(row.command)}
    try:
        out = world.run(["unshare", "--user", "--map-root-user", "--mount", "sh", "-c", script],
                        env=dict(world.env, SCRATCH=scratch, HELPERS=world.helpers, ARCHIVE=archive))
    finally:
        shutil.rmtree(scratch, ignore_errors=True)
    _, ns, status = out.splitlines()[-1].split()
    if status != "0":
        raise Failure("%s: exit %s" % (row.command, status))
    return int(ns) / 1e6


def wakeups(bench):
    """how long an idle processor takes to wake now: what every request of a FUSE file system waits for"""
    try:
        out = bench.world.run([bench.world.helper("wakeup"), "1000"])
    except Failure as why:
        return "not measured (%s)" % why
    return "; ".join("%s µs after its last work %.1f µs, one kept awake %.1f" % (
        gap, int(idle) / 1000, int(kept) / 1000) for gap, idle, kept in map(str.split, out.splitlines()))


def run(bench):
    table = Table("overlay", "Overlay file systems on a Debian tree", "ms")
    table.notes.append("waking an idle processor, before the rows: " + wakeups(bench))
    print(table.notes[-1], flush=True)
    lower, archive = unpack(bench)
    with tarfile.open(archive) as tar:
        count = len(tar.getnames())
    table.notes.append("%d lower layers, %d entries; untar: %d entries, %.0f MB" % (
        len(lower), sum(len(d) + len(f) for folder in lower for _, d, f in os.walk(folder)), count,
        os.path.getsize(archive) / 1e6))
    try:
        for spec in rows(bench.quick):
            if bench.part and not spec.label.startswith(bench.part):
                continue
            targets = [Target("fuse-overlayfs", spec.fuse)]
            if spec.native:
                targets.append(Target("native", 1 / spec.native))
            row = table.row(spec.label, targets)
            runs = {}
            for name, mount in mounts(bench, lower).items():
                if isinstance(mount, Failure):
                    row.failed[name] = str(mount)
                else:
                    runs[name] = lambda m=mount: one(bench, spec, m, archive)
            bench.alternate(row, runs, bench.rounds(10, 1), warmup=0 if bench.quick else 1)
    finally:  # a run that is stopped shows what it has
        table.notes.append("waking an idle processor, after them: " + wakeups(bench))
        bench.finish(table)
