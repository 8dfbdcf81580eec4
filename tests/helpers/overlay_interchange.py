#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""overlay_interchange.py PROGRAM FOLDER PEER [ROUNDS [SEED]]: layers that PEER and ours wrote, read by both

PEER is native (overlay mounted with userxattr) or fuse-overlayfs. In turn the peer and
ours get a fresh upper layer over all that were written before, do random operations in
their mount; then both must show the same from the same layers, ours also what it
showed while it wrote. (The two peers are not mixed: native overlay does not know fuse-overlayfs's mark
of an opaque folder.) Run it as uid 0 of a user and mount namespace. The seed is printed;
the same seed does the same again.
"""
import ctypes, errno, os, random, shutil, stat, subprocess, sys, time

prog, top = sys.argv[1], os.path.abspath(sys.argv[2])
peer = sys.argv[3]
rounds = int(sys.argv[4]) if len(sys.argv) > 4 else 8
seed = int(sys.argv[5]) if len(sys.argv) > 5 else int(time.time() * 1000) & 0xffffffff
rng = random.Random(seed)
libc = ctypes.CDLL(None, use_errno=True)
NAMES = [c * n for c in "abcde" for n in (1, 2)]
OPS = 250
where = ""


def p(*parts):
    return os.path.join(top, *parts)


def fail(text):
    print(f"overlay_interchange: seed {seed}, {where}: {text}", flush=True)
    for m in ("m", "r"):
        subprocess.run(["umount", "-l", p(m)], stderr=subprocess.DEVNULL)
    sys.exit(1)


def by_program(name):
    def mount(at, lowers, upper):
        o = f"lowerdir={lowers}" + (f",upperdir={upper},workdir={p('w')}" if upper else "")
        subprocess.run([name, "-o", o, at], check=True, stderr=subprocess.DEVNULL)
    return mount


def native(at, lowers, upper):
    o = f"userxattr,lowerdir={lowers}" + (f",upperdir={upper},workdir={p('w')}" if upper else ",ro")
    subprocess.run(["mount", "-t", "overlay", "o", "-o", o, at], check=True)


def umount(at):
    for _ in range(100):
        if subprocess.run(["umount", at], stderr=subprocess.DEVNULL).returncode == 0:
            return
        time.sleep(0.02)
    fail("cannot unmount")


MOUNTS = {"ours": by_program(prog), "native": native, "fuse-overlayfs": by_program("fuse-overlayfs")}


def describe(path):
    s = os.lstat(path)
    d = [stat.S_IFMT(s.st_mode), s.st_mode & 0o7777, s.st_uid, s.st_gid, int(s.st_mtime)]
    if stat.S_ISDIR(s.st_mode):
        d.pop()  # a directory's own time is each program's affair when it is copied up
    if stat.S_ISREG(s.st_mode):
        with open(path, "rb") as f:
            d.append(f.read())
    if stat.S_ISLNK(s.st_mode):
        d.append(os.readlink(path))
    elif stat.S_ISREG(s.st_mode) or stat.S_ISDIR(s.st_mode):
        d.append(sorted((n, os.getxattr(path, n)) for n in os.listxattr(path)))
    return d


def view(root):
    seen, stack = {}, [""]
    while stack:
        rel = stack.pop()
        for name in os.listdir(os.path.join(root, rel)):
            r = os.path.join(rel, name)
            seen[r] = describe(os.path.join(root, r))
            if stat.S_ISDIR(seen[r][0]):
                stack.append(r)
    return seen


def compare(want, got, who):
    if sorted(want) != sorted(got):
        fail(f"{who}: only there {sorted(set(want) - set(got))}, only here {sorted(set(got) - set(want))}")
    for r in want:
        if want[r] != got[r]:
            fail(f"{who}: /{r}: {got[r]!r} not {want[r]!r}"[:600])


def path():
    return p("m", *(rng.choice(NAMES) for _ in range(rng.choice((1, 2, 2, 3)))))


def write():
    # a pipe without a reader would wait
    flags = rng.choice((os.O_CREAT | os.O_TRUNC, os.O_CREAT | os.O_APPEND, 0))
    fd = os.open(path(), os.O_WRONLY | os.O_NONBLOCK | flags, 0o644)
    try:
        os.write(fd, rng.randbytes(rng.randrange(1, 3000)))
    finally:
        os.close(fd)


def renameat2(flags):
    if libc.renameat2(-100, path().encode(), -100, path().encode(), flags):
        raise OSError(ctypes.get_errno(), "renameat2")


def remove_tree():
    at = path()
    if os.path.isdir(at):
        shutil.rmtree(at)
        if rng.random() < 0.6:
            os.mkdir(at)  # opaque, where something was below


ACTIONS = [
    (12, write),
    (10, lambda: os.mkdir(path(), rng.choice((0o755, 0o700)))),
    (5, lambda: os.unlink(path())),
    (3, lambda: os.rmdir(path())),
    (3, remove_tree),
    (5, lambda: renameat2(0)),
    (1, lambda: renameat2(1)),
    (2, lambda: renameat2(2)),
    (3, lambda: os.link(path(), path(), follow_symlinks=False)),
    (3, lambda: os.symlink(rng.choice(NAMES), path())),
    (1, lambda: os.mkfifo(path())),
    (3, lambda: os.chmod(path(), rng.choice((0o644, 0o600, 0o4755)), follow_symlinks=True)),
    (3, lambda: os.lchown(path(), rng.randrange(5), rng.randrange(5))),
    (3, lambda: os.setxattr(path(), "user.x", rng.randbytes(9), follow_symlinks=False)),
    (1, lambda: os.removexattr(path(), "user.x", follow_symlinks=False)),
    (2, lambda: os.utime(path(), (rng.randrange(1 << 30), rng.randrange(1 << 30)), follow_symlinks=False)),
    (2, lambda: os.truncate(path(), rng.randrange(5000))),
]
if peer != "native":
    # fuse-overlayfs 1.10 loses track of what it shows after some of these (its own
    # next mount of its own layers differs, or fails with ENOMEM)
    ACTIONS = [a for a in ACTIONS if not {"renameat2", "link"} & set(a[1].__code__.co_names)]
WEIGHTS = [w for w, _ in ACTIONS]


def act(by_peer):
    try:
        if rng.random() < 0.02:
            view(p("m"))
        fn = rng.choices(ACTIONS, WEIGHTS)[0][1]
        fn()
    except FileExistsError:
        pass
    except OSError as e:
        if e.errno in (errno.EIO, errno.ESTALE, errno.ENOTCONN) and not by_peer:
            fail(f"{e}")


for d in ("l0", "m", "r"):
    os.makedirs(p(d))
os.chmod(p("l0"), 0o755)
print(f"overlay_interchange: {peer}, {rounds} rounds, seed {seed}", flush=True)


def see(reader, layers):
    MOUNTS[reader](p("r"), layers, None)
    try:
        return view(p("r"))
    finally:
        umount(p("r"))


n = unreadable = 0
while n < rounds:
    n += 1
    writer = (peer, "ours")[n % 2]
    lowers = ":".join(p(f"l{i}") for i in range(n - 1, -1, -1))
    layers = p(f"l{n}") + ":" + lowers
    where = f"{peer}, layer {n} written by {writer}"
    shutil.rmtree(p(f"l{n}"), ignore_errors=True)
    os.mkdir(p(f"l{n}"), 0o755)
    shutil.rmtree(p("w"), ignore_errors=True)
    os.mkdir(p("w"))
    MOUNTS[writer](p("m"), lowers, p(f"l{n}"))
    for _ in range(OPS):
        act(writer == peer)
    if writer == "ours":
        want = view(p("m"))
        umount(p("m"))
        compare(want, see("ours", layers), "ours")
    else:
        umount(p("m"))
    try:
        peers = see(peer, layers)
    except OSError as e:
        if peer == "native" or e.errno != errno.ENOMEM or unreadable >= rounds:
            raise
        unreadable += 1  # fuse-overlayfs cannot list some folders: another layer in its place
        n -= 1
        continue
    if writer == "ours":
        compare(want, peers, peer)
    else:
        compare(peers, see("ours", layers), "ours")
print(f"overlay_interchange: {peer}, seed {seed}: {rounds} layers, {len(peers)} objects, "
      f"read the same by both; {unreadable} unreadable for {peer} itself")
