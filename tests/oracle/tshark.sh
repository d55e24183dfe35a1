# Every capture of the corpus, when it is there, against tshark: packets, bytes, conversations; then with the sanitizers.
. "$(dirname "$0")/../lib.sh"
pcaps=$top/../shared/pcaps
[ -d "$pcaps" ] || skip_all "no ../shared/pcaps"
command -v tshark >/dev/null || skip_all "no tshark"
python3 "$here/tshark.py" "${WEIR_BIN:-$top/build/bin}" "$pcaps" | grep -v '^1\.\.' >"$tmp/plain"
cat "$tmp/plain"
tests=$(grep -c 'ok ' "$tmp/plain")
grep -q '^not ok' "$tmp/plain" && bad=1
if [ -n "${WEIR_SAN_BIN:-}" ]; then
	python3 "$here/tshark.py" --only-run "$WEIR_SAN_BIN" "$pcaps" >"$tmp/san" 2>&1
	ok $? "with the sanitizers: no crash, no report, and every packet is counted"
	grep '^#' "$tmp/san" | head -20
fi
[ "$tests" -ge 6 ] || ok 1 "the comparison ran"
finish
