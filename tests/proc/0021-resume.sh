# Who follows a stream goes on by its number: over HTTP after apid died at each of its fault points, in the shell after weir tail
# or the producer was killed. What is no longer there is told as a hole.
. "$(dirname "$0")/../lib.sh"
. "$(dirname "$0")/../kill.sh"
kill_topology "$captures/office.pcapng" 25 "store: {max_deliveries: 5}"

# -- over HTTP --

# One connection after the other, each from where the last one ended, into $tmp/events. read takes whole lines only.
listen() {
	while [ ! -e "$tmp/heard" ]; do
		last=$(tail -1 "$tmp/events" | jq -r .id)
		curl -sfN --max-time 5 -H "Authorization: Bearer $(cat "$tmp/state/api.token" 2>/dev/null)" \
			-H "Accept: application/x-ndjson" -H "Last-Event-ID: ${last:-0}" "http://127.0.0.1:$PORT/api/v1/stream?topics=alerts" |
			while IFS= read -r line; do [ -z "$line" ] || printf '%s\n' "$line" >>"$tmp/events"; done
		sleep 0.05
	done
}
alerts_of() { jq -r '[.data.id, .data.revision] | @tsv' "$1"; }
records_of() { weir cat -f "$tmp/weir.yaml" -s 1 alerts | jq -r 'select(.type == "alert") | [.id, .revision] | @tsv'; }
heard_all() {
	at_end && records_of >"$tmp/records" && [ -s "$tmp/records" ] && alerts_of "$tmp/events" | cmp -s - "$tmp/records"
}
for point in $(fault_points FAULT apid); do
	nth=3
	[ $point = apid.snapshot ] && nth=2 # one answer for hosts, one for flows
	: >"$tmp/events"
	rm -f "$tmp/heard"
	WEIR_FAULT=$point:$nth
	export WEIR_FAULT
	run_begin
	unset WEIR_FAULT
	listen &
	listener=$!
	wait_for 60 heard_all
	ok $? "$point: every alert came, in order, once"
	# By the next connection, if one brought all.
	wait_for 20 grep "fault: .* at $point" "$tmp/apid.log"
	ok $? "$point: was passed"
	check "$point: without a hole" sh -c "! grep '^{\"event\":\"gap\"' $tmp/events"
	: >"$tmp/heard"
	conserved "$point"
	run_end
	wait "$listener"
done

# -- in the shell --
sort "$tmp/records" >"$tmp/wanted"
run_begin
follow() { "$bin/weir" tail -f "$tmp/weir.yaml" -o json --wait --cursor-file "$tmp/cursor" >>"$tmp/tail" 2>>"$tmp/tail.err" & }
tail_of() { jq -r '[.id, .revision] | @tsv' "$tmp/tail" 2>/dev/null | sort -u; }
for n in 5 15 30; do
	follow
	tailer=$!
	wait_for 30 sh -c "[ \$(wc -l <$tmp/tail) -ge $n ]"
	kill -9 $tailer
	wait $tailer 2>/dev/null
	# A line may be torn where it died: the cursor stands before it.
	sed -i '/}$/!d' "$tmp/tail"
done
follow
tailer=$!
pids="$pids $tailer"
hit KILL checks
told_all() { tail_of | cmp -s - "$tmp/wanted"; }
wait_for 60 told_all
ok $? "weir tail with a cursor file, killed three times, and checks once: every alert came"
check "without a hole" sh -c "! grep -E 'hole|another run' $tmp/tail.err"

# alertd holds five for notify: the first are gone.
check "a hole is told" sh -c "$bin/weir cat -f $tmp/weir.yaml -s 1 deliveries 2>&1 >/dev/null | grep -E 'records 1 to [0-9]+ are gone'"
kill $tailer 2>/dev/null
wait $tailer 2>/dev/null
echo "1 7" >"$tmp/cursor"
weir tail -f "$tmp/weir.yaml" -n 1 --cursor-file "$tmp/cursor" >"$tmp/out" 2>"$tmp/err"
check "and the cursor of another run" grep "another run" "$tmp/err"
run_end
finish
