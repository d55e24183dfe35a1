#!/usr/bin/env python3
"""Compares weir's flows with those of ndpiReader 4.2 (Debian's libndpi-bin), capture by capture.

    classify_vs_ndpireader.py [--bin DIR] --preload LIB --causes FILE [--verbose] CAPTURE...

Each capture goes through the whole pipeline (weir replay), through ndpiReader -v 2 -t as it is, and through ndpiReader with its
caches between flows switched off by LIB (made from classify/ndpi_caches.c). Where weir cuts a flow into several records
(silence, ports used again), the first one is compared. Each difference left has to fall under a cause that FILE lists.
Speaks TAP.
"""
import argparse
import collections
import concurrent.futures
import json
import os
import re
import socket
import subprocess
import sys

FIELDS = ("application", "category", "risks", "host", "ja3c", "ja3s", "certificate", "status", "content_type")
CORE = ("application", "risks", "host", "ja3c", "ja3s", "certificate")
# Percent of flows that have to be equal: application, all of CORE.
TARGETS = {"caches off": (99.9, 99.7), "stock": (99.3, 99.2)}

LINE = re.compile(r"\t\d+\t(\S+) (\S+) (<->|->) (\S+) (\[.*)$")
NUMBERS = {"icmp": 1, "igmp": 2, "ipip": 4, "tcp": 6, "egp": 8, "udp": 17, "dccp": 33, "ipv6": 41, "rsvp": 46, "gre": 47,
           "esp": 50, "ah": 51, "icmpv6": 58, "eigrp": 88, "ospf": 89, "pim": 103, "vrrp": 112, "l2tp": 115, "sctp": 132,
           "udplite": 136, "hopopt": 0}


def proto_number(name):
    name = name.lower()
    return int(name) if name.isdigit() else NUMBERS.get(name, name)


def flow_key(proto, a, b, vlan):
    return (proto, tuple(sorted((a, b))), vlan)


# -- ndpiReader ---------------------------------------------------------------------------------------------------------


def tags(text):
    """'[a: b][c]' as a dict. Values may hold brackets of their own: a tag ends where another begins."""
    out = collections.OrderedDict()
    for item in text.strip()[1:].split("]["):
        name, sep, value = item.partition(": ")
        out.setdefault(name.rstrip("]") if not sep else name, value)
    return {k: v.rstrip("]") for k, v in out.items()}


def end_of(text):
    """Address as ndpiReader prints it, and port."""
    if text.startswith("["):
        address, _, port = text[1:].partition("]:")
        return address, int(port)
    address, _, port = text.rpartition(":")
    return address, int(port)


def risk_table():
    """Names of the risks, as ndpiReader lists them."""
    text = subprocess.run(["ndpiReader", "-a", "2"], capture_output=True).stdout.decode("latin-1")
    return {name.replace("&lt;", "<"): int(n) for n, name in re.findall(r'value="(\d+)">([^<]*)<', text)}


def ndpi_values(t, risks):
    bits = 0
    for name in re.findall(r"\*\* (.*?) \*\*", t.get("Risk", "")):
        bits |= 1 << risks[name]
    proto = re.sub(r"^[A-Z]+:", "", t["proto"].partition("/")[0]) # GTP: what the tunnel was
    return {
        "application": proto,
        "category": t.get("cat", "").rpartition("/")[2] or "0",
        "risks": bits,
        "host": t.get("Hostname/SNI", ""),
        "ja3c": t.get("JA3C", ""),
        "ja3s": t.get("JA3S", "").partition(" ")[0], # then may come the strength of its cipher
        "certificate": t.get("Certificate SHA-1", "").replace(":", "").lower(),
        "status": t.get("StatusCode", "").replace("0", "") and t["StatusCode"],
        "content_type": t.get("Content-Type", ""),
        "confidence": t.get("Confidence", ""),
    }


def ndpi_flows(path, risks, preload=None):
    env = dict(os.environ, **({"LD_PRELOAD": preload} if preload else {}))
    text = subprocess.run(["ndpiReader", "-t", "-i", path, "-v", "2"], env=env, stdout=subprocess.PIPE,
                          stderr=subprocess.DEVNULL).stdout.decode("latin-1")
    flows = {}
    for line in text.split("\n"):
        m = LINE.match(line)
        if not m or "[proto: " not in m[5]:
            continue
        t = tags(m[5])
        key = flow_key(proto_number(m[1]), end_of(m[2]), end_of(m[4]), int(t.get("VLAN", 0)))
        flows.setdefault(key, ndpi_values(t, risks))
    return flows


# -- weir ---------------------------------------------------------------------------------------------------------------


def reader_address(text):
    """ndpiReader prints the first ':0:' of an IPv6 address as '::'."""
    if ":" not in text:
        return text
    return socket.inet_ntop(socket.AF_INET6, socket.inet_pton(socket.AF_INET6, text)).replace(":0:", "::", 1)


def weir_values(r):
    app, tls, http = r.get("app", {}), r.get("tls", {}), r.get("http", {})
    ids = [str(n) for n in (app.get("master_id", 0), app.get("id", 0)) if n]
    # Of SSH ndpiReader prints the line that came first, which may be the server's.
    ssh = r.get("ssh")
    host = (ssh.get("client", ""), ssh.get("server", "")) if ssh else r.get("hostname", "")
    return {
        "application": ".".join(ids) or "0",
        "category": str(app.get("category_id", 0)),
        "risks": r.get("risk", {}).get("bits", 0),
        "host": host,
        "ja3c": tls.get("ja3c", ""),
        "ja3s": tls.get("ja3s", ""),
        "certificate": tls.get("sha1", ""),
        "status": str(http.get("status", "")),
        "content_type": http.get("content_type", ""),
        "confidence": app.get("confidence", ""),
        "tunnel": r.get("tunnel", {}).get("kind", ""),
    }


def weir_flows(path, weir):
    """First record of each flow."""
    out = subprocess.run([weir, "replay", path], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL).stdout.decode()
    records = collections.defaultdict(list)
    for line in out.splitlines():
        r = json.loads(line)
        if r["type"] != "flow":
            continue
        proto = proto_number(str(r["proto"]))
        ends = [(reader_address(r[side].get("ip", "::")), r[side]["port"] if proto in (6, 17) else 0)
                for side in ("client", "server")]
        records[flow_key(proto, *ends, r.get("vlan", 0))].append(r)
    return {k: weir_values(min(v, key=lambda r: (r.get("first", ""), r["id"]))) for k, v in records.items()}


# -- causes -------------------------------------------------------------------------------------------------------------

MAX_CAUSES = 10


class Causes:
    """Rows of 'cause, run or *, capture, fields': what may differ where."""

    def __init__(self, path):
        self.rows = {}
        with open(path) as f:
            for line in f:
                if line.strip() and not line.startswith("#"):
                    cause, run, capture, fields = line.split()
                    self.rows[cause, run, capture] = set(fields.split(","))
        self.used = set()

    def names(self):
        return {row[0] for row in self.rows}

    def explain(self, run, capture, differ):
        """Fields that no row explains."""
        left = set(differ)
        for row, fields in self.rows.items():
            if row[1] in ("*", run) and row[2] == capture and left & fields:
                left -= fields
                self.used.add(row)
        return left


# -- comparison ---------------------------------------------------------------------------------------------------------


class Score:
    def __init__(self):
        self.flows = self.missing = 0
        self.equal = collections.Counter()
        self.present = collections.Counter()
        self.differing = []

    def add(self, capture, key, want, got):
        if not got:
            self.missing += 1
            self.differing.append((capture, key, ["flow"], want, None))
            return
        self.flows += 1
        differ = [f for f in FIELDS if want[f] != got[f] and not (isinstance(got[f], tuple) and want[f] in got[f])]
        for f in FIELDS:
            if want[f] or got[f]:
                self.present[f] += 1
                self.equal[f] += f not in differ
        self.equal["flow application"] += "application" not in differ
        self.equal["all"] += not set(differ) & set(CORE)
        if differ:
            self.differing.append((capture, key, differ, want, got))

    def percent(self, what, of=None):
        of = self.flows if of is None else of
        return 100.0 * self.equal[what] / of if of else 0.0


def key_text(key):
    (a, b) = key[1]
    return "%s %s:%s %s:%s%s" % (key[0], *a, *b, " vlan %d" % key[2] if key[2] else "")


def say_difference(run, capture, key, field, want, got):
    print("# %s|%s|%s|%s|%s (%s)|%s (%s)" % (run, capture, key_text(key), field, want.get(field, "there"), want["confidence"],
                                             got and got[field], got and got["confidence"]))


def say_score(run, score):
    print("# %s: %d flows, %d not among ours; application %.2f %%, all fields %.2f %%" %
          (run, score.flows, score.missing, score.percent("flow application"), score.percent("all")))
    for f in FIELDS:
        print("#   %-13s %6.2f %% of %d" % (f, score.percent(f, score.present[f]), score.present[f]))


class Tap:
    def __init__(self):
        self.n = self.bad = 0

    def ok(self, good, what):
        self.n += 1
        self.bad += not good
        print("%sok %d - %s" % ("" if good else "not ", self.n, what))


def judge(scores, causes, verbose):
    tap = Tap()
    unexplained = 0
    for run, score in scores.items():
        say_score(run, score)
        for capture, key, differ, want, got in score.differing:
            left = causes.explain(run, capture, differ)
            unexplained += bool(left)
            for f in differ if verbose else sorted(left):
                say_difference(run, capture, key, f, want, got)
        application, core = TARGETS[run]
        tap.ok(score.percent("flow application") >= application, "%s: application equal for %.1f %% of flows" % (run, application))
        tap.ok(score.percent("all") >= core, "%s: %s equal for %.1f %%" % (run, ", ".join(CORE), core))
    unused = set(causes.rows) - causes.used
    for row in sorted(unused):
        print("# nothing differs any more: %s" % " ".join(row))
    tap.ok(unexplained == 0, "every difference has a cause that is known")
    tap.ok(not unused, "every cause is shown by its captures")
    tap.ok(len(causes.names()) <= MAX_CAUSES, "there are at most %d causes" % MAX_CAUSES)
    print("1..%d" % tap.n)
    return tap.bad


def run_one(path, args, risks):
    return (os.path.basename(path), weir_flows(path, os.path.join(args.bin, "weir")),
            {"stock": ndpi_flows(path, risks), "caches off": ndpi_flows(path, risks, args.preload)})


def main():
    p = argparse.ArgumentParser()
    p.add_argument("--bin", default="build/bin")
    p.add_argument("--preload", required=True)
    p.add_argument("--causes", required=True)
    p.add_argument("--verbose", action="store_true")
    p.add_argument("capture", nargs="+")
    args = p.parse_args()
    risks = risk_table()
    scores = {run: Score() for run in TARGETS}
    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        for capture, ours, theirs in pool.map(lambda path: run_one(path, args, risks), args.capture):
            for run, reader in theirs.items():
                for key, want in reader.items():
                    scores[run].add(capture, key, want, ours.get(key))
    sys.exit(bool(judge(scores, Causes(args.causes), args.verbose)))


if __name__ == "__main__":
    main()
