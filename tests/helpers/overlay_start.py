#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""overlay_start.py PROGRAM FOLDER ROUNDS [STEP [SEED]]: kill -9 the server while it starts

First at ROUNDS random moments; then, by strace, at every STEPth of the system
calls that its threads and children make until it is ready. Each time no
process of it may stay, whoever uses the mount gets an answer at once, and the
mount can be taken away. Run it as uid 0 of a user and mount namespace.
"""
import os, random, re, signal, subprocess, sys, time

prog, top, rounds = sys.argv[1], os.path.abspath(sys.argv[2]), int(sys.argv[3])
step = int(sys.argv[4]) if len(sys.argv) > 4 else 1
seed = int(sys.argv[5]) if len(sys.argv) > 5 else int(time.time())
rng = random.Random(seed)
low, up, work, mnt = (os.path.join(top, d) for d in ("low", "up", "work", "mnt"))
for d in (low, up, work, mnt):
    os.makedirs(d)
words = ["-o", f"lowerdir={low},upperdir={up},workdir={work}", mnt]


def mine():
    """processes with our folder among their words; what was killed has none any more, but a state"""
    found = []
    for pid in filter(str.isdigit, os.listdir("/proc")):
        try:
            with open(f"/proc/{pid}/cmdline", "rb") as f:
                argv = f.read().split(b"\0")
            with open(f"/proc/{pid}/stat") as f:
                state = f.read().rpartition(")")[2].split()[0]
        except OSError:
            continue
        if mnt.encode() in argv and argv[0].endswith((b"fuse-overlay", b"fusermount3")):
            found.append((int(pid), state))
    return found


def mounted():
    with open("/proc/self/mountinfo") as f:
        return any(line.split()[4] == mnt for line in f)


def look(moment):
    began = time.time()
    while mine():
        if time.time() - began > 5:
            subprocess.run(["umount", "-f", mnt])
            sys.exit(f"overlay_start: seed {seed}, {moment}: stays: {mine()}")
        time.sleep(0.002)
    try:
        subprocess.run(["ls", mnt], timeout=5, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        was = mounted()
        if was:
            subprocess.run(["umount", mnt], timeout=5, check=True)
    except subprocess.TimeoutExpired as e:
        sys.exit(f"overlay_start: seed {seed}, {moment}: hangs: {e.cmd}")
    if mounted():
        sys.exit(f"overlay_start: seed {seed}, {moment}: still mounted")
    return was


def reap(server, moment):
    try:
        server.wait(timeout=10)
    except subprocess.TimeoutExpired:
        # a connection that is cut lets go of who waits for an answer
        subprocess.run(["umount", "-f", mnt])
        sys.exit(f"overlay_start: seed {seed}, {moment}: does not end")


def start(before, after=()):
    r, w = os.pipe()
    p = subprocess.Popen([*before, prog, *after, "--ready-fd", str(w), *words], pass_fds=[w])
    os.close(w)
    return p, r


# how long a start takes here
began = time.time()
server, ready = start([], ["-f"])
if os.read(ready, 1) != b"1":
    sys.exit("overlay_start: does not mount")
usual = time.time() - began
server.terminate()
server.wait()
os.close(ready)
look("a start that was left alone")

early = late = 0
for n in range(rounds):
    server, ready = start([], ["-f"])
    time.sleep(rng.random() * usual * 1.5)
    server.send_signal(signal.SIGKILL)
    reap(server, f"round {n}")
    os.close(ready)
    if look(f"round {n}"):
        late += 1
    else:
        early += 1
print(f"overlay_start: seed {seed}: {rounds} random moments of {usual * 1500:.1f} ms, {early} before and {late} after the mount")

def traced(*more):
    """a start under strace; True when it got through, and was killed then"""
    server, ready = start(["strace", "-f", "-qq", *more], ["-f"])
    got = os.read(ready, 1) == b"1"
    os.close(ready)
    for pid, _ in mine() if got else ():
        try:
            os.kill(pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
    reap(server, " ".join(more))
    return got


# which system calls a start makes, by thread; strace counts each kind and thread by itself
log = os.path.join(top, "calls")
traced("-o", log)
look("a start that was traced")
count, calls = {}, {}
with open(log) as f:
    for line in f:
        tid, _, rest = line.partition(" ")
        name = re.match(r"\s*([a-z]\w*)\(", rest)
        if name:
            n = count[tid, name[1]] = count.get((tid, name[1]), 0) + 1
            calls[name[1], n] = None
through = held = 0
calls = list(calls)[::step]
for name, n in calls:
    through += traced("-o", "/dev/null", "-e", "trace=" + name, "-e", f"inject={name}:signal=SIGKILL:when={n}")
    held += look(f"{name} {n}")
if through > len(calls) / 2:
    sys.exit(f"overlay_start: {through} of {len(calls)} starts were not killed by strace")
print(f"overlay_start: killed at {len(calls) - through} system calls of its start, {held} mounts were there: nothing stays")
