# History: series of sensors and hosts equal to what went by, whatever is killed; a run of its own for each capture; retention and
# queries beside storing.
. "$(dirname "$0")/../lib.sh"
PORT=${PORT:-18498}

topology "  office: {file: $captures/office.pcapng, speed: 20}" "store: {period: 1s, max_age: 1h, series: {1m: {max_age: 2h, max_bytes: 64K}}}"
start
wait_for 30 test -s "$tmp/state/api.token" || ok 1 "the pipeline starts"
f="-f $tmp/weir.yaml"
questions="series/query?by=app series/query?by=host&step=3600 top/app top/client.ip?start=2026-01-01T00:00:00Z flows/history?limit=5 alerts?limit=5 runs"
ask() { # readers that go on while records are stored: each answer must be one
	for q in $questions; do
		code=$(curl -sg -o /dev/null -w '%{http_code}' --max-time 30 -H "Authorization: Bearer $(cat "$tmp/state/api.token")" \
			"http://127.0.0.1:$PORT/api/v1/$q")
		case $code in 200) ;; *) echo "$q: $code" ;; esac
	done
}
all_the_time() {
	until [ -e "$tmp/enough" ]; do
		ask
		weir store $f prune >/dev/null 2>&1 || echo prune
	done
}
wait_for 30 eval '[ "$(curl -s -o /dev/null -w "%{http_code}" "http://127.0.0.1:$PORT/readyz")" = 200 ]'
all_the_time >"$tmp/failures" 2>&1 &
asker=$!
wait_for 60 at_end
ok $? "the pipeline comes to the end beside questions and retention"
touch "$tmp/enough"
wait "$asker"
same "every question was answered" "" "$(cat "$tmp/failures")"

# What capture counted is what the series has.
sums='[(map(.bytes)|add), (map(.packets)|add), (map(.flows)|add)]|join(" ")'
counted() { # sensor
	weir status $f -m -o json | jq -r -s --arg p "capture/$1" '[.[]|select(.type=="metric" and .process==$p)]
		| ["bytes","packets","flows_opened"] as $n | [$n[] as $k | (.[]|select(.name==$k).value)] | join(" ")'
}
want=$(counted office)
same "series of the sensor: bytes, packets, flows as capture counted them" "$want" "$(weir series $f -o json | jq -r -s "$sums")"
same "the same by the hour and by the day" "$want $want" \
	"$(weir series $f --step 1h -o json | jq -r -s "$sums") $(weir series $f --step 1d -o json | jq -r -s "$sums")"
flows=$(weir history $f -n 10000 -o json | jq -r -s '[(map(.client.bytes + .server.bytes)|add), (map(.client.packets + .server.packets)|add), length]|join(" ")')
same "series by application: as the stored flows" "$flows" "$(weir series $f --by app --step 1d -o json | jq -r -s "$sums")"
same "alerts in it" "$(weir alerts $f -n 10000 -o json | wc -l)" "$(weir series $f -o json | jq -s 'map(.alerts)|add')"
same "and by check" "$(weir alerts $f -n 10000 -o json | wc -l)" "$(weir series $f --by check -o json | jq -s 'map(.alerts)|add')"
host=192.168.50.10
same "a host: bytes as it is known for" "$(api /api/v1/hosts/$host | jq '.bytes_sent + .bytes_rcvd')" \
	"$(api "/api/v1/series/query?by=host&key=$host" | jq '[.data[].bytes]|add')"
from=$(api "/api/v1/series/query?by=host&key=$host" | jq '.data[0].time[:19] + "Z"|fromdate')
same "the same for ntopng's clients" "$(api "/api/v1/series/query?by=host&key=$host" | jq -c '[.data|map(.bytes_sent), map(.bytes_rcvd)|add]')" \
	"$(api "/lua/rest/v2/get/timeseries/ts.lua?ts_schema=host:traffic&ts_query=ifid:0,host:$host&epoch_begin=$from&epoch_end=$((from + 86400))" |
		jq -c '.rsp|.step as $s|[.series[]|.data|add * $s|round]')"
weir series $f --by host,app --key $host -o json >"$tmp/apps"
check "its applications" jq -s -e "length > 2 and all(.[]; .key[0] == \"$host\")" "$tmp/apps"
top() { api "/api/v1/top/$1?limit=1000&$2" | jq -c '.data'; }
for by in app client.ip server.ip ip proto; do
	same "top by $by: sums are what rows add up to" "$(top $by 'filter=ip_version%20in%20(4,6)')" "$(top $by "")"
done
same "a bad run" 400 "$(curl -sg -o /dev/null -w '%{http_code}' -H "Authorization: Bearer $(cat "$tmp/state/api.token")" \
	"http://127.0.0.1:$PORT/api/v1/series/query?run=x")"
for q in $questions; do
	api "/api/v1/$q" >/dev/null
done
replies_are_described
check "kinds in the statistics" sh -c "[ \$($bin/weir store $f stats -o json | jq -r 'select(.name == \"kept\").label' | wc -l) = 7 ]"

# Captures that are replayed into one store are a run each.
kill "$run_pid" && wait "$run_pid"
rm -rf "$tmp/state"
for capture in office.pcapng scan.pcap; do
	check "replay of $capture" "$bin/weir" replay --quiet --store "$tmp/shared" "$captures/$capture"
done
topology "  office: {file: $captures/protocols.pcap}" "store: {path: $tmp/shared}"
start
wait_for 60 at_end
ok $? "the third one comes to its end"
same "three runs are stored" 3 "$(weir store $f runs -o json | wc -l)"
run_of() { weir store $f runs -o json | jq -r "select(.inputs[0]|endswith(\"$1\")).run"; }
same "the first has its own series" "${want% *}" "$(weir series $f --run "$(run_of office.pcapng)" -o json | jq -r -s "$sums" | cut -d' ' -f1,2)"
for capture in office.pcapng scan.pcap protocols.pcap; do
	run=$(run_of $capture)
	same "$capture has its own flows" "$(weir store $f runs -o json | jq "select(.run == \"$run\").flows")" \
		"$(weir history $f --run "$run" -n 10000 -o json | wc -l)"
	same "and its own alerts" "$(weir store $f runs -o json | jq "select(.run == \"$run\").alerts")" \
		"$(weir series $f --run "$run" -o json | jq -s 'map(.alerts)|add')"
done

# Sensors that end one after the other: nothing is missing of those that were not the last.
kill "$run_pid" && wait "$run_pid"
rm -rf "$tmp/state"
topology "  office: {file: $captures/office.pcapng}
  scan: {file: $captures/scan.pcap}
  protocols: {file: $captures/protocols.pcap}"
start
wait_for 60 at_end
ok $? "three sensors come to their ends"
for sensor in office scan protocols; do
	same "$sensor: as its capture counted" "$(counted $sensor)" "$(weir series $f --key $sensor -o json | jq -r -s "$sums")"
done

# Killed again and again while it stores.
kill "$run_pid" && wait "$run_pid"
rm -rf "$tmp/state"
topology "  office: {file: $captures/office.pcapng, speed: 20}" "store: {period: 1s}"
start
for n in 1 2 3 4; do
	wait_for 30 eval '[ -n "$(pid_of alertd)" ]'
	kill -9 "$(pid_of alertd)" 2>/dev/null
	sleep 0.3
done
wait_for 60 at_end
ok $? "the pipeline comes to the end although alertd was killed"
same "series after kill -9: the same" "$want" "$(weir series $f -o json | jq -r -s "$sums")"
same "by application: the same" "$flows" "$(weir series $f --by app --step 1d -o json | jq -r -s "$sums")"
finish
