# weir run: what it says, SIGHUP, and what cannot work.
. "$(dirname "$0")/../lib.sh"

said() { grep -q "$1" "$tmp/run.log"; }
times_said() { grep -c "$1" "$tmp/run.log"; }
runs() { [ -n "$(pid_of "$1")" ]; }

# -- ready --
topology "  one: {file: $captures/scan.pcap, speed: 1}"
start
wait_for 20 said "the API listens on http://127.0.0.1:$PORT"
ok $? "says where the API is"
check "the curl line works as printed" sh -c "$(grep -o 'curl .*' "$tmp/run.log") | jq -e '.data|type == \"array\"'"
wait_for 10 runs notify
ok $? "all are there"

# -- SIGHUP --
old=$(pid_of checks)
cp "$tmp/weir.yaml" "$tmp/good.yaml"
printf 'sensors: [\n' >"$tmp/weir.yaml"
kill -HUP "$run_pid"
wait_for 10 said 'going on with the configuration in force'
ok $? "a bad configuration is refused"
check "with file, line and column" said 'weir.yaml:[0-9]*:[0-9]*:'
cp "$tmp/good.yaml" "$tmp/weir.yaml"
same "and nothing was started again" "$old" "$(pid_of checks)"
echo "  two: {file: $captures/office.pcapng, speed: 1}" >"$tmp/more"
sed "/^  one:/r $tmp/more" "$tmp/good.yaml" >"$tmp/weir.yaml"
kill -HUP "$run_pid"
wait_for 20 runs capture/two
ok $? "a new sensor gets its capture"
changed() { runs checks && [ "$(pid_of checks)" != "$old" ]; }
wait_for 20 changed
ok $? "the others begin again with the new configuration"
same "a reload is no failure" 0 "$(times_said 'starting again in')"
two=$(pid_of capture/two)
cp "$tmp/good.yaml" "$tmp/weir.yaml"
kill -HUP "$run_pid"
wait_for 20 gone "$two"
ok $? "the capture of a sensor that is no more ends"
wait_for 20 runs capture/one
ok $? "the other sensor goes on"

# -- the end --
classify=$(pid_of classify)
stop_run
same "it ends with 0" 0 $?
check "and leaves no process behind" gone "$classify"

# -- the first time, below a directory that is not there yet, as make run does it --
cd "$tmp" || exit 1
start --dir first/run
cd "$here" || exit 1
wait_for 20 said "the API listens on http://127.0.0.1:$PORT"
ok $? "it works at the first start"
same "and nothing is said that would worry anybody" "" "$(grep -E 'warning|error' "$tmp/run.log")"
check "the group's socket is there" test -S "$tmp/first/run/run/api.sock"
kill "$run_pid"
wait "$run_pid"
run_pid=""

# -- the supervisor is killed: nobody stays --
topology "  one: {file: $captures/scan.pcap, speed: 1}"
start
wait_for 20 said 'the API listens'
all=$(pgrep -P "$run_pid")
check "the processes are its children" test "$(echo "$all" | wc -l)" -ge 6
kill -9 "$run_pid"
none_left() { for p in $all; do gone "$p" || return 1; done; }
wait_for 20 none_left
ok $? "a killed supervisor leaves no process behind"

# -- an interrupted replay is no success, and leaves nothing --
TMPDIR=$tmp "$bin/weir" replay --speed 0.1 "$captures/office.pcapng" >"$tmp/part.json" 2>"$tmp/run.log" &
replay=$!
pids="$pids $replay"
wait_for 20 sh -c "pgrep -P $replay -x weir-checks"
ok $? "a replay that takes its time is under way"
left=$(pgrep -P "$replay" | tr '\n' ' ')
kill -INT "$replay"
wait "$replay"
same "an interrupted replay: exit status" 130 $?
all=$left
check "an interrupted replay: no process is left" none_left

# -- what cannot work: one clear message, and an end --
topology "  none: {interface: nosuchif0}"
start
wait "$run_pid"
same "no such interface: exit status" 1 $?
same "no such interface: one message" 1 "$(times_said 'error: .*nosuchif0.*there are:.* lo')"
if [ "$(id -u)" -eq 0 ] && command -v setpriv >/dev/null; then
	mkdir "$tmp/nobody"
	chmod 755 "$tmp"
	chown 65534 "$tmp/nobody"
	# Where the clone is others may see nothing.
	mkdir "$tmp/bin"
	cp "$bin/weir" "$bin"/weir-* "$tmp/bin"
	user="setpriv --reuid=65534 --regid=65534 --clear-groups"
	$user "$tmp/bin/weir" run -f "$tmp/weir.yaml" --dir "$tmp/nobody" --interface lo >"$tmp/run.log" 2>&1
	same "no right to capture: exit status" 1 $?
	same "no right to capture: one message that says what to do" 1 "$(times_said 'error: .*setcap cap_net_raw,cap_net_admin=ep /.*/weir-capture$')"
	$user "$tmp/bin/weir" run -f "$tmp/weir.yaml" --dir "$tmp/closed" --interface lo >"$tmp/run.log" 2>&1
	same "a directory that cannot be written: exit status" 1 $?
	check "a directory that cannot be written: message" said 'cannot write below .*--dir'
else
	echo "ok $((tests += 1)) - without rights # SKIP needs root and setpriv"
fi
finish
