# A record that crashes nDPI, and one on which it never ends: each is tried twice, then skipped; its packets are kept, an alert
# tells, and the rest of the run is that of an undisturbed one.
. "$(dirname "$0")/../lib.sh"

weir replay --store "$tmp/clean" "$captures/office.pcapng" >/dev/null
export_flows() { # all but the two, without what is there once
	for f in "$1"/flows-*.db; do
		sqlite3 "$f" "select hex(id), part, hex(client_ip), hex(server_ip), client_port, server_port, client_bytes, server_bytes, app, score
			from flows where hex(id) not in ('$2', '$3')"
	done | sort -u
}
export_alerts() {
	sqlite3 "$1/alerts.db" "select hex(id), revision, action, \"check\", score, hex(attacker), hex(victim), message from alerts
		where \"check\" <> 'poison_record' order by id"
}
restarted() { [ "$(grep -c "weir: classify .*starting again" "$tmp/run.log")" -ge "$1" ]; }

# Records 5 and 6 of this capture are the first packets of two ICMPv6 flows, which raise nothing.
topology "  replay: {file: $captures/office.pcapng, speed: max}" "classify: {watchdog: 300ms}"
WEIR_FAULT=classify.head.5=crash,classify.head.6=hang WEIR_FAULT_LIVES=99
export WEIR_FAULT WEIR_FAULT_LIVES
start
unset WEIR_FAULT WEIR_FAULT_LIVES
wait_for 60 at_end
ok $? "the end is reached"
wait_for 10 api_ready
ok $? "and the API is ready"
same "four lives were lost" 4 "$(grep -c "weir: classify .*starting again" "$tmp/run.log")"
check "the record that crashed was skipped" grep -q "record 5 of replay crashed nDPI twice and is skipped" "$tmp/run.log"
check "the record that hung was skipped" grep -q "record 6 of replay took too long twice and is skipped" "$tmp/run.log"
wait_for 10 sh -c "[ \$(ls '$tmp/state/quarantine' | grep -c pcap) = 2 ]"
ok $? "their packets are in the quarantine"
for f in "$tmp/state/quarantine"/*.pcap; do
	check "${f##*/} is a capture" sh -c "'$bin/weir' replay '$f' | tail -1 | jq -e '.packets >= 1 and .packets == .packets_in_flows'"
done
states=$(api "/api/v1/flows/history?limit=1000" | jq -r '[.. | .verdict? | objects | .state] | map(select(. == "crashed" or . == "timed_out")) | sort | unique | join(" ")')
same "the flows say so" "crashed timed_out" "$states"
check "an alert tells" sh -c "sqlite3 '$tmp/state/store/alerts.db' 'select count(*) from alerts where \"check\"=\"poison_record\"' | grep -qv '^0'"
set -- $(for f in "$tmp/state/store"/flows-*.db; do sqlite3 "$f" "select hex(id) from flows where verdict_state in (4, 5)"; done)
same "two flows are not classified" 2 $#
export_alerts "$tmp/clean" >"$tmp/want"
export_alerts "$tmp/state/store" >"$tmp/got"
check "all other alerts are those of an undisturbed run" diff "$tmp/want" "$tmp/got"
export_flows "$tmp/clean" "$1" "$2" >"$tmp/want"
export_flows "$tmp/state/store" "$1" "$2" >"$tmp/got"
check "all other flows are those of an undisturbed run" diff "$tmp/want" "$tmp/got"

# What comes from outside is no poison.
cp "$tmp/run/classify.poison" "$tmp/before"
kill -SEGV "$(pid_of classify)"
wait_for 20 restarted 5
ok $? "a signal from outside ends it"
check "and leaves no mark" cmp "$tmp/before" "$tmp/run/classify.poison"
finish
