# A dead man's switch: a recipient gets a sign of life each second, as long as alerts would reach it; not while alertd is silent, and
# none when notify is gone.
. "$(dirname "$0")/../lib.sh"
cat >"$tmp/watchman" <<END
#!/bin/sh
jq -c --arg action "\$ALERT_ACTION" '. + {env: \$action}' >>"$tmp/beats"
END
chmod 755 "$tmp/watchman"
: >"$tmp/beats"
topology "  scan: {file: $captures/scan.pcap}" \
	"recipients: {outside: {exec: [$tmp/watchman], heartbeat: 1s, match: 'severity > emergency'}, broken: {exec: [/bin/false], heartbeat: 1s}}"
start
beats() { wc -l <"$tmp/beats"; }
more_than() { [ "$(beats)" -gt "$1" ]; }
counted() { read_metrics && [ "$(metric notify "$1" "$2")" -gt "$3" ]; }
wait_for 30 more_than 2
ok $? "signs of life come"
check "each says what it is" jq -es 'length > 2 and all(.[]; .action == "heartbeat" and .env == "heartbeat" and .weir.recipient == "outside" and
	.weir.every == 1 and (.weir.time | test("^20.*Z$")))' "$tmp/beats"
wait_for 20 counted heartbeats_failed broken 1
ok $? "one that does not arrive is counted"
check "and is no delivery" sh -c "! $bin/weir deliveries -f $tmp/weir.yaml --recipient outside -o json | grep -q ."

alertd=$(pid_of alertd)
kill -STOP "$alertd"
read_metrics
wait_for 30 counted heartbeats_withheld outside "$(metric notify heartbeats_withheld outside)"
# On a busy machine one may have been withheld before that, and one more may come.
only_withheld() {
	read_metrics
	before=$(beats) withheld=$(metric notify heartbeats_withheld outside)
	wait_for 10 counted heartbeats_withheld outside $((withheld + 2)) && [ "$(beats)" = "$before" ]
}
wait_for 30 only_withheld
ok $? "while alertd is silent they are withheld, and none comes"
kill -CONT "$alertd"
wait_for 30 more_than "$before"
ok $? "and they come again"

notify=$(pid_of notify)
kill -STOP "$notify"
before=$(beats)
sleep 3
check "none comes while notify is stopped, but for one under way" test "$(beats)" -le $((before + 1))
kill -CONT "$notify"
finish
