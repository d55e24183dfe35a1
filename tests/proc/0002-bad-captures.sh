# Captures that are broken in every way: a clear message, and what could be read is kept.
. "$(dirname "$0")/../lib.sh"

good=$captures/scan.pcap
try() { # description file wanted-status wanted-message
	weir replay "$2" >"$tmp/out" 2>"$tmp/err"
	same "$1: exit status" "$3" $?
	check "$1: message" grep -q "$4" "$tmp/err"
}
: >"$tmp/empty.pcap"
try "empty file" "$tmp/empty.pcap" 1 "empty.pcap: the file is empty"
head -c 5000 "$good" >"$tmp/cut.pcap"
try "truncated file" "$tmp/cut.pcap" 1 "ends inside a packet"
check "packets before the cut are kept" jq -e 'select(.type=="summary").packets > 50' "$tmp/out"
head -c 20000 /dev/urandom >"$tmp/garbage.pcap"
printf 'AAAA' | dd of="$tmp/garbage.pcap" conv=notrunc 2>/dev/null
try "garbage" "$tmp/garbage.pcap" 1 "neither pcap nor pcapng"
{ head -c 3000 "$good"; head -c 90 /dev/zero | tr "\0" "\377"; tail -c +3091 "$good"; } >"$tmp/corrupt.pcap"
try "corrupt in the middle" "$tmp/corrupt.pcap" 1 "corrupt.pcap: offset"
check "packets before the corruption are kept" jq -e 'select(.type=="summary").packets > 20' "$tmp/out"
try "missing file" "$tmp/none.pcap" 1 "No such file"
try "a directory" "$tmp" 1 "is a directory"
gzip -c "$good" | head -c 3000 >"$tmp/cut.pcap.gz"
try "truncated gzip" "$tmp/cut.pcap.gz" 1 "cut.pcap.gz"
mkfifo "$tmp/pipe"
gzip -c "$good" >"$tmp/pipe" &
try "gzip through a pipe" - 1 "standard input: offset 0: compressed by gzip" <"$tmp/pipe"
weir replay - "$good" >"$tmp/out" 2>"$tmp/err" </dev/null
same "standard input beside a file is refused, and told so" "1 yes" "$? $(grep -q 'read alone' "$tmp/err" && echo yes)"
"$bin/weir" replay - >"$tmp/out" 2>"$tmp/err" <&-
same "no standard input" "1 yes" "$? $(grep -q 'standard input: .*Bad file descriptor' "$tmp/err" && echo yes)"
weir replay --store "$good" "$good" >"$tmp/out" 2>"$tmp/err"
same "a store that is no directory: refused before anything is read" "1 yes" "$? $(grep -q 'scan.pcap: Not a directory' "$tmp/err" && echo yes)"
mkdir "$tmp/taken"
flock "$tmp/taken" "$bin/weir" replay --store "$tmp/taken" "$good" >"$tmp/out" 2>"$tmp/err"
same "a store that another writes into is refused" "1 yes" "$? $(grep -q 'taken: another weir is writing' "$tmp/err" && echo yes)"
echo hi >"$tmp/hi.pcap"
try "shorter than any header" "$tmp/hi.pcap" 1 "ends inside its header"
weir replay "$tmp/cut.pcap" "$good" >"$tmp/out" 2>"$tmp/err"
check "the next file is still read" jq -e 'select(.type=="summary").packets > 1000' "$tmp/out"
# Headers of pcap with other link types and byte orders are in the unit tests; here a file without packets.
head -c 24 "$good" >"$tmp/none.pcap"
weir replay "$tmp/none.pcap" >"$tmp/out" 2>"$tmp/err"
same "no packets: fine" "0 0" "$? $(jq -r 'select(.type=="summary").packets' "$tmp/out")"
# Without the right to it: one message, one exit. As nobody, because root may read everything.
mkdir -m 777 "$tmp/nobody"
chmod 755 "$tmp"
as_nobody="setpriv --reuid=65534 --regid=65534 --clear-groups --inh-caps=-all --bounding-set=-all"
if [ "$(id -u)" -eq 0 ] && $as_nobody "$bin/weir-capture" -V >/dev/null 2>&1; then
	cp "$good" "$tmp/secret.pcap"
	cp "$good" "$tmp/open.pcap" # where the clone is others may see nothing
	chmod 600 "$tmp/secret.pcap"
	chmod 644 "$tmp/open.pcap"
	printf '{runtime: %s/nobody/run, state: %s/nobody/state, sensors: {x: {files: [%s, %s]}, y: {interface: lo}}}\n' \
		"$tmp" "$tmp" "$tmp/secret.pcap" "$tmp/open.pcap" >"$tmp/nobody.yaml"
	$as_nobody "$bin/weir-capture" -f "$tmp/nobody.yaml" -i x 2>"$tmp/err" &
	pids="$pids $!"
	weir cat -F -f "$tmp/nobody.yaml" packets/x >"$tmp/out"
	same "unreadable file: one message" 1 "$(grep -c 'error: .*secret.pcap: Permission denied' "$tmp/err")"
	same "which is the only one" 1 "$(grep -c 'error:' "$tmp/err")"
	check "it is counted, and the next file is read" jq -es 'last|.type == "eos" and .input_errors == 1 and .packets > 1000' "$tmp/out"
	$as_nobody "$bin/weir-capture" -f "$tmp/nobody.yaml" -i y 2>"$tmp/err"
	same "no right to the interface: exit status" 1 $?
	same "no right to the interface: one message, which says what to do" 1 "$(grep -c 'error: .*lo: .*setcap' "$tmp/err")"
fi
# The corpus of real captures, when it is there.
if [ -d "$top/../shared/pcaps" ]; then
	n=0 wrong=0
	for f in "$top"/../shared/pcaps/*; do
		n=$((n + 1))
		[ $((n % 12)) -eq 0 ] || continue
		weir replay "$f" >"$tmp/out" 2>"$tmp/err"
		jq -e 'select(.type=="summary")|.packets == .packets_in_flows + .undecoded' "$tmp/out" >/dev/null || {
			wrong=$((wrong + 1))
			echo "# $f"
			head -5 "$tmp/err" | sed 's/^/# /'
		}
	done
	same "every twelfth of the real captures is accounted for" 0 $wrong
fi
finish
