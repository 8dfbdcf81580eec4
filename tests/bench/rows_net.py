# SPDX-License-Identifier: Apache-2.0
"""net: the data path of slirp-net against slirp4netns and pasta

ONLY=net.out, net.in, net.small or net.udp measures a part.
"""
import contextlib
import json
import socket
import subprocess
import time

import netpaths
from measure import Failure, Table, Target
from world import free_port, stop

LOSS = 0.001
DATAGRAM = 1400


class Server:
    """a helper that serves a port, on the host or inside a namespace"""

    def __init__(self, world, argv, port):
        self.port = port
        self.process = world.start(argv, stderr=subprocess.DEVNULL)

    def close(self):
        stop(self.process)


def iperf_server(bench, port, path=None):
    argv = [bench.peers.need("iperf3"), "--server", "--port", str(port)]
    return Server(bench.world, path.guest(argv) if path else argv, port)


def echo_server(bench, address, port, path=None):
    argv = [bench.world.helper("netload"), "serve", address, str(port)]
    return Server(bench.world, path.guest(argv) if path else argv, port)


def listening(path, port):
    """wait until PORT is listened on inside PATH (without connecting to it)"""
    for _ in range(200):
        with open("/proc/%s/net/tcp" % (path.pid or "self")) as f:
            v4 = f.read()
        with contextlib.suppress(OSError), open("/proc/%s/net/tcp6" % (path.pid or "self")) as f:
            v4 += f.read()
        if any(" 0A " in line and ":%04X " % port in line for line in v4.splitlines()):
            return
        time.sleep(0.02)
    raise Failure("nothing listens on port %d" % port)


def iperf(world, argv):
    """Gbit/s that arrived; now and then iperf3 ends well without a result, or its server is busy"""
    for attempt in range(3):
        try:
            answer = json.loads(world.run(argv + ["--json"], 60))
            if "sum_received" in answer["end"]:
                return answer["end"]["sum_received"]["bits_per_second"] / 1e9
            why = Failure("iperf3: %s" % answer.get("error", "no result"))
        except Failure as failure:
            why = failure
            if "busy" not in str(why):
                break
        time.sleep(0.3)
    raise why


def providers(bench, mtu, ports=()):
    """name -> function that makes a path, ours first"""
    found = {}
    try:
        ours = bench.world.ours("slirp-net")
        found["ours"] = lambda: netpaths.Slirp(bench.world, ours, mtu, "slirp-net")
    except Failure as why:
        found["ours"] = why
    for name, path in bench.peers.of("slirp4netns").items():
        found[name] = (lambda p=path: netpaths.Slirp(bench.world, p, mtu, "slirp4netns")) if path else \
            Failure("slirp4netns is not installed (make bench-deps)")
    for name, path in bench.peers.of("pasta").items():
        found[name] = (lambda p=path: netpaths.Pasta(bench.world, p, mtu, ports)) if path else \
            Failure("pasta is not installed (make bench-deps)")
    return found


@contextlib.contextmanager
def paths(bench, row, mtu, ports=(), host=True):
    """name -> path of every provider that comes up; the others are noted in ROW"""
    up = {}
    try:
        for name, make in providers(bench, mtu, ports).items():
            try:
                if isinstance(make, Failure):
                    raise make
                up[name] = make()
            except Failure as why:
                row.failed[name] = str(why)
        if host:
            up["host"] = netpaths.Host(bench.world)
        yield up
    finally:
        for path in up.values():
            path.close()


def outbound(bench, seconds):
    table = Table("net-out", "Outbound TCP, one stream", "Gbit/s", lower=False)
    for mtu in (65520, 1500):
        for label, words in (("up", []), ("down", ["--reverse"])):
            if bench.quick and label == "down":
                continue
            row = table.row("MTU %d, %s" % (mtu, label), [Target("slirp4netns", 3), Target("host", 0.65)])
            server = iperf_server(bench, free_port())
            with paths(bench, row, mtu) as up:
                listening(netpaths.Host(bench.world), server.port)
                runs = {n: (lambda p=p: iperf(bench.world, p.guest(
                    [bench.peers.need("iperf3"), "--client", p.target, "--port", str(server.port),
                     "--time", str(seconds)] + words))) for n, p in up.items()}
                bench.alternate(row, runs, bench.rounds(10, 1), warmup=0)
            server.close()
    bench.finish(table)


def published_runs(bench, row, host, mtu, run):
    """measure RUN(port) on a server inside each provider's namespace, published on HOST"""
    ports = {}
    names = ["ours"] + list(bench.peers.of("slirp4netns")) + list(bench.peers.of("pasta"))
    for name in names + ["host"]:
        ports[name] = free_port()
    pasta_ports = [("tcp", ports[n]) for n in bench.peers.of("pasta")]
    servers, runs = [], {}
    with paths(bench, row, mtu, pasta_ports) as up:
        for name, path in up.items():
            try:
                servers.append(run.server(bench, path, ports[name]))
                listening(path, ports[name])
                path.publish("tcp", host, ports[name])
                runs[name] = lambda p=ports[name]: run.client(bench, host, p)
            except Failure as why:
                row.failed[name] = str(why)
        bench.alternate(row, runs, bench.rounds(10, 1), warmup=0)
        for server in servers:
            server.close()


class Stream:
    """one iperf3 stream to a published port"""

    def __init__(self, seconds, words):
        self.seconds, self.words = seconds, words

    def server(self, bench, path, port):
        return iperf_server(bench, port, path)

    def client(self, bench, host, port):
        return iperf(bench.world, [bench.peers.need("iperf3"), "--client", host, "--port", str(port),
                                   "--time", str(self.seconds)] + self.words)


class Small:
    """netload rr or crr to a published port"""

    def __init__(self, kind, seconds):
        self.kind, self.seconds = kind, seconds

    def server(self, bench, path, port):
        return echo_server(bench, "0.0.0.0", port, path)

    def client(self, bench, host, port):
        return small(bench, netpaths.Host(bench.world), self.kind, host, port, self.seconds)


def small(bench, path, kind, address, port, seconds):
    """µs a transaction for rr, connections a second for crr"""
    first, second = bench.world.run(path.guest([bench.world.helper("netload"), kind, address, str(port),
                                                str(seconds)]), 60).split()
    if kind == "rr":
        return int(first) / 1e3
    if int(second) > 0.01 * float(first) * seconds:
        raise Failure("%s connections failed" % second)
    return float(first)


def published(bench, seconds):
    table = Table("net-in", "Published TCP port, one stream", "Gbit/s", lower=False)
    host = netpaths.Host(bench.world).target
    clients = [("127.0.0.1", "client on loopback")]
    if host != "127.0.0.1" and not bench.quick:
        clients.append((host, "client with an address"))
    for address, who in clients:
        for label, words in (("in", []), ("out", ["--reverse"])):
            if bench.quick and label == "out":
                continue
            row = table.row("%s, %s" % (who, label), [Target("pasta", 1)])
            published_runs(bench, row, address, 65520, Stream(seconds, words))
    bench.finish(table)


def small_messages(bench, seconds):
    latency = Table("net-rr", "TCP request and response of one byte", "µs")
    rate = Table("net-crr", "TCP connect, request, close", "connections/s", lower=False)
    for kind, table, target in (("rr", latency, Target("slirp4netns", 1)),
                                ("crr", rate, Target("slirp4netns", 2))):
        row = table.row("outbound", [target])
        with paths(bench, row, 65520) as up:
            server = echo_server(bench, "0.0.0.0", free_port())
            listening(netpaths.Host(bench.world), server.port)
            runs = {n: (lambda p=p: small(bench, p, kind, p.target, server.port, seconds)) for n, p in up.items()}
            bench.alternate(row, runs, bench.rounds(10, 1), warmup=0)
            server.close()
        if bench.quick:
            continue
        row = table.row("published", [target])
        published_runs(bench, row, "127.0.0.1", 65520, Small(kind, seconds))
    bench.finish(latency)
    bench.finish(rate)


class Sink:
    """udpload sink: arrived() since the last question"""

    def __init__(self, world, argv):
        self.process = world.start(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        self.port = int(self.process.stdout.readline() or 0)
        if not self.port:
            raise Failure("udpload sink does not start")

    def arrived(self):
        self.process.stdin.write("\n")
        self.process.stdin.flush()
        return int(self.process.stdout.readline())

    def close(self):
        stop(self.process)


def loss(bench, sink, argv, rate, msec):
    """(part lost, datagrams a second that arrived) of one burst at RATE"""
    sink.arrived()
    sent = int(bench.world.run(argv + [str(rate), str(msec), str(DATAGRAM)], 60))
    time.sleep(0.15)
    got = sink.arrived()
    return (1 - got / sent if sent else 1), got / msec * 1000, sent / msec * 1000


def highest_rate(bench, sink, argv):
    """Gbit/s of the highest rate that loses less than LOSS, to about 5 %"""
    msec = 200
    best, low, high = 0, 2000, None
    rate = 16000
    while high is None or high / low > 1.06:
        lost, got, sent = loss(bench, sink, argv, rate, msec)
        if lost > LOSS:  # one more try: a burst of the machine's own is no limit of the path
            lost, got, sent = loss(bench, sink, argv, rate, msec)
        if lost <= LOSS:
            low, best = rate, max(best, got)
            if high is None and sent < 0.9 * rate:
                break  # the sender is at its own limit
        else:
            high = rate
        if low < 500:
            break
        rate = int(rate * 2 if high is None else (low * high) ** 0.5 if high > low else high * 0.5)
        if high is not None and high <= low:
            low = int(high * 0.5)
    return best * DATAGRAM * 8 / 1e9


def udp(bench):
    table = Table("net-udp", "UDP, datagrams of 1400 bytes, highest rate with loss below 0.1 %", "Gbit/s",
                  lower=False)
    row = table.row("outbound", [Target("slirp4netns", 2)])
    with paths(bench, row, 65520) as up:
        sink = Sink(bench.world, [bench.world.helper("udpload"), "sink", "0.0.0.0", "0"])
        runs = {n: (lambda p=p: highest_rate(bench, sink, p.guest(
            [bench.world.helper("udpload"), "send", p.target, str(sink.port)]))) for n, p in up.items()}
        bench.alternate(row, runs, bench.rounds(10, 1), warmup=0)
        sink.close()
    if bench.quick:
        bench.finish(table)
        return
    row = table.row("published", [Target("slirp4netns", 2)])
    pasta_ports = {n: free_port(socket.SOCK_DGRAM) for n in bench.peers.of("pasta")}
    with paths(bench, row, 65520, [("udp", p) for p in pasta_ports.values()]) as up:
        runs, sinks = {}, []
        for name, path in up.items():
            try:
                port = pasta_ports.get(name) or free_port(socket.SOCK_DGRAM)
                sinks.append(Sink(bench.world, path.guest(
                    [bench.world.helper("udpload"), "sink", "0.0.0.0", str(port)])))
                path.publish("udp", "127.0.0.1", port)
                runs[name] = lambda s=sinks[-1], p=port: highest_rate(
                    bench, s, [bench.world.helper("udpload"), "send", "127.0.0.1", str(p)])
            except Failure as why:
                row.failed[name] = str(why)
        bench.alternate(row, runs, bench.rounds(10, 1), warmup=0)
        for sink in sinks:
            sink.close()
    bench.finish(table)


def run(bench):
    seconds = 1  # ten rounds of one tell more than five of two
    parts = {"out": lambda: outbound(bench, seconds), "in": lambda: published(bench, seconds),
             "small": lambda: small_messages(bench, seconds), "udp": lambda: udp(bench)}
    if bench.part and bench.part not in parts:
        raise SystemExit("bench: net.%s: parts are %s" % (bench.part, " ".join(parts)))
    for name, measure in parts.items():
        if bench.part in ("", name):
            measure()
