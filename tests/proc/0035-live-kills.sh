# kill -9 of everything behind a live capture, with numbered packets: each number that came over the wire is stored once, as a flow and
# as an alert, and who is to be told is told of each.
. "$(dirname "$0")/../lib.sh"
. "$(dirname "$0")/../wire.sh"
mkdir "$tmp/got"
printf '#!/bin/sh\ncat >%s/got/$ALERT_DELIVERY_ID.$$\n' "$tmp" >"$tmp/program"
chmod 755 "$tmp/program"
topology "  lan: {interface: eth0, idle_timeout_udp: 1s}" "rules: {hit: {match: 'server.port = 9 and proto = udp'}}
lua: {enabled: no}
recipients: {program: {exec: [$tmp/program], match: 'check = hit and client.port < 20', retry_min: 100ms}}"
ip netns exec "$s" "$bin/weir" run -f "$tmp/weir.yaml" >"$tmp/run.log" 2>&1 &
run_pid=$!
pids="$pids $run_pid"
capturing() { state_of capture/lan | grep -q capturing; }
wait_for 20 capturing
ok $? "capture is on the interface"
arrived() { ip netns exec "$c" cat /sys/class/net/eth0/statistics/tx_packets; } # a busy machine loses some on the wire
came() { [ "$(arrived)" -ge "$1" ]; }
behind="classify checks alertd notify"
for round in 1 2 3; do
	pids_behind=$(for p in $behind; do pid_of "$p"; done)
	send $((round * 500 - 500)) $((round * 500)) &
	sender=$!
	wait_for 20 came $((round * 500 - 400))
	kill -9 $pids_behind 2>/dev/null
	wait $sender
done
same "capture was not killed" 1 "$(weir cat -f "$tmp/weir.yaml" -s 1 packets/lan | grep -c '"type":"config"')"
export_it() { weir export -f "$tmp/weir.yaml" >"$tmp/now"; }
numbers() { jq -r "select(.type == \"$1\") | .flow // . | select(.server.port == 9).client.port" "$tmp/now"; }
dropped() { read_metrics && metric capture kernel_drops; }
all_stored() { export_it && [ "$(($(numbers flow | wc -l) + $(dropped)))" = "$(arrived)" ] && [ "$(numbers alert | wc -l)" = "$(numbers flow | wc -l)" ]; }
wait_for 30 all_stored
ok $? "as many are stored as came"
same "no number twice" "" "$(numbers flow | sort | uniq -d)"
numbers flow | sort >"$tmp/flows"
numbers alert | sort >"$tmp/alerts"
check "an alert for each" cmp "$tmp/flows" "$tmp/alerts"
told() { cat "$tmp"/got/* | jq -r .weir.alert.flow.client.port | sort -u | tr '\n' ' '; }
awk '$1 < 20' "$tmp/flows" | tr '\n' ' ' >"$tmp/wanted"
all_told() { [ "$(told)" = "$(cat "$tmp/wanted")" ]; }
wait_for 20 all_told
ok $? "and the program got its part"
finish
