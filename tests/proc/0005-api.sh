# The HTTP API and the verbs that ask a running pipeline.
. "$(dirname "$0")/../lib.sh"

topology "  office: {file: $captures/office.pcapng}"
start_api
base=http://127.0.0.1:$PORT
same "livez needs no token" 200 "$(code $base/livez)"
same "readyz" 200 "$(code $base/readyz)"
for p in status flows hosts alerts stream nothing; do
	same "$p without a token" 401 "$(code $base/api/v1/$p)"
done
check "the refusal is a problem document" jq -e '.status == 401 and .title' "$tmp/body"
same "a wrong token" 401 "$(code -H 'Authorization: Bearer x' $base/api/v1/alerts)"
same "unknown path" 404 "$(code -H "$auth" $base/api/v1/nothing)"
same "dots in the path" 400 "$(code --path-as-is -H "$auth" $base/api/v1/../x)"
same "escaped dots" 400 "$(code --path-as-is -H "$auth" $base/api/v1/%2e%2e/x)"
same "another Host" 421 "$(code -H "$auth" -H 'Host: evil.example' $base/api/v1/alerts)"
same "POST" 405 "$(code -X POST -H "$auth" $base/api/v1/alerts)"
same "HEAD" 200 "$(code -I -H "$auth" $base/api/v1/alerts)"
api /api/v1/status >"$tmp/status"
check "status names all six and all are up" jq -e '(.processes|length) == 6 and all(.processes[]; .up)' "$tmp/status"
# Its own requests are among the metrics: what is asked anew differs by them.
told="$base/api/v1/status?metrics"
same_again() { curl -s -H "$auth" "$told" "$told" | jq -es '(map(del(.age))|unique|length) == 1 and .[0].age <= .[1].age'; }
wait_for 10 same_again
ok $? "who asks at once again is told the same, and how old it is"
told_now() { curl -s -H "$auth" "$told" | jq -c 'del(.age)'; }
told_first=$(told_now)
told_anew() { [ "$(told_now)" != "$told_first" ]; }
wait_for 10 told_anew
ok $? "but not for long"
check "alerts" sh -c "api() { :; }; jq -e '(.data|length) > 5' <<X
$(api '/api/v1/alerts?limit=50')
X"
api '/api/v1/alerts?check=syn_scan' >"$tmp/a"
check "filter by a field" jq -e '(.data|length) == 2 and all(.data[]; .check == "syn_scan")' "$tmp/a"
api '/api/v1/alerts?filter=severity%20>%3D%20error%20and%20flow.server.port%20%3D%20443&fields=check,flow.server.port' >"$tmp/a"
check "filter in the match language, chosen fields" jq -e '(.data|length) >= 1 and all(.data[]; .flow.server.port == 443 and (has("id")|not))' "$tmp/a"
same "a bad filter" 400 "$(code -H "$auth" "$base/api/v1/alerts?filter=severty%3D1")"
check "says which parameter and why" jq -e '.errors[0].param == "filter" and (.errors[0].reason|test("did you mean"))' "$tmp/body"
same "a bad limit" 400 "$(code -H "$auth" "$base/api/v1/flows?limit=0")"
same "a bad sort" 400 "$(code -H "$auth" "$base/api/v1/alerts?sort=nothing")"
same "a bad cursor" 400 "$(code -H "$auth" "$base/api/v1/flows?cursor=zzz")"
for list in flows hosts alerts flows/history; do
	cursor=$(api "/api/v1/$list?limit=1" | jq -r .next)
	same "a cursor of $list with another filter" 410 "$(code -H "$auth" "$base/api/v1/$list?limit=1&filter=score%20%3E%3D%200&cursor=$cursor")"
	check "says so by its type" jq -e '.type == "cursor-expired"' "$tmp/body"
	same "with another order" 410 "$(code -H "$auth" "$base/api/v1/$list?limit=1&sort=score&cursor=$cursor")"
done
for list in flows alerts flows/history; do
	cursor="" n=0
	: >"$tmp/ids"
	while [ $n -lt 200 ]; do
		api "/api/v1/$list?limit=7&cursor=$cursor" >"$tmp/page"
		jq -r '.data[]|.id' "$tmp/page" >>"$tmp/ids"
		cursor=$(jq -r '.next // ""' "$tmp/page")
		n=$((n + 1))
		[ -n "$cursor" ] || break
	done
	api "/api/v1/$list?limit=10000" | jq -r '.data[]|.id' | sort >"$tmp/all"
	sort "$tmp/ids" >"$tmp/walked"
	check "pages of $list neither skip nor double" cmp "$tmp/all" "$tmp/walked"
done
id=$(api '/api/v1/alerts?check=syn_scan&limit=1' | jq -r '.data[0].id')
same "one alert by its id" "$id" "$(api "/api/v1/alerts/$id" | jq -r .id)"
same "one host" 192.168.50.10 "$(api /api/v1/hosts/192.168.50.10 | jq -r .ip)"
same "a host that is not there" 404 "$(code -H "$auth" $base/api/v1/hosts/192.0.2.99)"
hear 1 '^data: ' "$tmp/sse" "/api/v1/stream?since=0"
check "the stream replays events with their numbers" sh -c "grep -q '^id: [0-9]' $tmp/sse && grep -q '^event: alert' $tmp/sse && grep '^data: ' $tmp/sse | sed 's/^data: //' | jq -e .check >/dev/null"
# -- the command line --
f="-f $tmp/weir.yaml"
same "weir alerts" 2 "$(weir alerts $f -o json check = syn_scan | wc -l)"
check "weir alerts ack" "$bin/weir" alerts ack $f "$id" --comment "seen by the test"
check "the note is there" sh -c "$bin/weir alerts $f -o json 'id = $id' | jq -e '.acknowledged and .ack.comment == \"seen by the test\"'"
weir alerts ack $f 01ARZ3NDEKTSV4RRFFQ69G5FAV >/dev/null 2>&1
same "ack of no alert" 1 $?
check "weir history" sh -c "$bin/weir history $f -o json 'server.port = 443' | jq -e -s 'length > 2'"
check "weir tail replays what is held" sh -c "$bin/weir tail $f -n 3 | jq -e -s 'length == 3'"
weir tail $f -n 5 --cursor-file "$tmp/cursor" >"$tmp/t1" 2>&1
check "weir tail keeps a cursor" test -s "$tmp/cursor"
check "weir cat packets" sh -c "$bin/weir cat $f -s 1 history | jq -e -s 'any(.[]; .type==\"flow\")'"
check "weir store stats" sh -c "$bin/weir store $f -o json stats | jq -e -s 'any(.[]; .name==\"alerts\" and .value > 5)'"
check "weir store backup" sh -c "$bin/weir store $f backup $tmp/backup && sqlite3 $tmp/backup/alerts.db 'select count(*) from alerts' | grep -qv '^0' && ls $tmp/backup/flows-*.db"
check "counters: packets are in flows or undecoded" sh -c "$bin/weir status $f -m -o json | jq -e -s '(map(select(.type==\"metric\" and .process==\"capture/office\"))) as \$m | (\$m|map(select(.name==\"packets\"))[0].value) == ((\$m|map(select(.name==\"packets_in_flows\"))[0].value) + (\$m|map(select(.name==\"undecoded\").value)|add))'"
# -- the socket for the group --
same "owner and group may open the socket" 660 "$(stat -c %a "$tmp/run/api.sock")"
mv "$tmp/state/api.token" "$tmp/hidden"
check "whoever may open it needs no token" sh -c "$bin/weir flows $f -n 3 | jq -es 'length == 3'"
same "they are told who they are" "unix socket" "$(curl -s --unix-socket "$tmp/run/api.sock" http://localhost/api/v1/me | jq -r .name)"
same "the address asks for a token all the same" 401 "$(code $base/api/v1/me)"
mv "$tmp/hidden" "$tmp/state/api.token"
# -- apid comes late --
wait_for 10 live_is_whole
ok $? "the live view has all that the history has"
api '/api/v1/flows?limit=10000&sort=id' >"$tmp/flows.before"
api '/api/v1/hosts?limit=10000&sort=ip' >"$tmp/hosts.before"
check "flows and hosts that have ended are there" jq -e '(.data|length) > 5' "$tmp/flows.before" "$tmp/hosts.before"
kill "$(pid_of apid)"
again() { [ "$(grep -c 'listening on' "$tmp/run.log")" = 2 ] && api_ready; }
wait_for 20 again
ok $? "apid is started again"
check "it has the same flows" sh -c "curl -s -H '$auth' '$base/api/v1/flows?limit=10000&sort=id' | cmp - $tmp/flows.before"
check "and the same hosts" sh -c "curl -s -H '$auth' '$base/api/v1/hosts?limit=10000&sort=ip' | cmp - $tmp/hosts.before"
replies_are_described
# -- a port in use --
cp "$tmp/weir.yaml" "$tmp/first.yaml"
mkdir "$tmp/two"
sed "s|runtime: .*|runtime: $tmp/two/run|; s|state: .*|state: $tmp/two/state|" "$tmp/first.yaml" >"$tmp/two.yaml"
mkdir -p "$tmp/two/state" "$tmp/two/run"
timeout 60 "$bin/weir-apid" -f "$tmp/two.yaml" >"$tmp/two.log" 2>&1
same "a port in use: exit status" 1 $?
check "a port in use: message" grep -q "Address already in use" "$tmp/two.log"
finish
