# SIGSTOP of each process for ten seconds: the others wait or go on, nothing grows, and the end is the same.
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
finish
