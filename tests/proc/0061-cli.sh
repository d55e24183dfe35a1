# weir flows, hosts, top, apps, ifaces: over the API's unix socket and over TCP; forms, fields, orders, exit codes, completion.
. "$(dirname "$0")/../lib.sh"
sock=$tmp/api.sock

topology "  office: {file: $captures/office.pcapng}
  other: {file: $captures/protocols.pcap}"
sed -i "s|^api: {listen: [^,]*|api: {listen: \"unix:$sock\"|" "$tmp/weir.yaml"
WEIR_CONFIG=$tmp/weir.yaml
export WEIR_CONFIG
start
wait_for 30 at_end
ok $? "the pipeline comes to the end"
wait_for 10 sh -c "[ \"\$(curl -s --unix-socket $sock http://localhost/readyz)\" = ok ]"
ok $? "the API answers on its socket"
seen() {
	[ "$(weir history -n 10000 | wc -l)" -ge 300 ] && [ "$(weir flows -n 10000 | wc -l)" = "$(weir history -n 10000 | wc -l)" ] &&
		[ "$(weir hosts | wc -l)" -ge 10 ]
}
wait_for 10 seen
ok $? "and has seen flows and hosts"

weir flows -n 5 >"$tmp/out"
check "flows are JSON lines in a pipe, without a token" jq -es 'length == 5 and (all(.[]; .client.ip != null))' "$tmp/out"
weir flows -n 1000 'proto = tcp and server.port = 443' >"$tmp/out"
check "an expression selects" jq -es 'length > 0 and all(.[]; .server.port == 443)' "$tmp/out"
weir hosts --sort -bytes_sent >"$tmp/out"
check "an order is kept" jq -es '[.[].bytes_sent] | . == (sort | reverse) and length > 3' "$tmp/out"
weir hosts --fields ip,flows.active -n 1 >"$tmp/out"
check "fields are chosen" jq -e 'keys == ["flows.active", "ip"]' "$tmp/out"
same "a table has a header" "HOST" "$(weir hosts -o table -n 1 | sed -n '1s/ .*//p')"
check "wide has more columns" sh -c "$bin/weir hosts -o wide -n 1 | grep -q VENDOR"
same "tab-separated values have no header and all columns" 13 "$(weir hosts -o tsv -n 1 | awk -F'\t' '{ print NF }')"
same "top has ten" 10 "$(weir top flows | wc -l)"
weir top apps -n 3 >"$tmp/out"
check "applications" jq -es 'length == 3 and all(.[]; .key != null)' "$tmp/out"
apps() { weir apps -n 1000 "$@" | jq -r '"\(.key) \(.flows) \(.bytes)"' | sort; }
apps --sensor office >"$tmp/office"
apps --sensor other >"$tmp/other"
awk '{ f[$1] += $2; b[$1] += $3 } END { for (a in f) print a, f[a], b[a] }' "$tmp/office" "$tmp/other" | sort >"$tmp/both"
apps >"$tmp/out"
check "those of all sensors are the sum" sh -c "grep -q . $tmp/office && ! cmp -s $tmp/office $tmp/both && diff $tmp/both $tmp/out"
check "flows of one sensor" sh -c "$bin/weir flows --sensor other -n 1000 | jq -es 'length > 0 and all(.[]; .sensor == \"other\")'"
weir ifaces >"$tmp/out"
check "sensors and what they carried" jq -es 'map(.ifname) == ["office", "other"] and .[0].packets > 1000' "$tmp/out"
for order in "drops,ifname office other" "drops,-ifname other office" "-packets,ifid office other" "packets other office"; do
	same "sensors by ${order%% *}" "${order#* }" "$(weir ifaces --sort "${order%% *}" | jq -r .ifname | xargs)"
done
weir flows --since 2100-01-01 >"$tmp/out"
same "since" "0 0" "$? $(wc -l <"$tmp/out")"
code() { weir "$@" >"$tmp/out" 2>"$tmp/err"; echo $?; }
same "an expression that is wrong" 2 "$(code flows 'nonsense = 1')"
check "says where" grep -q "no field 'nonsense'" "$tmp/err"
for verb in hosts ifaces; do
	same "an order that $verb have not" 2 "$(code $verb --sort "-bytes,nonsense")"
done
for verb in flows hosts ifaces apps; do
	same "a field that $verb have not" 2 "$(code $verb --fields nonsense)"
done
same "a sensor there is not" 2 "$(code apps --sensor none)"
check "is said to be none" grep -q 'sensor: there is none of this name' "$tmp/err"
same "an option there is not" 2 "$(code hosts --nonsense)"
same "an API that is away" 3 "$(code flows --url "http://127.0.0.1:$PORT")"
same "a token that cannot be read" 1 "$(code flows --url "http://127.0.0.1:$PORT" --token-file "$tmp/none")"
for verb in flows alerts; do
	"$bin/weir" $verb --watch=1 -n 1 >"$tmp/out" &
	watcher=$!
	pids="$pids $watcher"
	wait_for 10 sh -c "[ \$(wc -l <$tmp/out) -ge 2 ]"
	ok $? "weir $verb --watch asks again"
	kill $watcher
done

# What comes from the network must not reach a terminal as it is.
perl -MIO::Socket::INET -e '
	my $l = IO::Socket::INET->new(LocalAddr => "127.0.0.1:$ARGV[0]", Listen => 5, ReuseAddr => 1) or die;
	print "listening\n"; close STDOUT;
	while (my $c = $l->accept) {
		while (<$c>) { last if /^\r?$/ }
		my $b = "{\"data\":[{\"ip\":\"\\u001b[2J\\u009b31m\\u007fx\",\"name\":\"a\\nb\"}]}";
		print $c "HTTP/1.0 200 OK\r\nContent-Length: " . length($b) . "\r\n\r\n$b"; close $c }' "$PORT" >"$tmp/fake" &
pids="$pids $!"
wait_for 5 grep -q listening "$tmp/fake"
for form in table tsv; do
	weir hosts --url "http://127.0.0.1:$PORT" -o $form >"$tmp/out"
	same "no control characters in $form" "" "$(LC_ALL=C tr -d '\n\t -~' <"$tmp/out")"
	check "but the text around them" grep -q '?31m?x' "$tmp/out"
done

for v in $(weir --help | sed -n 's/^  \([a-z]*\)  .*/\1/p'); do
	check "$v --help" sh -c "$bin/weir $v --help | grep -q 'usage: weir $v'"
done
for wrong in "tail -n ten" "flows --since soon" "alerts --watch=0" "series --step long" "status -o fancy" "replay --speed fast" "hosts --nothing"; do
	status=0
	"$bin/weir" $wrong >"$tmp/out" 2>&1 </dev/null || status=$?
	same "weir $wrong is wrong usage, and told so" "2 yes" "$status $(grep -q '^usage: weir' "$tmp/out" && echo yes)"
done
for all in --help --version --completion "top --help"; do
	check "weir $all to a full disk fails" sh -c "! $bin/weir $all >/dev/full 2>&1"
done
"$bin/weir" --completion >"$tmp/completion"
check "completion knows verbs" bash -c "PATH=$bin:\$PATH; . $tmp/completion; COMP_WORDS=(weir ho); COMP_CWORD=1; _weir; [ \"\${COMPREPLY[*]}\" = hosts ]"
check "and options" bash -c "PATH=$bin:\$PATH; . $tmp/completion; COMP_WORDS=(weir hosts --fi); COMP_CWORD=2; _weir; [ \"\${COMPREPLY[*]}\" = --fields ]"
finish
