#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""net_soak.py wire PROGRAM BYTES MTU,… DELAY_MS,… LOSS_PERCENT
   net_soak.py churn PROGRAM CONNECTIONS
   net_soak.py many PROGRAM CONNECTIONS
   net_soak.py limit PROGRAM DESCRIPTORS

wire: a server behind a wire with delay and loss (two tap devices and a process
that holds and drops frames, as kernels without netem need it). For each MTU of the
container and each delay: download, upload, and requests over one connection,
from the container and from the host itself. Fails where the container's side
does not finish, or time and again stalls for more than a second where the host's
does not.
churn: short connections, outbound and published; memory, descriptors and
processor time for each must stay flat. many: connections open at once, half of them
outbound, half published, each used. limit: what happens when descriptors run out.
Run it as uid 0 of a user, network and mount namespace of its own.
"""
import ctypes, fcntl, heapq, itertools, json, os, random, resource, select, signal, socket, struct, subprocess, sys, threading, time

LIBC = ctypes.CDLL(None, use_errno=True)
SERVER, HOST, PORT = "198.51.100.9", "198.51.100.1", 7100
STALL, TRIES = 1.0, 4


def namespace():
    p = subprocess.Popen(["unshare", "-n", "sleep", "86400"])
    own = os.readlink("/proc/self/ns/net")
    while True:
        try:
            with open("/proc/%d/comm" % p.pid) as f:
                if f.read() == "sleep\n" and os.readlink("/proc/%d/ns/net" % p.pid) != own:
                    return p
        except OSError:
            pass
        time.sleep(0.01)


def inside(p, argv):
    return ["nsenter", "-t", str(p.pid), "-n"] + argv if p else argv


def ip(p, *words):
    subprocess.run(inside(p, ["ip"] + list(words)), check=True)


def tap_in(pid):
    fd = os.open("/proc/%d/ns/net" % pid, os.O_RDONLY)
    if LIBC.setns(fd, 0x40000000):
        raise OSError(ctypes.get_errno(), "setns")
    tap = os.open("/dev/net/tun", os.O_RDWR | os.O_NONBLOCK)
    fcntl.ioctl(tap, 0x400454CA, struct.pack("16sH22x", b"wire", 0x1002))
    return tap


def wire(pids, delay, loss):
    """runs in a process of its own until it is killed"""
    taps, held, order = [tap_in(p) for p in pids], [], itertools.count()
    rng = random.Random(7)
    print("ready", flush=True)
    while True:
        wait = max(0, held[0][0] - time.monotonic()) if held else None
        for fd in select.select(taps, [], [], wait)[0]:
            while True:
                try:
                    frame = os.read(fd, 66000)
                except OSError:
                    break
                if rng.random() >= loss and len(held) < 4000:
                    heapq.heappush(held, (time.monotonic() + delay, next(order), taps[fd == taps[0]], frame))
        while held and held[0][0] <= time.monotonic():
            _, _, fd, frame = heapq.heappop(held)
            try:
                os.write(fd, frame)
            except OSError:
                pass


def serve(port):
    """first line: d BYTES, u BYTES, or r for requests of a line each"""
    def one(c):
        try:
            f = c.makefile("rwb", buffering=1 << 16)
            what = f.readline().split()
            if what[0] == b"d":
                left = int(what[1])
                while left:
                    left -= c.send(b"x" * min(left, 8192))
            elif what[0] == b"u":
                n = 0
                while n < int(what[1]):
                    n += len(f.read1(1 << 16))
                    c.sendall(b"%d\n" % n)
            else:
                for line in f:
                    f.write(line); f.flush()
        except (OSError, IndexError):
            pass
        c.close()
    s = socket.create_server(("", port), backlog=4096)
    print("ready", flush=True)
    while True:
        threading.Thread(target=one, args=(s.accept()[0],), daemon=True).start()


def client(host, port, size):
    """prints the longest time without progress, and all the time, for each kind"""
    def stalls(step):
        start = last = time.monotonic(); worst = 0
        for _ in step:
            now = time.monotonic(); worst = max(worst, now - last); last = now
        return round(worst, 3), round(last - start, 3)
    def dial():
        s = socket.create_connection((host, port), 60); s.settimeout(60)
        return s
    def down():
        s = dial(); s.sendall(b"d %d\n" % size); n = 0
        while n < size:
            d = s.recv(1 << 16)
            if not d: raise SystemExit("download ended after %d" % n)
            n += len(d); yield
    def up():
        s = dial(); s.sendall(b"u %d\n" % size); sent = 0; told = b""
        s.settimeout(None)
        threading.Thread(target=lambda: s.sendall(b"y" * size), daemon=True).start()
        while not told.endswith(b"%d\n" % size):
            d = s.recv(4096)
            if not d: raise SystemExit("upload ended")
            told = (told + d)[-64:]; yield
    def requests():
        s = dial(); s.sendall(b"r\n")
        for i in range(30):
            line = b"GET /%d\n" % i; s.sendall(line); got = b""
            while got != line: got += s.recv(99)
            yield
    print(json.dumps({"down": stalls(down()), "up": stalls(up()), "requests": stalls(requests())}))


class Started:
    """a helper of this script, killed at the end"""
    def __init__(self, argv, where=None):
        self.p = subprocess.Popen(inside(where, [sys.executable, __file__] + argv), stdout=subprocess.PIPE, text=True)
        if self.p.stdout.readline() != "ready\n":
            raise SystemExit("%s does not start" % argv)
    def stop(self):
        self.p.kill(); self.p.wait()


def slirp(program, c, *options, **popen):
    r, w = os.pipe()
    p = subprocess.Popen([program, "--configure", "--ready-fd=%d" % w, *options, "--netns-type=path",
                          "/proc/%d/ns/net" % c.pid, "tap0"], pass_fds=[w], **popen)
    os.close(w)
    if os.read(r, 1) != b"1":
        raise SystemExit("slirp-net does not start")
    os.close(r)
    ip(c, "link", "set", "lo", "up")
    return p


def end(*processes):
    for p in processes:
        p.send_signal(signal.SIGTERM if p.args[0] != "unshare" else signal.SIGKILL)
        p.wait()


def ask(where, host, size):
    out = subprocess.run(inside(where, [sys.executable, __file__, "client", host, str(PORT), str(size)]),
                         stdout=subprocess.PIPE, timeout=600)
    if out.returncode:
        raise SystemExit("a client failed")
    return json.loads(out.stdout)


def wire_main(program, size, mtus, delays, loss):
    bad = 0
    for delay in delays:
        far = namespace()
        w = Started(["wire-process", str(os.getpid()), str(far.pid), str(delay / 1000), str(loss / 100)])
        for p, a in ((None, HOST), (far, SERVER)):
            ip(p, "addr", "add", a + "/24", "dev", "wire"); ip(p, "link", "set", "wire", "up")
        server = Started(["serve", str(PORT)], far)
        plain = ask(None, SERVER, size)
        print("delay %3d ms loss %g %%            host %s" % (delay, loss, plain), flush=True)
        for mtu in mtus:
            c = namespace()
            s = slirp(program, c, "--mtu=%d" % mtu)
            got = ask(c, SERVER, size)
            print("delay %3d ms loss %g %% mtu %5d  container %s" % (delay, loss, mtu, got), flush=True)
            for kind, (stall, _) in got.items():
                # losses differ from run to run: the host's worst of some, the container's best
                for _ in range(TRIES):
                    if stall <= max(STALL, plain[kind][0]):
                        break
                    again = ask(None, SERVER, size)
                    plain = {k: max(plain[k], again[k]) for k in plain}
                    stall = min(stall, ask(c, SERVER, size)[kind][0])
                if stall > max(STALL, plain[kind][0]):
                    print("STALL: %s: %.3f s, the host's worst is %.3f s" % (kind, stall, plain[kind][0]))
                    bad += 1
            end(s, c)
        server.stop(); w.stop(); end(far)
    print("stalls: %d" % bad)
    return bad != 0


def usage(p):
    with open("/proc/%d/stat" % p.pid) as f:
        f = f.read().rsplit(")", 1)[1].split()
    with open("/proc/%d/status" % p.pid) as s:
        rss = [int(line.split()[1]) for line in s if line.startswith("VmRSS")][0]
    return rss, len(os.listdir("/proc/%d/fd" % p.pid)), (int(f[11]) + int(f[12])) * 10000


def short(host, port, n):
    for _ in range(int(n)):
        s = socket.create_connection((host, int(port)), 20)
        s.sendall(b"r\nq\n")
        if s.recv(9) != b"q\n": raise SystemExit("no answer")
        # reset, so that 200,000 do not use up the ports of a minute
        s.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0)); s.close()


def short_serve(port):
    s = socket.create_server(("", int(port)), backlog=4096)
    print("ready", flush=True)
    while True:
        c = s.accept()[0]
        try:
            c.recv(9); c.sendall(b"q\n"); c.recv(9)
        except OSError:
            pass
        c.close()


def churn_main(program, total):
    ip(None, "addr", "add", "192.0.2.9/32", "dev", "lo")
    c = namespace()
    s = slirp(program, c, "--publish", "192.0.2.9:7101:7101")
    servers = [Started(["short-serve", "7100"]), Started(["short-serve", "7101"], c)]
    parts, seen = 10, []
    for part in range(parts):
        before = usage(s)
        for where, port in ((c, 7100), (None, 7101)):
            subprocess.run(inside(where, [sys.executable, __file__, "short", "192.0.2.9", str(port),
                                          str(total // parts // 2)]), check=True)
        time.sleep(0.3)
        rss, fds, cpu = usage(s)
        seen.append((rss, fds, (cpu - before[2]) / (total / parts)))
        print("after %6d: RSS %5d kB, %3d descriptors, %.1f us of processor time each" %
              ((part + 1) * total // parts, *seen[-1]), flush=True)
    for server in servers:
        server.stop()
    end(s, c)
    early, late = seen[1:4], seen[-3:]
    flat = (max(x[0] for x in late) <= max(x[0] for x in early) + 200 and
            max(x[1] for x in late) <= max(x[1] for x in early) + 32 and
            min(x[2] for x in late) <= 1.5 * max(x[2] for x in early))
    print("flat" if flat else "NOT FLAT")
    return not flat


def many(host, port, n):
    """opens them, and says something over each whenever it is told to; ends where it is closed"""
    n, opened = int(n), []
    for i in range(n):
        s = socket.create_connection((host, int(port)), 30)
        s.sendall(b"r\n"); opened.append(s)
    print("ready", flush=True)
    for line in sys.stdin:
        for i, s in enumerate(opened):
            s.sendall(b"%d\n" % i)
        for i, s in enumerate(opened):
            if s.recv(9) != b"%d\n" % i: raise SystemExit("connection %d is dead" % i)
        print("answered", flush=True)


class Many:
    def __init__(self, where, host, port, n):
        self.p = subprocess.Popen(inside(where, [sys.executable, __file__, "many-client", host, str(port), str(n)]),
                                  stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.expect("ready")
    def expect(self, word):
        if self.p.stdout.readline() != word + "\n":
            raise SystemExit("a client failed: no '%s'" % word)
    def check(self):
        print("go", file=self.p.stdin, flush=True)
        self.expect("answered")
    def stop(self):
        self.p.stdin.close()
        if self.p.wait(): raise SystemExit("a client failed")


def many_serve(port):
    ep, s = select.epoll(), socket.create_server(("", int(port)), backlog=4096)
    ep.register(s, select.EPOLLIN); open_fds = {}
    print("ready", flush=True)
    while True:
        for fd, _ in ep.poll():
            if fd == s.fileno():
                c = s.accept()[0]; open_fds[c.fileno()] = c; ep.register(c, select.EPOLLIN)
                continue
            try:
                d = open_fds[fd].recv(99)
            except OSError:
                d = b""
            if not d:
                open_fds.pop(fd).close()
                continue
            d = d[2:] if d.startswith(b"r\n") else d
            if d: open_fds[fd].sendall(d)


PUBLISHED = ["--publish", "192.0.2.9:7101:7100"]


def many_main(program, n):
    """half of them each way; each is used twice, the second time when all are there"""
    ip(None, "addr", "add", "192.0.2.9/32", "dev", "lo")
    c = namespace()
    s = slirp(program, c, *PUBLISHED)
    servers = [Started(["many-serve", "7100"]), Started(["many-serve", "7100"], c)]
    before = usage(s)
    clients = [Many(c, "192.0.2.9", 7100, n - n // 2), Many(None, "192.0.2.9", 7101, n // 2)]
    for client in clients:
        client.check()
    rss, fds, cpu = usage(s)
    print("opened %d, all answered: %d out, %d in; %d descriptors, RSS %d kB, %.2f kB each, %.1f us of processor time each" %
          (n, n - n // 2, n // 2, fds, rss, (rss - before[0]) / n, (cpu - before[2]) / n), flush=True)
    for helper in clients + servers:
        helper.stop()
    end(s, c)
    return 0


def refused(where, host, port, kind):
    """one more connection from there: does it fail at once, as it should?"""
    code = """import socket, sys
try:
    s = socket.create_connection((sys.argv[1], int(sys.argv[2])), 9); s.sendall(b"r\\nx\\n"); print("answered" if s.recv(9) else "closed")
except ConnectionRefusedError: print("refused")
except ConnectionResetError: print("reset")
except OSError as e: print(e)"""
    got = subprocess.run(inside(where, [sys.executable, "-c", code, host, str(port)]), stdout=subprocess.PIPE, text=True).stdout
    print("one more %s: %s" % (kind, got.strip()), flush=True)
    return got.strip()


def limit_main(program, limit):
    """no descriptors left: new connections are refused with one line, old ones live, and later there is room again"""
    ip(None, "addr", "add", "192.0.2.9/32", "dev", "lo")
    c, (log, w) = namespace(), os.pipe()
    # the soft limit is lower: raising it is slirp-net's own business
    s = slirp(program, c, *PUBLISHED, stderr=w, preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_NOFILE, (64, limit)))
    os.close(w)
    servers = [Started(["many-serve", "7100"]), Started(["many-serve", "7100"], c)]
    room = (limit - usage(s)[1]) // 2
    kept = [Many(c, "192.0.2.9", 7100, room // 2 - 10), Many(None, "192.0.2.9", 7101, room // 2 - 30)]
    extra = []
    while True:
        p = subprocess.Popen(inside(c, [sys.executable, __file__, "many-client", "192.0.2.9", "7100", "1"]),
                             stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        if p.stdout.readline() != "ready\n":
            p.wait(); break
        extra.append(p)
    bad = [refused(c, "192.0.2.9", 7100, "out") not in ("refused", "reset"),
           refused(None, "192.0.2.9", 7101, "in") not in ("reset", "closed")]
    for client in kept:
        client.check()
    fds, cpu = usage(s)[1:]
    time.sleep(0.5)
    spun = usage(s)[2] - cpu
    print("%d descriptors of %d; %d and %d connections live; %d us of processor time in half a second" %
          (fds, limit, room // 2 - 10 + len(extra), room // 2 - 30, spun), flush=True)
    for p in extra:
        p.stdin.close(); p.wait()
    time.sleep(0.3)
    bad += [refused(c, "192.0.2.9", 7100, "out, later") != "answered", refused(None, "192.0.2.9", 7101, "in, later") != "answered", spun > 100000]
    for helper in kept + servers:
        helper.stop()
    end(s, c)
    said = os.read(log, 4096).decode()
    print("said: %r" % said)
    bad.append(said.count("\n") != 1 or "no descriptors" not in said)
    print("held" if not any(bad) else "FAILED")
    return any(bad)


def numbers(text):
    return [int(n) for n in text.split(",")]


if __name__ == "__main__":
    what, args = sys.argv[1], sys.argv[2:]
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    if what in ("wire", "churn", "many", "limit"):
        subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
    if what == "wire":
        sys.exit(wire_main(args[0], int(args[1]), numbers(args[2]), numbers(args[3]), float(args[4])))
    elif what == "churn":
        sys.exit(churn_main(args[0], int(args[1])))
    elif what == "many":
        sys.exit(many_main(args[0], int(args[1])))
    elif what == "limit":
        sys.exit(limit_main(args[0], int(args[1])))
    elif what == "wire-process":
        wire([int(args[0]), int(args[1])], float(args[2]), float(args[3]))
    elif what == "serve":
        serve(int(args[0]))
    elif what == "client":
        client(args[0], int(args[1]), int(args[2]))
    elif what in ("short", "many-client"):
        globals()[what.replace("-client", "")](*args)
    else:
        globals()[what.replace("-", "_")](*args)
