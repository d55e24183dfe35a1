# kill -9 of a live capture, again and again: the ring goes on, and the numbered packets that are missing are those of the GAPs.
. "$(dirname "$0")/../lib.sh"
. "$(dirname "$0")/../wire.sh"
topology "  lan: {interface: eth0, idle_timeout_udp: 1s, update_interval: 1s}"
capture() {
	ip netns exec "$s" "$bin/weir-capture" -f "$tmp/weir.yaml" -i lan 2>>"$tmp/capture.log" &
	capture_pid=$!
	pids="$pids $capture_pid"
}
records() { weir cat -f "$tmp/weir.yaml" packets/lan; }
total() { records | jq -s "map(select(.type==\"tick\"))|(last|.$1) // 0"; }
counted() { [ "$(total packets)" -ge "$1" ]; }
# Each life begins with a CONFIG.
lives=1
capturing() { [ "$(records | grep -c '"type":"config"')" -eq $lives ]; }
capture
wait_for 20 capturing
ok $? "capture is on the interface"
at=1000
for round in 1 2 3; do
	before=$(total packets)
	rm -f "$tmp/enough"
	send $at 65000 &
	sender=$!
	wait_for 20 counted $((before + 100 * round))
	kill -9 $capture_pid
	wait $capture_pid 2>/dev/null
	: >"$tmp/enough"
	wait $sender
	at=$(cat "$tmp/next")
	lives=$((lives + 1))
	capture
	wait_for 20 capturing || ok 1 "capture is back"
done
rm -f "$tmp/enough"
send $at $((at + 500))
at=$((at + 500))
idle() { [ "$(records | jq -r 'select(.type=="end").client.port' | tail -1)" = $((at - 1)) ] && [ "$(total flows_active)" = 0 ]; }
wait_for 20 idle
ok $? "all flows have ended"
records >"$tmp/records"
weir status -f "$tmp/weir.yaml" -m -o json >"$tmp/metrics"
metric() { jq -s --arg n "$1" 'map(select(.type=="metric" and .name==$n).value)|add // 0' "$tmp/metrics"; }
same "one epoch" 1 "$(jq -r 'select(.type=="config").hash' "$tmp/records" | sort -u | wc -l)"
same "a GAP for each restart" 3 "$(jq -r 'select(.type=="gap" and .cause=="restart").sensor' "$tmp/records" | wc -l)"
jq -r 'select(.type=="end")|"\(.client.port) \(.client.packets)"' "$tmp/records" >"$tmp/ends"
same "no number twice" "$(wc -l <"$tmp/ends")" "$(sort -u "$tmp/ends" | wc -l)"
same "each with one packet" 0 "$(grep -vc ' 1$' "$tmp/ends")"
sent=$((at - 1000))
missing=$((sent - $(wc -l <"$tmp/ends")))
check "some are missing" test $missing -gt 0
same "as many are missing as the GAPs tell" $missing "$(jq -s 'map(select(.type=="gap").packets)|add' "$tmp/records")"
same "lost and missed are the sum of the GAPs" $missing $(($(metric packets_lost) + $(metric packets_missed)))
same "packets = emitted + active + undecoded + shed + lost" "$(metric packets)" \
	$(($(metric packets_emitted) + $(metric packets_active) + $(metric undecoded) + $(metric packets_shed) + $(metric packets_lost)))
same "flows opened = emitted + active + lost" "$(metric flows_opened)" \
	$(($(metric flows_emitted) + $(metric flows_active) + $(metric flows_lost)))
# As many as have to come, however fast or slow the machine is; capture waits a quarter of a second between two of them.
ticking() { records | jq -s '(map(.type == "config")|rindex(true)) as $life | .[$life:]|
	map(select(.type == "tick").to|(.[:19] + "Z"|fromdate) + (.[19:-1]|"0" + .|tonumber))' >"$tmp/ticks" &&
	[ "$(jq length "$tmp/ticks")" -ge 6 ]; }
wait_for 20 ticking
ok $? "ticks come without packets"
check "and no sooner than every quarter of a second" jq -e '[.[1:], .[:-1]]|transpose|map(.[0] - .[1])|min >= 0.2' "$tmp/ticks"
# What UPDATEs have told of a flow that is cut off is not lost, and no GAP says so.
send 0 65000 slow &
sender=$!
told() { records | jq -s 'map(select((.type == "update" or .type == "end") and .client.port == 900))|group_by(.id)|map(last.client.packets)|add // 0'; }
updated() { [ "$(told)" -gt 10 ]; }
wait_for 20 updated
ok $? "a flow that goes on is told of"
kill -9 $capture_pid
wait $capture_pid 2>/dev/null
: >"$tmp/enough"
wait $sender
rm -f "$tmp/enough"
lives=$((lives + 1))
capture
wait_for 20 capturing
same "what was told of it and the GAP are all that was sent" "$(cat "$tmp/next")" $(($(told) + $(records | jq -s 'map(select(.type=="gap" and .cause=="restart").packets)|last')))
records >"$tmp/records"
check "and the packets add up" jq -es 'map(select(.type == "tick"))|last|
	.packets == ([.packets_emitted, .packets_active, .undecoded, .shed_packets, .packets_lost]|map(. // 0)|add)' "$tmp/records"
# A ring that is no good: one message, and a new epoch.
kill -9 $capture_pid
wait $capture_pid 2>/dev/null
printf 'XXXX' | dd of="$tmp/run/capture.lan.ring" conv=notrunc 2>/dev/null
: >"$tmp/capture.log"
capture
lives=1
wait_for 20 capturing
ok $? "a damaged ring does not keep capture from starting"
same "and is refused with one message" 1 "$(grep -c 'it is no ring: a new one is begun' "$tmp/capture.log")"
# Nobody fetches for good and the ring is small: payload of HEADs goes first, then ENDs of small flows; what is shed is counted,
# and TICKs and GAPs still find room.
kill $capture_pid
wait $capture_pid 2>/dev/null
rm -f "$tmp/run/capture.lan.ring"
topology "  lan: {interface: eth0, idle_timeout_udp: 1s, log_bytes: 6M}"
lives=1
capture
wait_for 20 capturing
# A few at a time, each over before the next: what finds room is then a matter of bytes and not of how fast the machine is. One that
# is busy drops some before capture sees them.
quiet() { [ "$(total flows_opened)" -gt "$opened" ] && [ "$(total flows_active)" = 0 ]; }
flood() {
	opened=$(total flows_opened)
	send 0 4000 fast
	wait_for 30 quiet
	[ "$(total shed_flows)" -gt 0 ]
}
wait_for 60 flood
ok $? "a flood passes"
records >"$tmp/records"
jq -s 'map(select(.type=="tick"))' "$tmp/records" >"$tmp/ticks"
last() { jq "last|.$1 // 0" "$tmp/ticks"; }
check "payload of HEADs was shed" test "$(last shed_heads)" -gt 0
check "and flows" test "$(last shed_flows)" -gt 0
check "payload before flows: they still end when it is gone" jq -es '(map(.type == "head" and (.head.packets // 0) == 0)|index(true)) as $bare |
	$bare != null and (.[$bare:]|map(select(.type == "end"))|length > 100)' "$tmp/records"
check "GAPs tell what was shed" jq -es --argjson n "$(last shed_flows)" 'map(select(.type=="gap" and .cause=="shed").flows)|add == $n' "$tmp/records"
same "with what was shed the packets add up" "$(last packets)" \
	$(($(last packets_emitted) + $(last packets_active) + $(last undecoded) + $(last shed_packets) + $(last packets_lost)))
same "and the flows" "$(last flows_opened)" $(($(last flows_emitted) + $(last flows_active) + $(last shed_flows)))
finish
