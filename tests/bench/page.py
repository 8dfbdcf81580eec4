#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""page: put the tables of a run into docs/BENCHMARKS.md, below its last heading

Everything above "## Numbers of a run" is written by people and stays.
"""
import json
import os
import sys

HEADING = "## Numbers of a run"
ORDER = [
    "start", "exec", "memory", "notify", "many", "net-out", "net-in", "net-rr", "net-crr", "net-udp", "overlay", "pull",
    "scale-containers-ps", "scale-containers-run", "scale-containers-exec", "scale-containers-memory",
    "scale-files-pull", "scale-files-run",
    "scale-connections-rr", "scale-connections-open", "scale-connections-memory",
]


def load(folder):
    """[(key, {machine, table}, markdown)] of the tables that FOLDER has"""
    found = []
    for key in ORDER:
        stem = os.path.join(folder, key)
        if os.path.exists(stem + ".json"):
            with open(stem + ".json") as numbers, open(stem + ".md") as text:
                found.append((key, json.load(numbers), text.read()))
    return found


def builds(found):
    """build -> keys measured with it, so that a mixed page says so"""
    out = {}
    for key, data, _ in found:
        out.setdefault("%s, load before %s" % (data["machine"]["ours"], data["machine"]["load"]), []).append(key)
    return out


def verdicts(found):
    count = {True: 0, False: 0, None: 0}
    for _, data, _ in found:
        for row in data["table"]["rows"]:
            for target in row["targets"]:
                count[target["met"]] += 1
    return "%d targets met, %d missed, %d not measured." % (count[True], count[False], count[None])


def page(found):
    machine = found[0][1]["machine"]
    out = [HEADING, "", "%s, %s, virtual: %s; %s, Linux %s; as an ordinary user." % (
        machine["cpu"], machine["memory"], machine["hypervisor"], machine["system"], machine["kernel"]), ""]
    for what, keys in builds(found).items():
        out.append("- %s: %s" % (what, ", ".join(keys)))
    peers = dict(p for _, data, _ in found for p in data["machine"]["peers"].items())
    out += ["- peers: " + "; ".join("%s: %s" % p for p in sorted(peers.items())), ""]
    missing = sorted({name for _, data, _ in found for name in data["machine"]["missing"]})
    if missing:
        out += ["Not installed, so not measured: %s." % ", ".join(missing), ""]
    out += [verdicts(found), ""]
    return "\n".join(out) + "\n" + "\n".join(text for _, _, text in found)


def main():
    if len(sys.argv) != 3:
        raise SystemExit("usage: page.py FOLDER-OF-RESULTS PAGE")
    folder, target = sys.argv[1:]
    found = load(folder)
    if not found:
        raise SystemExit("page: %s: no table there: run make bench first" % folder)
    with open(target) as f:
        above = f.read().split("\n" + HEADING, 1)[0].rstrip("\n")
    with open(target + ".new", "w") as f:
        f.write(above + "\n\n" + page(found).rstrip("\n") + "\n")
    os.rename(target + ".new", target)


if __name__ == "__main__":
    main()
