#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""bench: measure ours and the peers alternately, as an ordinary user

How it works: started by root, it makes the ordinary account (tests/helpers/
accounts.sh), copies itself and the programs to a folder which that account can
reach, and starts itself again there as that account inside view.sh. The root
half stays behind only to read the memory use of processes that hide theirs.
Started by an ordinary user it measures as that user at once.
"""
import argparse
import importlib
import os
import shutil
import signal
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, HERE)

import broker
import machine
import measure
import peers
import report
import world

GROUPS = ["start", "exec", "memory", "many", "net", "overlay", "pull", "notify", "scale"]


class Bench:
    """what a row group needs: the world, the peers, how many rounds, where tables go"""

    def __init__(self, args, here, them, facts):
        self.args, self.world, self.peers, self.facts = args, here, them, facts
        self.quick, self.tables = args.quick, []

    def rounds(self, full, quick=2):
        return self.args.rounds or (quick if self.quick else full)

    def alternate(self, row, contestants, rounds, warmup=1):
        return measure.alternate(row, contestants, rounds, self.args.lock, warmup)

    def alone(self):
        return measure.alone(self.args.lock)

    def finish(self, table):
        self.tables.append(table)
        report.print_table(table)
        report.write(self.args.out, self.facts, table)


def parse():
    p = argparse.ArgumentParser(prog="bench", description=__doc__.splitlines()[0])
    p.add_argument("--bin", required=True, help="folder of our programs")
    p.add_argument("--helpers", required=True, help="folder of the measuring programs")
    p.add_argument("--inputs", default="build/bench/inputs", help="folder of the Debian image")
    p.add_argument("--out", required=True, help="where JSON, SVG and Markdown go")
    p.add_argument("--only", action="append", default=[], help="groups: " + " ".join(GROUPS))
    p.add_argument("--quick", action="store_true", help="fewer rounds, smaller work: under 2 minutes")
    p.add_argument("--rounds", type=int, default=0, help="rounds of every row")
    p.add_argument("--peer", action="append", default=[], metavar="NAME=PATH",
                   help="one more contestant; NAME begins with the peer's: slirp4netns-new=/opt/…")
    p.add_argument("--lock", default=os.environ.get("BENCH_LOCK"),
                   help="hold this lock file while a row is measured")
    p.add_argument("--work", help=argparse.SUPPRESS)
    args = p.parse_args()
    args.only = [w for words in args.only for w in words.replace(",", " ").split()]
    for word in args.only:
        if word.split(".")[0] not in GROUPS:
            p.error("--only %s: groups are %s" % (word, " ".join(GROUPS)))
    return args


def copy_tree(source, target):
    """by hard links where they work: inputs are large"""
    if os.path.isdir(source):
        try:
            shutil.copytree(source, target, copy_function=os.link)
        except (OSError, shutil.Error):
            shutil.rmtree(target, ignore_errors=True)
            shutil.copytree(source, target)


def run_stoppable(words, **more):
    """a program whose whole group hears of our end, and which we still wait for"""
    process = subprocess.Popen(words, start_new_session=True, **more)

    def stop(*_):
        os.killpg(process.pid, signal.SIGTERM)
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, stop)
    return process.wait()


def as_root(args):
    """root's half: stage, drop, wait, bring the results back"""
    helpers = os.path.join(HERE, "..", "helpers")
    user = os.environ.get("SUITE_PREFIX", "runner") + "-sub"
    subprocess.run([os.path.join(helpers, "accounts.sh")], check=True)
    os.makedirs(args.bin, exist_ok=True)
    staged = subprocess.run([os.path.join(helpers, "stage.sh"), args.bin], check=True,
                            capture_output=True, text=True).stdout.strip()
    work = tempfile.mkdtemp(prefix="runner-bench.", dir="/var/tmp")
    out = os.path.join(work, "out")
    try:
        shutil.copytree(HERE, os.path.join(work, "bench"))
        shutil.copytree(args.helpers, os.path.join(work, "helpers"))
        copy_tree(args.inputs, os.path.join(work, "inputs"))
        os.mkdir(out)
        os.chmod(work, 0o755)
        for path in (work, out):
            shutil.chown(path, user, user)
        words = [os.path.join(work, "bench", "view.sh"), user, "/usr/bin/python3", "-B",
                 os.path.join(work, "bench", "bench.py")] + sys.argv[1:] + [
                 "--bin", staged, "--helpers", os.path.join(work, "helpers"),
                 "--inputs", os.path.join(work, "inputs"), "--out", out, "--work", work]
        with broker.serve() as (fds, env):
            status = run_stoppable(words, pass_fds=fds, cwd="/", env=dict(os.environ, **env))
        os.makedirs(args.out, exist_ok=True)
        for name in os.listdir(out):
            shutil.copyfile(os.path.join(out, name), os.path.join(args.out, name))
    finally:
        shutil.rmtree(work, ignore_errors=True)
        if staged.startswith("/var/tmp/runner-stage."):
            shutil.rmtree(os.path.dirname(staged), ignore_errors=True)
    return status


def as_user(args):
    os.makedirs(args.out, exist_ok=True)
    them = peers.Peers(args.peer)
    with world.World(args) as here:
        facts = machine.facts(here.user, them, here.version(), here.env)
        machine.show(facts)
        bench = Bench(args, here, them, facts)
        for group in args.only or GROUPS:
            name, _, part = group.partition(".")
            bench.part = part
            here.log("group " + group)
            importlib.import_module("rows_" + name).run(bench)
        report.summary(bench.tables)
    if not args.work:
        print("results: %s" % args.out)
    return 0


def main():
    args = parse()
    if os.getuid() == 0 and not args.work:
        status = as_root(args)
        print("results: %s" % args.out)
        return status
    return as_user(args)


if __name__ == "__main__":
    sys.exit(main())
