# What can grow has a bound: each process tells its own at the start and to weir status, and common/README.md lists them all.
. "$(dirname "$0")/../lib.sh"
echo 192.0.2.1 >"$tmp/feed"
topology "  one: {file: $captures/office.pcapng}" "lists: {feed: {file: $tmp/feed}}
rules: {much: {entity: host, value: bytes_rcvd, above: 300K, window: 1h}}"
start
wait_for 30 api_ready
ok $? "all are ready"
wait_for 30 at_end
ok $? "the capture was read"

# process name, as the table has them; "all" is what the frame of every process has.
awk -F '[|]' '/^\| process \| bound/ { on = 1; next } on && !/^\|/ { exit }
	on { gsub(/[ `]/, ""); n = split($3, names, ","); for (i = 1; i <= n; i++) if (match(names[i], /^[a-z_]*_max/)) print $2, substr(names[i], 1, RLENGTH) }' \
	"$top/common/README.md" >"$tmp/table"
rows() { grep "^$1 " "$tmp/table" | cut -d ' ' -f 2; }
for p in capture classify checks alertd notify apid; do
	{
		rows all
		rows $p
		case $p in classify | checks) rows guarded ;; esac
	} | grep -v kernel_buffer_max | sort >"$tmp/wanted" # of a live sensor
	grep "^[^:]*$p.* bounds:" "$tmp/run.log" | sed 's/.* bounds://' | tr ' ' '\n' | grep -o '^[a-z_]*_max' | sort -u >"$tmp/told"
	check "$p tells the bounds that the table has" diff "$tmp/wanted" "$tmp/told"
	weir status -f "$tmp/weir.yaml" -m -o json |
		jq -r --arg p $p 'select(.type=="metric" and (.process|split("/")[0])==$p).name' | sort -u >"$tmp/status"
	same "$p: and weir status" "" "$(comm -23 "$tmp/told" "$tmp/status")"
done
finish
