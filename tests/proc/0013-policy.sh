# What a site adds to the checks: pools, lists, exclusions, rules. Raised where they should, and nowhere else.
. "$(dirname "$0")/../lib.sh"

printf '# feed\n203.0.113.0/24\nnot an address\n' >"$tmp/bad.netset"
printf '0.0.0.0 ads.example.test www.example.test\n' >"$tmp/ads.hosts"
printf 'ioc,why\nwww.example.test,"ours, really"\n' >"$tmp/good.csv"
rules() { # what is under test
	cat >"$tmp/weir.yaml" <<EOF
sensors: {none: {stdin: yes}}
$1
EOF
	weir replay -f "$tmp/weir.yaml" --verbose "$captures/office.pcapng" >"$tmp/out.json" 2>"$tmp/err"
}
count() { jq -s "map(select($1))|length" "$tmp/out.json"; }
one='(.check // "")'
all='((.other_checks // []) + [.check])'

rules ''
plain=$(count '.type=="alert"')
selfsigned=$(count ".type==\"alert\" and ($all|index(\"tls_certificate_selfsigned\"))")
check "without any of it: alerts, certificates among them" test "$selfsigned" -gt 1

rules 'pools: {office: {networks: 192.168.50.0/24}, server: {networks: 192.168.50.1}}
networks: {local: [192.168.50.0/24]}'
same "the pool of a host" '"server"' "$(jq -c 'select(.type=="host" and .ip=="192.168.50.1").pool' "$tmp/out.json")"
same "the pools of a flow" 0 "$(count '.type=="flow" and .client.ip=="192.168.50.10" and .client.pool!="office"')"
same "the network of a host" '"192.168.50.0/24"' "$(jq -c 'select(.type=="host" and .ip=="192.168.50.1").network' "$tmp/out.json")"
same "nobody else is in one" 0 "$(count '.type=="host" and (.ip|startswith("192.168.50.")|not) and (.pool or .network)')"

rules "lists:
  feed: {file: $tmp/bad.netset, score: 200}
  ads: {file: $tmp/ads.hosts, kind: domain, format: hosts, score: 0}"
flows=$(count '.type=="flow" and (.client.ip=="203.0.113.80" or .server.ip=="203.0.113.80")')
check "flows with an address of the list are there" test "$flows" -gt 0
same "an alert for each of them" "$flows" "$(count ".type==\"alert\" and ($all|index(\"feed\"))")"
same "it names the address" 0 "$(count "$one==\"feed\" and (.message|contains(\"203.0.113.80\")|not)")"
check "a list without a score is a field" test "$(count '.type=="flow" and ((.lists // [])|index("ads"))')" -gt 0
same "and no alert" 0 "$(count ".type==\"alert\" and ($all|index(\"ads\"))")"
check "a line that is no address is told of, with its place" grep -q "bad.netset:3: neither an address" "$tmp/err"

rules "lists:
  ads: {file: $tmp/ads.hosts, kind: domain, format: hosts}
  ours: {file: $tmp/good.csv, kind: domain, format: csv, column: ioc, allow: yes}"
same "an allow list beats the others" 0 "$(count ".type==\"alert\" and ($all|index(\"ads\"))")"

rules "exclusions:
  known: {match: \"check = tls_certificate_selfsigned and server.ip = 203.0.113.80\", comment: ours}
  old: {match: \"severity >= info\", expires: 2020-01-01}"
same "excluded: no such alert" 0 "$(count ".type==\"alert\" and ($all|index(\"tls_certificate_selfsigned\"))")"
check "the flow says by which" test "$(count '.type=="flow" and ((.excluded // [])|index("tls_certificate_selfsigned:known"))')" -ge "$selfsigned"
check "an exclusion that has expired does nothing" test "$(count '.type=="alert"')" -gt 0
rules 'exclusions: {scanner: {match: "host = 192.168.50.20 and check in (syn_scan, scan_detection)"}}'
same "excluded for a host" 0 "$(count "(.check|IN(\"syn_scan\",\"scan_detection\")) and .entity_value==\"192.168.50.20\"")"
check "its other alerts stay" test "$(count '.check=="flow_flood" and .entity_value=="192.168.50.20"')" -gt 0

rules 'rules:
  pair: {match: "app.master = TLS and client.ip = 192.168.50.10 and server.ip = 203.0.113.80", score: 150, title: TLS there,
    message: "{client.ip} to {server.ip}:{server.port}"}
  never: {match: "app.master = TLS and client.ip = 192.168.50.10 and server.ip = 203.0.113.81"}
  issuer: {match: "tls.issuer contains nobody"}
  large: {entity: host, value: bytes_rcvd, above: 300K, window: 1h, score: 120, message: "{ip} received {value} bytes"}
  larger: {entity: host, value: bytes_rcvd, above: 400K, window: 1h}
  office: {entity: host, value: bytes_rcvd, above: 300K, window: 1h, when: "2026-11-24"}' 
check "a time that is none is refused" grep -q "weir.yaml:[0-9:]*: when: '2026-11-24': such as" "$tmp/err"
rules 'rules:
  pair: {match: "app.master = TLS and client.ip = 192.168.50.10 and server.ip = 203.0.113.80", score: 150, title: TLS there,
    message: "{client.ip} to {server.ip}:{server.port}"}
  never: {match: "app.master = TLS and client.ip = 192.168.50.10 and server.ip = 203.0.113.81"}
  large: {entity: host, value: bytes_rcvd, above: 300K, window: 1h, score: 120, message: "{ip} received {value} bytes"}
  larger: {entity: host, value: bytes_rcvd, above: 400K, window: 1h}
  weekend: {entity: host, value: bytes_rcvd, above: 300K, window: 1h, when: sat-sun}
  rate: {value: 8 * bytes, above: 1G, window: 10s, rate: yes}
  call: {match: "rtp.mos", value: rtp.mos, below: 3}
  web: {entity: sensor, match: "server.port in (80, 443)", value: 8 * bytes, above: 1K, window: 10s, rate: yes,
    message: "{sensor}: {value} bit/s of web traffic"}
  much: {entity: sensor, match: "server.port in (80, 443)", value: 8 * bytes, above: 1G, window: 10s, rate: yes}'
tls=$(count '.type=="flow" and .app.master=="TLS" and .client.ip=="192.168.50.10" and .server.ip=="203.0.113.80"')
same "a rule on flows" "$tls" "$(count ".type==\"alert\" and ($all|index(\"pair\"))")"
check "its message" grep -q '"message":"192.168.50.10 to 203.0.113.80:' "$tmp/out.json"
same "one that does not match" 0 "$(count ".type==\"alert\" and ($all|index(\"never\"))")"
same "a rule on hosts, for those above" '["192.168.50.10"]' "$(jq -sc 'map(select(.check=="large").entity_value)|unique' "$tmp/out.json")"
same "its values" '[300000]' "$(jq -sc 'map(select(.check=="large").values.threshold)|unique' "$tmp/out.json")"
check "a rule on all flows of a sensor" jq -se 'any(.[]; .check=="web" and .entity=="interface" and .entity_value=="replay" and .values.value>1000 and (.message|test("^replay: [0-9.e+]+ bit/s")))' "$tmp/out.json"
same "thresholds and times that are not met" 0 "$(count "(.check|IN(\"larger\",\"weekend\",\"rate\",\"much\"))")"

# Two calls of 20 s, one of which loses every fifth packet; no signalling, and a payload type that says nothing.
python3 - "$tmp/calls.pcap" <<'EOP'
import struct, sys
def packet(port, seq, ts, ssrc, t):
    rtp = struct.pack(">BBHII", 0x80, 111, seq, ts, ssrc) + bytes(60)
    udp = struct.pack(">HHHH", port, 40000, 8 + len(rtp), 0) + rtp
    ip = struct.pack(">BBHHHBBH4s4s", 0x45, 0, 20 + len(udp), 0, 0, 64, 17, 0, bytes([10, 0, 0, 1]), bytes([10, 0, 0, 2])) + udp
    frame = bytes(12) + b"\x08\x00" + ip
    return t, struct.pack("<IIII", int(t), int(t % 1 * 1e6), len(frame), len(frame)) + frame
all = [packet(5004, i, 960 * i, 7, 1700000000 + i * 0.02) for i in range(1000)]
all += [packet(5006, i, 960 * i, 8, 1700000000.001 + i * 0.02) for i in range(1000) if i % 5]
with open(sys.argv[1], "wb") as f:
    f.write(struct.pack("<IHHiIII", 0xa1b2c3d4, 2, 4, 0, 0, 65535, 1))
    for _, p in sorted(all):
        f.write(p)
EOP
weir replay -f "$tmp/weir.yaml" "$tmp/calls.pcap" >"$tmp/calls.json"
call() { jq -c "select(.type==\"flow\" and .client.port==$1)|$2" "$tmp/calls.json"; }
same "a call: packets, loss, clock" '[1000,0,48000]' "$(call 5004 '[.client.rtp_packets, .client.rtp_lost // 0, .rtp.clock]')"
same "the other one" '[800,199,48000]' "$(call 5006 '[.client.rtp_packets, .client.rtp_lost, .rtp.clock]')"
same "a rule on the quality" '[5006]' "$(jq -sc 'map(select(.check=="call").flow.client.port)' "$tmp/calls.json")"

weir replay -f "$tmp/weir.yaml" "$captures/office.pcapng" >"$tmp/out.json"
cp "$tmp/out.json" "$tmp/first.json"
weir replay -f "$tmp/weir.yaml" "$captures/office.pcapng" >"$tmp/out.json"
check "the same bytes again" cmp "$tmp/first.json" "$tmp/out.json"
finish
