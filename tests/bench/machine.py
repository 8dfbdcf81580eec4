# SPDX-License-Identifier: Apache-2.0
"""machine: what the numbers were taken on; printed first and kept in every JSON"""
import os
import platform


def first(path, key):
    try:
        with open(path) as f:
            for line in f:
                if line.startswith(key):
                    return line.split(":" if ":" in line else "=", 1)[1].strip().strip('"')
    except OSError:
        pass
    return "unknown"


def facts(user, peers, ours, env):
    load = os.getloadavg()
    memory = first("/proc/meminfo", "MemTotal")
    return {
        "cpu": "%d x %s" % (os.cpu_count(), first("/proc/cpuinfo", "model name")),
        "memory": memory, "kernel": platform.release(),
        "system": first("/etc/os-release", "PRETTY_NAME"),
        "hypervisor": "yes" if "hypervisor" in first("/proc/cpuinfo", "flags").split() else "no",
        "user": user, "load": "%.2f %.2f %.2f" % load,
        "busy": load[0] > 0.5 * os.cpu_count(),
        "ours": ours, "peers": peers.versions(env), "missing": peers.missing,
    }


def show(f):
    print("machine   %s, %s, virtual: %s" % (f["cpu"], f["memory"], f["hypervisor"]))
    print("system    %s, Linux %s" % (f["system"], f["kernel"]))
    print("user      %s" % f["user"])
    print("load      %s%s" % (f["load"], "  (busy: take the numbers with care)" if f["busy"] else ""))
    print("ours      %s" % f["ours"])
    for name, text in sorted(f["peers"].items()):
        print("peer      %s: %s" % (name, text))
    for name in f["missing"]:
        print("MISSING   %s: its rows are not measured (make bench-deps)" % name)
    print(flush=True)
