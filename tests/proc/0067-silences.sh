# Silences hold notifications back and nothing else: the alert is stored and says who silenced it, the delivery is there and says
# why it was not sent. They survive restarts, and end.
. "$(dirname "$0")/../lib.sh"
base=http://127.0.0.1:$PORT

mkdir "$tmp/got"
printf '#!/bin/sh\nf=$(mktemp %s/got/XXXXXX) && cat >"$f"\n' "$tmp" >"$tmp/good"
chmod 755 "$tmp/good"
# Another timeout makes another run of the same packets, also of a run that had come to its end: its alerts are new ones.
run_with() { # idle timeout, which run
	topology "  office: {file: $captures/office.pcapng, idle_timeout: $1}" "recipients:
  good: {exec: [$tmp/good]}"
	start
	wait_for 60 all_here "$2"
	ok $? "run $2 comes to the end, and its deliveries are made"
}
stop() {
	kill "$run_pid"
	wait "$run_pid" 2>/dev/null
}
f="-f $tmp/weir.yaml"
all_here() {
	at_end && [ "$(weir export $f alerts | grep -c '"check":"syn_scan"')" = $((2 * $1)) ] && none_wait
}
none_wait() { [ "$(weir deliveries $f -o json 'state in (pending, sending, retry)' | wc -l)" = 0 ] && [ "$(deliveries_of syn_scan)" = "$(alerts_of syn_scan)" ]; }
deliveries_of() { weir deliveries $f -n 10000 -o json "check = $1" "${2:-}" | wc -l; }
alerts_of() { weir alerts $f -n 10000 -o json "check = $1" | jq .revision | awk '{ n += $1 } END { print n + 0 }'; }

run_with 100s 1
before=$(deliveries_of syn_scan)
check "there is something to silence" test "$before" -gt 0
same "nothing is silenced" 0 "$(weir deliveries $f -o json --state silenced | wc -l)"

# -- what is refused --
for words in "--for 1h syn_scan" "--comment x check = syn_scan" "--for 1h --comment x" "--for 1h --comment x chekc = syn_scan"; do
	weir silence add $f $words >"$tmp/out" 2>&1
	same "refused: $words" 2 $?
done
weir silence add $f --for 1h --comment "$(printf '%05000d' 0)" check = syn_scan >"$tmp/out" 2>&1
same "a comment that is too long is not cut" "1 weir: alertd: comment: at most 4096 bytes" "$? $(cat "$tmp/out")"
weir silence add $f --until 2020-01-01 --comment "too late" check = syn_scan >"$tmp/out" 2>&1
same "one that is over already is refused" 1 $?
weir silence remove $f 01ARZ3NDEKTSV4RRFFQ69G5FAV >"$tmp/out" 2>&1
same "one that is not there cannot be removed" 1 $?

# -- it holds back, across a restart --
id=$(USER=tester weir silence add $f --for 1h --comment "maintenance of the scanner" check = syn_scan)
later=$(weir silence add $f --since 2099-01-01 --until 2099-01-02 --comment later "severity >= info")
check "listed, with who and why" sh -c "$bin/weir silence list $f -o json 'id = $id' | jq -e -s 'length == 1 and .[0].state == \"active\" and .[0].author == \"tester\" and .[0].comment == \"maintenance of the scanner\" and .[0].match == \"check = syn_scan\"'"
same "one that has not begun is pending" pending "$(weir silence list $f -o json "id = $later" | jq -r .state)"
stop
run_with 101s 2
check "the alert is stored, and says which silence it was" sh -c "$bin/weir alerts $f -o json 'check = syn_scan and silenced_by = $id' | jq -e -s 'length > 0 and all(.[]; .acknowledged|not)'"
same "no other alert is silenced" 0 "$(weir alerts $f -n 10000 -o json 'silenced_by and check != syn_scan' | wc -l)"
silenced=$(deliveries_of syn_scan "and state = silenced")
check "its deliveries are marked" test "$silenced" -gt 0
same "those of before are as they were" "$before" "$(deliveries_of syn_scan 'and state = sent')"
same "nobody was told" "$before" "$(cat "$tmp"/got/* | jq -s '[.[]|select(.weir.alert.check == "syn_scan")]|length')"
check "no delivery is missing in the balance" eval "read_metrics && deliveries_balance"

# -- the API --
TOKEN=$(cat "$tmp/state/api.token")
auth="Authorization: Bearer $TOKEN"
wait_for 20 api_ready
same "both are in the list" 2 "$(api /api/v1/silences | jq '.data|length')"
same "filtered by their fields" "$id" "$(api "/api/v1/silences?state=active" | jq -r '.data[].id')"
api '/api/v1/silences?limit=1' >"$tmp/first"
same "the latest is on the first page" "$later" "$(jq -r '.data[].id' "$tmp/first")"
same "the other one on the second" "$id" "$(api "/api/v1/silences?limit=1&cursor=$(jq -r .next "$tmp/first")" | jq -r '.data[].id')"
same "one by its id" "check = syn_scan" "$(api "/api/v1/silences/$id" | jq -r .match)"
same "made" 201 "$(code -H "$auth" -H 'Content-Type: application/json' -d '{"match":"severity >= error","comment":"by API","duration":3600}' $base/api/v1/silences)"
check "with its name in the reply" jq -e '.state == "active" and .author == "api.token" and (.id|length) == 26' "$tmp/body"
made=$(jq -r .id "$tmp/body")
same "changed by its id" 201 "$(code -H "$auth" -H 'Content-Type: application/json' -d "{\"id\":\"$made\",\"match\":\"severity >= critical\",\"comment\":\"by API\",\"end\":\"2099-01-01T00:00:00Z\"}" $base/api/v1/silences)"
same "it is the same one" "severity >= critical" "$(api "/api/v1/silences/$made" | jq -r .match)"
same "an expression that is wrong is refused" 400 "$(code -H "$auth" -H 'Content-Type: application/json' -d '{"match":"chekc = x","comment":"c","duration":60}' $base/api/v1/silences)"
check "and named" jq -e '.errors[0].param == "match"' "$tmp/body"
same "one without an end is refused" 400 "$(code -H "$auth" -H 'Content-Type: application/json' -d '{"match":"severity >= error","comment":"c"}' $base/api/v1/silences)"
same "ended" 204 "$(code -H "$auth" -X DELETE "$base/api/v1/silences/$made")"
same "it stays in the list as what it is" expired "$(api "/api/v1/silences/$made" | jq -r .state)"
same "ended twice" 404 "$(code -H "$auth" -X DELETE "$base/api/v1/silences/$made")"
check "and written down" grep -q "\"DELETE\",\"path\":\"/api/v1/silences/$made\",\"status\":204" "$tmp/state/audit.jsonl"
replies_are_described

# -- it ends --
check "a delivery that was held back can be sent by hand" "$bin/weir" deliveries retry "$(weir deliveries $f -o json --state silenced | jq -r .id | head -1)" $f
wait_for 20 sh -c "[ \$($bin/weir deliveries $f -o json 'check = syn_scan and state = sent' | wc -l) = $((before + 1)) ]"
ok $? "it is sent"
check "removed" "$bin/weir" silence remove $f "$id"
stop
run_with 102s 3
same "what comes now is told again" "$((before + 1 + before))" "$(deliveries_of syn_scan 'and state = sent')"
same "nothing more was held back" "$((silenced - 1))" "$(deliveries_of syn_scan 'and state = silenced')"
check "and none is missing after it" eval "read_metrics && deliveries_balance"
finish
