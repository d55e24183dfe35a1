# Every named fault point of every process, at its first and at a later passing; calls that fail.
. "$(dirname "$0")/../lib.sh"
. "$(dirname "$0")/../kill.sh"
kill_topology "$captures/office.pcapng" 25
run_clean
for point in $(fault_points FAULT capture classify checks alertd notify); do
	run_fault "$point"
	case $point in
	notify.mark.* | notify.send.* | *.rename.* | *.fsync.*) ;; # may not come that often
	*) run_fault "$point:3" ;;
	esac
done
for point in $(fault_points FAULT_FAILS checks alertd notify); do
	WEIR_FAULT_TIMES=3 run_fault "$point:2=enospc"
done
finish
