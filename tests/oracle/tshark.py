#!/usr/bin/python3
"""Is every packet of a capture counted, and in the right flow? tshark.py [--only-run] BIN FOLDER_OF_CAPTURES

Runs weir-capture over every capture and compares it with tshark: the packets of the file, and packets and bytes each way of
every TCP and UDP conversation (innermost addresses). Bytes of conversations are rounded in tshark's own table, so they are
summed from its frames, and the frames are held against the table. Where weir means to differ, tshark.tsv says so and why.
Speaks TAP. --only-run: only that nothing crashes and everything is counted, for a build with sanitizers.
"""
import collections
import concurrent.futures
import hashlib
import json
import os
import re
import signal
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
FIELDS = ["frame.len", "frame.protocols", "ip.src", "ip.dst", "ipv6.src", "ipv6.dst", "tcp.srcport", "tcp.dstport",
          "udp.srcport", "udp.dstport"]
CONVERSATION = re.compile(r"^(\S+)\s+<->\s+(\S+)\s+(\d+) \d+ \S+\s+(\d+) \d+ \S+\s")


class Conversations(dict):
    """(proto, (address, port), (address, port)) with the smaller end first -> packets and bytes each way, a to b first."""

    def add(self, proto, src, dst, packets, octets):
        swap = src > dst
        key = (proto, dst, src) if swap else (proto, src, dst)
        n = self.setdefault(key, [0, 0, 0, 0])
        n[1 if swap else 0] += packets
        n[3 if swap else 2] += octets


class Weir:
    def __init__(self, binaries, captures, tmp):
        self.bin, self.tmp = binaries, tmp
        for i, path in enumerate(captures):
            with open(self.topology(i), "w") as f:
                f.write("{runtime: %s/run%d, state: %s/state, sensors: {x: {file: %s}}}\n" % (tmp, i, tmp, json.dumps(path)))

    def topology(self, i):
        return os.path.join(self.tmp, "weir%d.yaml" % i)

    def records(self, i):
        """What capture makes of capture i: bytes of JSON lines, and what went wrong or ''."""
        env = dict(os.environ, ASAN_OPTIONS=os.environ.get("ASAN_OPTIONS", "") + ":detect_leaks=0")
        capture = subprocess.Popen([self.bin + "/weir-capture", "-f", self.topology(i), "-i", "x"],
                                   stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, env=env)
        try:
            cat = subprocess.run([self.bin + "/weir", "cat", "-F", "-f", self.topology(i), "packets/x"],
                                 stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=600, env=env)
            out, wrong = cat.stdout, "" if cat.returncode == 0 else cat.stderr.decode(errors="replace")
        except subprocess.TimeoutExpired:
            out, wrong = b"", "no end of input within ten minutes"
        if capture.poll() is None:
            capture.send_signal(signal.SIGTERM)
        said = capture.communicate()[1].decode(errors="replace")
        if capture.returncode != 0 or "runtime error" in said or "Sanitizer" in said:
            wrong += "exit status %d\n%s" % (capture.returncode, said)
        return out, wrong


def weir_sums(lines):
    """Conversations, the running totals at the end, and the packets of all flows."""
    conversations, total, packets = Conversations(), None, 0
    for line in lines.splitlines():
        r = json.loads(line)
        if r["type"] == "eos":
            total = r
        if r["type"] != "end":
            continue
        c, s = r["client"], r["server"]
        packets += c["packets"] + s["packets"]
        if r["proto"] in ("tcp", "udp"):
            a, b = (c["ip"], c.get("port", 0)), (s["ip"], s.get("port", 0))
            conversations.add(r["proto"], a, b, c["packets"], c["bytes"])
            conversations.add(r["proto"], b, a, s["packets"], s["bytes"])
    return conversations, total, packets


def canonical(address):
    return address.split("%")[0].lower()


def last_address(protocols, transport, v4, v6):
    """Of several headers in a frame, the addresses of the one that carries the innermost transport."""
    at = len(protocols) - 1 - protocols[::-1].index(transport)
    for p in reversed(protocols[:at]):
        if p == "ip":
            return tuple(canonical(x.split(",")[-1]) for x in v4)
        if p == "ipv6":
            return tuple(canonical(x.split(",")[-1]) for x in v6)
    return None


def frame(conversations, f):
    """One frame of tshark's. Headers quoted by an ICMP error are no packets of that conversation."""
    protocols = f[1].split(":")
    if "icmp" in protocols or "icmpv6" in protocols:
        return
    for proto, ports in (("tcp", f[6:8]), ("udp", f[8:10])):
        if not ports[0] or proto not in protocols:
            continue
        later = "udp" if proto == "tcp" else "tcp"
        if later in protocols and protocols[::-1].index(later) < protocols[::-1].index(proto):
            continue  # the other one is further in
        ends = last_address(protocols, proto, f[2:4], f[4:6])
        if ends:
            src, dst = ((a, int(p.split(",")[-1])) for a, p in zip(ends, ports))
            conversations.add(proto, src, dst, 1, int(f[0]))


def tshark_sums(path):
    """Conversations by frame, frames of tshark's own conversation tables, packets in the file, octets of the frames."""
    cmd = ["tshark", "-n", "-r", path, "-o", "ip.defragment:false", "-o", "ipv6.defragment:false", "-T", "fields"]
    for f in FIELDS:
        cmd += ["-e", f]
    cmd += ["-z", "conv,tcp", "-z", "conv,udp"]
    out = subprocess.run(cmd, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL).stdout.decode(errors="replace")
    conversations, table, frames, octets, proto = Conversations(), collections.Counter(), 0, 0, ""
    for line in out.splitlines():
        f = line.split("\t")
        if len(f) == len(FIELDS):
            frames += 1
            octets += int(f[0])
            frame(conversations, f)
            continue
        if line.endswith(" Conversations"):
            proto = line.split()[0].lower()
        m = CONVERSATION.match(line)
        if m:
            a, b = ((canonical(x.rsplit(":", 1)[0]), int(x.rsplit(":", 1)[1])) for x in m.group(1, 2))
            table[(proto, min(a, b), max(a, b))] += int(m.group(3)) + int(m.group(4))
    return conversations, table, frames, octets


def differences(ours, theirs):
    none = [0, 0, 0, 0]
    for key in sorted(set(ours) | set(theirs)):
        a, b = ours.get(key, none), theirs.get(key, none)
        if a != b:
            yield key, [x - y for x, y in zip(a, b)]


def read_table():
    """What is known to differ: (capture, kind) -> (conversations, packets, bytes) by which weir has more (or fewer)."""
    table = {}
    with open(os.path.join(HERE, "tshark.tsv")) as f:
        for line in f:
            if line.strip() and not line.startswith("#"):
                name, kind, conversations, packets, octets, _why = line.rstrip("\n").split("\t")
                table[name, kind] = (int(conversations), int(packets), int(octets))
    return table


def sums_of(diff):
    return (len(diff), sum(d[0] + d[1] for _, d in diff), sum(d[2] + d[3] for _, d in diff))


def examine(weir, i, path, only_run):
    """Everything about one capture: a dict of complaints by kind."""
    wrong = collections.defaultdict(list)
    lines, bad = weir.records(i)
    if bad:
        wrong["run"].append(bad)
    if not lines:
        return wrong, None
    ours, total, packets = weir_sums(lines)
    if not total:
        wrong["run"].append("no end of input")
        return wrong, None
    if packets != total["packets_in_flows"] or packets + total["undecoded"] != total["packets"]:
        wrong["sum"].append("%d in flows, %d undecoded, %d packets" % (packets, total["undecoded"], total["packets"]))
    if only_run:
        return wrong, None
    again = weir.records(i)[0]
    if hashlib.sha256(again).digest() != hashlib.sha256(lines).digest():
        wrong["again"].append("the second run gave other bytes")
    theirs, table, frames, octets = tshark_sums(path)
    differ = {"frames": [((), [total["packets"] - frames, 0, total["bytes"] - octets, 0])], "table": [], "flows": []}
    if not any(differ["frames"][0][1]):
        differ["frames"] = []
    for key, n in theirs.items():
        if table[key] != n[0] + n[1]:
            differ["table"].append((key, [n[0] + n[1] - table[key], 0, 0, 0]))
    differ["flows"] = list(differences(ours, theirs))
    return wrong, differ


def main():
    args = sys.argv[1:]
    only_run = args[0] == "--only-run"
    binaries, folder = args[-2:]
    captures = sorted(os.path.join(folder, f) for f in os.listdir(folder))
    expected, complaints, seen = read_table(), collections.defaultdict(list), set()
    with tempfile.TemporaryDirectory(prefix="wt-") as tmp, concurrent.futures.ThreadPoolExecutor(3) as pool:
        weir = Weir(binaries, captures, tmp)
        jobs = [pool.submit(examine, weir, i, path, only_run) for i, path in enumerate(captures)]
        for path, job in zip(captures, jobs):
            name = os.path.basename(path)
            wrong, differ = job.result()
            for kind, texts in wrong.items():
                complaints[kind] += ["%s: %s" % (name, t) for t in texts]
            for kind, diff in (differ or {}).items():
                if not diff:
                    continue
                seen.add((name, kind))
                if expected.get((name, kind)) != sums_of(diff):
                    complaints[kind].append("%s\t%s\t%d\t%d\t%d" % ((name, kind) + sums_of(diff)))
                    complaints[kind] += ["  %s %s" % (key, d) for key, d in diff[:8]]
    if not only_run:
        for name, kind in set(expected) - seen:
            complaints[kind].append("%s is in tshark.tsv and does not differ" % name)
    tests = [("run", "no crash in %d captures" % len(captures)), ("sum", "every packet is in a flow or undecoded")]
    if not only_run:
        tests += [("again", "a second run gives the same bytes"), ("frames", "as many packets and bytes as tshark reads"),
                  ("table", "tshark's frames are its conversations"),
                  ("flows", "packets and bytes each way as tshark's conversations")]
    for n, (kind, what) in enumerate(tests, 1):
        print("%sok %d - %s" % ("not " if complaints[kind] else "", n, what))
        for text in complaints[kind]:
            print("\n".join("# " + line for line in text.splitlines()))
    print("1..%d" % len(tests))
    return 1 if any(complaints[kind] for kind, _ in tests) else 0


sys.exit(main())
