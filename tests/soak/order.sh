# ORDERS permutations: the processes are started in that order, each when the one before it is there, and in the middle of the run
# restarted in the opposite one.
. "$(dirname "$0")/../lib.sh"
. "$(dirname "$0")/../kill.sh"
KILL_WAIT=120
kill_topology "${CAPTURE:-$captures/office.pcapng}" "${SPEED:-25}"
run_clean
names=$kill_names
shuffled() {
	for name in $names; do
		draw 1000
		echo "$drawn $name"
	done | sort -n | cut -d ' ' -f 2
}
is_up() { [ -s "$tmp/$1.log" ]; } # it has told its bounds
was_replaced() { [ "$(cat "$tmp/$1.pid")" != "$old" ]; }
KILL_NEXT="wait_for 10 is_up"
for n in $(seq "${ORDERS:-30}"); do
	rnd=$n
	kill_names=$(shuffled | tr '\n' ' ')
	run_begin
	wait_for 20 sh -c "grep -q . '$tmp/got'/*.json"
	for name in $(echo "$kill_names" | tr ' ' '\n' | tac); do
		old=$(cat "$tmp/$name.pid")
		hit TERM "$name"
		wait_for 10 was_replaced "$name"
	done
	run_check "$kill_names"
	run_end
done
finish
