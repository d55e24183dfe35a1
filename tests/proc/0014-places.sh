# Places that cannot be used: a port that is taken, a state directory that is full, one that is read-only. One clear message
# each, nothing lost, and all goes on when there is room again.
. "$(dirname "$0")/../lib.sh"
said() { grep -q "$1" "$tmp/run.log"; }
times_said() { grep -c "$1" "$tmp/run.log"; }
one="  office: {file: $captures/office.pcapng}"

# -- a port in use --
python3 -m http.server -b 127.0.0.1 "$PORT" >/dev/null 2>&1 &
other=$!
pids="$pids $other"
wait_for 10 curl -s -o /dev/null "http://127.0.0.1:$PORT/"
topology "$one"
start
wait "$run_pid"
same "a port in use: exit status" 1 $?
same "a port in use: one message" 1 "$(times_said 'error: ')"
check "a port in use: which, and what to do" said "apid .*127.0.0.1:$PORT: Address already in use.*api.listen"
kill "$other"
wait "$other" 2>/dev/null
start
wait_for 30 at_end
ok $? "when it is free the same configuration works"
wanted=$(weir alerts -f "$tmp/weir.yaml" -o json | jq -r .id | sort)
flows=$(weir history -f "$tmp/weir.yaml" -o json -n 10000 | wc -l)
check "there are alerts and flows" test -n "$wanted" -a "$flows" -gt 100
stop_run

# -- a full disk --
mkdir "$tmp/small"
mount -t tmpfs -o size=100m small "$tmp/small" 2>/dev/null || {
	echo "ok $((tests += 1)) - full and read-only directories # SKIP cannot mount here"
	finish
}
trap 'umount -l "$tmp/small"; cleanup' EXIT
sed -i "s|^state: .*|state: $tmp/small|" "$tmp/weir.yaml"
# Who needs room first depends: checks for its journal, alertd for its databases.
full() { weir status -f "$tmp/weir.yaml" -o json | grep -qE '"state":"cannot [^"]*(No space left on device|disk is full)'; }
# Nothing can be written at all, not even what each process begins with; and databases that cannot grow.
for room in 0 300; do
	rm -rf "${tmp:?}/small/"*
	mount -o remount,size=100m "$tmp/small"
	head -c 90000000 /dev/zero >"$tmp/small/ballast"
	mount -o remount,size=$(($(df -k --output=used "$tmp/small" | tail -1) + room))k "$tmp/small"
	start
	wait_for 30 full
	ok $? "$room KB of room: status says that the disk is full"
	wait_for 10 curl -s --max-time 10 "http://127.0.0.1:$PORT/livez"
	check "so does the log, and that nothing is lost" said '\(No space left on device\|disk is full\); nothing is lost, trying again'
	check "alertd says it once for each stream" test "$(times_said 'alertd .*full; nothing is lost, trying again')" -le 2
	same "nobody has ended" 0 "$(times_said 'starting again')"
	check "the API is there" sh -c "curl -s --max-time 10 http://127.0.0.1:$PORT/livez | grep -q ok"
	rm "$tmp/small/ballast"
	wait_for 30 at_end
	ok $? "with room again it goes on"
	same "every alert is there" "$wanted" "$(weir alerts -f "$tmp/weir.yaml" -o json | jq -r .id | sort)"
	same "every flow is there" "$flows" "$(weir history -f "$tmp/weir.yaml" -o json -n 10000 | wc -l)"
	wait_for 10 test -s "$tmp/small/api.token"
	check "so is the token of the API" test "$(code -H "Authorization: Bearer $(cat "$tmp/small/api.token")" \
		"http://127.0.0.1:$PORT/api/v1/status")" = 200
	wait_for 10 weir deliveries -f "$tmp/weir.yaml"
	ok $? "and deliveries are made"
	stop_run
	same "it ends with 0" 0 $?
done

# -- a read-only one --
mount -o remount,ro "$tmp/small"
start
wait "$run_pid"
same "read-only: exit status" 1 $?
same "read-only: one message" 1 "$(times_said '.')"
check "read-only: it says so" said "cannot write .*$tmp/small.*: Read-only file system"
sed "s|^runtime: .*|runtime: $tmp/run2|" "$tmp/weir.yaml" >"$tmp/alone.yaml"
"$bin/weir-alertd" -f "$tmp/alone.yaml" >"$tmp/run.log" 2>&1 &
alertd=$!
pids="$pids $alertd"
wait_for 10 said "alerts: cannot write in $tmp/small.*: Read-only file system; nothing is lost"
ok $? "read-only: alertd alone says so and waits"
kill "$alertd"
wait "$alertd"
mount -o remount,rw "$tmp/small"
start
wait_for 30 at_end
ok $? "and all works when it can be written"
finish
