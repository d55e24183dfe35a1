# SIGSTOP of each process for ten seconds: the others wait or go on, nothing grows, and the end is the same. Then of all of them.
. "$(dirname "$0")/../lib.sh"
. "$(dirname "$0")/../kill.sh"
kill_topology "$captures/office.pcapng" 10
run_clean
for name in $kill_names; do
	run_begin
	wait_for 20 sh -c "grep -q . '$tmp/got'/*.json"
	hit STOP "$name"
	sleep "${STOPPED:-10}"
	hit CONT "$name"
	run_check "$name stopped"
	run_end
done
# A machine that stands still for longer than a process may say nothing: nobody is taken for one that hangs.
topology "  office: {file: $captures/office.pcapng}"
start
wait_for 60 at_end
processes=$(pgrep -P "$run_pid")
kill -STOP $run_pid $processes
sleep "${AWAY:-33}"
kill -CONT "$run_pid"
sleep 1 # it looks after them before they could say anything
kill -CONT $processes
wait_for 20 at_end
same "the same processes go on" "$processes" "$(pgrep -P "$run_pid")"
finish
