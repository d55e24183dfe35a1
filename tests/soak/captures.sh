# Other captures, each with some kills: those of ../shared/pcaps, if they are there, that are neither tiny nor huge.
. "$(dirname "$0")/../lib.sh"
. "$(dirname "$0")/../kill.sh"
[ -d "$top/../shared/pcaps" ] || skip_all "no captures in ../shared/pcaps"
n=0
for c in "$top"/../shared/pcaps/*; do
	size=$(stat -c %s "$c")
	[ "$size" -gt 100000 ] && [ "$size" -lt 3000000 ] || continue
	n=$((n + 1))
	[ $((n % ${EVERY:-5})) -eq 0 ] || continue
	kill_topology "$c" max
	run_begin
	# Not all of them raise alerts, so there may be no delivery to wait for.
	wait_for 60 at_end
	sleep 1
	wait_for 20 is_quiet
	cp "$tmp/now" "$tmp/want"
	run_end
	run_begin
	for i in 1 2 3 4 5 6; do
		sleep 0.1
		hit KILL checks alertd
		sleep 0.05
		hit KILL classify notify
		[ $i = 3 ] && hit KILL capture
	done
	run_check "$(basename "$c")"
	run_end
done
finish
