# For scripts of this folder: a large mixed capture, $pcap, made of those in ../shared/pcaps, or else of one of ours.
bench_capture() { # a capture to take instead or "", copies of each of many, copies of ours
	pcap=$1
	if [ -n "$pcap" ]; then
		:
	elif [ -d "$top/../shared/pcaps" ]; then
		pcap=$tmp/big.pcap
		python3 "$top/tests/bench/grow.py" "$pcap" "${ROUNDS:-$2}" "$top"/../shared/pcaps/*.pcap
	else
		pcap=$tmp/big.pcap
		editcap -F pcap "$top/tests/captures/office.pcapng" "$tmp/office.pcap"
		python3 "$top/tests/bench/grow.py" "$pcap" "${ROUNDS:-$3}" "$tmp/office.pcap"
	fi
	packets=$(capinfos -Mrc "$pcap" | awk 'END { print $NF }')
	echo "capture: $packets packets, $(stat -c %s "$pcap") bytes"
	sync # what writing it leaves to the disk is not what is measured
	cat "$pcap" >/dev/null
}
