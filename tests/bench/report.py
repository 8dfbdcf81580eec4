# SPDX-License-Identifier: Apache-2.0
"""report: tables as text, Markdown and JSON"""
import json
import os

import svg
from measure import WIDE


def number(value):
    if value is None:
        return "-"
    if value >= 1000:
        return "%.0f" % value
    return "%.3g" % value


def cell(row, name):
    if name in row.failed:
        return "failed"
    if not row.samples.get(name):
        return "-"
    spread = row.spread(name)
    return "%s ±%.0f%%%s" % (number(row.median(name)), spread * 50, "!" if spread > WIDE else "")


def verdicts(row):
    out = []
    for target in row.targets:
        met, reached = target.judge(row)
        word = {True: "met", False: "MISSED", None: "-"}[met]
        out.append("%s: %s (%s)" % (target.text(), word, reached))
    return out


def grid(table):
    """header and lines of cells"""
    names = table.contestants()
    peers = [n for n in names if not n.startswith("ours")]
    head = [table.title] + names + ["times " + p for p in peers] + ["targets"]
    lines = []
    for row in table.rows:
        ratios = [row.ratio(p) for p in peers]
        lines.append([row.label] + [cell(row, n) for n in names] +
                     ["%.2f" % r if r else "-" for r in ratios] + ["; ".join(verdicts(row))])
    return head, lines


def footnotes(table):
    out = list(table.notes)
    for row in table.rows:
        out += ["%s: %s: %s" % (row.label, name, why.splitlines()[-1][:200])
                for name, why in row.failed.items()]
        wide = [n for n in row.samples if row.spread(n) > WIDE]
        if wide:
            out.append("%s: spread too wide to trust the last digit: %s" % (row.label, ", ".join(wide)))
    return out


def unit_line(table):
    rounds = max([len(v) for r in table.rows for v in r.samples.values()] or [0])
    return "%s, %s is better; median of %d, ± half of the middle half" % (
        table.unit, "less" if table.lower else "more", rounds)


def print_table(table):
    head, lines = grid(table)
    widths = [max(len(line[i]) for line in [head] + lines) for i in range(len(head))]
    print("\n== %s (%s)" % (table.title, unit_line(table)))
    for line in [[""] + head[1:]] + lines:
        print("  ".join(c.ljust(w) for c, w in zip(line, widths)).rstrip())
    for note in footnotes(table):
        print("   - " + note)
    print(flush=True)


def markdown(table):
    head, lines = grid(table)
    text = ["### %s" % table.title, "", "%s." % unit_line(table), ""]
    head = ["what"] + head[1:]
    for line in [head, ["---"] * len(head)] + lines:
        text.append("| " + " | ".join(line) + " |")
    text.append("")
    text += ["- " + note for note in footnotes(table)]
    return "\n".join(text).rstrip() + "\n"


def as_json(table):
    return {
        "key": table.key, "title": table.title, "unit": table.unit,
        "better": "less" if table.lower else "more", "notes": footnotes(table),
        "rows": [{
            "what": row.label, "x": row.x, "samples": row.samples, "failed": row.failed,
            "median": {n: row.median(n) for n in row.samples},
            "spread": {n: round(row.spread(n), 3) for n in row.samples},
            "paired_ratio": {n: row.ratio(n) for n in row.samples if n != row.ours},
            "targets": [{"target": t.text(), "met": t.judge(row)[0], "reached": t.judge(row)[1]}
                        for t in row.targets],
        } for row in table.rows]}


def write(out, machine, table):
    """KEY.json, KEY.svg and KEY.md in OUT"""
    with open(os.path.join(out, table.key + ".json"), "w") as f:
        json.dump({"machine": machine, "table": as_json(table)}, f, indent=1)
    with open(os.path.join(out, table.key + ".svg"), "w") as f:
        f.write(svg.chart(table))
    with open(os.path.join(out, table.key + ".md"), "w") as f:
        f.write(markdown(table))


def summary(tables):
    """(met, missed, not measured) over all targets; prints each miss"""
    count = {True: 0, False: 0, None: 0}
    for table in tables:
        for row in table.rows:
            for target in row.targets:
                met, reached = target.judge(row)
                count[met] += 1
                if met is not True:
                    print("%s  %s: %s: wanted %s, reached %s" % (
                        "MISSED" if met is False else "-     ", table.title, row.label,
                        target.text(), reached))
    print("targets: %d met, %d missed, %d not measured" % (count[True], count[False], count[None]))
