#!/usr/bin/env python3
"""What classify has to find in captures: classify_metadata.py WEIR TABLE OURS THEIRS. Speaks TAP.

TABLE names capture, server port, server address (or protocol, or *), field and value. Captures of the folder OURS have to be
there, those that are named pcaps/... are in the folder THEIRS if it is. Passwords of OURS may not come out anywhere.
"""
import collections
import json
import os
import re
import subprocess
import sys

PASSWORDS = (b"secret", b"c2VjcmV0")


def value(record, field):
    for part in field.split("."):
        record = record.get(part, "") if isinstance(record, dict) else ""
    return ",".join(record) if isinstance(record, list) else str(record)


def is_flow(r, port, where):
    return r["server"]["port"] == int(port) and where in ("*", r["server"]["ip"], r["proto"])


def main():
    weir, table, ours, theirs = sys.argv[1:]
    wanted = collections.OrderedDict()
    with open(table) as f:
        for line in f:
            if not line.startswith("#"):
                capture, *rest = line.rstrip("\n").split("\t")
                wanted.setdefault(capture, []).append(rest)
    n = bad = 0
    for capture, rows in wanted.items():
        path = os.path.join(theirs if "/" in capture else ours, os.path.basename(capture))
        if "/" in capture and not os.path.exists(path):
            n += 1
            print("ok %d - %s # SKIP is not here" % (n, capture))
            continue
        out = subprocess.run([weir, "replay", path], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL).stdout
        flows = [r for r in map(json.loads, out.splitlines()) if r["type"] == "flow"]
        for port, where, field, want in rows:
            n += 1
            got = [value(r, field) for r in flows if is_flow(r, port, where)]
            good = any(re.fullmatch(want[1:], g) if want.startswith("~") else g == want for g in got)
            bad += not good
            print("%sok %d - %s port %s: %s %s" % ("" if good else "not ", n, capture, port, field, want))
            if not good:
                print("# got: %s" % got[:5])
        if "/" not in capture:
            n += 1
            leaked = [p for p in PASSWORDS if p in out]
            bad += bool(leaked)
            print("%sok %d - %s: no passwords" % ("not " if leaked else "", n, capture))
    print("1..%d" % n)
    sys.exit(bool(bad))


main()
