#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""overlay_kill.py PROGRAM FOLDER ROUNDS [SEED]: kill -9 the server while it copies up

Each round mounts, changes the mode of lower files (which copies them up),
kills the server at a random moment, and looks at the layers: every file must
be the old one or the new one, whole. The next mount must work and clean up.
Run it as uid 0 of a user and mount namespace.
"""
import hashlib, os, random, shutil, signal, subprocess, sys, time

prog, top, rounds = sys.argv[1], os.path.abspath(sys.argv[2]), int(sys.argv[3])
seed = int(sys.argv[4]) if len(sys.argv) > 4 else int(time.time())
rng = random.Random(seed)
low, up, work, mnt = (os.path.join(top, d) for d in ("low", "up", "work", "mnt"))
SIZES = [0, 1, 4096, 300000, 2 << 20, 8 << 20]


def digest(path):
    with open(path, "rb") as f:
        return hashlib.sha256(f.read()).hexdigest()


os.makedirs(low + "/d/e")
want = {}
for i, size in enumerate(SIZES * 2):
    name = f"d/e/f{i}" if i % 2 else f"f{i}"
    with open(os.path.join(low, name), "wb") as f:
        f.write(rng.randbytes(size))
    os.chmod(os.path.join(low, name), 0o644)
    want[name] = digest(os.path.join(low, name))


def start():
    r, w = os.pipe()
    p = subprocess.Popen([prog, "-f", "--ready-fd", str(w), "-o", f"lowerdir={low},upperdir={up},workdir={work}", mnt],
                         pass_fds=[w])
    os.close(w)
    if os.read(r, 1) != b"1":
        sys.exit(f"overlay_kill: seed {seed}: does not mount")
    os.close(r)
    return p


old = new = cut = 0
for n in range(rounds):
    for d in (up, work):
        shutil.rmtree(d, ignore_errors=True)
        os.makedirs(d)
    os.makedirs(mnt, exist_ok=True)
    server = start()
    names = list(want)
    rng.shuffle(names)
    child = os.fork()
    if not child:
        try:
            for name in names:
                os.chmod(os.path.join(mnt, name), 0o600)
        except OSError:
            pass
        os._exit(0)
    time.sleep(rng.random() * 0.15)
    server.send_signal(signal.SIGKILL)
    server.wait()
    subprocess.run(["umount", "-l", mnt], check=True)
    os.waitpid(child, 0)
    for name, sum_ in want.items():
        path = os.path.join(up, name)
        if os.path.lexists(path):
            mode = os.stat(path).st_mode & 0o777
            if digest(path) != sum_ or mode not in (0o600, 0o644):
                sys.exit(f"overlay_kill: seed {seed}, round {n}: {name} is neither old nor new (mode {mode:o})")
            new += 1
        else:
            old += 1
    litter = [f for f in os.listdir(work + "/work") if f != "#whiteout"]
    cut += bool(litter) or 0 < sum(os.path.lexists(os.path.join(up, f)) for f in names) < len(names)
    server = start()
    for name, sum_ in want.items():
        if digest(os.path.join(mnt, name)) != sum_:
            sys.exit(f"overlay_kill: seed {seed}, round {n}: {name} reads otherwise")
    if [f for f in os.listdir(work + "/work") if f != "#whiteout"]:
        sys.exit(f"overlay_kill: seed {seed}, round {n}: litter stays")
    subprocess.run(["umount", mnt], check=True)
    server.wait()
print(f"overlay_kill: seed {seed}: {rounds} rounds, {cut} in the middle; {old} files old, {new} new, none torn")
