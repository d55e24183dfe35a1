# Killing: what the tests of the guarantee share. Processes are started by us, one by one, and started again at once when they
# end, whatever ended them: no supervisor's patience is in the way. Sourced after lib.sh.

kill_names="capture classify checks alertd notify apid"
keepers=""
# Whoever interrupts us: what is always started again would stay.
trap 'run_end; cleanup' EXIT

# A topology with small bounds, so that much happens, and a recipient that writes down what it gets.
kill_topology() { # capture speed [more]
	mkdir -p "$tmp/got"
	cat >"$tmp/recorder" <<END
#!/bin/sh
cat >"$tmp/got/\$ALERT_DELIVERY_ID.\$\$.json"
echo "\$ALERT_MAYBE_DUPLICATE" >"$tmp/got/\$ALERT_DELIVERY_ID.\$\$.dup"
END
	chmod 755 "$tmp/recorder"
	topology "  replay: {file: $1, speed: $2}" "recovery: {journal: ${KILL_JOURNAL:-4K}, journal_max: ${KILL_JOURNAL_MAX:-2G}, sync: 100ms}
recipients: {recorder: {exec: [$tmp/recorder], retry_min: 100ms, concurrency: 8}}
${3:-}"
}

rnd=0 # the seed
draw() { # below $1, in $drawn
	rnd=$(((rnd * 1103515245 + 12345) % 2147483648))
	drawn=$((rnd / 65536 % $1))
}

# Starts a process, and again whenever it ends, until $tmp/over is there; while the directory $tmp/dark is there it waits, and says
# so in it. The fault is only for its first life.
keep_alive() { # name
	(
		trap - EXIT
		instance=""
		[ -z "${KILL_FDS:-}" ] || ulimit -n "$KILL_FDS"
		[ "$1" = capture ] && instance="-i replay"
		while [ ! -e "$tmp/over" ]; do
			[ -d "$tmp/dark" ] && echo >"$tmp/dark/$1" && sleep 0.05 && continue
			# shellcheck disable=SC2086 # a command with arguments
			LD_PRELOAD=${KILL_PRELOAD:-} ${KILL_UNDER:-} "$bin/weir-$1" -f "$tmp/weir.yaml" $instance >>"$tmp/$1.log" 2>&1 &
			echo $! >"$tmp/$1.pid.new"
			mv "$tmp/$1.pid.new" "$tmp/$1.pid"
			wait $!
			unset WEIR_FAULT NO_MEMORY_AT
		done
	) 2>/dev/null & # the shell says 'Killed' of each
	keepers="$keepers $!"
}

run_begin() {
	rm -rf "$tmp/run" "$tmp/state" "$tmp/got" "$tmp/over" "$tmp/dark" "$tmp"/*.log "$tmp"/*.pid
	mkdir -p "$tmp/got"
	chmod 777 "$tmp/got"
	keepers=""
	for name in $kill_names; do
		keep_alive "$name"
		${KILL_NEXT:-:} "$name" # what comes before the next one
	done
}

run_end() {
	: >"$tmp/over"
	hit CONT $kill_names
	for k in $keepers; do
		until gone "$k"; do # it may just have started one
			hit TERM $kill_names
			sleep 0.05
		done
		wait "$k"
	done
	rm -f "$tmp"/*.pid
	keepers=""
}

hit() { # signal name...
	signal=$1
	shift
	for name in "$@"; do
		pid=$(cat "$tmp/$name.pid" 2>/dev/null) && kill "-$signal" "$pid" 2>/dev/null
	done
}

exported() { weir export -f "$tmp/weir.yaml" >"$tmp/now" 2>/dev/null; }
is_wanted() { exported && cmp -s "$tmp/want" "$tmp/now"; }
# Everything has arrived: the end is stored, no delivery waits, and nothing changes any more.
is_settled() {
	at_end && all_queued recorder && exported && [ -s "$tmp/now" ] && grep -q '"type":"delivery"' "$tmp/now" &&
		! grep '"type":"delivery"' "$tmp/now" | grep -qv '"state":"sent"' && cmp -s "$tmp/before" "$tmp/now"
	settled=$?
	cp "$tmp/now" "$tmp/before" 2>/dev/null
	return $settled
}

is_quiet() { exported && ! grep '"type":"delivery"' "$tmp/now" | grep -qv '"state":"sent"'; }

# What a run that nobody disturbs stores.
run_clean() {
	run_begin
	wait_for 60 is_settled
	ok $? "the undisturbed run comes to its end"
	cp "$tmp/now" "$tmp/want"
	conserved "undisturbed"
	run_end
	for what in alert flow delivery; do
		[ "$(grep -c "\"type\":\"$what\"" "$tmp/want")" -gt 5 ] || ok 1 "the capture has enough of $what"
	done
}

# Each delivery arrived; of those that arrived twice all but one were marked.
all_told() {
	bad_told=0
	for id in $(grep '"type":"delivery"' "$tmp/want" | sed 's/.*"id":"\([0-9A-Z]*\)","alert_id.*/\1/'); do
		n=0 marked=0
		for f in "$tmp/got/$id".*.dup; do
			[ -e "$f" ] || continue
			n=$((n + 1))
			grep -q 'true\|1' "$f" && marked=$((marked + 1))
		done
		[ $n -ge 1 ] || { echo "delivery $id did not arrive"; bad_told=1; }
		[ $marked -ge $((n - 1)) ] || { echo "delivery $id arrived $n times and $marked were marked"; bad_told=1; }
	done
	return $bad_told
}

# After what was done to a run: it comes to the end that the undisturbed one came to.
run_check() { # description
	if wait_for "${KILL_WAIT:-60}" is_wanted; then
		ok 0 "$1: what is stored is what an undisturbed run stores"
	else
		ok 1 "$1: what is stored is what an undisturbed run stores"
		exported
		diff "$tmp/want" "$tmp/now" | cut -c1-160 | head -6 | sed 's/^/# /'
		for name in $kill_names; do tail -2 "$tmp/$name.log" | cut -c1-200 | sed "s/^/# $name: /"; done
		weir status -f "$tmp/weir.yaml" | cut -c1-120 | sed 's/^/# /'
	fi
	check "$1: each delivery arrived, repeats are marked" all_told
	conserved "$1"
}

# Points of a process, as the sources name them.
fault_points() { # FAULT or FAULT_FAILS, process folder...
	macro=$1
	shift
	for folder in "$@"; do
		grep -rhoE "\\b$macro\\(\"[a-z.]+\"" "$top/$folder" | sed 's/.*"\(.*\)"/\1/'
	done | sort -u
}

# How often a point is passed depends on how much each process finds when it looks: n halves until that often is reached.
run_fault() { # point[:n][=action]
	WEIR_FAULT=$1
	export WEIR_FAULT
	run_begin
	unset WEIR_FAULT
	run_check "$1"
	run_end
	point=${1%%[:=]*}
	n=$(expr "$1" : '[^:=]*:\([0-9]*\)')
	grep -q "fault: .* at $point" "$tmp/${point%%.*}.log" 2>/dev/null
	passed=$?
	if [ $passed -ne 0 ] && [ "${n:-1}" -gt 1 ]; then
		run_fault "$(echo "$1" | sed "s/:$n/:$((n / 2))/")"
	else
		ok $passed "$1: was passed"
	fi
}

# -- what versions of weir leave behind --

# Ids of all that a state directory has stored.
stored() {
	sqlite3 "$1/store/alerts.db" "SELECT 'alert ' || hex(id) FROM alerts"
	for db in "$1"/store/flows-*.db; do sqlite3 "$db" "SELECT 'flow ' || hex(id) FROM flows"; done
	sqlite3 "$1/notify.db" "SELECT 'delivery ' || hex(id) FROM delivery"
}
live_topology() { # directory
	cat >"$1/weir.yaml" <<END
runtime: $1/run
state: $1/state
sensors: {lan: {interface: lo, log_bytes: 6M, max_flows: 1000}}
END
}
