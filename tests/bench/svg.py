# SPDX-License-Identifier: Apache-2.0
"""svg: one chart a table: bars, or lines where the rows are sizes (row.x)"""
import math
from xml.sax.saxutils import escape

COLOURS = ["#1b6ca8", "#d1782b", "#4a9b57", "#8f5aa8", "#b33f4a", "#767676", "#2aa198", "#a58a1d"]
LEFT, WIDTH, BAR, GAP = 250, 520, 13, 14


def text(x, y, words, anchor="start", size=12):
    return '<text x="%.1f" y="%.1f" text-anchor="%s" font-size="%d">%s</text>' % (
        x, y, anchor, size, escape(words))


def frame(height, title, body):
    return ('<svg xmlns="http://www.w3.org/2000/svg" width="%d" height="%d" '
            'font-family="sans-serif" fill="#222">\n<rect width="100%%" height="100%%" fill="white"/>\n%s\n%s\n</svg>\n'
            % (LEFT + WIDTH + 110, height, text(10, 22, title, size=15), "\n".join(body)))


def legend(names, y):
    out, x = [], 10
    for i, name in enumerate(names):
        out.append('<rect x="%d" y="%d" width="12" height="12" fill="%s"/>' % (
            x, y - 10, COLOURS[i % len(COLOURS)]))
        out.append(text(x + 16, y, name))
        x += 30 + 8 * len(name)
    return out


def bars(table):
    names = [n for n in table.contestants() if any(r.samples.get(n) for r in table.rows)]
    body, y = legend(names, 46), 66
    for row in table.rows:
        present = [n for n in names if row.samples.get(n)]
        if not present:
            continue
        top = max(row.median(n) for n in present) or 1
        body.append(text(LEFT - 8, y + BAR * len(present) / 2 + 4, row.label, "end"))
        for name in present:
            value = row.median(name)
            width = max(1.0, WIDTH * value / top)
            body.append('<rect x="%d" y="%d" width="%.1f" height="%d" fill="%s"/>' % (
                LEFT, y, width, BAR - 2, COLOURS[names.index(name) % len(COLOURS)]))
            body.append(text(LEFT + width + 4, y + BAR - 3, "%.3g" % value, size=10))
            y += BAR
        y += GAP
    better = "shorter" if table.lower else "longer"
    body.append(text(10, y + 6, "%s; %s bars are better; each row has its own scale" % (
        table.unit, better), size=11))
    return frame(y + 18, table.title, body)


def lines(table):
    """log-log: where cost bends as work grows"""
    names = [n for n in table.contestants() if any(r.samples.get(n) for r in table.rows)]
    points = {n: [(r.x, r.median(n)) for r in table.rows if r.samples.get(n) and r.median(n) > 0]
              for n in names}
    xs = [math.log10(x) for p in points.values() for x, _ in p] or [0]
    ys = [math.log10(v) for p in points.values() for _, v in p] or [0]
    x0, x1, y0, y1 = min(xs), max(xs) + 1e-9, math.floor(min(ys)), math.ceil(max(ys) + 1e-9)
    px = lambda x: 90 + (LEFT + WIDTH - 60) * (math.log10(x) - x0) / (x1 - x0)
    py = lambda v: 330 - 250 * (math.log10(v) - y0) / max(y1 - y0, 1)
    body = legend(names, 46)
    for exponent in range(y0, y1 + 1):
        y = py(10 ** exponent)
        body.append('<line x1="90" x2="%d" y1="%.1f" y2="%.1f" stroke="#ddd"/>' % (LEFT + WIDTH + 30, y, y))
        body.append(text(82, y + 4, "%g" % 10 ** exponent, "end", 11))
    for x in sorted({r.x for r in table.rows}):
        body.append(text(px(x), 350, "%g" % x, "middle", 11))
    for name, line in points.items():
        colour = COLOURS[names.index(name) % len(COLOURS)]
        body.append('<polyline fill="none" stroke="%s" stroke-width="2" points="%s"/>' % (
            colour, " ".join("%.1f,%.1f" % (px(x), py(v)) for x, v in line)))
        body += ['<circle cx="%.1f" cy="%.1f" r="3" fill="%s"/>' % (px(x), py(v), colour)
                 for x, v in line]
    body.append(text(10, 375, "%s, by %s; both axes logarithmic" % (table.unit, table.curve), size=11))
    return frame(385, table.title, body)


def chart(table):
    return lines(table) if table.curve else bars(table)
