# Calls that signals interrupt, reads and writes that do a part only (tests/shim.c), processes stopped and continued all the time:
# what is stored, and who is told, is as if nothing had been.
. "$(dirname "$0")/../lib.sh"
. "$(dirname "$0")/../kill.sh"
build_preload shim
kill_topology "$captures/office.pcapng" 10
run_clean
SHIM_EVERY=10
export SHIM_EVERY
KILL_PRELOAD=$tmp/shim.so
run_begin
wait_for 60 is_settled
ok $? "with interrupted calls: it comes to its end"
check "the shim is there" grep -q shim.so "/proc/$(cat "$tmp/checks.pid")/maps"
run_check "one call in ten interrupted or done in part"
check "no process died of it" sh -c "! grep -E 'panic|BUG' $tmp/*.log"
check "no loss was told that there was not" sh -c "! grep -E 'are gone|are lost' $tmp/*.log"
run_end
# A storm: no call that waits ever waits for long, and signals come in between.
run_begin
while [ ! -e "$tmp/calm" ]; do
	for name in $kill_names; do hit STOP "$name" && hit CONT "$name"; done
done &
storm=$!
pids="$pids $storm"
wait_for 30 at_end
: >"$tmp/calm"
wait "$storm"
run_check "a storm of STOP and CONT beside that"
run_end
finish
