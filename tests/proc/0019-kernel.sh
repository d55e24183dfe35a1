# Kernels without Landlock, and without seccomp either: everything works, weir status says what is missing. And secrets that a
# service manager keeps (LoadCredential=), with and without one.
. "$(dirname "$0")/../lib.sh"
bin=${WEIR_BIN:-$bin} # a build with sanitizers has no sandbox
command -v cc >/dev/null || skip_all "no compiler"
cc -D_GNU_SOURCE -Wall -o "$tmp/without" "$top/tests/without.c" -lseccomp || skip_all "no libseccomp to build with"

mkdir "$tmp/credentials"
printf 'from the manager\n' >"$tmp/credentials/hook"
printf '#!/bin/sh\ncat >>%s/got\n' "$tmp" >"$tmp/hook"
chmod 755 "$tmp/hook"
chmod 700 "$tmp/credentials"
chmod 600 "$tmp/credentials/hook"
HOOK=$(free_port $((PORT + 1)))
python3 "$top/tests/hook.py" $HOOK "$tmp/hook.log" &
pids="$pids $!"
topology "  one: {file: $captures/scan.pcap, speed: max}" "recipients:
  program: {exec: [$tmp/hook]}
  web: {webhook: 'http://127.0.0.1:$HOOK/x', secret: '\${cred:hook}', retry_min: 100ms}"

sandboxes() { weir status -f "$tmp/weir.yaml" -o json | jq -r .sandbox | sort -u; }
told() { [ "$(weir deliveries -f "$tmp/weir.yaml" -o json --recipient "$1" --state "$2" | wc -l)" -gt 5 ]; }
run_on() { # description sandbox-wanted state-of-web missing-calls...
	kernel=$1 wanted=$2 state=$3
	shift 3
	rm -rf "$tmp/state" "$tmp/run" "$tmp/got"
	"$tmp/without" "$@" -- "$bin/weir" run -f "$tmp/weir.yaml" >"$tmp/run.log" 2>&1 &
	run_pid=$!
	pids="$pids $run_pid"
	wait_for 30 at_end
	ok $? "$kernel: the pipeline comes to its end"
	same "$kernel: what is in force" "$wanted" "$(sandboxes)"
	wait_for 20 told program sent
	ok $? "$kernel: a program is told"
	check "$kernel: it ran" test -s "$tmp/got"
	wait_for 20 told web "$state"
	ok $? "$kernel: the webhook: $state"
	wait_for 20 api_ready
	check "$kernel: the API answers" sh -c "curl -sf -H 'Authorization: Bearer $(cat "$tmp/state/api.token")' http://127.0.0.1:$PORT/api/v1/alerts | jq -e '.data|length > 0'"
	[ "$state" = sent ] || same "$kernel: what notify says" 1 "$(state_of notify | grep -c 'recipient web cannot be used')"
	kill "$run_pid"
	wait "$run_pid"
	same "$kernel: it ends with 0" 0 $?
}
CREDENTIALS_DIRECTORY=$tmp/credentials
export CREDENTIALS_DIRECTORY
run_on "no Landlock" "no_new_privs, no landlock, seccomp" sent landlock_create_ruleset
check "the secret is that of the manager" sh -c "sed 's/^[^{]*//' $tmp/hook.log | jq -es 'all(.[]; .sharedsecret == \"from the manager\")'"
unset CREDENTIALS_DIRECTORY
run_on "no Landlock, no seccomp" "no_new_privs, no landlock, no seccomp" pending landlock_create_ruleset seccomp
check "without a manager the recipient waits, and notify says why" grep -q 'notify *error: recipient web.*credential hook: .*LoadCredential' "$tmp/run.log"
finish
