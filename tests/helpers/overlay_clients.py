#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""overlay_clients.py FOLDER CLIENTS SECONDS [SEED]: several clients of one mount at once

Every client checks what it reads in a folder of its own, in between it makes,
links, renames, reads and removes names that all share; there only the answer
that the other was first is an error to expect. Run it on a mount with a lower
folder "low" of files whose content is their own name.
"""
import errno, os, random, sys, time

STEPS_MIN = 100
EXPECTED = (errno.ENOENT, errno.EEXIST, errno.ENOTEMPTY, errno.ESTALE)
top, clients, seconds = sys.argv[1], int(sys.argv[2]), float(sys.argv[3])
seed = int(sys.argv[4]) if len(sys.argv) > 4 else int(time.time())


def own_step(rng, folder, known):
    name = os.path.join(folder, "f%d" % rng.randrange(40))
    what = rng.randrange(6)
    if what < 2 or name not in known:
        known[name] = rng.randbytes(rng.randrange(30000))
        with open(name, "wb") as f:
            f.write(known[name])
    elif what == 2:
        os.rename(name, name + "x")
        known[name + "x"] = known.pop(name)
    elif what == 3:
        with open(name, "r+b") as f:
            f.seek(100)
            f.write(b"more")
            os.fsync(f.fileno())
        known[name] = known[name][:100].ljust(100, b"\0") + b"more" + known[name][104:]
    elif what == 4:
        os.unlink(name)
        del known[name]
    else:
        with open(name, "rb") as f:
            assert f.read() == known[name], "%s: other content" % name
    if rng.randrange(50) == 0:
        assert sorted(os.listdir(folder)) == sorted(map(os.path.basename, known)), "%s: other names" % folder


def shared_step(rng, held):
    a, b = ("%s/shared/s%d" % (top, rng.randrange(20)) for _ in range(2))
    low = "low/%d" % rng.randrange(300)
    what = rng.randrange(8)
    if what == 0:
        with open(a, "w") as f:
            f.write(a)
    elif what == 1:
        os.rename(a, b)
    elif what == 2:
        os.link(a, b)
    elif what == 3:
        os.unlink(a)
    elif what == 4:
        os.chmod(os.path.join(top, low), rng.choice((0o600, 0o644)))
    elif what == 5:
        with open(os.path.join(top, low)) as f:
            assert f.read() == low, "%s: other content" % low
    elif what == 6:
        os.unlink(os.path.join(top, low))
    else:
        held[low] = held.get(low) or open(os.path.join(top, low))
        held[low].seek(0)
        assert held[low].read() == low, "%s, held open: other content" % low


def client(number):
    rng, known, held, steps = random.Random(seed + number), {}, {}, 0
    folder = "%s/own%d" % (top, number)
    os.mkdir(folder)
    end = time.monotonic() + seconds
    # a slow machine is given longer: fewer steps find nothing
    while time.monotonic() < end or steps < STEPS_MIN:
        steps += 1
        own_step(rng, folder, known)
        try:
            shared_step(rng, held)
        except OSError as why:
            if why.errno not in EXPECTED:
                raise
    for name, data in known.items():
        with open(name, "rb") as f:
            assert f.read() == data, "%s: other content at the end" % name


os.makedirs(top + "/shared", exist_ok=True)
print("overlay_clients: %d clients, %g seconds, seed %d" % (clients, seconds, seed), flush=True)
pids = []
for number in range(clients):
    pid = os.fork()
    if not pid:
        client(number)
        os._exit(0)
    pids.append(pid)
failed = [pid for pid in pids if os.waitpid(pid, 0)[1]]
print("overlay_clients: %d of %d clients failed" % (len(failed), clients))
sys.exit(bool(failed))
