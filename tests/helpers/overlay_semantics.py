#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""overlay_semantics.py FOLDER: what a file system does, a line for each question

The same questions are put to a mount and to a plain folder on the same disk; the
answers must be the same. FOLDER holds the files low, low2 (a hard link to low), big,
and the folder dir; a mount has them in a lower layer. Run it as uid 0 of a user
namespace with at least two ids.
"""
import ctypes, errno, fcntl, mmap, os, stat, struct, subprocess, sys, time

os.chdir(sys.argv[1])
libc = ctypes.CDLL(None, use_errno=True)
O_TMPFILE, AT_FDCWD, SYMLINK_FOLLOW = 0o20200000, -100, 0x400
NOREPLACE, EXCHANGE = 1, 2
KEEP, PUNCH, ZERO = 1, 2, 16


def say(what, fn, *args):
    try:
        got = fn(*args)
    except OSError as e:
        got = errno.errorcode[e.errno]
    print(f"{what}: {got}", flush=True)


def check(r):
    if r < 0:
        raise OSError(ctypes.get_errno(), "")
    return r


def link_fd(fd, name):
    return check(libc.linkat(AT_FDCWD, f"/proc/self/fd/{fd}".encode(), AT_FDCWD, name.encode(), SYMLINK_FOLLOW))


def put(name, data, mode=0o644):
    fd = os.open(name, os.O_CREAT | os.O_WRONLY | os.O_TRUNC, mode)
    os.write(fd, data)
    os.close(fd)


def get(name):
    with open(name, "rb") as f:
        return f.read()


def in_child(fn):
    """the answer of another process"""
    r, w = os.pipe()
    pid = os.fork()
    if not pid:
        try:
            out = str(fn())
        except OSError as e:
            out = errno.errorcode[e.errno]
        os.write(w, out.encode())
        os._exit(0)
    os.close(w)
    out = os.read(r, 1000).decode()
    os.close(r)
    os.waitpid(pid, 0)
    return out


def tmpfile():
    fd = os.open("dir", O_TMPFILE | os.O_RDWR, 0o640)
    os.write(fd, b"unnamed")
    before = os.fstat(fd)
    link_fd(fd, "dir/named")
    os.write(fd, b" and named")
    after = os.stat("dir/named")
    os.close(fd)
    return (before.st_nlink, before.st_size, oct(after.st_mode), after.st_nlink, after.st_ino == before.st_ino,
            get("dir/named"), sorted(os.listdir("dir")))


def tmpfile_excl():
    fd = os.open(".", O_TMPFILE | os.O_RDWR | os.O_EXCL, 0o600)
    try:
        link_fd(fd, "never")
    finally:
        os.close(fd)


def tmpfile_setgid():
    os.mkdir("sg")
    os.chown("sg", 0, 1)
    os.chmod("sg", 0o2775)
    fd = os.open("sg", O_TMPFILE | os.O_WRONLY, 0o666)
    s = os.fstat(fd)
    os.close(fd)
    return s.st_gid, oct(s.st_mode), os.listdir("sg")


def rename2(a, b, flags):
    return check(libc.renameat2(AT_FDCWD, a.encode(), AT_FDCWD, b.encode(), flags))


def exchange():
    put("x1", b"one")
    os.mkdir("x2")
    put("x2/in", b"two")
    rename2("x1", "x2", EXCHANGE)
    return get("x2"), os.listdir("x1"), get("x1/in")


def copy_range():
    put("from", b"0123456789" * 1000)
    put("to", b"x" * 100)
    with open("from", "rb") as a, open("to", "r+b") as b:
        n = os.copy_file_range(a.fileno(), b.fileno(), 5000, 3, 50)
    return n, len(get("to")), get("to")[45:56]


def copy_range_low():
    put("to2", b"")
    with open("big", "rb") as a, open("to2", "r+b") as b:
        n = os.copy_file_range(a.fileno(), b.fileno(), 1 << 20)
    return n, get("to2") == get("big")[:n]


def holes():
    fd = os.open("sparse", os.O_CREAT | os.O_RDWR)
    os.ftruncate(fd, 10 << 20)
    os.pwrite(fd, b"d" * 65536, 4 << 20)
    out = [os.lseek(fd, 0, os.SEEK_DATA), os.lseek(fd, 4 << 20, os.SEEK_HOLE), os.lseek(fd, 0, os.SEEK_HOLE)]
    try:
        os.lseek(fd, 5 << 20, os.SEEK_DATA)
    except OSError as e:
        out.append(errno.errorcode[e.errno])
    try:
        os.lseek(fd, 11 << 20, os.SEEK_HOLE)
    except OSError as e:
        out.append(errno.errorcode[e.errno])
    os.close(fd)
    return out


def alloc(mode, off, length):
    put("fa", b"abcdefgh" * 4096)
    fd = os.open("fa", os.O_RDWR)
    try:
        check(libc.fallocate(fd, mode, ctypes.c_long(off), ctypes.c_long(length)))
        return os.fstat(fd).st_size, hash_of(get("fa"))
    finally:
        os.close(fd)


def hash_of(data):
    h = 0
    for i in range(0, len(data), 8):
        h = (h * 31 + int.from_bytes(data[i:i + 8], "little")) & 0xffffffffffff
    return h


def flocks(name):
    fd = os.open(name, os.O_RDWR)
    fcntl.flock(fd, fcntl.LOCK_EX)

    def other(how):
        f = os.open(name, os.O_RDWR)
        fcntl.flock(f, how | fcntl.LOCK_NB)
        return "got it"
    out = [in_child(lambda: other(fcntl.LOCK_SH))]
    fcntl.flock(fd, fcntl.LOCK_SH)
    out += [in_child(lambda: other(fcntl.LOCK_SH)), in_child(lambda: other(fcntl.LOCK_EX))]
    os.close(fd)
    return out + [in_child(lambda: other(fcntl.LOCK_EX))]


def posix_locks(name):
    fd = os.open(name, os.O_RDWR)
    fcntl.lockf(fd, fcntl.LOCK_EX, 10, 5)

    def other(start):
        f = os.open(name, os.O_RDWR)
        fcntl.lockf(f, fcntl.LOCK_EX | fcntl.LOCK_NB, 10, start)
        return "got it"
    out = [in_child(lambda: other(8)), in_child(lambda: other(30))]
    # closing any descriptor of the file gives the lock up
    os.close(os.open(name, os.O_RDONLY))
    out.append(in_child(lambda: other(8)))
    os.close(fd)
    return out


def ofd_locks(name):
    get_set = 37  # F_OFD_SETLK
    lk = lambda kind: struct.pack("hhqqi", kind, 0, 0, 0, 0)
    a, b = os.open(name, os.O_RDWR), os.open(name, os.O_RDWR)
    fcntl.fcntl(a, get_set, lk(fcntl.F_WRLCK))
    out = []
    for step in range(2):
        try:
            fcntl.fcntl(b, get_set, lk(fcntl.F_WRLCK))
            out.append("got it")
        except OSError as e:
            out.append(errno.errorcode[e.errno])
        os.close(a)
    os.close(b)
    return out


def shared_map(name):
    fd = os.open(name, os.O_RDWR)
    m = mmap.mmap(fd, 4096)

    def other():
        f = os.open(name, os.O_RDWR)
        n = mmap.mmap(f, 4096)
        n[0:5] = b"child"
        return bytes(n[5:10])
    m[5:10] = b"mamma"
    out = in_child(other), bytes(m[0:10]), os.pread(fd, 10, 0)
    os.pwrite(fd, b"WRITE", 0)
    out += (bytes(m[0:5]),)
    m.flush()
    os.ftruncate(fd, 3)
    os.close(fd)
    return out + (get(name),)


def private_map_of_lower():
    fd = os.open("big", os.O_RDONLY)
    m = mmap.mmap(fd, 4096, mmap.MAP_PRIVATE, mmap.PROT_READ | mmap.PROT_WRITE)
    m[0:3] = b"own"
    return bytes(m[0:3]), os.pread(fd, 3, 0) != b"own"


def acl(*entries):
    return struct.pack("<I", 2) + b"".join(struct.pack("<HHI", *e) for e in entries)


NOID = 0xffffffff
SOME = acl((1, 6, NOID), (2, 7, 1), (4, 4, NOID), (0x10, 7, NOID), (0x20, 0, NOID))


def acls(name):
    os.setxattr(name, "system.posix_acl_access", SOME)
    out = [oct(os.stat(name).st_mode), os.getxattr(name, "system.posix_acl_access") == SOME]
    os.chmod(name, 0o640)
    out += [os.getxattr(name, "system.posix_acl_access").hex()]
    os.removexattr(name, "system.posix_acl_access")
    return out + [oct(os.stat(name).st_mode), [n for n in os.listxattr(name) if "acl" in n]]


def default_acl():
    os.mkdir("ad")
    os.setxattr("ad", "system.posix_acl_default", SOME)
    put("ad/f", b"", 0o666)
    os.mkdir("ad/d", 0o777)
    os.mkfifo("ad/p", 0o666)
    out = []
    for n in ("f", "d", "p"):
        out += [oct(os.stat("ad/" + n).st_mode), os.getxattr("ad/" + n, "system.posix_acl_access").hex()]
    return out + [os.getxattr("ad/d", "system.posix_acl_default") == SOME]


def as_user(uid, fn):
    def call():
        os.setgroups([])
        os.setresgid(uid, uid, uid)
        os.setresuid(uid, uid, uid)
        return fn()
    return in_child(call)


def acl_counts():
    put("guarded", b"secret", 0o600)
    before = as_user(1, lambda: get("guarded"))
    os.setxattr("guarded", "system.posix_acl_access", SOME)
    return before, as_user(1, lambda: get("guarded")), as_user(2, lambda: get("guarded"))


def setgid_folder():
    os.mkdir("sg2")
    os.chown("sg2", 1, 1)
    os.chmod("sg2", 0o2777)
    put("sg2/f", b"")
    os.mkdir("sg2/d")
    os.symlink("f", "sg2/l")
    out = [(os.lstat("sg2/" + n).st_gid, oct(os.lstat("sg2/" + n).st_mode)) for n in ("f", "d", "l")]
    # whoever is not of the group cannot keep the bit on a file
    def other():
        put("sg2/g", b"", 0o2775)
        os.chmod("sg2/g", 0o2775)
        s = os.stat("sg2/g")
        return s.st_uid, s.st_gid, oct(s.st_mode)
    return out + [as_user(2, other)]


def sticky():
    os.mkdir("st")
    os.chmod("st", 0o1777)
    put("st/mine", b"")
    return as_user(1, lambda: os.unlink("st/mine")), as_user(1, lambda: os.rename("st/mine", "st/n"))


def suid(how):
    put("su", b"#!/bin/true\n", 0o755)
    os.chown("su", 1, 1)
    os.chmod("su", 0o6777)
    def act():
        if how == "write":
            with open("su", "ab") as f:
                f.write(b"x")
        elif how == "truncate":
            os.truncate("su", 1)
        elif how == "chown":
            os.chown("su", 1, 1)
        elif how == "map":
            fd = os.open("su", os.O_RDWR)
            m = mmap.mmap(fd, 5)
            m[0:1] = b"y"
            m.flush()
            os.pwrite(fd, b"z", 0)
        return ""
    who = 1 if how == "chown" else 2
    return as_user(who, act), oct(os.stat("su").st_mode)


def space():
    s = os.statvfs(".")
    return s.f_namemax, s.f_blocks, s.f_files


def names():
    put("n" * 255, b"long")
    try:
        put("n" * 256, b"longer")
    except OSError as e:
        return errno.errorcode[e.errno], get("n" * 255)


def times():
    put("t", b"")
    os.utime("t", ns=(1_000_000_007, 981_173_106_123_456_789))
    os.symlink("t", "tl")
    os.utime("tl", ns=(5, 7), follow_symlinks=False)
    os.utime("low", ns=(11, 13))
    return (os.stat("t").st_atime_ns, os.stat("t").st_mtime_ns, os.lstat("tl").st_mtime_ns, os.stat("t").st_mtime_ns,
            os.stat("low").st_mtime_ns, os.stat("low2").st_mtime_ns)


def appended():
    a, b = os.open("ap", os.O_CREAT | os.O_WRONLY | os.O_APPEND), os.open("ap", os.O_WRONLY | os.O_APPEND)
    for i in range(20):
        os.write((a, b)[i % 2], str(i % 10).encode())
    return get("ap")


def direct():
    fd = os.open("dio", os.O_CREAT | os.O_RDWR | os.O_DIRECT)
    m = mmap.mmap(-1, 8192)
    m[:] = b"D" * 8192
    out = [os.pwrite(fd, m, 0), os.pwrite(fd, m, 8192), os.preadv(fd, [m], 4096), get("dio") == b"D" * 16384]
    os.close(fd)
    return out


def unlinked():
    fd = os.open("low2", os.O_RDWR)
    os.unlink("low2")
    os.pwrite(fd, b"still", 0)
    os.fchmod(fd, 0o600)
    s = os.fstat(fd)
    out = os.pread(fd, 5, 0), get("low")[:5], s.st_nlink, oct(s.st_mode)
    try:
        link_fd(fd, "again")
    except OSError as e:
        return out + (errno.errorcode[e.errno],)
    return out + (os.stat("again").st_nlink,)


def sockets():
    import socket
    s = socket.socket(socket.AF_UNIX)
    s.bind("sock")
    s.listen()
    def other():
        c = socket.socket(socket.AF_UNIX)
        c.connect("sock")
        c.send(b"through")
        return "sent"
    out = in_child(other)
    c, _ = s.accept()
    return out, c.recv(99), stat.S_ISSOCK(os.stat("sock").st_mode)


def fifo():
    os.mkfifo("fifo", 0o600)
    r = os.open("fifo", os.O_RDONLY | os.O_NONBLOCK)
    in_child(lambda: os.write(os.open("fifo", os.O_WRONLY), b"by pipe"))
    return os.read(r, 99)


def flags(name):
    get, put_, nodump = 0x80086601, 0x40086602, 0x40
    fd = os.open(name, os.O_RDONLY)
    def now():
        return struct.unpack("ii", fcntl.ioctl(fd, get, bytes(8)))[0]
    out = [now() & 0x7f]
    fcntl.ioctl(fd, put_, struct.pack("ii", now() | nodump, 0))
    out.append(now() & 0x7f)
    os.close(fd)
    return out


def executed():
    put("prog", b"#!/bin/sh\necho ran\n", 0o755)
    fd = os.open("prog", os.O_RDONLY)
    out = subprocess.run(["./prog"], capture_output=True).stdout
    os.close(fd)
    return out


say("O_TMPFILE", tmpfile)
say("O_TMPFILE that stays so", tmpfile_excl)
say("O_TMPFILE in a setgid folder", tmpfile_setgid)
put("a", b"a")
say("rename NOREPLACE over a file", rename2, "a", "low", NOREPLACE)
say("rename NOREPLACE", rename2, "a", "b", NOREPLACE)
say("rename EXCHANGE", exchange)
say("rename EXCHANGE with nothing", rename2, "b", "nothing", EXCHANGE)
say("rename EXCHANGE of lower files", lambda: (rename2("big", "low", EXCHANGE), len(get("low")), rename2("low", "big", EXCHANGE)))
say("rename with bits that nobody knows", rename2, "b", "c", 64)
say("copy_file_range", copy_range)
say("copy_file_range from a lower file", copy_range_low)
say("holes", holes)
for text, mode in (("", 0), ("KEEP_SIZE", KEEP), ("PUNCH_HOLE", PUNCH | KEEP), ("PUNCH_HOLE alone", PUNCH),
                   ("ZERO_RANGE", ZERO), ("ZERO_RANGE KEEP_SIZE", ZERO | KEEP), ("KEEP_SIZE PUNCH_HOLE ZERO_RANGE", KEEP | PUNCH | ZERO)):
    for off, length in ((4096, 8192), (28672, 65536)):
        say(f"fallocate {text} {off} {length}", alloc, mode, off, length)
for name in ("b", "low"):
    say(f"flock {name}", flocks, name)
    say(f"POSIX lock {name}", posix_locks, name)
    say(f"OFD lock {name}", ofd_locks, name)
put("mapped", b"." * 5000)
say("shared map", shared_map, "mapped")
say("shared map of a lower file", shared_map, "dir/below")
say("private map of a lower file", private_map_of_lower)
say("ACL", acls, "b")
say("ACL of a lower file", acls, "big")
say("default ACL", default_acl)
say("ACL counts", acl_counts)
say("setgid folder", setgid_folder)
say("sticky folder", sticky)
for how in ("write", "truncate", "chown", "map"):
    say(f"setuid bits after {how}", suid, how)
say("statfs", space)
say("long names", names)
say("times", times)
say("append by two", appended)
say("O_DIRECT", direct)
say("unlinked while open", unlinked)
say("socket", sockets)
say("fifo", fifo)
say("program", executed)
for name in ("b", "low", "dir"):
    say(f"file flags of {name}", flags, name)
say("an ioctl that nobody knows", fcntl.ioctl, os.open("b", os.O_RDONLY), 0x4004ee77, bytes(4))
say("mkdir over a file", os.mkdir, "b")
say("rmdir of what is not empty", os.rmdir, "dir")
say("unlink of a folder", os.unlink, "dir")
say("open of a folder for writing", os.open, "dir", os.O_WRONLY)
say("a folder into itself", os.rename, "dir", "dir/sub")
say("O_EXCL", os.open, "b", os.O_CREAT | os.O_EXCL)
say("O_NOFOLLOW", os.open, "tl", os.O_NOFOLLOW)
say("no such attribute", os.getxattr, "b", "user.none")
say("attribute XATTR_CREATE", lambda: (os.setxattr("b", "user.y", b"1"), os.setxattr("b", "user.y", b"2", os.XATTR_CREATE)))
say("attribute XATTR_REPLACE", os.setxattr, "b", "user.z", b"1", os.XATTR_REPLACE)
say("attribute that is large", lambda: (os.setxattr("b", "user.big", b"v" * 1000), len(os.getxattr("b", "user.big"))))
say("attribute that is too large", os.setxattr, "b", "user.huge", b"v" * 70000)
