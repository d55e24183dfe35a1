# weir replay: what comes out of the bundled captures, and that it is the same twice.
. "$(dirname "$0")/../lib.sh"
# Where replays keep what they need meanwhile: others may be at it in /tmp.
TMPDIR=$tmp/replays
export TMPDIR
mkdir "$TMPDIR"

check "office capture replays" sh -c "$bin/weir replay $captures/office.pcapng >$tmp/a.json"
check "every line is JSON with a known type" jq -e -s 'map(.type)|unique - ["flow","host","alert","summary"] == []' "$tmp/a.json"
last() { tail -1 "$tmp/a.json" | jq -r "$1"; }
same "packets in flows and undecoded are all packets" "$(last .packets)" "$(last '.packets_in_flows + .undecoded')"
same "packets are those of the file" "$(capinfos -Mrc "$captures/office.pcapng" | awk 'END { print $NF }')" "$(last .packets)"
same "packets of the flows add up" "$(last .packets_in_flows)" \
	"$(jq -s 'map(select(.type=="flow")|.client.packets + .server.packets)|add' "$tmp/a.json")"
same "one line per flow" "$(last .flows)" "$(grep -c '"type":"flow"' "$tmp/a.json")"
same "one line per host" "$(last .hosts)" "$(grep -c '"type":"host"' "$tmp/a.json")"
for c in syn_scan scan_detection flow_flood ndpi_url_possible_sql_injection ndpi_clear_text_credentials \
	tls_certificate_selfsigned; do
	check "alert $c" jq -e -s --arg c $c 'any(.[]; .type=="alert" and (.check==$c or ((.other_checks // [])|index($c))))' "$tmp/a.json"
done
check "the expired certificate is told of" jq -e -s 'any(.[]; .type=="alert" and ((.other_checks // [])|index("tls_certificate_expired")))' "$tmp/a.json"
check "no password anywhere" sh -c "! grep -q not-the-real-one $tmp/a.json"
check "an application is known for DNS" jq -e -s 'any(.[]; .type=="flow" and .app.name=="DNS" and .dns.query=="www.example.test")' "$tmp/a.json"
check "names of hosts say from where, and when" jq -e -s '[.[]|select(.type=="host" and .names)] | length > 0 and
	all(.[]; (.names|map(split(":")[0])) == (.name_times|keys) and ((.last|sub("[.].*";"Z")|fromdate) as $last |
	.name_times|all(. > $last - 60 and . <= $last)))' "$tmp/a.json"
weir replay "$captures/office.pcapng" >"$tmp/b.json"
check "the same bytes again" cmp "$tmp/a.json" "$tmp/b.json"
mkdir -p "$tmp/elsewhere/checks/lua"
echo 'return { flow = function(flow) return true end }' >"$tmp/elsewhere/checks/lua/stray.lua"
(cd "$tmp/elsewhere" && weir replay "$captures/office.pcapng") >"$tmp/b.json"
check "and from another directory, whatever is in it" cmp "$tmp/a.json" "$tmp/b.json"
gzip -c "$captures/office.pcapng" >"$tmp/office.pcapng.gz"
weir replay "$tmp/office.pcapng.gz" | grep -v '"summary"' | jq -c 'del(.id, .flow.id)' >"$tmp/gz.json"
grep -v '"summary"' "$tmp/a.json" | jq -c 'del(.id, .flow.id)' | sort >"$tmp/a.sorted"
sort "$tmp/gz.json" >"$tmp/gz.sorted"
check "compressed, the same but for ids" cmp "$tmp/a.sorted" "$tmp/gz.sorted"
editcap -F pcap "$captures/office.pcapng" "$tmp/office.pcap"
editcap -c 500 "$tmp/office.pcap" "$tmp/part.pcap"
weir replay "$tmp"/part_*.pcap | grep -v '"summary"' | jq -c 'del(.id, .flow.id)' | sort >"$tmp/parts.sorted"
check "in three files, the same but for ids" cmp "$tmp/a.sorted" "$tmp/parts.sorted"
check "scan alone raises a scan alert" sh -c "$bin/weir replay $captures/scan.pcap | jq -e -s 'any(.[]; .check==\"syn_scan\")'"
weir replay --fail-on error "$captures/scan.pcap" >/dev/null
same "--fail-on finds an error" 3 $?
weir replay --fail-on emergency "$captures/scan.pcap" >/dev/null
same "--fail-on finds no emergency" 0 $?
filtered() { # packets that are left by a filter
	printf 'sensors: {none: {stdin: yes}}\nflow: {filter: "%s"}\n' "$1" >"$tmp/filter.yaml"
	weir replay -f "$tmp/filter.yaml" --quiet "$captures/office.pcapng" | jq .packets
}
http=$(filtered "tcp port 80")
check "a filter leaves some packets" test "$http" -gt 0 -a "$http" -lt "$(last .packets)"
# A machine without netbase has no names of services.
if getent services http >/dev/null; then
	same "names in it are looked up, though the sandbox is closed when the first packet comes" "$http" "$(filtered "tcp port http")"
else
	echo "ok $((tests += 1)) - names in a filter # SKIP no names of services here"
fi
check "standard input" sh -c "cat $captures/scan.pcap | $bin/weir replay - | tail -1 | jq -e '.packets > 1000'"
if [ -w /dev/full ]; then
	weir replay "$captures/scan.pcap" >/dev/full 2>"$tmp/err"
	same "what could not be written is a failure" 1 $?
	check "and is told" grep -q "standard output" "$tmp/err"
	weir checks list >/dev/full 2>/dev/null
	same "of other verbs too" 1 $?
fi
{ weir replay "$captures/office.pcapng"; echo $? >"$tmp/left"; } | head -1 >/dev/null
same "a reader that leaves early is none" 0 "$(cat "$tmp/left")"
same "--quiet prints the summary only" "$(tail -1 "$tmp/a.json")" "$(weir replay --quiet "$captures/office.pcapng")"
weir replay --store "$tmp/store" "$captures/office.pcapng" >/dev/null
same "the store has every flow" "$(last .flows)" "$(sqlite3 "$tmp"/store/flows-*.db 'select count(*) from flows')"
same "the store has every alert" "$(last .alerts)" "$(sqlite3 "$tmp/store/alerts.db" 'select count(*) from alerts')"
check "nothing is left behind" sh -c "! ls -d $TMPDIR/weir-?????? 2>/dev/null | grep -q ."

# nDPI takes the line that comes first for the client's: the old one is told of as what it is, whoever speaks first.
python3 - "$captures" "$tmp" <<'EOP'
import sys
sys.path.insert(0, sys.argv[1])
sys.dont_write_bytecode = True
import protocols
old, new = b"SSH-2.0-OpenSSH_5.3\r\n", b"SSH-2.0-OpenSSH_9.2\r\n"
for name, said in (("server", [("s", old), ("c", new)]), ("client", [("s", new), ("c", old)]), ("neither", [("s", new), ("c", new)])):
    protocols.Capture("%s/ssh-%s.pcap" % (sys.argv[2], name)).dialogue_tcp(22, *said)
EOP
old_ssh() { weir replay "$tmp/ssh-$1.pcap" 2>"$tmp/err" | jq -c 'select(.type == "flow") | .risk.names // []'; }
same "an old SSH server that speaks first" '["ndpi_ssh_obsolete_server"]' "$(old_ssh server)"
same "an old client that speaks second" '["ndpi_ssh_obsolete_client"]' "$(old_ssh client)"
same "neither is old" '[]' "$(old_ssh neither)"

finish
