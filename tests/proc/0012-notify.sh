# Recipients that work, fail, hang, shout, do not exist, come and go; notify killed in between. Every alert arrives at least
# once wherever it can, and a second time only with the mark.
. "$(dirname "$0")/../lib.sh"

mkdir "$tmp/got"
program() { # name text
	printf '#!/bin/sh\n%s\n' "$2" >"$tmp/$1"
	chmod 755 "$tmp/$1"
}
keep='f=$(mktemp '$tmp'/got/$ALERT_RECIPIENT.XXXXXX) && cat >$f && echo "$ALERT_DELIVERY_ID $ALERT_ATTEMPT $ALERT_MAYBE_DUPLICATE $(date +%s.%N)" >>'$tmp'/$ALERT_RECIPIENT.log'
program good "$keep"
program later "n=\$(cat $tmp/later.n 2>/dev/null || echo 0); echo \$((n + 1)) >$tmp/later.n; [ \$n -ge 2 ] || { echo not yet; exit 75; }; $keep"
program never 'echo "I refuse"; exit 3'
program hang "[ -e $tmp/free ] || sleep 1000; $keep"
program noisy "[ \$# = 2 ] && [ -z \"\$1\" ] || exit 3; yes | head -c 5000000; $keep"
program stuck "while [ ! -e $tmp/free ]; do sleep 0.1; done; $keep"
program open 'exit 0'
chmod 777 "$tmp/open"
program paused "$keep; sleep 0.3"
echo "s3cret" >"$tmp/secret"
chmod 600 "$tmp/secret"

hook=$(free_port 18478)
python3 "$top/tests/hook.py" "$hook" "$tmp/hook.log" 5 &
pids="$pids $!"

slow=$(free_port $((hook + 1)))
python3 "$top/tests/hook.py" "$slow" "$tmp/slow.log" 0 "$tmp/free" 2>/dev/null & # its clients are killed
pids="$pids $!"

topology "  office: {file: $captures/office.pcapng}" "recipients:
  good: {exec: [$tmp/good]}
  later: {exec: [$tmp/later], retry_min: 100ms, retry_max: 500ms}
  never: {exec: [$tmp/never]}
  hang: {exec: [$tmp/hang], timeout: 500ms, retry_min: 100ms, retry_max: 300ms, max_attempts: 1000}
  stuck: {exec: [$tmp/stuck], timeout: 1h}
  noisy: {exec: [$tmp/noisy, '', last], concurrency: 1}
  missing: {exec: [$tmp/missing], retry_min: 20ms, retry_max: 40ms, max_attempts: 3}
  open: {exec: [$tmp/open], retry_min: 100ms, retry_max: 100ms, max_attempts: 1}
  some: {exec: [$tmp/good], match: 'check = syn_scan', on: [engage]}
  hook: {webhook: 'http://127.0.0.1:$hook/x', secret: '\${file:$tmp/secret}', retry_min: 100ms, retry_max: 500ms}
  slow: {webhook: 'http://127.0.0.1:$slow/x', timeout: 1h, retry_min: 100ms, retry_max: 300ms}
  tls: {webhook: 'https://127.0.0.1:$hook/x', timeout: 1s, retry_min: 100ms, retry_max: 100ms, max_attempts: 1}"
start
wait_for 30 at_end
ok $? "the pipeline comes to the end"
f="-f $tmp/weir.yaml"
deliveries() { weir deliveries $f -o json "$@"; }
wait_for 20 all_queued good
ok $? "each alert is in the queue"
all=$(deliveries --recipient good | wc -l)
check "there is something to deliver" test "$all" -gt 5
none_left() { [ "$(deliveries --recipient "$1" 'state in (pending, sending, retry)' | wc -l)" -eq 0 ]; }
for r in good later noisy hook some never; do
	wait_for 30 none_left $r
done
for r in good later noisy hook; do
	same "$r: all sent" "$all" "$(deliveries --recipient $r --state sent | wc -l)"
done
same "good: each once" "$all" "$(sort -u "$tmp/good.log" | wc -l)"
check "good: each a document" sh -c "cat $tmp/got/good.* | jq -e -s 'length == $all and all(.[]; (.json|fromjson|.alert_generation.script_key) and .entity_id >= 0 and .weir.alert.check)'"
# All that stuck may have at once are under way, none has ended, and those of the others have.
check "good: not held up by the others" sh -c "$bin/weir deliveries $f -o json --recipient stuck | jq -e -s 'length == $all and
	(map(select(.state == \"sending\"))|length) == 4 and all(.[]; .state != \"sent\")'"
check "later: the first attempts were told to come back" sh -c "deliveries() { :; }; $bin/weir deliveries $f -o json --recipient later | jq -e -s 'any(.[]; .attempts > 1) and all(.[]; .maybe_duplicate|not)'"
same "never: dead at once" "$all" "$(deliveries --recipient never --state dead | wc -l)"
check "never: with its last words" sh -c "$bin/weir deliveries $f -o json --recipient never | jq -e -s 'all(.[]; .attempts == 1 and .error == \"exit status 3: I refuse\")'"
wait_for 30 none_left missing
check "missing: kept, with the reason" sh -c "$bin/weir deliveries $f -o json --recipient missing | jq -e -s 'length == $all and all(.[]; .state == \"dead\" and (.error|test(\"No such file\")))'"
wait_for 10 none_left open
check "open: not run" sh -c "$bin/weir deliveries $f -o json --recipient open | jq -e -s 'all(.[]; .state == \"dead\" and (.error|test(\"everybody can write\")))'"
check "one message for a recipient that fails, not one for each alert" sh -c "[ \$(grep -c 'recipient missing: .*trying again' $tmp/run.log) -eq 1 ]"
check "some: only what it wants" sh -c "cat $tmp/got/some.* | jq -e -s 'length > 0 and all(.[]; .weir.alert.check == \"syn_scan\" and .action == \"engage\")'"
check "hook: the secret, the version, one alert each" sh -c "sed 's/^[^{]*//' $tmp/hook.log | jq -e -s 'length == $all and all(.[]; .version == \"0.2\" and .sharedsecret == \"s3cret\" and (.alerts|length) == 1)'"
check "hook: the key is the delivery" sh -c "$bin/weir deliveries $f -o json --recipient hook | jq -r .id | sort >$tmp/a; cut -d' ' -f1 $tmp/hook.log | sort >$tmp/b; cmp $tmp/a $tmp/b"
wait_for 20 none_left tls
check "tls: no TLS there" sh -c "$bin/weir deliveries $f -o json --recipient tls | jq -e -s 'all(.[]; .state == \"dead\" and .attempts == 1)'"
check "no secret in the log" sh -c "! grep -q s3cret $tmp/run.log"

# -- programs under way when notify is killed --
hanging() { deliveries --recipient hang --state sending | grep -q .; }
wait_for 10 hanging
ok $? "hang: an attempt is under way"
wait_for 20 test -s "$tmp/slow.log"
ok $? "slow: a request has arrived"
kill -9 "$(pid_of notify)"
wait_for 20 none_left good
touch "$tmp/free"
wait_for 60 none_left hang
same "hang: all sent in the end" "$all" "$(deliveries --recipient hang --state sent | wc -l)"
wait_for 60 none_left slow
same "slow: all sent in the end" "$all" "$(deliveries --recipient slow --state sent | wc -l)"
# Key and mark of each request, in the order of arrival.
sed 's/^\([^ ]*\) .*"maybe_duplicate": *\([a-z]*\).*/\1 \2/' "$tmp/slow.log" >"$tmp/slow.marks"
check "slow: some arrived twice, under the same key and the second time with the mark" awk '
	{ n[$1]++; if (n[$1] > 1) { twice = 1; bad += $2 != "true" } } END { exit bad || !twice }' "$tmp/slow.marks"
check "slow: the mark is not on what was never tried before" grep -q ' false$' "$tmp/slow.marks"
check "hang: those tried before are marked" sh -c "grep -v ' 1 [01] ' $tmp/hang.log | awk '{ if (\$3 != 1) exit 1 }'"
same "good: nothing was sent twice" "$all" "$(wc -l <"$tmp/good.log")"
wait_for 10 none_left stuck
same "stuck: all sent in the end" "$all" "$(deliveries --recipient stuck --state sent | wc -l)"
check "stuck: those that were under way are marked" sh -c "$bin/weir deliveries $f -o json --recipient stuck | jq -e -s 'map(select(.maybe_duplicate))|length >= 4'"
none_left_over() { ! pgrep -f "^/bin/sh $tmp/(hang|stuck)"; }
wait_for 10 none_left_over
ok $? "no program is left over"

# -- dead letters --
program never "$keep"
check "retry of all dead ones" sh -c "$bin/weir deliveries retry all $f --recipient never | grep -q '^$all '"
wait_for 20 none_left never
same "never: sent after all" "$all" "$(deliveries --recipient never --state sent | wc -l)"
id=$(deliveries --recipient missing | jq -r .id | head -1)
check "drop of one" "$bin/weir" deliveries drop "$id" $f
same "is gone" 0 "$(deliveries "id = $id" | wc -l)"
weir deliveries drop "$id" $f >/dev/null 2>&1
same "drop of none" 1 $?
weir deliveries $f 'stat = dead' >/dev/null 2>&1
same "a bad expression" 2 $?
weir status $f -m -o json >"$tmp/metrics"
check "sums: queued = sent + dropped + waiting + dead + expired" jq -e -s '
	map(select(.type == "metric" and .process == "notify" and (.name|startswith("deliveries_")))) | group_by(.label) |
	all(.[]; (map({(.name): .value}) | add) as $m | $m.deliveries_queued == $m.deliveries_sent + $m.deliveries_dropped +
		$m.deliveries_pending + $m.deliveries_dead + $m.deliveries_expired)' "$tmp/metrics"

# -- the spawner dies: notify starts anew with another --
notify=$(pid_of notify)
pkill -KILL -P "$notify"
new_notify() { p=$(pid_of notify) && [ -n "$p" ] && [ "$p" != "$notify" ]; }
wait_for 15 new_notify
ok $? "without its spawner notify leaves and is started again"
stop_run
check "at the end all is in one file, which may be copied" test ! -e "$tmp/state/notify.db-wal"
finish
