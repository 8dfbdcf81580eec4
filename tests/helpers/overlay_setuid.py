#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""overlay_setuid.py MOUNT UPPER: every way to write into a file of another user's takes its setuid bits

MOUNT has the program id(1) of mode 6777 as low-NAME for each NAME below, and as src. User 7 writes
into these, and into copies that are made in the upper layer first; then the mount and, if it is
given, the folder of the upper layer have to show mode 777. Run it as uid 0. Prints what stayed.
"""
import mmap, os, shutil, sys

mount, upper = sys.argv[1], sys.argv[2] if len(sys.argv) > 2 else None


def via_pipe(fd):
    r, w = os.pipe()
    os.write(w, b"pipe")
    os.splice(r, fd, 4, offset_dst=9000)


def from_file(fd):
    os.lseek(fd, 9000, os.SEEK_SET)
    os.sendfile(fd, os.open("/etc/passwd", os.O_RDONLY), 0, 10)


def copy_range(fd):
    os.copy_file_range(os.open(f"{mount}/src", os.O_RDONLY), fd, 100, 0, 9000)


# name, flags to open it with, what to do then
WAYS = [
    ("append", os.O_WRONLY | os.O_APPEND, lambda fd: os.write(fd, b"x")),
    ("middle", os.O_RDWR, lambda fd: os.pwrite(fd, b"x", 5000)),
    ("vector", os.O_WRONLY | os.O_SYNC, lambda fd: os.pwritev(fd, [b"a", b"b"], 5000)),
    ("direct", os.O_WRONLY | os.O_DIRECT, lambda fd: os.pwritev(fd, [mmap.mmap(-1, 4096)], 4096)),
    ("splice", os.O_WRONLY, via_pipe),
    ("sendfile", os.O_WRONLY, from_file),
    ("copyrange", os.O_WRONLY, copy_range),
    ("fallocate", os.O_RDWR, lambda fd: os.posix_fallocate(fd, 0, 1 << 20)),
    ("ftruncate", os.O_RDWR, lambda fd: os.ftruncate(fd, 5000)),
    ("truncate", None, lambda path: os.truncate(path, 5000)),
    ("opentrunc", os.O_WRONLY | os.O_TRUNC, None),
    ("creattrunc", os.O_WRONLY | os.O_CREAT | os.O_TRUNC, None),
]


def write_as_other(path, flags, act):
    pid = os.fork()
    if not pid:
        os.setgroups([])
        os.setresgid(7, 7, 7)
        os.setresuid(7, 7, 7)
        what = path if flags is None else os.open(path, flags)
        if act:
            act(what)
        os._exit(0)
    if os.waitpid(pid, 0)[1]:
        sys.exit(f"{path}: it was not written")


def mode(path):
    return os.stat(path).st_mode & 0o7777


stayed = []
for where in ("low", "up"):
    for name, flags, act in WAYS:
        path = f"{mount}/{where}-{name}"
        if where == "up":
            shutil.copyfile(f"{mount}/src", path)
            os.chmod(path, 0o6777)
        if mode(path) != 0o6777:
            sys.exit(f"{path}: mode {mode(path):o}")
        write_as_other(path, flags, act)
        stayed += [f"{p}: {mode(p):o}" for p in (path, upper and f"{upper}/{where}-{name}") if p and mode(p) != 0o777]
print(f"{2 * len(WAYS)} ways:", *(stayed or ["no bit stayed"]))
