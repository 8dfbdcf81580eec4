#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""overlay_faults.py PROGRAM FOLDER [DEPTH [ERRNO…]]: system calls of the server that fail

strace makes the Nth call of one kind fail, for every kind that the server uses on its
layers and every N up to DEPTH, while a client does a fixed list of operations. Each
must succeed or say an error; nothing may be half done: what failed is as before or as
after it, what succeeded is done, also in a new mount; lower files stay as they were;
and what failed succeeds when it is tried again. Run it as uid 0 of a user and mount
namespace.
"""
import errno, os, shutil, stat, subprocess, sys, time

prog, top = sys.argv[1], os.path.abspath(sys.argv[2])
depth = int(sys.argv[3]) if len(sys.argv) > 3 else 3
errnos = sys.argv[4:] or ["EIO"]
CALLS = ["openat", "statx", "pread64", "pwrite64", "copy_file_range", "ftruncate", "fsync", "linkat", "renameat2",
         "renameat", "unlinkat", "mkdirat", "mknodat", "symlinkat", "readlinkat", "getdents64", "fchmod", "fchmodat",
         "fchownat", "utimensat", "fsetxattr", "fgetxattr", "flistxattr", "463", "464", "465", "faccessat2", "lseek"]
BIG = bytes(range(256)) * 1200
where = ""


def p(*parts):
    return os.path.join(top, *parts)


def fail(text):
    print(f"overlay_faults: {where}: {text}", flush=True)
    subprocess.run(["umount", "-l", p("m")], stderr=subprocess.DEVNULL)
    sys.exit(1)


def put(path, data):
    with open(path, "wb") as f:
        f.write(data)


def fill():
    for d in ("l", "u", "w"):
        shutil.rmtree(p(d), ignore_errors=True)
        os.makedirs(p(d))
    for d in ("l/d", "l/e", "l/gone", "u/both", "l/both"):
        os.makedirs(p(d))
    for f in ("f", "d/f", "big", "t", "old", "dead", "x", "a", "both/low"):
        put(p("l", f), BIG if f == "big" else b"old " + f.encode())
    os.setxattr(p("l/x"), "user.a", b"1")
    os.link(p("l/a"), p("l/e/b"))
    put(p("u/both/up"), b"up")


def state(root):
    """path -> what is there"""
    out = {}
    for d, dirs, files in os.walk(root):
        for n in dirs + files:
            at = os.path.join(d, n)
            s = os.lstat(at)
            if stat.S_ISREG(s.st_mode):
                with open(at, "rb") as f:
                    data = f.read()
                xa = os.getxattr(at, "user.a") if "user.a" in os.listxattr(at) else None
                out[os.path.relpath(at, root)] = (oct(s.st_mode), data, xa)
            else:
                out[os.path.relpath(at, root)] = (oct(s.st_mode),
                                                  os.readlink(at) if stat.S_ISLNK(s.st_mode) else None)
    return out


def append(path, data):
    fd = os.open(path, os.O_WRONLY | os.O_APPEND)
    try:
        os.write(fd, data)
        os.fsync(fd)
    finally:
        os.close(fd)


def m(name):
    return p("m", name)


def listed(name):
    def call():
        want = {"both": ["low", "up"], "d": ["f"]}[name]
        got = sorted(os.listdir(m(name)))
        if got != want:
            fail(f"{name}: {got} listed")
    return call


# name, what to do, what may have changed
OPS = [
    ("append to a lower file", lambda: append(m("f"), b" more"), ["f"]),
    ("chmod of a lower file below", lambda: os.chmod(m("d/f"), 0o600), ["d/f"]),
    ("write into a large lower file", lambda: append(m("big"), b"end"), ["big"]),
    ("truncate", lambda: os.truncate(m("t"), 3), ["t"]),
    ("attribute", lambda: os.setxattr(m("x"), "user.a", b"2"), ["x"]),
    ("hard link's name", lambda: append(m("a"), b" both"), ["a", "e/b"]),
    ("rename of a lower file", lambda: os.rename(m("old"), m("new")), ["old", "new"]),
    ("removal of a lower file", lambda: os.unlink(m("dead")), ["dead"]),
    ("removal of a lower folder", lambda: os.rmdir(m("gone")), ["gone"]),
    ("folder", lambda: os.mkdir(m("made")), ["made"]),
    ("file", lambda: put(m("file"), b"whole"), ["file"]),
    ("symbolic link", lambda: os.symlink("f", m("link")), ["link"]),
    ("listing of a merged folder", listed("both"), []),
    ("listing", listed("d"), []),
    ("pipe", lambda: os.mkfifo(m("pipe")), ["pipe"]),
    ("folder where a file was deleted", lambda: os.mkdir(m("dead")), ["dead"]),
]


def mount():
    subprocess.run([prog, "-o", f"lowerdir={p('l')},upperdir={p('u')},workdir={p('w')}", p("m")], check=True)
    # the server: who has the work folder open and is no child of ours
    for pid in filter(str.isdigit, os.listdir("/proc")):
        try:
            with open(f"/proc/{pid}/cmdline", "rb") as f:
                if f"lowerdir={p('l')},".encode() in f.read():
                    return int(pid)
        except OSError:
            pass
    fail("no server")


def umount():
    for _ in range(200):
        if subprocess.run(["umount", p("m")], stderr=subprocess.DEVNULL).returncode == 0:
            return
        time.sleep(0.02)
    fail("cannot unmount")


def one(call, nth, err):
    """Return: whether the fault was met"""
    fill()
    low = state(p("l"))
    pid = mount()
    log = p("strace")
    st = subprocess.Popen(["strace", "-f", "-p", str(pid), "-o", log, "-e", f"trace={call}",
                           "-e", f"inject={call}:error={err}:when={nth}"], stderr=subprocess.PIPE)
    st.stderr.readline()  # "attached"
    failed, results = [], []
    for name, fn, changed in OPS:
        try:
            fn()
            results.append((name, changed, True))
        except OSError as e:
            failed.append((name, fn))
            results.append((name, changed, False))
            if e.errno in (errno.ENOTCONN, errno.ECONNABORTED):
                fail(f"'{name}': {e}")
    st.terminate()
    st.wait()
    with open(log, errors="replace") as f:
        met = "INJECTED" in f.read()
    if len(failed) > 2:
        fail(f"one fault, {len(failed)} operations failed: {[n for n, _ in failed]}")
    # what stands now, and in a new mount
    now = state(p("m"))
    for name, changed, ok in results:
        for n in changed:
            good(n, now.get(n), ok, name)
    for name, fn in failed:
        try:
            fn()
        except FileExistsError:
            pass
        except OSError as e:
            # it may have been done although it said no
            if e.errno != errno.ENOENT:
                fail(f"'{name}' again: {e}")
    then = state(p("m"))
    umount()
    if state(p("l")) != low:
        fail("a lower layer changed")
    mount()
    if state(p("m")) != then:
        fail(f"a new mount shows something else: {diff(then, state(p('m')))}")
    umount()
    return met


def diff(a, b):
    return str([(n, a.get(n), b.get(n)) for n in set(a) | set(b) if a.get(n) != b.get(n)])[:300]


OLD, NEW = {}, {}


def good(n, got, ok, name):
    """old or new, and new if that was said"""
    old, new = OLD.get(n), NEW.get(n)
    if got == new or (not ok and got == old):
        return
    if n == "dead" and got in (None, old):  # removed, and not made again
        return
    if not ok and n in ("file", "a", "e/b", "f", "big") and got and (got[1] in (b"", b"whole") or got[1] == (old or new)[1]):
        return
    fail(f"'{name}' {'succeeded' if ok else 'failed'}: {n} is {str(got)[:90]}")


os.makedirs(p("m"), exist_ok=True)
where = "without faults"
fill()
mount()
OLD.update(state(p("m")))
for _, fn, _ in OPS:
    fn()
NEW.update(state(p("m")))
umount()
runs = met = 0
for call in CALLS:
    for err in errnos:
        for nth in range(1, depth + 1):
            where = f"{call} {nth}: {err}"
            runs += 1
            hit = one(call, nth, err)
            met += hit
            if not hit:
                break
print(f"overlay_faults: {met} faults in {runs} runs: every operation whole or not done, every mount lives")
