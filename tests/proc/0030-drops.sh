# The kernel drops packets because capture does not fetch them: each is counted, told in a GAP, and the sensor is reported.
. "$(dirname "$0")/../lib.sh"
. "$(dirname "$0")/../wire.sh"
. "$(dirname "$0")/../clock.sh"
topology "  lan: {interface: eth0, buffer: 64K, idle_timeout_udp: 1s}"
LD_PRELOAD=$tmp/clock.so ip netns exec "$s" "$bin/weir" run -f "$tmp/weir.yaml" >"$tmp/run.log" 2>&1 &
run_pid=$!
pids="$pids $run_pid"
capturing() { state_of capture/lan | grep -q capturing; }
wait_for 20 capturing
ok $? "capture is on the interface"
seen() { read_metrics && [ "$(sum capture packets kernel_drops)" -ge "$1" ]; }
send 0 100
# A machine that is very busy may lose some on the wire, where nobody is asked.
arrived() { ip netns exec "$c" cat /sys/class/net/eth0/statistics/tx_packets; }
wait_for 20 seen "$(arrived)"
ok $? "packets are seen"
capture=$(pid_of capture/lan)
kill -STOP "$capture"
while [ "$(arrived)" -lt 5000 ]; do send 100 3000 fast; done
kill -CONT "$capture"
wait_for 20 seen "$(arrived)"
ok $? "those that were sent while it was stopped are seen or counted as dropped"
same "each of them, once" "$(arrived)" "$(sum capture packets kernel_drops)"
check "the kernel dropped most" test "$(metric capture kernel_drops)" -gt 1000
echo "# dropped: $(metric capture kernel_drops) of $(arrived)"
told() { [ "$(weir cat -f "$tmp/weir.yaml" -s 1 packets/lan | jq -s 'map(select(.type == "gap" and .cause == "kernel_drops").packets) | add')" = "$(metric capture kernel_drops)" ]; }
wait_for 20 told
ok $? "GAPs tell as many"
set_clock 61 # a minute is over
raised() { weir alerts -f "$tmp/weir.yaml" -o json 'check = too_many_drops' | jq -e '.action == "engage" and .entity_value == "lan"'; }
wait_for 20 raised
ok $? "the sensor is reported"
released() { weir alerts -f "$tmp/weir.yaml" -o json 'check = too_many_drops' | jq -e '.action == "release"'; }
set_clock 122
wait_for 20 released
ok $? "until nothing is dropped any more"
finish
