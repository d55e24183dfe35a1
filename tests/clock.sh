# A wall clock that the test sets (tests/clock.c). Sourced after lib.sh.
build_preload clock
CLOCK=$tmp/offset
export CLOCK
truncate -s 32 "$CLOCK"
set_clock() { printf '%-31d' "$1" | dd of="$CLOCK" conv=notrunc 2>/dev/null; } # seconds beside the true one
set_clock 0
