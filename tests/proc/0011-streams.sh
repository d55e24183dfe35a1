# Events over HTTP: replay, resume, a killed server, filters, lines; and the API on a unix socket.
. "$(dirname "$0")/../lib.sh"
base=http://127.0.0.1:$PORT

topology "  office: {file: $captures/office.pcapng}"
start_api
numbers() { grep '^id: ' "$1" | sed 's/^id: //'; }

# Each revision of an alert was an event.
total=$(weir export -f "$tmp/weir.yaml" alerts | jq -s 'map(.revision) | add')
hear "$total" '^data: ' "$tmp/all" "/api/v1/stream?since=0"
same "since=0 replays what is held" "$total" "$(grep -c '^event: alert' "$tmp/all")"
check "no gap" sh -c "! grep -q '^event: gap' $tmp/all"
check "data is JSON, one line each" sh -c "grep '^data: ' $tmp/all | sed 's/^data: //' | jq -e -s 'length > 5 and all(.[]; .id and .check)'"
hear 1 '^retry: ' "$tmp/new" /api/v1/stream -D "$tmp/head"
ok $? "a stream tells how soon to come back"
same "without since it has nothing old" 0 "$(grep -c '^event' "$tmp/new")"
check "its type" grep -qi '^content-type: text/event-stream' "$tmp/head"

# -- resume, with and without a kill in between --
fifth=$(numbers "$tmp/all" | sed -n 5p)
last=$(numbers "$tmp/all" | tail -1)
hear 1 "^id: $last" "$tmp/rest" /api/v1/stream -H "Last-Event-ID: $fifth"
same "Last-Event-ID: the rest" $((total - 5)) "$(numbers "$tmp/rest" | wc -l)"
check "no event twice, none left out" sh -c "(sed -n 's/^id: //p' $tmp/all | head -5; sed -n 's/^id: //p' $tmp/rest) | cmp - <<X
$(numbers "$tmp/all")
X"
kill -9 "$(pid_of apid)"
wait_for 20 api_ready
ok $? "apid is there again after kill -9"
hear 1 "^id: $last" "$tmp/rest2" "/api/v1/stream?since=$fifth"
check "the same id gets the same rest, byte for byte" cmp "$tmp/rest" "$tmp/rest2"
hear 1 '^data: ' "$tmp/other" "/api/v1/stream?since=1-deadbeef.7-deadbeef.7-deadbeef.7"
same "the id of another run is told so" 1 "$(grep -c '^data: {"topic":"alerts","lost":null}' "$tmp/other")"

# -- topics, filter, lines --
scans=$(weir export -f "$tmp/weir.yaml" alerts | jq -s 'map(select(.check == "syn_scan").revision) | add')
hear "$scans" '^data: ' "$tmp/f" "/api/v1/stream?topics=alerts&since=0&filter=check%3Dsyn_scan"
check "filter" sh -c "grep '^data: ' $tmp/f | sed 's/^data: //' | jq -e -s 'length == $scans and all(.[]; .check == \"syn_scan\")'"
hear "$total" . "$tmp/lines" "/api/v1/stream?topics=alerts&since=0" -H 'Accept: application/x-ndjson'
check "lines" sh -c "jq -e -s 'length == $total and all(.[]; .event and .id and .data.check)' $tmp/lines"
for q in topics=nothing since=5 'filter=severty%3D1' 'topics=alerts,flows&filter=check%3Dx' nothing=1; do
	same "$q is refused" 400 "$(curl -sg -o "$tmp/body" -w '%{http_code}' -H "$auth" "$base/api/v1/stream?$q")"
	check "with the parameter's name" jq -e ".errors[0].param == \"${q%%[=&]*}\" or .errors[0].param == \"filter\"" "$tmp/body"
done

# -- a unix socket: no token, its mode decides --
stop_run
sed "s|listen: .*|listen: \"unix:$tmp/api.sock\"}|" "$tmp/weir.yaml" >"$tmp/unix.yaml"
"$bin/weir" run -f "$tmp/unix.yaml" >"$tmp/unix.log" 2>&1 &
run_pid=$!
pids="$pids $run_pid"
wait_for 20 test -S "$tmp/api.sock"
wait_for 20 sh -c "curl -s --unix-socket $tmp/api.sock http://x/readyz | grep -q ^ok"
ok $? "ready over a unix socket"
same "its mode" 660 "$(stat -c %a "$tmp/api.sock")"
check "no token is needed" sh -c "curl -s --unix-socket $tmp/api.sock http://x/api/v1/me | jq -e '.name == \"unix socket\"'"
check "alerts" sh -c "curl -s --unix-socket $tmp/api.sock 'http://x/api/v1/alerts?limit=3' | jq -e '.data|length == 3'"
kill -9 "$(weir status -f "$tmp/unix.yaml" -o json | jq -r 'select(.process=="apid").pid')"
wait_for 15 sh -c "curl -s --unix-socket $tmp/api.sock http://x/livez | grep -q ok"
ok $? "a socket file that a killed process left is no obstacle"
finish
