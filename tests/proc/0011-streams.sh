# Events over HTTP: replay, resume, a killed server, filters, lines; and the API on a unix socket.
. "$(dirname "$0")/../lib.sh"
PORT=${PORT:-18474}
base=http://127.0.0.1:$PORT

topology "  office: {file: $captures/office.pcapng}"
start
wait_for 30 at_end
ok $? "the pipeline comes to the end"
auth="Authorization: Bearer $(cat "$tmp/state/api.token")"
stream() { # seconds path [curl arguments]: what comes in that time
	t=$1 p=$2
	shift 2
	curl -sgN --max-time "$t" -H "$auth" "$@" "$base$p"
}
numbers() { grep '^id: ' "$1" | sed 's/^id: //'; }
everything() { # until the stream holds what the store has
	stream 1 "/api/v1/stream?since=0" >"$tmp/all"
	[ "$(grep -c '^event: alert' "$tmp/all")" -ge "$(api '/api/v1/alerts?limit=1&count' | jq .total)" ]
}

wait_for 15 everything
ok $? "since=0 replays what is held"
check "no gap" sh -c "! grep -q '^event: gap' $tmp/all"
check "data is JSON, one line each" sh -c "grep '^data: ' $tmp/all | sed 's/^data: //' | jq -e -s 'length > 5 and all(.[]; .id and .check)'"
same "a stream without since has nothing old" 0 "$(stream 1 /api/v1/stream | grep -c '^event')"
check "it tells how soon to come back" sh -c "curl -sN --max-time 1 -H '$auth' $base/api/v1/stream | grep -q '^retry: '"
stream 1 "/api/v1/stream?since=0" -D "$tmp/head" >/dev/null
check "its type" grep -qi '^content-type: text/event-stream' "$tmp/head"

# -- resume, with and without a kill in between --
total=$(numbers "$tmp/all" | wc -l)
fifth=$(numbers "$tmp/all" | sed -n 5p)
stream 1 /api/v1/stream -H "Last-Event-ID: $fifth" >"$tmp/rest"
same "Last-Event-ID: the rest" $((total - 5)) "$(numbers "$tmp/rest" | wc -l)"
check "no event twice, none left out" sh -c "(sed -n 's/^id: //p' $tmp/all | head -5; sed -n 's/^id: //p' $tmp/rest) | cmp - <<X
$(numbers "$tmp/all")
X"
kill -9 "$(pid_of apid)"
rest_again() {
	stream 1 "/api/v1/stream?since=$fifth" >"$tmp/rest2"
	[ -s "$tmp/rest2" ] && [ "$(numbers "$tmp/rest2" | wc -l)" -ge $((total - 5)) ]
}
wait_for 20 rest_again
ok $? "after kill -9 of apid the same id gets the same rest"
check "byte for byte" cmp "$tmp/rest" "$tmp/rest2"
same "the id of another run is told so" 1 "$(stream 1 "/api/v1/stream?since=1-deadbeef.7-deadbeef.7-deadbeef.7" | grep -c '^data: {"topic":"alerts","lost":null}')"

# -- topics, filter, lines --
stream 1 "/api/v1/stream?topics=alerts&since=0&filter=check%3Dsyn_scan" >"$tmp/f"
check "filter" sh -c "grep '^data: ' $tmp/f | sed 's/^data: //' | jq -e -s 'length > 0 and all(.[]; .check == \"syn_scan\")'"
stream 1 "/api/v1/stream?topics=alerts&since=0" -H 'Accept: application/x-ndjson' >"$tmp/lines"
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
over() { curl -sg --max-time 5 --unix-socket "$tmp/api.sock" "http://x$1"; }
wait_for 20 sh -c "curl -s --unix-socket $tmp/api.sock http://x/readyz | grep -q ^ok"
ok $? "ready over a unix socket"
same "its mode" 660 "$(stat -c %a "$tmp/api.sock")"
check "no token is needed" sh -c "curl -s --unix-socket $tmp/api.sock http://x/api/v1/me | jq -e '.name == \"unix socket\"'"
check "alerts" sh -c "curl -s --unix-socket $tmp/api.sock 'http://x/api/v1/alerts?limit=3' | jq -e '.data|length == 3'"
kill -9 "$(weir status -f "$tmp/unix.yaml" -o json | jq -r 'select(.process=="apid").pid')"
wait_for 15 sh -c "curl -s --unix-socket $tmp/api.sock http://x/livez | grep -q ok"
ok $? "a socket file that a killed process left is no obstacle"
finish
