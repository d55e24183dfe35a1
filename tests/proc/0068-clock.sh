# A machine whose clock is decades off until it has asked for the time (tests/clock.c): neither then nor afterwards does retention take
# what is stored. A clock that goes on right after that is followed.
. "$(dirname "$0")/../lib.sh"
. "$(dirname "$0")/../clock.sh"
topology "  office: {file: $captures/office.pcapng}"
f="-f $tmp/weir.yaml"
begin() { # offset of the clock, s
	set_clock "$1"
	LD_PRELOAD=$tmp/clock.so "$bin/weir" run $f >"$tmp/run.log" 2>&1 &
	run_pid=$!
	pids="$pids $run_pid"
}
stored() { echo "$(weir alerts $f -n 1000 -o json | wc -l) $(weir history $f -n 1000 -o json | wc -l)"; }
prune() { weir store prune $f; }
begin 0
wait_for 30 at_end
ok $? "the pipeline comes to the end"
all=$(stored)
check "there is something to keep" test "${all% *}" -gt 5 -a "${all#* }" -gt 5
stop_run
decades=630000000
for off in $decades -$decades; do
	begin $off
	wait_for 30 prune
	ok $? "clock at $off s: retention goes to work"
	check "and says what it does not believe" grep -q "clock is 7291 days .* where it was" "$tmp/run.log"
	same "it takes nothing" "$all" "$(stored)"
	[ $off -lt 0 ] || stop_run
done
set_clock 0
check "set right: retention goes to work" prune
same "it takes nothing then either" "$all" "$(stored)"
check "and goes by the clock" grep -q "age is measured by the clock again" "$tmp/run.log"
finish
