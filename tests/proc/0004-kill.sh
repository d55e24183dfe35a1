# kill -9 of any process while a capture is replayed: it is started again, the others go on, and what is stored in the end is what
# an undisturbed run stores.
. "$(dirname "$0")/../lib.sh"

weir replay --store "$tmp/clean" "$captures/office.pcapng" >/dev/null
export_store() { # canonical: no wall clock
	sqlite3 "$1/alerts.db" 'select hex(id), revision, action, "check", score, hex(attacker), hex(victim), message from alerts order by id'
	for f in "$1"/flows-*.db; do
		sqlite3 "$f" 'select hex(id), part, hex(client_ip), hex(server_ip), client_port, server_port, client_bytes, server_bytes, app, score from flows'
	done | sort -u
}
# The same sensor name and file as replay uses: ids are made of them.
run_killing() { # process...
	rm -rf "$tmp/run" "$tmp/state"
	topology "  replay: {file: $captures/office.pcapng, speed: 10}"
	start
	for p in "$@"; do
		wait_for 10 sh -c "[ -n \"\$($bin/weir status -f $tmp/weir.yaml -o json | jq -r 'select(.process==\"$p\" and .state!=\"not running\").pid')\" ]"
		old=$(pid_of "$p")
		kill -9 "$old"
		wait_for 10 sh -c "new=\$($bin/weir status -f $tmp/weir.yaml -o json | jq -r 'select(.process==\"$p\" and .state!=\"not running\").pid'); [ -n \"\$new\" ] && [ \"\$new\" != $old ]"
		ok $? "$p is started again"
	done
	wait_for 40 at_end
	ok $? "the end is reached after killing $*"
	stop_run
	export_store "$tmp/clean" >"$tmp/want"
	export_store "$tmp/state/store" >"$tmp/got"
	check "the store is that of an undisturbed run" diff "$tmp/want" "$tmp/got"
}
run_killing capture/replay
run_killing classify
run_killing checks
run_killing alertd
run_killing notify apid classify checks alertd capture/replay
finish
