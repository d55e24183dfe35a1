# /api/v1 beyond lists: tokens and their rights, sums, notes, forms of a reply, metrics, and the description of it all.
. "$(dirname "$0")/../lib.sh"
base=http://127.0.0.1:$PORT

topology "  office: {file: $captures/office.pcapng}" "networks: {local: [192.168.50.0/24]}"
start_api
f="-f $tmp/weir.yaml"

# -- every route with every right --
api /api/v1/openapi.json >"$tmp/openapi.json"
for scope in read:stats read:flows read:alerts read:pcap write:alerts write:config admin; do
	weir token $f -s $scope add "t-$(echo $scope | tr : -)" >"$tmp/secret.$scope"
done
check "only hashes are kept" sh -c "! grep -q -f $tmp/secret.admin $tmp/state/api.tokens && [ \$(wc -l <$tmp/state/api.tokens) = 7 ]"
wait_for 10 grep -q "7 tokens beside" "$tmp/run.log"
ok $? "new tokens are known without a restart"
check "each route answers as its right says" python3 - "$tmp" "$base" <<'PY'
import json, sys, urllib.request, urllib.error
tmp, base = sys.argv[1:3]
doc = json.load(open(tmp + "/openapi.json"))
def status(method, path, secret):
    r = urllib.request.Request(base + path, method=method, headers={"Authorization": "Bearer " + secret} if secret else {})
    try:
        with urllib.request.urlopen(r, timeout=60) as a:
            return a.status if "stream" in path else (a.read(), a.status)[1]
    except urllib.error.HTTPError as e:
        assert e.headers["Content-Type"] == "application/problem+json", (path, e.headers["Content-Type"])
        assert json.load(e)["status"] == e.code
        return e.code
scopes = "read:stats read:flows read:alerts read:pcap write:alerts write:config admin".split()
secrets = {s: open(tmp + "/secret." + s).read().strip() for s in scopes}
bad, n = [], 0
for path, item in doc["paths"].items():
    for method, op in item.items():
        if op.get("deprecated"): # ntopng's: three rights open them all
            continue
        p = path.replace("{dimension}", "sensor").replace("{ip}", "192.0.2.9").replace("{key}", "none").replace("{name}", "none")
        p = p.replace("{id}", "01ARZ3NDEKTSV4RRFFQ69G5FAV")
        if p.endswith("group-by"):
            p += "?by=sensor"
        want = op["security"][0]["token"][0] if op["security"] else None
        for scope in [None] + scopes:
            got = status(method.upper(), p, secrets.get(scope))
            n += 1
            if want is None:
                good = got == 200
            elif scope is None:
                good = got == 401
            elif scope in (want, "admin"):
                good = got in (200, 400, 404, 405, 501) # past the door
            else:
                good = got == 403
            if not good:
                bad.append((method, path, scope, got))
print(n, "asked;", bad)
sys.exit(bool(bad) or n < 100)
PY
may() { code -H "Authorization: Bearer $(cat "$tmp/secret.read:$1")" "$base$2"; } # right path
same "flows are not told to who may read alerts" 403 "$(may alerts '/api/v1/stream?topics=alerts,flows')"
same "nor hosts to who may read counters" 403 "$(may stats /metrics/ntopng)"
weir token $f remove t-read-flows
# The log tells how many there are, but may have told of six before the seventh came.
removed() { [ "$(code -H "Authorization: Bearer $(cat "$tmp/secret.read:flows")" $base/api/v1/me)" = 401 ]; }
wait_for 10 removed
ok $? "a token that was removed opens nothing"
same "Basic, the token as password" 200 "$(code -u "x:$(cat "$tmp/state/api.token")" $base/api/v1/me)"

# -- every route that reads has something to say --
id=$(api '/api/v1/alerts?limit=1' | jq -r '.data[0].id')
flow=$(api '/api/v1/flows?limit=1' | jq -r '.data[0].id')
same "a silence" 201 "$(code -H "$auth" -H 'Content-Type: application/json' -d '{"match":"severity >= emergency","comment":"none","duration":60}' $base/api/v1/silences)"
silence=$(jq -r .id "$tmp/body")
jq -r '.paths|to_entries[]|select(.value.get)|.key' "$tmp/openapi.json" | grep -v '/stream$\|/pcap$\|^/lua/' |
	sed "s|/flows/{id}|/flows/$flow|; s|/alerts/{id}|/alerts/$id|; s|/silences/{id}|/silences/$silence|; s|/interfaces/{id}|/interfaces/office|
		s|{ip}/ports|192.168.50.1/ports|; s|{ip}|192.168.50.10|; s|{key}|syn_scan|; s|{dimension}|sensor|; s|group-by|group-by?by=sensor|" >"$tmp/paths"
check "no path is left out" test "$(grep -c . "$tmp/paths")" -ge 40
while read -r path; do
	same "$path" 200 "$(code -H "$auth" "$base$path")"
	case $path in
	*/asns) ;; # the capture has no addresses of one
	*) check "$path is not empty" sh -c "test -s $tmp/body && ! grep -q '\"data\":\[\]' $tmp/body" ;;
	esac
done <"$tmp/paths"

# -- sums: the same as adding up by hand --
api '/api/v1/flows/history?limit=10000' >"$tmp/flows"
jq -r '[.data[]|{a:.app.name,b:(.client.bytes+.server.bytes)}]|group_by(.a)|map({k:.[0].a,b:(map(.b)|add),n:length})|sort_by(-.b,.k)[]|"\(.k) \(.b) \(.n)"' "$tmp/flows" >"$tmp/byhand"
api '/api/v1/top/app?limit=10000' | jq -r '.data[]|"\(.key[0]) \(.bytes) \(.flows)"' >"$tmp/bytop"
check "top by application is what the flows add up to" diff "$tmp/byhand" "$tmp/bytop"
same "either end of a flow" "$(jq '[.data[]|select(.client.ip=="192.168.50.10" or .server.ip=="192.168.50.10")]|length' "$tmp/flows")" \
	"$(api '/api/v1/top/ip?limit=10000' | jq '.data[]|select(.key[0]=="192.168.50.10").flows')"
same "a condition that SQL cannot decide alone" "$(jq '[.data[]|select((.risk.names//[])|length>0)]|length' "$tmp/flows")" \
	"$(api '/api/v1/top/sensor?filter=risk.names' | jq '[.data[].flows]|add // 0')"
jq -r '.data[]|"\(.last[0:19])Z \(.client.bytes+.server.bytes)"' "$tmp/flows" | awk '{ b[$1] += $2; n[$1]++ } END { for (t in b) print t, b[t], n[t] }' | sort >"$tmp/byhand"
api '/api/v1/series/query?step=1&limit=10000' | jq -r '.data[]|"\(.time[0:19])Z \(.bytes) \(.flows)"' >"$tmp/byseries"
check "a series by the second is what the flows of each second add up to" diff "$tmp/byhand" "$tmp/byseries"
same "no such dimension" 400 "$(code -H "$auth" $base/api/v1/top/nothing)"

# -- forms of a reply --
same "CSV has a line more than records" "$(($(jq '.data|length' "$tmp/flows") + 1))" "$(api '/api/v1/flows/history?limit=10000&format=csv&fields=id,app' | wc -l)"
same "JSON lines by Accept" 5 "$(curl -s -H "$auth" -H 'Accept: application/x-ndjson' "$base/api/v1/flows/history?limit=5" | jq -c .id | wc -l)"
curl -s -D "$tmp/head" -o "$tmp/plain" -H "$auth" "$base/api/v1/flows/history?limit=50"
check "compressed is the same" sh -c "curl -s -H '$auth' -H 'Accept-Encoding: gzip' '$base/api/v1/flows/history?limit=50' | gzip -d | cmp - $tmp/plain"
tag=$(sed -n 's/^[Ee][Tt]ag: //p' "$tmp/head" | tr -d '\r')
same "who has it gets 304" 304 "$(code -H "$auth" -H "If-None-Match: $tag" "$base/api/v1/flows/history?limit=50")"
check "the next page is linked" grep -q '^Link: </api/v1/flows/history?limit=50&cursor=.*>; rel="next"' "$tmp/head"

keys() { api "$1" | jq -rc '[paths(scalars)|join(".")]|join(" ")'; }
same "fields of one flow" "id client.ip" "$(keys "/api/v1/flows/$flow?fields=id,client.ip")"
same "of one alert" "check severity" "$(keys "/api/v1/alerts/$id?fields=check,severity")"
same "of one host" "ip score" "$(keys "/api/v1/hosts/192.168.50.10?fields=ip,score")"
same "a field that it has not" "400 fields" "$(code -H "$auth" "$base/api/v1/hosts/192.168.50.10?fields=ip,none") $(jq -r '.errors[0].param' "$tmp/body")"

order() { api "$1" | jq -c "[.data[]|$2]"; }
for list in flows flows/history hosts alerts; do
	case $list in
	flows*) first=server.port second=client.bytes ;;
	alerts) first=score second=type_id ;;
	*) first=flows.active second=bytes_sent ;;
	esac
	of="/api/v1/$list?limit=10000&sort=$first,-$second"
	check "$list in the order of two fields" sh -c "[ '$(order "$of" "[.$first // 0, -(.$second // 0)]")' = '$(order "$of" "[.$first // 0, -(.$second // 0)]" | jq -c sort)' ]"
done
same "an order of too much" "400 sort" "$(code -H "$auth" "$base/api/v1/flows?sort=hostname,sensor,last") $(jq -r '.errors[0].param' "$tmp/body")"

# -- notes --
same "acknowledge" 200 "$(code -X POST -H "$auth" -H 'Content-Type: application/json' -d '{"comment":"seen by the test"}' "$base/api/v1/alerts/$id/ack")"
check "the note is there, with its author" sh -c "curl -s -H '$auth' $base/api/v1/alerts/$id | jq -e '.acknowledged and .ack.by == \"api.token\" and .ack.comment == \"seen by the test\"'"
check "and written down" grep -q "audit: write: POST /api/v1/alerts/$id/ack by api.token from 127.0.0.1: 200" "$tmp/run.log"
again() { api '/api/v1/alerts?limit=50' >"$tmp/page" && [ "$(weir status $f -m -o json | jq 'select(.process=="apid" and .name=="answers_again").value')" -gt 0 ]; }
api '/api/v1/alerts?limit=50' >"$tmp/before"
wait_for 10 again
ok $? "what is asked again and is still the same is not made again"
check "and is the same" cmp "$tmp/before" "$tmp/page"
for op in unack ack unack ack; do
	code -X POST -H "$auth" "$base/api/v1/alerts/$id/$op" >/dev/null
	same "$op is in the next page" "$([ $op = ack ] && echo true || echo false)" \
		"$(api '/api/v1/alerts?limit=50' | jq --arg id "$id" '.data[]|select(.id==$id).acknowledged')"
done
same "GET changes nothing" 405 "$(code -H "$auth" "$base/api/v1/alerts/$id/ack")"
same "a body that is no JSON" 400 "$(code -X POST -H "$auth" -d '{"comment":' -H 'Content-Type: application/json' "$base/api/v1/alerts/$id/comment")"
same "a body for a path that is none" 404 "$(code -X POST -H "$auth" -d x $base/api/v1/nothing)"
same "a body for a method that is none" 405 "$(code -X PUT -H "$auth" -d x $base/api/v1/flows)"
same "one that no request has" 413 "$(code -X GET -H "$auth" -d x "$base/api/v1/flows?limit=1")"
same "a body that is too long" 413 "$(head -c 20000 /dev/zero | tr '\0' a | code -X POST -H "$auth" --data-binary @- "$base/api/v1/alerts/$id/comment")"

# -- bodies whose members are of another type --
patch_alert() { code -X PATCH -H "$auth" -H 'Content-Type: application/json' -d "$1" "$base/api/v1/alerts/$id"; }
names() { jq -r '.errors[0].param' "$tmp/body"; }
for body in '{"comment":{"a":1}}' '{"labels":[1]}' '{"labels":[["a"]]}' '[]' '{"comment":"a","comment":"b"}' '{"acknowledged":null}'; do
	same "no body for an alert: $body" 400 "$(patch_alert "$body")"
done
same "acknowledged no more" 200 "$(patch_alert '{"acknowledged":false}')"
same "null is no flag" 200 "$(patch_alert '{"acknowledged":null,"comment":"seen"}')"
same "nothing is acknowledged by it" false "$(jq '.acknowledged // false' "$tmp/body")"
post() { code -X POST -H "$auth" -H 'Content-Type: application/json' -d "$2" "$base/api/v1/$1"; }
same "a comment of two lines" 200 "$(patch_alert '{"comment":"one\ntwo","acknowledged":true}')"
same "is one of one line" "one two" "$(jq -r .ack.comment "$tmp/body")"
same "a comment that is too long" "400 comment" "$(patch_alert "{\"comment\":\"$(printf '%05000d' 0)\"}") $(names)"
labels=$(for i in a b c d e f g h i j k l m n o p; do printf ',"%s%063d"' $i 0; done)
same "as many labels as there may be" 200 "$(patch_alert "{\"labels\":[${labels#,}]}")"
same "are all there" "[${labels#,}]" "$(jq -c .labels "$tmp/body")"
same "a silence for too much" "400 match" "$(post silences "{\"match\":\"check = x or$(printf '%05000d' 0 | sed 's/0/ /g')check = y\",\"comment\":\"c\",\"duration\":60}") $(names)"
same "in lines" "201 check = x or check = y" "$(post silences '{"match":"check = x\nor check = y","comment":"c","duration":60}') $(jq -r .match "$tmp/body")"
same "the silence that nobody has" "400 id" "$(post silences "{\"match\":\"check = x\",\"comment\":\"c\",\"duration\":60,\"id\":\"$(printf '%026d' 0)\"}") $(names)"
same "a silence of the past" "400 end" "$(post silences '{"match":"check = x","comment":"c","end":"2020-01-01"}') $(names)"
same "a token of the past" "400 expires" "$(post tokens '{"name":"old","expires":"2020-01-01"}') $(names)"
same "what the store says of a parameter has its name" "400 by" "$(code -H "$auth" "$base/api/v1/group-by?by=app,none") $(names)"

# -- what people say of a host --
patch_host() { # host, members: prints the status, the reply is in $tmp/body
	code -X PATCH -H "$auth" -H 'Content-Type: application/json' -d "$2" "$base/api/v1/hosts/$1"
}
said() { jq -r '[.alias, .notes]|join(" ")' "$tmp/body"; }
same "an alias and notes" 200 "$(patch_host 192.168.50.10 '{"alias":"ada","notes":"second floor"}')"
same "are in the answer" "ada second floor" "$(said)"
same "the same again" 200 "$(patch_host 192.168.50.10 '{"alias":"ada","notes":"second floor"}')"
same "changes nothing" "ada second floor" "$(said)"
same "the notes alone" 200 "$(patch_host 192.168.50.10@0 '{"notes":"third floor"}')"
same "the alias stays" "ada third floor" "$(said)"
same "the host is found by it" 192.168.50.10 "$(api '/api/v1/hosts?filter=alias%20=%20ada' | jq -r '.data[].ip')"
same "another one has none" null "$(api /api/v1/hosts/192.168.50.1 | jq .alias)"
same "an alias for it" 200 "$(patch_host 192.168.50.1 '{"alias":"gate"}')"
same "taken away" 200 "$(patch_host 192.168.50.1 '{"alias":""}')"
same "is gone" null "$(jq .alias "$tmp/body")"
same "nothing to change" 400 "$(patch_host 192.168.50.10 '{}')"
same "an alias that is too long" 400 "$(patch_host 192.168.50.10 "{\"alias\":\"$(printf %0129d 0)\"}")"
same "a host that is not there" 404 "$(patch_host 192.0.2.9 '{"alias":"x"}')"
same "no host" 404 "$(patch_host nobody '{"alias":"x"}')"
check "it is written down" grep -q "\"PATCH\",\"path\":\"/api/v1/hosts/192.168.50.10\",\"status\":200" "$tmp/state/audit.jsonl"

# -- the examples of the READMEs --
TOKEN=$(cat "$tmp/state/api.token")
export TOKEN
sed -n 's/^ *//; /^curl /p; s/.*`\(curl [^`]*\)`.*/\1/p' "$top/README.md" "$top/apid/README.md" | sort -u |
	sed "s|http://127.0.0.1:8470|$base|g; s|/var/lib/weir/api.token|$tmp/state/api.token|g; s|\\bID\\b|$id|g" >"$tmp/examples"
check "there are examples" test "$(wc -l <"$tmp/examples")" -ge 12
while read -r line; do
	what=$(echo "$line" | sed "s|.*$base||; s|'.*||")
	case $line in
	*stream*)
		eval "exec $line" >"$tmp/body" 2>/dev/null &
		listener=$!
		pids="$pids $listener"
		wait_for 30 grep -q '^retry: ' "$tmp/body"
		ok $? "example: $what"
		kill "$listener"
		;;
	*)
		eval "request ${line#curl }" >"$tmp/out" 2>&1
		check "example: $what" grep -q '^20[01]' "$kept.head"
		;;
	esac
done <"$tmp/examples"
replies_are_described

# -- metrics --
api /metrics >"$tmp/metrics"
check "promtool finds nothing to complain about" sh -c "promtool check metrics <$tmp/metrics >$tmp/out 2>&1 && ! grep -v Warning $tmp/out | grep ."
same "packets of the sensor" "$(api '/api/v1/status?metrics' | jq '.processes[]|select(.process=="capture/office").metrics[]|select(.name=="packets").value')" \
	"$(sed -n 's/^weir_interface_packets_total{interface="office"} //p' "$tmp/metrics")"
jq -r '.panels[].targets[].expr' "$top/etc/dashboards/grafana.json" | grep -o '[a-z_]*_[a-z_]*' | grep '^weir_\|^process_' | sort -u >"$tmp/wanted"
check "the dashboard asks for nothing that is not there" sh -c "while read -r n; do grep -q \"^\$n{\" $tmp/metrics || { echo \$n; exit 1; }; done <$tmp/wanted"
accepts() { curl -s -o /dev/null -w '%{content_type}' -H "$auth" -H "Accept: $2" "$base$1" | cut -d';' -f1; }
prometheus="application/openmetrics-text;version=1.0.0,application/openmetrics-text;version=0.0.1;q=0.75,text/plain;version=0.0.4;q=0.5,*/*;q=0.1"
same "what Prometheus wants most" application/openmetrics-text "$(accepts /metrics "$prometheus")"
same "what is not wanted" text/plain "$(accepts /metrics 'application/openmetrics-text;q=0, text/plain')"
same "what is wanted less" text/plain "$(accepts /metrics 'text/plain, application/openmetrics-text; q=0.4')"
same "lists in the form that is wanted most" "text/csv application/json" \
	"$(accepts '/api/v1/apps' 'application/json;q=0.9, text/csv') $(accepts '/api/v1/apps' 'text/csv;q=0, application/json')"
check "OpenMetrics ends as it must" sh -c "curl -s -H '$auth' -H 'Accept: application/openmetrics-text' $base/metrics | tail -1 | grep -qx '# EOF'"
check "the exporter's names" sh -c "curl -s -H '$auth' $base/metrics/ntopng | grep -q '^ntopng_interface_packets_rcvd{ifid=\"0\",ifname=\"office\"} [1-9]'"

# -- what people said outlives the processes --
ends_both() { # both pids are known: a process that answers late has none
	door=$(pid_of apid) store=$(pid_of alertd)
	kill -9 "$door" "$store"
}
still_said() { [ "$(api /api/v1/hosts/192.168.50.10 | jq -r '[.alias, .notes]|join(" ")')" = "ada third floor" ]; }
wait_for 30 ends_both
wait_for 30 gone "$door"
wait_for 30 gone "$store"
wait_for 60 still_said
ok $? "alias and notes are there after kill -9 of apid and alertd"
finish
