# Who may ask how often, what is written down of it, and what no request changes: limits, streams, bodies, audit, secrets.
. "$(dirname "$0")/../lib.sh"
base=http://127.0.0.1:$PORT

# Buckets that hardly fill while the test runs, so that what is left does not depend on how fast it is.
limits="rate: 1, burst: 120, heavy_rate: 1, heavy_burst: 4, heavy_at_once: 2, max_streams: 3, audit_bytes: 64K"
topology "  office: {file: $captures/office.pcapng}"
start
wait_for 30 at_end
ok $? "the pipeline comes to the end"
wait_for 10 test -s "$tmp/state/api.token"
auth="Authorization: Bearer $(cat "$tmp/state/api.token")"
code() { curl -sg -D "$tmp/head" -o "$tmp/body" -w '%{http_code}' --max-time 60 "$@"; }
header() { tr -d '\r' <"$tmp/head" | sed -n "s/^$1: //Ip"; }
for name in one two; do
	weir token -f "$tmp/weir.yaml" -s admin add $name >"$tmp/$name" # a name of its own: a bucket of its own
done
wait_for 20 grep -q "2 tokens beside" "$tmp/run.log"
ok $? "tokens are known"
one="Authorization: Bearer $(cat "$tmp/one")" two="Authorization: Bearer $(cat "$tmp/two")"

# -- as many as the bucket holds, then one by one --
same "the first of many" 200 "$(code -H "$one" $base/api/v1/me)"
check "a reply says what the bucket holds" test "$(header RateLimit-Limit)" = 120 -a "$(header RateLimit-Remaining)" -ge 110 -a -n "$(header RateLimit-Reset)"
# In one go, or a bucket might fill as fast as this machine can start programs. n = requests before one is refused.
flood() { # header requests path
	curl -s -i -o "$tmp/flood.#1" -w '%{http_code}\n' --max-time 60 -H "$1" "$base$3#[1-$2]" >"$tmp/codes"
	n=$(($(grep -n -m1 -vx 200 "$tmp/codes" | cut -d: -f1) - 1))
	perl -0777 -pe 's/\r\n\r\n.*//s' "$tmp/flood.$((n + 1))" >"$tmp/head" && perl -0777 -pe 's/.*?\r\n\r\n//s' "$tmp/flood.$((n + 1))" >"$tmp/body"
}
flood "$one" 400 /api/v1/me
ok $? "whoever asks more often than the rate is refused at last"
check "not before the bucket is empty" test $n -ge 119
same "with 429" "429 application/problem+json" "$(jq -r .status "$tmp/body") $(header Content-Type)"
check "and is told how long to wait" test "$(header Retry-After)" -ge 1 -a "$(header RateLimit-Remaining)" = 0
same "another token is not concerned" 200 "$(code -H "$two" $base/api/v1/me)"
same "nor who has none" 200 "$(code $base/livez)"
check "every reply has the header: 401" sh -c "[ $(code $base/api/v1/me) = 401 ] && grep -qi '^ratelimit-remaining: [0-9]' $tmp/head"
check "and what is malformed: 400" sh -c "[ $(code $base//livez) = 400 ] && grep -qi '^ratelimit-remaining: [0-9]' $tmp/head"

# -- searches of the history --
flood "$two" 20 /api/v1/top/app
check "some searches, then 429" test $n -ge 4 -a "$(jq -r .status "$tmp/body")" = 429
flood "$two" 20 "/lua/pro/rest/v2/get/db/flows.lua?ifid=0"
same "ntopng's paths count as well" 429 "$(jq -r .status "$tmp/body")"
flood "$two" 20 "/lua/rest/v2/get/flow/alert/list.lua?ifid=0"
same "a list of all alerts too" 429 "$(jq -r .status "$tmp/body")"
same "but not a page of it" 200 "$(code -H "$two" "$base/lua/rest/v2/get/flow/alert/list.lua?ifid=0&length=5")"
same "lists go on" 200 "$(code -H "$two" "$base/api/v1/flows?limit=1")"

# -- streams --
for i in 1 2 3; do
	curl -sN -H "$two" "$base/api/v1/stream?topics=hosts" >/dev/null 2>&1 &
	pids="$pids $!"
done
wait_for 10 sh -c "curl -s -H '$auth' '$base/api/v1/status?metrics' | jq -e '.processes[]|select(.process==\"apid\").metrics[]|select(.name==\"http_streams\").value == 3'"
ok $? "three streams of a token"
same "no fourth one" 429 "$(code -N -H "$two" $base/api/v1/stream)"
hear 1 '^retry: ' "$tmp/stream" /api/v1/stream -D "$tmp/head"
check "another token has its own" grep -q ' 200 ' "$tmp/head"

# -- bodies: who may not ask sends none --
head -c 1100000 /dev/zero | tr '\0' ' ' >"$tmp/large"
same "a megabyte and more" 413 "$(code -X POST -H "$two" --data-binary "@$tmp/large" "$base/lua/rest/v2/get/ntopng/interfaces.lua")"
same "a body of somebody unknown is refused before it comes" 401 "$(printf '{}' | code -X POST -H 'Expect: 100-continue' --data-binary @- $base/lua/rest/v2/get/ntopng/interfaces.lua)"
check "unread: no '100 Continue' before the 401" sh -c "! grep -q '100 Continue' $tmp/head"
# -- guessing --
guess() { curl -s -o "$tmp/body" -w '%{http_code}\n' --interface "$1" -H "Authorization: Bearer guess-$2" $base/api/v1/me; }
check "from many addresses: each is refused" sh -c "[ $(for i in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20; do guess 127.0.1.$i $i; done | grep -c 401) = 20 ]"
same "from one, at last with 429" 429 "$(for i in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20 21 22; do guess 127.0.2.1 $i; done | tail -1)"
same "the own token is not concerned" 200 "$(code -H "$auth" $base/api/v1/me)"

# -- audit --
audit="$tmp/state/audit.jsonl"
id=$(api '/api/v1/alerts?limit=1' | jq -r '.data[0].id')
same "a write" 200 "$(code -X POST -H "$auth" -H 'Content-Type: application/json' -d '{"comment":"s3cret comment"}' "$base/api/v1/alerts/$id/ack")"
code -X POST -H "$auth" -d "row_id=$id&label=x" -H 'Content-Type: application/x-www-form-urlencoded' $base/lua/rest/v2/acknowledge/flow/alerts.lua >/dev/null
weir token -f "$tmp/weir.yaml" -s read:stats add reader >"$tmp/reader"
wait_for 20 grep -q "3 tokens beside" "$tmp/run.log"
same "a write that the token may not" 403 "$(code -X POST -H "Authorization: Bearer $(cat "$tmp/reader")" "$base/api/v1/alerts/$id/ack")"
wait_for 10 sh -c "jq -se 'any(.[]; .event == \"refused\" and .status == 403)' $audit"
check "each line is JSON" jq -se 'length > 20' "$audit"
check "the write, by whom and from where" jq -se --arg p "/api/v1/alerts/$id/ack" 'any(.[]; .event == "write" and .path == $p and .who == "api.token" and .from == "127.0.0.1" and .status == 200 and .method == "POST")' "$audit"
check "ntopng's as well, and what it was about" jq -se --arg id "$id" 'any(.[]; .event == "write" and (.path|test("acknowledge/flow")) and .about == $id)' "$audit"
check "the refusal names the token" jq -se 'any(.[]; .event == "refused" and .who == "reader" and .status == 403)' "$audit"
check "guesses, from where" jq -se '[.[]|select(.event == "refused" and .from == "127.0.2.1")]|length > 15' "$audit"
same "its mode" 600 "$(stat -c %a "$audit")"
check "also in the log" grep -q "audit: write: POST /api/v1/alerts/$id/ack by api.token from 127.0.0.1: 200" "$tmp/run.log"
check "no reading in it" sh -c "! jq -r .path $audit | grep -q top/app"

# -- GET changes nothing: every path there is, with the right to do all --
state() { weir export -f "$tmp/weir.yaml" alerts; api "/api/v1/alerts?limit=10000"; api "/api/v1/hosts?filter=alias+or+notes"; cat "$tmp/state/api.tokens"; }
kill "$run_pid" && wait "$run_pid"
limits=""
topology "  office: {file: $captures/office.pcapng}"
start
wait_for 30 at_end && wait_for 30 sh -c "[ \"\$(curl -s $base/readyz)\" = ok ]"
ok $? "started again, without limits"
state >"$tmp/before"
api /api/v1/openapi.json | jq -r '.paths|keys[]' | sed "s|{id}|$id|; s|{ip}|192.168.50.10|; s|{[a-z]*}|app|" | grep -v 'stream\|^/lua/' >"$tmp/paths"
api /api/v1/compat | jq -r '.data[].path' | sed "s|\$|?ifid=0\&row_id=$id\&host=192.168.50.10\&custom_name=x\&custom_notes=x\&username=x|" >>"$tmp/paths"
check "paths to try" test "$(wc -l <"$tmp/paths")" -gt 100
sed "s|.*|url = \"$base&\"|" "$tmp/paths" | curl -sg --max-time 120 -H "$auth" -w '%{http_code}\n' -K - | grep -c '^[2-5]..$' >"$tmp/asked"
check "each answers" test "$(cat "$tmp/asked")" = "$(wc -l <"$tmp/paths")"
state >"$tmp/after"
check "nothing is changed by a GET of any path" cmp "$tmp/before" "$tmp/after"

replies_are_described

# -- no secret anywhere but in its file --
cat "$tmp/state/api.token" "$tmp/one" "$tmp/two" "$tmp/reader" >"$tmp/secrets"
check "none in logs, audit, databases" sh -c "grep -v Authorization: $tmp/run.log >$tmp/state/log && ! grep -rlF -f $tmp/secrets $tmp/state --exclude=api.token"
check "none in the command lines and environments of our processes" sh -c "
	for p in $run_pid \$(pgrep -P $run_pid); do tr '\0' '\n' </proc/\$p/cmdline; tr '\0' '\n' </proc/\$p/environ; done >$tmp/lines
	grep -q weir-apid $tmp/lines && ! grep -qF -f $tmp/secrets $tmp/lines"
check "none in what the API tells of itself" sh -c "
	for p in me status?metrics compat openapi.json; do curl -sg -H '$auth' $base/api/v1/\$p; done >$tmp/told
	[ -s $tmp/told ] && ! grep -qF -f $tmp/secrets $tmp/told"
finish
