# A growing file that is replaced by the next one, while capture and checks are killed: what was in both is stored, once. And what
# comes by standard input and is no pipe, and a pipe that does not.
. "$(dirname "$0")/../lib.sh"

grow=$tmp/grow.pcap
head -c 30000 "$captures/scan.pcap" >"$grow"
topology "  lan: {follow: $grow}"
start
f="-f $tmp/weir.yaml"
packets() { weir status $f -m -o json | jq -r 'select(.type=="metric" and .process=="capture/lan" and .name=="packets").value'; }
counted() { [ "$(packets)" = "$1" ]; }
some() { [ "$(packets)" -gt 100 ]; }
wait_for 30 some
ok $? "what is there is read"
tail -c +30001 "$captures/scan.pcap" >>"$grow"
wait_for 20 counted 1206
ok $? "and what is added"
mv "$grow" "$tmp/old.pcap"
cp "$captures/office.pcapng" "$tmp/new"
mv "$tmp/new" "$grow"
wait_for 30 counted 1375
ok $? "and what is in the next file under its name"
check "which is said" grep -q "another file is $grow now" "$tmp/run.log"
again() { new=$(pid_of "$1") && [ -n "$new" ] && [ "$new" != "$old" ]; }
for p in capture/lan checks; do
	old=$(pid_of $p)
	kill -9 "$old"
	wait_for 20 again $p
	ok $? "$p is there again after kill -9"
done
wait_for 20 counted 1375
ok $? "the file is read again"
# A third one ends the flows of the second.
head -c 100 "$captures/scan.pcap" >"$tmp/new"
mv "$tmp/new" "$grow"
flows() { jq -c '[.first, .last, .client.ip, .client.port, .server.ip, .server.port, .proto, .client.packets, .server.packets]' | sort; }
for capture in scan.pcap office.pcapng; do weir replay "$captures/$capture"; done | jq -c 'select(.type == "flow")' | flows >"$tmp/want"
stored() { weir export $f flows | flows >"$tmp/got" && cmp -s "$tmp/want" "$tmp/got"; }
wait_for 40 stored
ok $? "stored are the flows of both files, each once"
diff "$tmp/want" "$tmp/got" | head -5 | sed 's/^/# /'
same "alerts: none twice" "" "$(weir export $f alerts | jq -c '[.check, .time, .entity_value, .flow.client, .flow.server]' | sort | uniq -d)"

# -- standard input, and pipes --
weir replay --quiet - <"$captures/scan.pcap" >"$tmp/out" 2>"$tmp/err"
same "a file as standard input" "0 1206" "$? $(jq .packets "$tmp/out")"
gzip -c "$captures/scan.pcap" >"$tmp/scan.gz"
weir replay --quiet - <"$tmp/scan.gz" >"$tmp/out" 2>"$tmp/err"
same "which may be compressed" "0 1206" "$? $(jq .packets "$tmp/out")"
weir replay --quiet - </dev/null >"$tmp/out" 2>"$tmp/err"
same "nothing as standard input: exit status" 1 $?
check "nothing as standard input: message" grep -q 'standard input: the file is empty' "$tmp/err"
mkfifo "$tmp/pipe"
weir replay --quiet "$tmp/pipe" >"$tmp/out" 2>"$tmp/err"
same "a pipe by its name: exit status" 1 $?
check "a pipe by its name: what to do" grep -q "pipe: is a pipe.*weir replay -" "$tmp/err"
finish
