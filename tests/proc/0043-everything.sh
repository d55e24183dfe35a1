# All checks on, native ones and scripts, over all captures there are: none fails, none is disabled, and it is the same twice.
. "$(dirname "$0")/../lib.sh"
{
	echo "sensors: {none: {file: none}}"
	echo "lua: {paths: [$top/checks/lua/examples]}"
	echo "checks:"
	weir checks list -o tsv --fields key | awk '{ print "  " $1 ": {enabled: yes}" }'
} >"$tmp/weir.yaml"
set -- "$captures"/*.pcap*
[ -d "$top/../shared/pcaps" ] && set -- "$@" "$top"/../shared/pcaps/*.pcap*
for i in 1 2; do
	# A capture that is broken at its end makes the exit status 1.
	weir replay -f "$tmp/weir.yaml" "$@" >"$tmp/out$i" 2>"$tmp/err$i"
	same "replay $i of $# captures comes to its end" summary "$(tail -1 "$tmp/out$i" | jq -r .type)"
done
check "the same bytes" cmp "$tmp/out1" "$tmp/out2"
check "no process ended" sh -c "! grep -E 'killed by|starting again|hangs' $tmp/err1 $tmp/err2"
check "no script failed" sh -c "! grep 'lua check' $tmp/err1 $tmp/err2"
check "there are alerts of many checks" test "$(jq -r 'select(.type == "alert")|(.other_checks // [.check])[]' "$tmp/out1" |
	sort -u | wc -l)" -gt 10
finish
