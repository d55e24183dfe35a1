# What hosts on the network choose themselves, names, URLs, agents, is text and nothing else in every reply: no markup, formula,
# line of a stream, label of a metric or escape of a terminal comes of it.
. "$(dirname "$0")/../lib.sh"
base=http://127.0.0.1:$PORT

# A TCP connection with one request for each of the strings, and a DNS query for each.
cat >"$tmp/make.py" <<'PY'
import struct, sys
evil = [b"=cmd|'/C calc'!A0", b"<script>alert(1)</script>", b'a"},{"check":"x', b"$(touch /tmp/weir-inert);`id`", b"x\x1b[31m\x1b]0;t\x07y",
        b"../../../../etc/passwd", b"@SUM(1+1)*cmd", b"a\tb,c;d'e--", b"\xff\xfe\x80bad utf8", b"%0d%0aevent: x%0adata: {}", b"a\nevent: forged\ndata: {}\n"]
out, now = open(sys.argv[1], "wb"), [1700000000.0]
out.write(struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 65535, 1))
def packet(src, dst, proto, body):
    ip = struct.pack("!BBHHHBBH4s4s", 0x45, 0, 20 + len(body), 0, 0, 64, proto, 0, bytes(src), bytes(dst))
    frame = b"\2\0\0\0\0\2\2\0\0\0\0\1\x08\0" + ip + body
    now[0] += 0.01
    out.write(struct.pack("<IIII", int(now[0]), int(now[0] % 1 * 1e6), len(frame), len(frame)) + frame)
def tcp(sp, dp, seq, ack, flags, data=b""):
    return struct.pack("!HHIIBBHHH", sp, dp, seq, ack, 0x50, flags, 65535, 0, 0) + data
def udp(sp, dp, data):
    return struct.pack("!HHHH", sp, dp, 8 + len(data), 0) + data
c, s, d = (10, 0, 0, 1), (192, 0, 2, 1), (10, 0, 0, 53)
for i, e in enumerate(evil):
    p = 40000 + i
    get = b"GET /" + e.replace(b"\n", b"") + b" HTTP/1.1\r\nHost: " + e.replace(b"\n", b"\r\n ") + b"\r\nUser-Agent: " + e.replace(b"\n", b" ") + b"\r\n\r\n"
    ok = b"HTTP/1.1 200 OK\r\nServer: " + e.replace(b"\n", b" ") + b"\r\nContent-Type: text/html\r\nContent-Length: 2\r\n\r\nok"
    packet(c, s, 6, tcp(p, 80, 1, 0, 2))
    packet(s, c, 6, tcp(80, p, 1, 2, 18))
    packet(c, s, 6, tcp(p, 80, 2, 2, 16))
    packet(c, s, 6, tcp(p, 80, 2, 2, 24, get))
    packet(s, c, 6, tcp(80, p, 2, 2 + len(get), 24, ok))
    packet(c, s, 6, tcp(p, 80, 2 + len(get), 2 + len(ok), 17))
    packet(s, c, 6, tcp(80, p, 2 + len(ok), 3 + len(get), 17))
    label = e[:60]
    q = struct.pack("!HHHHHH", i, 0x100, 1, 0, 0, 0) + bytes([len(label)]) + label + b"\7example\0\0\1\0\1"
    packet(c, d, 17, udp(50000 + i, 53, q))
    packet(d, c, 17, udp(53, 50000 + i, q[:2] + b"\x81\x80\0\1\0\1\0\0\0\0" + q[12:] + b"\xc0\x0c\0\1\0\1\0\0\0\x3c\0\4\xc0\0\2" + bytes([i + 1])))
PY
python3 "$tmp/make.py" "$tmp/evil.pcap"
topology "  lab: {file: $tmp/evil.pcap}"
start
wait_for 30 at_end && wait_for 30 sh -c "[ \"\$(curl -s $base/readyz)\" = ok ]"
ok $? "the replay comes to its end"
auth="Authorization: Bearer $(cat "$tmp/state/api.token")"
get() { curl -sg --max-time 60 -H "$auth" "$@"; }

cat >"$tmp/check.py" <<'PY'
"""check.py FORM FILE: what is wrong with a reply that has hostile text in it."""
import csv, io, json, re, sys
form, raw = sys.argv[1], open(sys.argv[2], "rb").read()
text = raw.decode()  # replies are UTF-8
assert not re.search(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]", text), "a control character"
if form == "json":
    doc = json.loads(text)
    assert "forged" not in doc
elif form == "ndjson":
    assert [json.loads(line) for line in text.splitlines()]
elif form == "csv":
    rows = list(csv.reader(io.StringIO(text, newline=""), strict=True))
    assert len(rows) > 5 and len({len(r) for r in rows}) == 1, "rows of different lengths"
    bad = [c for r in rows for c in r if c[:1] in ("=", "+", "-", "@") and len(c) > 1]
    assert not bad, bad
elif form == "events":
    lines = text.splitlines()
    assert all(re.match(r"(id|event|data|retry): |:|$", line) for line in lines), "a line of its own"
    assert {line[7:] for line in lines if line.startswith("event: ")} <= {"alert.raised", "alert.updated", "alert.cleared", "flow.end", "host", "gap"}
    assert [json.loads(line[6:]) for line in lines if line.startswith("data: ")]
elif form == "metrics":
    for line in text.splitlines():
        assert re.fullmatch(r'#.*|[a-z0-9_]+(\{([a-z0-9_]+="([^"\\]|\\.)*",?)*\})? \S+', line), line
PY
looks() { check "$2: text and nothing else" python3 "$tmp/check.py" "$1" "$3"; }
n=0
while read -r form path; do
	n=$((n + 1))
	get "$base$path" >"$tmp/reply.$n"
	looks "$form" "$path" "$tmp/reply.$n"
done <<EOF
json /api/v1/flows?limit=1000
json /api/v1/flows/history?limit=1000
json /api/v1/hosts?limit=1000
json /api/v1/alerts?limit=1000
json /api/v1/top/hostname
json /api/v1/group-by?by=http.user_agent,http.url
json /api/v1/alerts/top/check
json /api/v1/graph
ndjson /api/v1/flows/history?limit=1000&format=ndjson
csv /api/v1/flows/history?limit=1000&format=csv
csv /api/v1/flows/history?limit=1000&format=csv&fields=hostname,http.url,http.user_agent,dns.query
metrics /metrics
metrics /metrics/hosts
metrics /metrics/ntopng
json /lua/rest/v2/get/flow/active.lua?ifid=0&perPage=100
json /lua/rest/v2/get/host/active.lua?ifid=0&perPage=100
json /lua/rest/v2/get/host/data.lua?ifid=0&host=192.0.2.1
json /lua/rest/v2/get/flow/alert/list.lua?ifid=0
json /lua/pro/rest/v2/get/db/flows.lua?ifid=0&begin_time_clause=1&end_time_clause=2000000000
EOF
hear "$(api '/api/v1/flows/history?limit=1&count' | jq .total)" '^event: flow.end' "$tmp/events" "/api/v1/stream?topics=alerts,flows,hosts&since=0"
looks events /api/v1/stream "$tmp/events"
# The strings did come that far: else nothing was tried.
for s in '<script>alert' "'/C calc" 'touch /tmp/weir-inert' 'etc/passwd'; do
	check "'$s' is in the history" grep -qF -- "$s" "$tmp/reply.2"
done
check "a formula has its apostrophe" grep -q "'=cmd\|'@SUM" "$tmp/reply.11"
check "and is a type that no page runs" sh -c "curl -sgI -H '$auth' '$base/api/v1/flows/history' | grep -qi '^x-content-type-options: nosniff'"
# Asked for by what is asked: a parameter that is no field, a path, an id; the answer quotes it as text.
for q in 'flows?%3Cscript%3E=1' 'alerts?filter=%22%0a%1b[31m' 'hosts/%3Cb%3E' 'top/%22%7D%2C%7B%22x%22:1' 'stream?since=%22%0aevent:x'; do
	get "$base/api/v1/$q" >"$tmp/reply"
	looks json "$q" "$tmp/reply"
	check "is a problem" jq -e '.status >= 400 and .status < 500' "$tmp/reply"
done
check "no escape reaches a terminal or the log" sh -c "! grep -q '$(printf '\033')' $tmp/run.log"
check "nothing was run" test ! -e /tmp/weir-inert
finish
