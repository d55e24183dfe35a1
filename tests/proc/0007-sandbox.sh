# The sandbox is in force, and the pipeline with everything that it does works inside. Of the build without sanitizers: theirs has none.
. "$(dirname "$0")/../lib.sh"
bin=${WEIR_BIN:-$bin}

ready() { [ "$(weir status -f "$tmp/weir.yaml" -o json | jq -s 'map(select(.state != "not running"))|length')" = 6 ]; }
sandboxes() { weir status -f "$tmp/weir.yaml" -o json | jq -r .sandbox; }
said() { grep -q "$1" "$tmp/run.log"; }

cat >"$tmp/hook" <<EOF
#!/bin/sh
cat >>"$tmp/got"
EOF
chmod 755 "$tmp/hook"
topology "  one: {file: $captures/scan.pcap, speed: max}" "recipients: {hook: {exec: [$tmp/hook]}}"
start
wait_for 20 ready
ok $? "all six are there"
if sandboxes | grep -q 'no sandbox in this build'; then
	echo "ok $((tests += 1)) - sandbox # SKIP a build with sanitizers has none"
	finish
fi
same "all have the same, and say so" 1 "$(sandboxes | sort -u | grep -c no_new_privs)"
for p in capture/one classify checks alertd notify apid; do
	filtered=$(cat "/proc/$(pid_of "$p")"/task/*/status | awk '$1=="Seccomp:"{print $2}' | sort -u)
	same "$p: system calls are filtered in all threads" 2 "$filtered"
done
wait_for 20 at_end
ok $? "the pipeline comes to the end"
wait_for 20 test -s "$tmp/got"
ok $? "a recipient's program runs"
wait_for 20 api_ready
check "the API answers" sh -c "curl -sf -H 'Authorization: Bearer $(cat "$tmp/state/api.token")' http://127.0.0.1:$PORT/api/v1/alerts | jq -e '.data|length > 0'"
check "a backup is taken out of alertd's directory" sh -c "$bin/weir store -f $tmp/weir.yaml backup $tmp/backup && sqlite3 $tmp/backup/alerts.db 'select count(*) from alerts' | grep -qv '^0'"
check "not over what is there" sh -c "! $bin/weir store -f $tmp/weir.yaml backup $tmp/backup"
same "and nothing stays behind" 0 "$(ls "$tmp/state/store" | grep -c backup)"

# Only Landlock keeps root from a file: a configuration that is elsewhere cannot be read again.
if sandboxes | grep -q ', landlock'; then
	mkdir "$tmp/elsewhere"
	mv "$tmp/run/effective.yaml" "$tmp/elsewhere/"
	ln -s "$tmp/elsewhere/effective.yaml" "$tmp/run/effective.yaml"
	kill -HUP "$(pid_of classify)"
	wait_for 10 said 'classify .*effective.yaml: Permission denied'
	ok $? "a file outside its places is closed"
else
	echo "ok $((tests += 1)) - landlock # SKIP this kernel has none"
fi
stop_run
same "it ends with 0" 0 $?
finish
