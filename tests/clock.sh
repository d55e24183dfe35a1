# A wall clock that the test sets (tests/clock.c). Sourced after lib.sh.
bin=${WEIR_BIN:-$bin} # sanitizers have to be loaded first themselves
command -v cc >/dev/null || skip_all "no compiler"
cc -D_GNU_SOURCE -Wall -Wextra -O1 -shared -fPIC -o "$tmp/clock.so" "$top/tests/clock.c" -ldl || exit 1
CLOCK=$tmp/offset
export CLOCK
truncate -s 32 "$CLOCK"
set_clock() { printf '%-31d' "$1" | dd of="$CLOCK" conv=notrunc 2>/dev/null; } # seconds beside the true one
set_clock 0
