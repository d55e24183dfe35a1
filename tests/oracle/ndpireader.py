#!/usr/bin/python3
"""How far weir and Debian's ndpiReader agree: ndpireader.py BUILD/bin CAPTURE...

Compares the application of each flow (first record of a tuple) over captures, and prints agreement and what differs.
"""
import collections
import csv
import json
import os
import subprocess
import sys
import tempfile


def key(proto, a, ap, b, bp):
    return (proto,) + tuple(sorted([(a, int(ap)), (b, int(bp))]))


def reader_flows(path, tmp):
    out = os.path.join(tmp, "r.csv")
    if os.path.exists(out):
        os.unlink(out)
    subprocess.run(["ndpiReader", "-q", "-v", "2", "-C", out, "-i", path], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    flows = {}
    with open(out, newline="", errors="replace") as f:
        rows = csv.reader(f)
        head = [h.lstrip("#").strip() for h in next(rows)]
        col = {h: i for i, h in enumerate(head)}
        for r in rows:
            if len(r) <= col["ndpi_proto"]:
                continue
            k = key(int(r[col["protocol"]]), r[col["src_ip"]], r[col["src_port"]], r[col["dst_ip"]], r[col["dst_port"]])
            flows.setdefault(k, r[col["ndpi_proto"]])
    return flows


PROTO = {"icmp": 1, "igmp": 2, "ipip": 4, "tcp": 6, "udp": 17, "ipv6": 41, "gre": 47, "esp": 50, "ah": 51, "icmpv6": 58,
         "eigrp": 88, "ospf": 89, "pim": 103, "vrrp": 112, "sctp": 132, "hopopt": 0, "egp": 8, "l2tp": 115}


def weir_flows(binary, path):
    out = subprocess.run([os.path.join(binary, "weir"), "replay", path], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL).stdout
    flows = {}
    for line in out.splitlines():
        r = json.loads(line)
        if r["type"] != "flow" or r.get("part"):
            continue
        proto = PROTO.get(r["proto"], None)
        proto = int(r["proto"]) if proto is None else proto
        k = key(proto, r["client"].get("ip", "::"), r["client"].get("port", 0), r["server"].get("ip", "::"), r["server"].get("port", 0))
        app = r.get("app", {})
        name = app.get("name", "Unknown")
        if app.get("master"):
            name = app["master"] + "." + name
        if k not in flows or r.get("first", "") < flows[k][0]:
            flows[k] = (r.get("first", ""), name)
    return {k: v[1] for k, v in flows.items()}


def main():
    binary, files = sys.argv[1], sys.argv[2:]
    same = total = missing = 0
    differ = collections.Counter()
    with tempfile.TemporaryDirectory() as tmp:
        for path in files:
            try:
                theirs = reader_flows(path, tmp)
            except (OSError, StopIteration):
                continue
            ours = weir_flows(binary, path)
            for k, app in theirs.items():
                if k not in ours:
                    missing += 1
                    continue
                total += 1
                if ours[k] == app:
                    same += 1
                else:
                    differ["%s: %s, ndpiReader %s" % (os.path.basename(path), ours[k], app)] += 1
    print("flows in both %d, only ndpiReader %d, application equal %.2f %%" % (total, missing, 100.0 * same / max(total, 1)))
    for what, n in differ.most_common(25):
        print("%5d %s" % (n, what))


main()
