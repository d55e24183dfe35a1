# No memory for a moment, in all six processes at once. They end and are started again, or go on; nothing is lost. More places are in
# tests/soak. And a limit of the address space that is too small to begin with.
. "$(dirname "$0")/../lib.sh"
. "$(dirname "$0")/../kill.sh"
. "$(dirname "$0")/../memory.sh"
kill_topology "$captures/office.pcapng" 25
run_clean
run_without_memory 4000

# An address space in which the threads of the links have no room: nng would crash, or wait for ever.
tight() { # program options...
	program=$1
	shift
	(ulimit -s 8192 && ulimit -v 98304 && exec "$bin/$program" "$@" -f "$tmp/weir.yaml") >"$tmp/tight" 2>&1
	same "$program says that the limit is too small, and ends" "1 1" "$? $(grep -c 'RLIMIT_AS' "$tmp/tight")"
}
tight weir-capture -i replay
for p in classify checks alertd notify apid; do tight "weir-$p"; done
finish
