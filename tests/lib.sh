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
# A topology with everything in our directory: topology SENSORS-LINES [MORE]. A test asks as often as the machine can, so
# that requests are not limited, unless $limits says otherwise.
topology() {
	cat >"$tmp/weir.yaml" <<EOF
runtime: $tmp/run
state: $tmp/state
api: {listen: "127.0.0.1:${PORT:-18470}", ${limits:-rate: 0, heavy_rate: 0, heavy_at_once: 0}}
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
# -- conservation: what comes in is what goes out and what is counted as lost, in every process, at any moment of rest --

# Sum of a metric of a process over its labels: metric PROCESS NAME [LABEL]
metric() {
	awk -F'\t' -v p="$1" -v n="$2" -v l="${3-*}" 'index($1, p) == 1 && $2 == n && (l == "*" || $3 == l) { s += $4 } END { printf "%.0f", s }' \
		"$tmp/metrics"
}
balance() { # description left right
	[ "$2" = "$3" ] && return 0
	echo "$1: $2 and $3"
	return 1
}
read_metrics() {
	weir status -f "$tmp/weir.yaml" -m -o json |
		jq -r 'select(.type == "metric") | [.process, .name, .label // "", .value] | @tsv' >"$tmp/metrics"
	[ -s "$tmp/metrics" ]
}
deliveries_balance() {
	balance "deliveries queued = sent + pending + dead + expired + dropped" "$(metric notify deliveries_queued)" \
		$(($(metric notify deliveries_sent) + $(metric notify deliveries_pending) + $(metric notify deliveries_dead) + \
			$(metric notify deliveries_expired) + $(metric notify deliveries_dropped)))
}
conservation() {
	read_metrics || return 1
	rc=0
	balance "packets seen = in flows + undecoded + not believed" "$(metric capture packets)" \
		$(($(metric capture packets_in_flows) + $(metric capture undecoded))) || rc=1
	balance "flows opened = ended + active" "$(metric capture flows_opened)" \
		$(($(metric capture flows_ended) + $(metric capture flows_active))) || rc=1
	balance "heads = classified + crashed + timed out" "$(metric classify heads)" \
		$(($(metric classify classified) + $(metric classify crashed) + $(metric classify timed_out))) || rc=1
	# Each record of an alert is a revision of it, counted from 1, and the store has the last.
	balance "alert records = revisions stored" "$(metric checks alert_records)" \
		"$(weir export -f "$tmp/weir.yaml" alerts | jq -s 'map(.revision) | add // 0')" || rc=1
	deliveries_balance || rc=1
	return $rc
}
conserved() { check "$1: nothing is missing in the balance of any process" conservation; }
