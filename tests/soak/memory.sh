# No memory for a moment, at SEEDS places (from FIRST on) in the lives of all processes at once: from the start to the middle of the run.
. "$(dirname "$0")/../lib.sh"
. "$(dirname "$0")/../kill.sh"
. "$(dirname "$0")/../memory.sh"
KILL_WAIT=120
kill_topology "${CAPTURE:-$captures/office.pcapng}" "${SPEED:-25}"
run_clean
for seed in $(seq "${FIRST:-1}" $((${FIRST:-1} + ${SEEDS:-20} - 1))); do
	rnd=$seed
	draw 15000
	run_without_memory $((10 + drawn * drawn / 10000))
done
finish
