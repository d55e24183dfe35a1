# The wall clock is set forward and back by an hour while an interface is watched (tests/clock.c): flows go on to end, each alert is
# stored and told once, nothing else is raised, signs of life go on, and silences hold by the clock that people see.
. "$(dirname "$0")/../lib.sh"
. "$(dirname "$0")/../clock.sh"
n=weir-k$$
namespaces "$n"
ip -n "$n" link set lo up
mkdir "$tmp/got"
printf '#!/bin/sh\ncat >%s/got/$ALERT_DELIVERY_ID.$$\n' "$tmp" >"$tmp/program"
printf '#!/bin/sh\necho x >>%s/beats\n' "$tmp" >"$tmp/watchman"
chmod 755 "$tmp/program" "$tmp/watchman"
: >"$tmp/beats"
topology "  lan: {interface: lo, idle_timeout_udp: 1s}" "rules: {hit: {match: 'server.port = 9 and proto = udp'}}
lua: {enabled: no}
recipients:
  program: {exec: [$tmp/program], match: 'check = hit'}
  watchman: {exec: [$tmp/watchman], heartbeat: 1s, match: 'severity > emergency'}"
LD_PRELOAD=$tmp/clock.so ip netns exec "$n" "$bin/weir" run -f "$tmp/weir.yaml" >"$tmp/run.log" 2>&1 &
run_pid=$!
pids="$pids $run_pid"
weir() { LD_PRELOAD=$tmp/clock.so "$bin/weir" "$@"; }
capturing() { state_of capture/lan | grep -q capturing; }
wait_for 20 capturing
ok $? "capture is on the interface"
sent=0
send() { # so many flows, of a packet each
	ip netns exec "$n" python3 -c '
import socket, sys
sink = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
sink.bind(("127.0.0.1", 9))
for i in range(int(sys.argv[1]), int(sys.argv[1]) + int(sys.argv[2])):
    s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    s.bind(("127.0.0.1", 20000 + i))
    s.sendto(b"hello", ("127.0.0.1", 9))' $sent "$1"
	sent=$((sent + $1))
}
stored() { weir alerts -f "$tmp/weir.yaml" -n 1000 -o json 'check = hit' | wc -l; }
ended() { weir history -f "$tmp/weir.yaml" -o json -n 1000 'server.port = 9 and proto = udp' | wc -l; }
all_told() { [ "$(ls "$tmp/got" | wc -l)" = $((sent - silenced)) ] && [ "$(stored)" = $sent ] && [ "$(ended)" = $sent ]; }
more_beats() { [ "$(wc -l <"$tmp/beats")" -gt "$before" ]; }
silenced=0
goes_on() { # description
	before=$(wc -l <"$tmp/beats")
	send 3
	wait_for 30 all_told
	ok $? "$1: alerts are stored and told, and flows end"
	wait_for 10 more_beats
	ok $? "$1: signs of life come"
}
goes_on "undisturbed"
for step in 3600 -7200; do
	set_clock $step
	goes_on "clock at $step s"
done
# Silences are of the clock that people see.
weir silence add -f "$tmp/weir.yaml" --for 1h --comment test check = hit >"$tmp/silence"
send 2
silenced=2
wait_for 30 all_told
ok $? "a silence holds"
set_clock 0
goes_on "it is over when the clock says so"
set_clock -7200
for p in capture/lan classify checks alertd notify; do kill -9 "$(pid_of $p)"; done
# What was sent before capture listens again was lost with its life, and was counted.
wait_for 20 capturing
set_clock -3600 # the silence is over again
goes_on "set back while all of it was killed"
same "nobody was told twice" "$(ls "$tmp/got" | wc -l)" "$(ls "$tmp/got" | cut -d . -f 1 | sort -u | wc -l)"
# A machine that is slow may have been without packets for a minute, which is told.
check "there was no storm of others" test "$(weir alerts -f "$tmp/weir.yaml" -n 1000 -o json 'check != hit' | wc -l)" -le 5
weir cat -f "$tmp/weir.yaml" -s 1 packets/lan | jq -r 'select(.type == "tick").to' >"$tmp/ticks"
check "packet time never goes back" sort -c "$tmp/ticks"
check "that the clock was set back is said" grep -q 'the clock was set back by' "$tmp/run.log"
finish
