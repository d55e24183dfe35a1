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
weir replay "$tmp/cut.pcap" "$good" >"$tmp/out" 2>"$tmp/err"
check "the next file is still read" jq -e 'select(.type=="summary").packets > 1000' "$tmp/out"
# Headers of pcap with other link types and byte orders are in the unit tests; here a file without packets.
head -c 24 "$good" >"$tmp/none.pcap"
weir replay "$tmp/none.pcap" >"$tmp/out" 2>"$tmp/err"
same "no packets: fine" "0 0" "$? $(jq -r 'select(.type=="summary").packets' "$tmp/out")"
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
