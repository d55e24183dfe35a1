# What the scripts of tests/proc share. Each has a directory of its own, ends the processes it started by their pids, waits for
# events and never for time, and speaks TAP.
set -u
LC_ALL=C
export LC_ALL
# A process may end in the middle of a question to another one: what it holds then is no leak. Unit tests look for leaks.
ASAN_OPTIONS="${ASAN_OPTIONS:-}:detect_leaks=0"
export ASAN_OPTIONS
here=$(cd "$(dirname "$0")" && pwd)
top=${here%/tests/*}
bin=${WEIR_SAN_BIN:-${WEIR_BIN:-$top/build/bin}}
captures=$top/tests/captures
tmp=$(mktemp -d /tmp/wt-XXXXXX)
pids=""
tests=0 bad=0

cleanup() {
	for p in $pids; do kill "$p" 2>/dev/null; done
	for p in $pids; do wait "$p" 2>/dev/null; done
	[ -z "${KEEP:-}" ] && rm -rf "$tmp"
}
trap cleanup EXIT
trap 'exit 1' INT TERM

ok() { # condition-status description
	tests=$((tests + 1))
	if [ "$1" -eq 0 ]; then
		echo "ok $tests - $2"
	else
		echo "not ok $tests - $2"
		bad=1
	fi
}
check() { # description command...
	what=$1
	shift
	if "$@" >"$tmp/check.out" 2>&1; then
		ok 0 "$what"
	else
		ok 1 "$what"
		sed 's/^/# /' "$tmp/check.out" | tail -15
	fi
}
same() { # description wanted got
	if [ "$2" = "$3" ]; then ok 0 "$1"; else
		ok 1 "$1"
		echo "# wanted: $2"
		echo "#    got: $3"
	fi
}
finish() {
	echo "1..$tests"
	exit $bad
}
skip_all() {
	echo "ok 1 - all # SKIP $1"
	echo "1..1"
	exit 0
}
# Runs a command again and again until it succeeds; fails after SECONDS, however long the command itself takes.
wait_for() { # seconds command...
	give_up=$(($(date +%s) + $1))
	shift
	while ! "$@" >/dev/null 2>&1; do
		[ "$(date +%s)" -le "$give_up" ] || return 1
		sleep 0.05
	done
}
# A topology with everything in our directory: topology SENSORS-LINES [MORE]
topology() {
	cat >"$tmp/weir.yaml" <<EOF
runtime: $tmp/run
state: $tmp/state
api: {listen: "127.0.0.1:${PORT:-18470}"}
sensors:
$1
${2:-}
EOF
}
start() { # starts weir run in the background with our topology
	"$bin/weir" run -f "$tmp/weir.yaml" "$@" >"$tmp/run.log" 2>&1 &
	run_pid=$!
	pids="$pids $run_pid"
}
weir() { "$bin/weir" "$@"; }
api() { # path...
	curl -sg --max-time 10 -H "Authorization: Bearer $(cat "$tmp/state/api.token")" "http://127.0.0.1:${PORT:-18470}$1"
}
pid_of() { # process name of our run
	weir status -f "$tmp/weir.yaml" -o json | jq -r --arg p "$1" 'select(.type=="process" and .process==$p).pid'
}
state_of() {
	weir status -f "$tmp/weir.yaml" -o json | jq -r --arg p "$1" 'select(.type=="process" and .process==$p).state'
}
at_end() { [ "$(state_of alertd)" = "end of input" ]; }
