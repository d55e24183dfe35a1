# Processes that find no memory (tests/memory.c). Sourced after lib.sh and kill.sh.
bin=${WEIR_BIN:-$bin} # sanitizers have to be loaded first themselves
command -v cc >/dev/null || skip_all "no compiler"
cc -D_GNU_SOURCE -Wall -Wextra -O1 -shared -fPIC -o "$tmp/memory.so" "$top/tests/memory.c" || exit 1

# Each process at its first life's allocation number COUNT.
run_without_memory() { # count
	KILL_PRELOAD=$tmp/memory.so
	NO_MEMORY_AT=$1
	export NO_MEMORY_AT
	run_begin
	unset NO_MEMORY_AT
	run_check "no memory at allocation $1"
	run_end
	found=$(grep -lx 'memory: there is none' "$tmp"/*.log | wc -l)
	check "$1: some found none" test "$found" -ge 2
}
