#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""overlay_soak.py PROGRAM FOLDER [OPS [SEED [OPTIONS]]]: a mount against a plain folder

Random operations are done on an overlay mount and on a plain folder; results
(value or errno) must be the same, and so must the trees. In between the mount
is made anew, its upper layer becomes a lower one under a fresh upper, and the
same layers are read by native overlay (userxattr) and, where installed, by
fuse-overlayfs, which must see the same tree. Run it as uid 0 of a user and
mount namespace. The seed is printed; the same seed does the same again.
"""
import ctypes, errno, os, random, shutil, stat, subprocess, sys, time

prog, top = sys.argv[1], os.path.abspath(sys.argv[2])
ops = int(sys.argv[3]) if len(sys.argv) > 3 else 20000
seed = int(sys.argv[4]) if len(sys.argv) > 4 else int(time.time() * 1000) & 0xffffffff
extra = sys.argv[5] if len(sys.argv) > 5 else ""
rng = random.Random(seed)
libc = ctypes.CDLL(None, use_errno=True)
NOREPLACE, EXCHANGE = 1, 2
NAMES = [c * n for c in "abcdefg" for n in (1, 1, 40)]
REDIRECT = "redirect_dir=on" in extra
# what passes the server by clears the bit for root, too (fuse-overlay(1))
SETUID = 0o755 if "passthrough=1" in extra else 0o4755
print(f"overlay_soak: {ops} operations, seed {seed}, options '{extra}'", flush=True)


def p(*parts):
    return os.path.join(top, *parts)


class Stack:
    """The layers: numbered folders, the last one is the upper."""

    def __init__(self):
        os.makedirs(p("l0"))
        self.n = 0
        for d in ("m", "plain", "peer"):
            os.makedirs(p(d))

    def push(self):
        self.n += 1
        os.makedirs(p(f"l{self.n}"))
        shutil.rmtree(p("w"), ignore_errors=True)
        os.makedirs(p("w"))

    def lowers(self):
        return ":".join(p(f"l{i}") for i in range(self.n - 1, -1, -1))

    def mount(self):
        subprocess.run([prog, "-o", f"lowerdir={self.lowers()},upperdir={p(f'l{self.n}')},workdir={p('w')}{extra}",
                        p("m")], check=True)

    def umount(self):
        for _ in range(100):
            if subprocess.run(["umount", p("m")], stderr=subprocess.DEVNULL).returncode == 0:
                return
            time.sleep(0.02)
        fail("cannot unmount")

    def peers(self):
        every = f"{p(f'l{self.n}')}:{self.lowers()}"
        # the kernel was not told to follow redirects; native overlay shows the file of recorded owners
        if REDIRECT or "xattr_permissions" in extra:
            return
        if subprocess.run(["mount", "-t", "overlay", "o", "-o", f"ro,userxattr,lowerdir={every}", p("peer")],
                          stderr=subprocess.DEVNULL).returncode == 0:
            compare("peer", "native overlay")
            subprocess.run(["umount", p("peer")], check=True)
            done["native"] = done.get("native", 0) + 1
        if shutil.which("fuse-overlayfs"):
            subprocess.run(["fuse-overlayfs", "-o", f"lowerdir={every}", p("peer")], check=True,
                           stderr=subprocess.DEVNULL)
            outcome = "fuse-overlayfs"
            try:
                compare("peer", outcome)
            except OSError as e:
                # it cannot list some folders, of layers that itself wrote neither (overlay_interchange.py)
                if e.errno != errno.ENOMEM:
                    raise
                outcome = "fuse-overlayfs out of memory"
            subprocess.run(["umount", p("peer")], check=True)
            done[outcome] = done.get(outcome, 0) + 1


done = {}
step = 0


def fail(text):
    print(f"overlay_soak: seed {seed}, step {step}: {text}", flush=True)
    subprocess.run(["umount", "-l", p("m")], stderr=subprocess.DEVNULL)
    sys.exit(1)


def describe(path, nlink):
    s = os.lstat(path)
    d = [stat.S_IFMT(s.st_mode), s.st_mode & 0o7777, s.st_uid, s.st_gid]
    if stat.S_ISREG(s.st_mode):
        d.append(s.st_size)
        if nlink:
            d.append(s.st_nlink)
    if stat.S_ISLNK(s.st_mode):
        d.append(os.readlink(path))
    if stat.S_ISREG(s.st_mode) or stat.S_ISDIR(s.st_mode):
        d.append(sorted((n, os.getxattr(path, n)) for n in os.listxattr(path)))
    return d


def content(path):
    with open(path, "rb") as f:
        return f.read()


def compare(which, who="the mount"):
    """whole trees; also: numbers in listings are those of stat"""
    stack, seen = [""], 0
    while stack:
        rel = stack.pop()
        a, b = p(which, rel), p("plain", rel)
        with os.scandir(a) as it:
            ents = {e.name: e.inode() for e in it}
        if sorted(ents) != sorted(os.listdir(b)):
            fail(f"{who}: /{rel}: {sorted(ents)} not {sorted(os.listdir(b))}")
        for name, ino in ents.items():
            one, r = os.path.join(a, name), os.path.join(rel, name)
            x, y = describe(one, False), describe(os.path.join(b, name), False)
            if x != y:
                fail(f"{who}: /{r}: {x} not {y}")
            if stat.S_ISREG(y[0]) and content(one) != content(os.path.join(b, name)):
                fail(f"{who}: /{r}: content differs")
            if which == "m" and stat.S_ISDIR(y[0]) and os.lstat(one).st_nlink != os.lstat(os.path.join(b, name)).st_nlink:
                fail(f"{who}: /{r}: {os.lstat(one).st_nlink} links")
            if which == "m" and os.lstat(one).st_ino != ino:
                fail(f"{who}: /{r}: listed as inode {ino}, is {os.lstat(one).st_ino}")
            if stat.S_ISDIR(y[0]):
                stack.append(r)
            seen += 1
    return seen


def path():
    depth = rng.choice((1, 1, 2, 2, 3, 4))
    return "/".join(rng.choice(NAMES) for _ in range(depth))


def both(fn, *args, exdev=False):
    """fn on the mount, then on the plain folder: the same result or errno"""
    res = []
    for root in ("m", "plain"):
        try:
            res.append(fn(p(root), *args))
        except OSError as e:
            res.append(-e.errno)
            if exdev and root == "m" and e.errno == errno.EXDEV:
                return None
    if res[0] != res[1]:
        fail(f"{fn.__name__}{args}"[:150] + f": {res[0]!r}"[:150] + f" not {res[1]!r}"[:150])
    return res[0]


def renameat2(root, a, b, flags):
    ctypes.set_errno(0)
    r = libc.renameat2(-100, os.path.join(root, a).encode(), -100, os.path.join(root, b).encode(), flags)
    if r:
        raise OSError(ctypes.get_errno(), "renameat2")
    return 0


def write(root, name, flags, off, data):
    fd = os.open(os.path.join(root, name), flags | os.O_NONBLOCK, 0o644)
    try:
        if flags & os.O_ACCMODE != os.O_RDONLY:
            os.pwrite(fd, data, off)
        return stat.S_IFMT(os.fstat(fd).st_mode)
    finally:
        os.close(fd)


def read(root, name):
    if not stat.S_ISREG(os.stat(os.path.join(root, name)).st_mode):
        return 0
    return content(os.path.join(root, name))


def on(fn):
    def call(root, *a):
        return fn(os.path.join(root, a[0]), *a[1:])
    call.__name__ = fn.__name__
    return call


class Held:
    """files that stay open on both sides while their names change"""

    def __init__(self):
        self.v = []

    def use(self):
        if not self.v:
            return
        a, b = rng.choice(self.v)
        off, data = rng.randrange(9000), rng.randbytes(rng.randrange(1, 3000))
        kind = rng.randrange(4)
        if kind == 0:
            for fd in (a, b):
                try:
                    os.pwrite(fd, data, off)
                except OSError:
                    pass
        sa, sb = os.fstat(a), os.fstat(b)
        if (sa.st_size, sa.st_mode) != (sb.st_size, sb.st_mode):
            fail(f"open file: size and mode {sa.st_size, sa.st_mode} not {sb.st_size, sb.st_mode}")
        if os.pread(a, 12000, 0) != os.pread(b, 12000, 0):
            fail("open file: content differs")

    def drop(self):
        for fd in self.v.pop(0):
            os.close(fd)

    def clear(self):
        while self.v:
            self.drop()


held = Held()


def hold():
    # the mode must be the same for both
    mode = rng.choice((os.O_RDWR, os.O_RDONLY))
    name, fds = path(), []
    for root in ("m", "plain"):
        try:
            if stat.S_ISREG(os.stat(p(root, name)).st_mode):
                fds.append(os.open(p(root, name), mode))
        except OSError:
            pass
    if len(fds) == 1:
        fail(f"open {name}: only on one side")
    if len(fds) == 2:
        held.v.append(fds)
        if len(held.v) > 6:
            held.drop()


def listing(root, name):
    return sorted(os.listdir(os.path.join(root, name)))


def look(root, name):
    return describe(os.path.join(root, name), False)


def link(root, a, b):
    # names of a link, pipe or socket part when it is copied up, as with native overlay (fuse-overlay(1))
    if not stat.S_ISREG(os.lstat(os.path.join(root, a)).st_mode):
        raise PermissionError(errno.EPERM, "not a file")
    return os.link(os.path.join(root, a), os.path.join(root, b), follow_symlinks=False)


ACTIONS = [
    (12, lambda: both(write, path(), os.O_CREAT | os.O_WRONLY, rng.randrange(9000), rng.randbytes(rng.randrange(1, 9000)))),
    (4, lambda: both(write, path(), os.O_CREAT | os.O_EXCL | os.O_RDWR, 0, b"excl")),
    (4, lambda: both(write, path(), os.O_CREAT | os.O_TRUNC | os.O_WRONLY, 0, rng.randbytes(50))),
    (6, lambda: both(write, path(), os.O_WRONLY | os.O_APPEND, 0, rng.randbytes(99))),
    (4, lambda: both(write, path(), os.O_RDONLY, 0, b"")),
    (8, lambda: both(read, path())),
    (8, lambda: both(on(os.unlink), path())),
    (12, lambda: both(on(os.mkdir), path(), rng.choice((0o755, 0o700, 0o2755)))),
    (6, lambda: both(on(os.rmdir), path())),
    (8, lambda: both(renameat2, path(), path(), 0, exdev=True)),
    (3, lambda: both(renameat2, path(), path(), NOREPLACE, exdev=True)),
    (4, lambda: both(renameat2, path(), path(), EXCHANGE, exdev=True)),
    (5, lambda: both(link, path(), path())),
    (4, lambda: both(lambda r, n, t: os.symlink(t, os.path.join(r, n)), path(), rng.choice(NAMES))),
    (2, lambda: both(on(os.mkfifo), path())),
    (4, lambda: both(on(os.truncate), path(), rng.randrange(12000))),
    (4, lambda: both(on(os.chmod), path(), rng.choice((0o644, 0o600, SETUID, 0o750)))),
    (3, lambda: both(lambda r, n, u, g: os.lchown(os.path.join(r, n), u, g), path(), rng.randrange(5), rng.randrange(5))),
    (3, lambda: both(lambda r, n, v: os.setxattr(os.path.join(r, n), "user." + rng_name, v, follow_symlinks=False), path(), rng.randbytes(9))),
    (2, lambda: both(lambda r, n: os.removexattr(os.path.join(r, n), "user.x", follow_symlinks=False), path())),
    (8, lambda: both(listing, path())),
    (10, lambda: both(look, path())),
    (4, hold),
    (8, held.use),
    (1, lambda: tree_remove(path())),
]
rng_name = "x"
WEIGHTS = [w for w, _ in ACTIONS]


def tree_remove(name):
    for root in ("m", "plain"):
        # it would wait at a pipe
        if os.path.isdir(p(root, name)):
            shutil.rmtree(p(root, name), ignore_errors=True)
    both(look, name)


st = Stack()
st.push()
# the mount's own top folder and the plain one are alike
for d in ("l0", "l1", "plain"):
    os.chmod(p(d), 0o755)
st.mount()
for step in range(1, ops + 1):
    rng.choices(ACTIONS, WEIGHTS)[0][1]()
    if step % 1000 == 0:
        compare("m")
    if step % 2500 == 0:
        held.clear()
        st.umount()
        if step % 5000 == 0:
            st.peers()
        if step % 10000 == 0 and st.n < 12:
            st.push()
            os.chmod(p(f"l{st.n}"), 0o755)
        st.mount()
        compare("m")
held.clear()
seen = compare("m")
st.umount()
st.peers()
print(f"overlay_soak: seed {seed}: {ops} operations the same, {st.n + 1} layers, {seen} objects at the end, "
      f"read by peers: {done}")
