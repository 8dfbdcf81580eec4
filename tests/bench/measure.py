# SPDX-License-Identifier: Apache-2.0
"""measure: alternate runs, medians, spread, paired ratios, verdicts"""
import contextlib
import fcntl
import statistics

WIDE = 0.25  # a middle half wider than this part of the median is called wide


class Failure(Exception):
    """this contestant cannot do this row; the text goes under the table"""


class Target:
    """ours must be at least `factor` times as good as `peer`, or keep a limit"""

    def __init__(self, peer=None, factor=1.0, limit=None):
        self.peer, self.factor, self.limit = peer, factor, limit

    def text(self):
        if self.limit is not None:
            return "limit %g" % self.limit
        return "%gx %s" % (round(self.factor, 2), self.peer)

    def judge(self, row):
        """(met?, what was reached); None when it could not be measured"""
        ours = row.samples.get(row.ours)
        if not ours:
            return None, "not measured"
        if self.limit is not None:
            value = statistics.median(ours)
            return (value <= self.limit if row.lower else value >= self.limit), "%.3g" % value
        ratio = row.ratio(self.peer)
        if ratio is None:
            return None, "not measured"
        return ratio >= self.factor, "%.2fx" % ratio


class Row:
    """one line of a table: samples of every contestant on the same work"""

    def __init__(self, label, targets=(), ours="ours", lower=True, x=None):
        self.label, self.targets, self.ours, self.lower, self.x = label, targets, ours, lower, x
        self.samples, self.failed = {}, {}

    def median(self, name):
        return statistics.median(self.samples[name]) if self.samples.get(name) else None

    def spread(self, name):
        """width of the middle half (of few samples: of all), as a part of the median"""
        values = sorted(self.samples.get(name) or [])
        if len(values) < 2 or not statistics.median(values):
            return 0.0
        if len(values) < 4:
            return (values[-1] - values[0]) / statistics.median(values)
        quarter = statistics.quantiles(values, n=4)
        return (quarter[2] - quarter[0]) / statistics.median(values)

    def ratio(self, peer):
        """median over the rounds of how many times better ours was than peer"""
        pairs = [(b / a if self.lower else a / b)
                 for a, b in zip(self.samples.get(self.ours, []), self.samples.get(peer, []))
                 if a and b]
        return statistics.median(pairs) if pairs else None


class Table:
    """rows of one unit over the same contestants"""

    def __init__(self, key, title, unit, lower=True, curve=None):
        self.key, self.title, self.unit, self.lower, self.curve = key, title, unit, lower, curve
        self.rows, self.notes = [], []

    def row(self, label, targets=(), ours="ours", x=None):
        row = Row(label, targets, ours, self.lower, x)
        self.rows.append(row)
        return row

    def contestants(self):
        names = []
        for row in self.rows:
            names += [n for n in list(row.samples) + list(row.failed) if n not in names]
        return sorted(names, key=lambda n: not n.startswith("ours"))  # ours first


@contextlib.contextmanager
def alone(lock):
    """hold LOCK, so that several measuring jobs on one machine take turns"""
    if not lock:
        yield
        return
    with open(lock, "a") as f:
        fcntl.flock(f, fcntl.LOCK_EX)
        yield


def alternate(row, contestants, rounds, lock=None, warmup=1):
    """fill row.samples: every contestant once a round, each round begun by another"""
    names = list(contestants)
    with alone(lock):
        for number in range(rounds + warmup):
            start = number % max(len(names), 1)
            for name in names[start:] + names[:start]:
                if name in row.failed:
                    continue
                try:
                    value = contestants[name]()
                except Failure as why:
                    row.failed[name] = str(why).strip() or "failed"
                    row.samples.pop(name, None)
                    continue
                if number >= warmup:
                    row.samples.setdefault(name, []).append(value)
    return row
