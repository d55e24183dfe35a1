# What earlier versions left behind when they were killed (tests/versions): this one goes on with it, or refuses it with advice; it
# drops nothing without a word.
. "$(dirname "$0")/../lib.sh"
. "$(dirname "$0")/../kill.sh"
refused="of a version of weir that this one does not know|was made by a newer weir|refused"

state() { # archive directory
	kill_topology "$captures/office.pcapng" 25
	rm -rf "$tmp/state" "$tmp/run" "$tmp/over" "$tmp"/*.log
	mkdir -p "$tmp/got"
	cp -a "$1/state" "$tmp/state"
	keepers=""
	for name in $kill_names; do keep_alive "$name"; done
	if wait_for 60 at_end; then
		ok 0 "$version: it comes to its end"
		wait_for 30 is_quiet
		check "$version: checks goes on, or says that it does not" grep -E "recovered in|a new run begins|$refused" "$tmp/checks.log"
		run_end
		stored "$tmp/state" | sort >"$tmp/now_stored"
		check "$version: all that was stored is still there" test -z "$(comm -23 "$1/stored" "$tmp/now_stored")"
		check "$version: and more has come" test "$(wc -l <"$tmp/now_stored")" -gt "$(wc -l <"$1/stored")"
	else
		check "$version: it is refused with advice" grep -hE "$refused" "$tmp"/*.log
		run_end
		check "$version: and left alone" sh -c "cd $tmp/state && diff -r --exclude=api.token $1/state ."
	fi
}

ring() { # archive directory
	ns=weir-w$$
	live=$tmp/live
	rm -rf "$live"
	mkdir -p "$live/run"
	live_topology "$live"
	cp "$1/capture.lan.ring" "$live/run"
	if ! ip netns add "$ns" 2>/dev/null; then
		echo "ok $((tests += 1)) - $version: the ring # SKIP no network namespaces here"
		return
	fi
	ip netns exec "$ns" ip link set lo up
	ip netns exec "$ns" "$bin/weir-capture" -f "$live/weir.yaml" -i lan 2>"$live/log" &
	capture=$!
	pids="$pids $capture"
	wait_for 20 grep -q 'bounds:' "$live/log"
	check "$version: the ring goes on, or it is said why not" grep -E "going on after a restart|ring: " "$live/log"
	if grep -q "going on after a restart" "$live/log"; then
		weir cat -f "$live/weir.yaml" packets/lan >"$live/records"
		check "$version: its records are there, and the GAP behind them" jq -es '
			.[0].type == "config" and .[1].type == "gap" and .[1].cause == "restart" and .[1].packets > 0' "$live/records"
	fi
	kill $capture
	wait $capture
	ip netns del "$ns"
}

for archive in "$top"/tests/versions/*.tar.xz; do
	version=$(basename "$archive" .tar.xz)
	tar -C "$tmp" --no-same-owner -xJf "$archive"
	state "$tmp/$version"
	if [ "$(id -u)" -eq 0 ]; then
		ring "$tmp/$version"
	else
		echo "ok $((tests += 1)) - $version: the ring # SKIP needs root"
	fi
done
finish
