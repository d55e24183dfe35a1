# Random subsets of the processes are killed, every 50 ms or so, for a while: SEEDS runs (from FIRST on) of ROUNDS, while the capture
# is played at SPEED. SIGHUP to some of those that live.
. "$(dirname "$0")/../lib.sh"
. "$(dirname "$0")/../kill.sh"
KILL_WAIT=120
kill_topology "${CAPTURE:-$captures/office.pcapng}" "${SPEED:-10}"
run_clean
for seed in $(seq "${FIRST:-1}" $((${FIRST:-1} + ${SEEDS:-20} - 1))); do
	rnd=$seed
	run_begin
	rounds=${ROUNDS:-60} kills=0
	while [ "$rounds" -gt 0 ]; do
		rounds=$((rounds - 1))
		sleep 0.05
		for name in $kill_names; do
			draw 6
			[ "$drawn" -eq 0 ] && hit KILL "$name" && kills=$((kills + 1))
			draw 40
			[ "$drawn" -eq 0 ] && hit HUP "$name"
		done
	done
	run_check "seed $seed, $kills kills"
	run_end
done
finish
