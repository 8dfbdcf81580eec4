#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""overlay_fsx.py FOLDER SECONDS [CLIENTS [SEED]]: one file each, many ways to write and read it

Every client keeps a model of its file in memory and does random reads, writes, maps,
truncations, holes, copies, renames and links on the real one; after each step what was
touched must be what the model says, and now and then the whole file. A file low-N that
is there already (in a lower layer) is what client N starts from. The seed is printed.
"""
import ctypes, errno, mmap, os, random, sys, time

top, seconds = os.path.abspath(sys.argv[1]), float(sys.argv[2])
clients = int(sys.argv[3]) if len(sys.argv) > 3 else 4
seed = int(sys.argv[4]) if len(sys.argv) > 4 else int(time.time()) & 0xffffff
libc = ctypes.CDLL(None, use_errno=True)
MAX = 1 << 20
KEEP, PUNCH, ZERO = 1, 2, 16


class Client:
    def __init__(self, n):
        self.rng = random.Random(seed * 100 + n)
        self.n, self.step, self.log = n, 0, []
        self.name = os.path.join(top, f"low-{n}")
        if os.path.exists(self.name):
            with open(self.name, "rb") as f:
                self.model = bytearray(f.read())
        else:
            self.model = bytearray()
        self.fd = os.open(self.name, os.O_RDWR | os.O_CREAT)

    def fail(self, text):
        print(f"overlay_fsx: seed {seed}, client {self.n}, step {self.step}: {text}; last: {self.log[-8:]}", flush=True)
        os._exit(1)

    def span(self, end):
        off = self.rng.randrange(end) if end else 0
        return off, self.rng.choice((1, 100, 4096, 5000, 65536, 200000))

    def read(self):
        off, size = self.span(len(self.model) + 1)
        got = os.pread(self.fd, size, off)
        if got != self.model[off:off + size]:
            at = next((i for i, (a, b) in enumerate(zip(got, self.model[off:])) if a != b), len(got))
            self.fail(f"read {off}+{size}: differs at {off + at}, {len(got)} bytes")

    def put(self, off, data):
        if off > len(self.model):
            self.model.extend(bytes(off - len(self.model)))
        self.model[off:off + len(data)] = data

    def write(self):
        off, size = self.span(MAX - 200000)
        data = self.rng.randbytes(size)
        done = os.pwrite(self.fd, data, off)
        self.put(off, data[:done])

    def append(self):
        if len(self.model) > MAX - 9000:
            return
        fd = os.open(self.name, os.O_WRONLY | os.O_APPEND)
        data = self.rng.randbytes(self.rng.randrange(1, 9000))
        os.write(fd, data)
        os.close(fd)
        self.put(len(self.model), data)

    def truncate(self):
        size = self.rng.randrange(MAX) if self.rng.random() < 0.6 else self.rng.randrange(9000)
        (os.truncate(self.name, size) if self.rng.random() < 0.3 else os.ftruncate(self.fd, size))
        del self.model[size:]
        self.model.extend(bytes(size - len(self.model)))

    def hole(self):
        off, size = self.span(MAX - 200000)
        mode = self.rng.choice((PUNCH | KEEP, ZERO, ZERO | KEEP, 0, KEEP))
        if libc.fallocate(self.fd, mode, ctypes.c_long(off), ctypes.c_long(size)):
            e = ctypes.get_errno()
            if e != errno.EOPNOTSUPP:
                self.fail(f"fallocate {mode}: {errno.errorcode[e]}")
            return
        old = len(self.model)
        if not mode & KEEP and off + size > old:
            self.model.extend(bytes(off + size - old))
        if mode & (PUNCH | ZERO):
            end = min(off + size, len(self.model))
            if end > off:
                self.model[off:end] = bytes(end - off)

    def map(self):
        if not self.model:
            return
        with mmap.mmap(self.fd, len(self.model)) as m:
            off, size = self.span(len(self.model))
            if m[off:off + size] != self.model[off:off + size]:
                self.fail(f"map {off}+{size} differs")
            data = self.rng.randbytes(min(size, len(self.model) - off))
            m[off:off + len(data)] = data
            self.model[off:off + len(data)] = data
            if self.rng.random() < 0.5:
                m.flush()

    def copy(self):
        src, size = self.span(len(self.model) + 1)
        dst = self.rng.randrange(MAX - 200000)
        size = min(size, len(self.model) - src)
        if not size or (src < dst + size and dst < src + size):
            return
        done = os.copy_file_range(self.fd, self.fd, size, src, dst)
        self.put(dst, bytes(self.model[src:src + done]))

    def reopen(self):
        os.close(self.fd)
        self.fd = os.open(self.name, os.O_RDWR)

    def move(self):
        new = os.path.join(top, f"moved-{self.n}-{self.step % 3}")
        if new == self.name:
            return
        (os.rename if self.rng.random() < 0.6 else self.relink)(self.name, new)
        self.name = new

    def relink(self, old, new):
        if os.path.lexists(new):
            os.unlink(new)
        os.link(old, new)
        os.unlink(old)

    def other(self):
        kind = self.rng.randrange(4)
        if kind == 0:
            os.fsync(self.fd)
        elif kind == 1:
            os.chmod(self.name, self.rng.choice((0o644, 0o600, 0o755)))
        elif kind == 2:
            os.setxattr(self.name, "user.fsx", str(self.step).encode())
        elif os.fstat(self.fd).st_size != len(self.model):
            self.fail(f"size {os.fstat(self.fd).st_size}, not {len(self.model)}")

    def whole(self):
        with open(self.name, "rb") as f:
            if f.read() != self.model:
                self.fail("the whole file differs")

    def run(self, until):
        acts = [(20, self.read), (20, self.write), (6, self.append), (6, self.truncate), (5, self.hole), (10, self.map),
                (5, self.copy), (4, self.reopen), (3, self.move), (6, self.other), (1, self.whole)]
        fns, weights = [f for _, f in acts], [w for w, _ in acts]
        while time.time() < until:
            self.step += 1
            fn = self.rng.choices(fns, weights)[0]
            self.log.append(fn.__name__)
            try:
                fn()
            except OSError as e:
                self.fail(f"{fn.__name__}: {e}")
        self.whole()
        print(f"overlay_fsx: seed {seed}, client {self.n}: {self.step} steps the same", flush=True)


pids = []
for n in range(clients):
    pid = os.fork()
    if not pid:
        Client(n).run(time.time() + seconds)
        os._exit(0)
    pids.append(pid)
sys.exit(max(os.waitstatus_to_exitcode(os.waitpid(p, 0)[1]) for p in pids))
