# SPDX-License-Identifier: Apache-2.0
"""run_kill.py ROUNDS STORE WORD...: kill each process of a start at random moments

WORD... is `runner` with its global options, STORE the folder that its --root and
--runroot are in. In each round one process that a start consists of is killed,
up to 4 ms after it was seen. The command then ends, and with it whoever has its
stdout and stderr (we read to their ends); it succeeds, or says in one line why
not, or has the code of what was killed. After `rm -fa`, which repairs, nothing
of it is on disk and no process is left.
"""
import os
import random
import signal
import subprocess
import sys
import time

ROLES = ("newuidmap", "slirp-net", "slirp-net-broker", "runner-monitor", "runner-guard", "init", "uidmap", "runner")
HELPERS = ("newuidmap", "newgidmap", "slirp-net", "slirp-net-broker", "runner-guard", "uidmap")


def read(path):
    try:
        with open(path, errors="replace") as f:
            return f.read()
    except OSError:
        return ""


def find(top, role):
    """the first process below top that has the role, 0 while there is none"""
    if role == "runner":
        return top
    if role == "newuidmap":
        for word in read("/proc/%d/task/%d/children" % (top, top)).split():
            if read("/proc/%s/comm" % word).strip() == role:
                return int(word)
        return 0
    todo = [top]
    while todo:
        pid = todo.pop()
        name = read("/proc/%d/comm" % pid).strip()
        for word in read("/proc/%d/task/%d/children" % (pid, pid)).split():
            child = int(word)
            comm = read("/proc/%d/comm" % child).strip()
            if comm == role or (role == "init" and name == "runner-monitor" and comm not in HELPERS):
                return child
            todo.append(child)
    return 0


def left(store):
    found = []
    for sub in ("root/containers", "run/containers", "root/ctrnames", "root/holds"):
        try:
            found += [os.path.join(sub, n) for n in os.listdir(os.path.join(store, sub))]
        except FileNotFoundError:
            pass
    for pid in filter(str.isdigit, os.listdir("/proc")):
        words = read("/proc/%s/cmdline" % pid)
        if os.path.basename(__file__) not in words and (store + "/root" in words or store + "/run/" in words):
            found.append("%s %s" % (pid, words.replace("\0", " ")))
    return found


def one(role, network, store, words):
    p = subprocess.Popen(words + ["run", "--rm", "--name", "cut", "--network", network, "bb:1", "true"],
                         stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    # the first one lives for a millisecond
    delay = 0 if role == "newuidmap" else random.random() * 0.004
    target = 0
    while not target and p.poll() is None:
        target = find(p.pid, role)
    if target:
        time.sleep(delay)
        try:
            os.kill(target, signal.SIGKILL)
        except (ProcessLookupError, PermissionError):
            pass
    said, why = "", ""
    try:
        said, why = p.communicate(timeout=30)
    except subprocess.TimeoutExpired:
        print("%s after %.2f ms, --network %s: hangs" % (role, delay * 1000, network))
        p.kill()
        return False
    ok = p.returncode == -9 if role == "runner" and p.returncode < 0 else (
        p.returncode == 0 and not why or
        p.returncode in (125, 137) and why.count("\n") == 1 and why.startswith("runner: ") or
        p.returncode == 137 and role == "init" and not why)
    # what is still being made by somebody is not repaired
    end = time.time() + 10
    rest = True
    while rest and time.time() < end:
        subprocess.run(words + ["rm", "-fa"], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, check=True, timeout=30)
        rest = left(store)
    if not ok or rest:
        print("%s after %.2f ms, --network %s: code %s, said %r %r, left %s" %
              (role, delay * 1000, network, p.returncode, said, why, rest))
    ONE.setdefault((role, p.returncode, why.replace(words[0], "").strip()[:110]), []).append(delay)
    return ok and not rest


ONE = {}


def main():
    # what was seen is to be read when we are stopped, too
    sys.stdout.reconfigure(line_buffering=True)
    rounds, store, words = int(sys.argv[1]), sys.argv[2], sys.argv[3:]
    seed = int(os.environ.get("SEED", time.time_ns() % 100000))
    random.seed(seed)
    bad = 0
    for i in range(rounds):
        bad += not one(ROLES[i % len(ROLES)], ("private", "none")[i // len(ROLES) % 2], store, words)
    for key in sorted(ONE):
        print("%4d x %s, code %s: %s" % ((len(ONE[key]),) + key))
    print("seed %d: %d rounds, %d bad" % (seed, rounds, bad))
    return bad > 0


sys.exit(main())
