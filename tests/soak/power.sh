# The power fails again and again: SEEDS runs (from FIRST on) of CUTS each, of every kind, at any moment.
. "$(dirname "$0")/../lib.sh"
. "$(dirname "$0")/../kill.sh"
. "$(dirname "$0")/../power.sh"
KILL_WAIT=120
power_begin
kill_topology "${CAPTURE:-$captures/office.pcapng}" "${SPEED:-10}"
run_clean
for seed in $(seq "${FIRST:-1}" $((${FIRST:-1} + ${SEEDS:-20} - 1))); do
	rnd=$seed
	run_with_disk
	for cut in $(seq "${CUTS:-6}"); do
		draw 100
		sleep "0.$(printf %02d "$drawn")"
		draw 3
		case $drawn in
		0) power_cut late "$seed$cut" ;;
		1) power_cut early "$seed$cut" ;;
		*) power_cut mixed "$seed$cut" ;;
		esac
	done
	run_check "seed $seed"
	run_end
done
finish
