# Sources and manuals, as far as that takes seconds: the rest of make lint is compilers and cppcheck.
. "$(dirname "$0")/../lib.sh"
out=$(make --no-print-directory -s -C "$top" O="${WEIR_BUILD:-build}" lint-text 2>&1)
same "nothing to complain of" 0 $?
[ -z "$out" ] || printf '%s\n' "$out" | sed 's/^/# /'
cp "$top/common/buf.c" "$tmp/odd.c"
printf 'static void f(char *a)\n{\n\tsprintf(a, "x");\n}\n' >>"$tmp/odd.c"
check "a banned function would be seen" sh -c "! (cd $top && etc/packaging/check-source $tmp/odd.c >/dev/null)"
finish
