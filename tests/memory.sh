# Processes that find no memory (tests/memory.c). Sourced after lib.sh and kill.sh.
build_preload memory

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
