#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""overlay_openmix.py FOLDER SECONDS: processes open, map, write and replace the same files

FOLDER holds the files low0 to low7, of 20000 bytes "l". All processes write the line
of 8 bytes that belongs to the place, so that a reader finds either what was there
before, zeros where a file was made longer, or that line. Prints what else it met.
"""
import mmap, os, random, sys, time

os.chdir(sys.argv[1])
PROCESSES, SIZE = 4, 20000


def line(place):
    return b"%07d\n" % place


def check(data, at, name):
    for i in range(-at % 8, len(data) - 7, 8):
        part = data[i:i + 8]
        if part != line((at + i) // 8) and part != b"l" * 8 and part != bytes(8):
            raise SystemExit(f"{name} at {at + i}: {part}")


def step(rng):
    name = rng.choice(("low%d", "up%d")) % rng.randrange(8)
    what = rng.randrange(12)
    try:
        if what == 0:
            os.unlink(name)
        elif what == 1:
            os.rename(name, rng.choice(("low%d", "up%d")) % rng.randrange(8))
        elif what == 2:
            os.truncate(name, rng.randrange(SIZE // 8) * 8)
        else:
            flags = rng.choice((os.O_RDONLY, os.O_RDONLY, os.O_RDWR, os.O_RDWR | os.O_CREAT,
                                os.O_RDWR | os.O_CREAT | os.O_TRUNC))
            fd = os.open(name, flags)
            try:
                place = rng.randrange(SIZE // 8 - 600)
                if flags != os.O_RDONLY:
                    os.pwrite(fd, b"".join(line(p) for p in range(place, place + rng.randrange(1, 600))), place * 8)
                size = os.fstat(fd).st_size
                if what < 6 and size:
                    # not looked at: who cuts the file off meanwhile would have it end by SIGBUS
                    with mmap.mmap(fd, size, rng.choice((mmap.MAP_PRIVATE, mmap.MAP_SHARED)), mmap.PROT_READ):
                        time.sleep(0.001)
                check(os.pread(fd, 4000, place * 8), place * 8, name)
                if rng.randrange(8) == 0:
                    time.sleep(0.002)
            finally:
                os.close(fd)
    except (FileNotFoundError, ValueError):  # or was cut off before it was mapped
        pass
    except OSError as e:
        raise SystemExit(f"{name}, step {what}: {e}")


def work(seed):
    rng, end, n = random.Random(seed), time.monotonic() + float(sys.argv[2]), 0
    while time.monotonic() < end:
        step(rng)
        n += 1
    return n


pids = []
for seed in range(PROCESSES):
    pid = os.fork()
    if not pid:
        n = work(seed)
        os._exit(0 if n > 100 else 3)
    pids.append(pid)
bad = [s for s in (os.waitpid(p, 0)[1] for p in pids) if s]
print("failed" if bad else "no other answer")
