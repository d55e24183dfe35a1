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
tmp=$(mktemp -d "${TMPDIR:-/tmp}/wt-XXXXXX")
pids="" run_pid="" netns=""
tests=0 bad=0

# jq 1.6 -e says yes where there is no input at all: an answer that never came must not pass for a good one.
mkdir "$tmp/bin"
cat >"$tmp/bin/jq" <<EOJ
#!/bin/sh
case \$1 in
-e*) ;;
*) exec $(command -v jq) "\$@" ;;
esac
out=\$($(command -v jq) "\$@") || exit
[ -n "\$out" ] && echo "\$out"
EOJ
chmod +x "$tmp/bin/jq"
PATH=$tmp/bin:$PATH

cleanup() {
	for p in $pids; do kill "$p" 2>/dev/null; done
	for p in $pids; do wait "$p" 2>/dev/null; done
	for n in $netns; do ip netns del "$n" 2>/dev/null; done
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
# Ends the run, after a look at its balance; returns what it ended with.
stop_run() {
	conserved "at the end of the run"
	kill "$run_pid"
	wait "$run_pid" 2>/dev/null
	set -- $?
	run_pid=""
	return "$1"
}
finish() {
	[ -z "$run_pid" ] || ! kill -0 "$run_pid" 2>/dev/null || stop_run
	echo "1..$tests"
	exit $bad
}
skip_all() {
	echo "ok 1 - all # SKIP $1"
	echo "1..1"
	exit 0
}
# $tmp/NAME.so of tests/NAME.c, to be loaded into processes. Those with sanitizers are not used then: these have to be loaded first.
build_preload() { # name
	bin=${WEIR_BIN:-$bin}
	command -v cc >/dev/null || skip_all "no compiler"
	cc -D_GNU_SOURCE -Wall -Wextra -O1 -shared -fPIC -o "$tmp/$1.so" "$top/tests/$1.c" -ldl || exit 1
}
# Makes network namespaces that go with the test; without them it is skipped.
namespaces() { # name...
	[ "$(id -u)" -eq 0 ] || skip_all "needs root"
	for n; do
		ip netns add "$n" 2>/dev/null || skip_all "network namespaces cannot be made here"
		netns="$netns $n"
	done
}
# Runs a command again and again until it succeeds; fails after PATIENCE times SECONDS, however long the command itself takes.
# SECONDS are what a machine with nothing else to do may need: no test may depend on how fast this one is. A run that has ended
# is not waited for as patiently.
wait_for() { # seconds command...
	since=$(date +%s) seconds=$1
	shift
	while ! "$@" >/dev/null 2>&1; do
		patience=${PATIENCE:-10}
		[ -z "$run_pid" ] || ! gone "$run_pid" || patience=1
		[ "$(date +%s)" -le $((since + seconds * patience)) ] || return 1
		sleep 0.05
	done
}
# A process that has ended; also one whose parent has not asked for its status yet.
gone() { ! kill -0 "$1" 2>/dev/null || grep -q '^State:[[:space:]]*Z' "/proc/$1/status" 2>/dev/null; }
# The first TCP port from NUMBER on that nobody listens on.
free_port() { # number
	perl -MIO::Socket::INET -e 'for my $p (shift .. 65535) {
		print($p), last if IO::Socket::INET->new(LocalAddr => "127.0.0.1:$p", Listen => 1, ReuseAddr => 1) }' "$1"
}
# Of the API. Below those that the kernel gives to clients, and another one for each script that runs at the same time.
PORT=${PORT:-$(free_port $((18470 + $$ % 10000)))}
# A topology with everything in our directory: topology SENSORS-LINES [MORE]. A test asks as often as the machine can, so
# that requests are not limited, unless $limits says otherwise.
topology() {
	cat >"$tmp/weir.yaml" <<EOF
runtime: $tmp/run
state: $tmp/state
api: {listen: "127.0.0.1:$PORT", ${limits:-rate: 0, heavy_rate: 0, heavy_at_once: 0}}
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
# Requests to the API. Replies are kept, for replies_are_described.
request() { # curl arguments...: the reply is in the file $kept
	mkdir -p "$tmp/replies"
	kept=$(mktemp "$tmp/replies/XXXXXX")
	curl -sg --max-time 60 -o "$kept" -w '%{http_code}\t%{method}\t%{content_type}\t%{url_effective}\n' "$@" >"$kept.head"
}
api() { # path
	request -H "Authorization: Bearer $(cat "$tmp/state/api.token")" "http://127.0.0.1:$PORT$1" && cat "$kept"
}
code() { # curl arguments...: prints the status, the reply is in $tmp/body
	request "$@"
	cp "$kept" "$tmp/body"
	cut -f 1 <"$kept.head"
}
replies_are_described() {
	api /api/v1/openapi.json >"$tmp/openapi.json"
	check "all replies are as the interface is described" python3 "$top/tests/replies.py" "$tmp/openapi.json" "$tmp/replies"
}
api_ready() { [ "$(curl -s --max-time 10 "http://127.0.0.1:$PORT/readyz")" = ok ]; }
# Runs the topology to the end of its input and until the API is ready; $auth is the header that it wants.
start_api() {
	start
	wait_for 60 at_end
	ok $? "the pipeline comes to the end"
	wait_for 30 api_ready
	ok $? "and the API is ready"
	auth="Authorization: Bearer $(cat "$tmp/state/api.token")"
}
# The live view has all that the history has: it changes no more.
live_is_whole() {
	[ "$(api '/api/v1/flows?limit=1&count' | jq .total)" = "$(api '/api/v1/flows/history?limit=1&count' | jq .total)" ]
}
# Every alert that there is, but its updates, is a delivery to a recipient.
all_queued() { # recipient
	[ "$(weir deliveries -f "$tmp/weir.yaml" -o json --recipient "$1" | wc -l)" -eq \
		"$(weir cat -f "$tmp/weir.yaml" -s 1 alerts | grep '"type":"alert"' | grep -vc '"action":"update"')" ]
}
# Hears a stream until a line has come COUNT times; FILE has whole events only.
hear() { # count line file path [curl arguments]
	n=$1 line=$2 file=$3 path=$4
	shift 4
	curl -sgN --max-time 600 -H "Authorization: Bearer $(cat "$tmp/state/api.token")" "$@" "http://127.0.0.1:$PORT$path" >"$file.part" &
	hearing=$!
	pids="$pids $hearing"
	wait_for 10 heard
	heard=$?
	kill "$hearing"
	wait "$hearing" 2>/dev/null
	return $heard
}
heard() {
	perl -0777 -ne 'print /\A\{/ ? /\A(.*\n)/s : /\A(.*\n\n)/s' "$file.part" >"$file" &&
		[ "$(grep -c "$line" "$file")" -ge "$n" ]
}
pid_of() { # process name of our run; nothing if it does not run
	weir status -f "$tmp/weir.yaml" -o json | jq -r --arg p "$1" 'select(.type=="process" and .process==$p and .pid > 0).pid'
}
state_of() {
	weir status -f "$tmp/weir.yaml" -o json | jq -r --arg p "$1" 'select(.type=="process" and .process==$p).state'
}
at_end() { [ "$(state_of alertd)" = "end of input" ]; }
# -- conservation: what comes in is what goes out and what is counted as lost, in every process, at any moment of rest --

# Sum of a metric of a process over its labels, as read_metrics has found it: metric PROCESS NAME [LABEL]
metric() {
	awk -F'\t' -v p="$1" -v n="$2" -v l="${3-*}" 'index($1, p) == 1 && $2 == n && (l == "*" || $3 == l) { s += $4 } END { printf "%.0f", s }' \
		"$tmp/metrics"
}
sum() { # process name...
	p=$1 total=0
	shift
	for name in "$@"; do total=$((total + $(metric "$p" "$name"))); done
	echo $total
}
balance() { # description left right
	[ "$2" = "$3" ] && return 0
	echo "$1: $2 and $3"
	return 1
}
# Of the run at hand: a store may have others.
revisions_stored() {
	sqlite3 "$tmp/state/store/alerts.db" 'SELECT coalesce(sum(revision), 0) FROM alerts WHERE epoch =
		(SELECT epoch FROM runs ORDER BY stored DESC LIMIT 1)'
}
read_metrics() {
	weir status -f "$tmp/weir.yaml" -m -o json |
		jq -r 'select(.type == "metric") | [.process, .name, .label // "", .value] | @tsv' >"$tmp/metrics"
	[ -s "$tmp/metrics" ]
}
deliveries_balance() {
	balance "deliveries queued = sent + pending + dead + expired + dropped" "$(metric notify deliveries_queued)" \
		"$(sum notify deliveries_sent deliveries_pending deliveries_dead deliveries_expired deliveries_dropped)"
}
conservation() {
	read_metrics || return 1
	rc=0
	balance "packets seen = emitted + active + undecoded + shed + lost" "$(metric capture packets)" \
		$(sum capture packets_emitted packets_active undecoded packets_shed packets_lost) || rc=1
	balance "flows opened = emitted + active + shed + lost" "$(metric capture flows_opened)" \
		$(($(sum capture flows_emitted flows_active flows_lost) + $(metric capture shed end))) || rc=1
	balance "heads = classified + crashed + timed out + shed" "$(metric classify heads)" \
		"$(sum classify classified crashed timed_out shed)" || rc=1
	# Each record of an alert is a revision of it, counted from 1, and the store has the last.
	balance "alert records = revisions stored" "$(metric checks alert_records)" \
		"$(revisions_stored)" || rc=1
	deliveries_balance || rc=1
	return $rc
}
# A moment of rest comes: two processes are never asked at the same time, and one that has just begun knows no numbers yet.
conserved() {
	what="$1: nothing is missing in the balance of any process"
	# Once is enough: on a live interface the next packet may be on its way through.
	if wait_for 20 conservation; then ok 0 "$what"; else check "$what" conservation; fi
}
