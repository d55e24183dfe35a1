# /metrics: read by a real Prometheus during a replay, by promtool, and by the parser of OpenMetrics; ntopng's exporter's names.
. "$(dirname "$0")/../lib.sh"
PROMETHEUS_PORT=$(free_port $((PORT + 1)))
base=http://127.0.0.1:$PORT
command -v prometheus >/dev/null && command -v promtool >/dev/null || skip_all "prometheus is not installed"

# Forty seconds of two flows, a hundred packets of each a second: a local client that is sent 1000 bytes for each 100 of its own. The
# file grows by the seconds that it is told to: Prometheus may take as long as it likes to see them.
steady=$tmp/steady.pcap
seconds() { # from to
	perl -e '
	sub frame { my ($src, $dst, $sp, $dp, $len) = @_; my $udp = $len - 34;
		pack("H12 H12 n", "020000000001", "020000000002", 0x800) . pack("CCnnnCCna4a4", 0x45, 0, $len - 14, 0, 0, 64, 17, 0,
			pack("C4", split /\./, $src), pack("C4", split /\./, $dst)) . pack("nnnn", $sp, $dp, $udp, 0) . ("x" x ($udp - 8)) }
	binmode STDOUT;
	for my $i (100 * $ARGV[0] .. 100 * $ARGV[1] - 1) {
		my $t = 1700000000 + $i / 100;
		for (frame("10.0.0.1", "192.0.2.1", 5000, 6000, 100), frame("192.0.2.1", "10.0.0.1", 6000, 5000, 1000)) {
			print pack("LLLL", int $t, ($t - int $t) * 1e6, length, length), $_; } }' "$1" "$2"
}
# rate() goes back to where a counter may have been zero: that must have been before Prometheus begins, by more than a scrape.
perl -e 'print pack("LSSlLLL", 0xa1b2c3d4, 2, 4, 0, 0, 65535, 1)' >"$steady"
seconds 0 20 >>"$steady"
topology "  steady: {follow: $steady}"
start
wait_for 30 sh -c "[ \"\$(curl -s $base/readyz)\" = ok ]"
ok $? "apid is ready"
auth="Authorization: Bearer $(cat "$tmp/state/api.token")"

begun() { curl -s -H "$auth" $base/metrics | awk '/^weir_interface_packets_total{/ { good = $2 == 4000 } END { exit !good }'; }
wait_for 30 begun
ok $? "the replay has begun"
cat >"$tmp/prometheus.yml" <<EOF
global: {scrape_interval: 1s, scrape_timeout: 1s}
scrape_configs:
  - job_name: weir
    authorization: {credentials_file: $tmp/state/api.token}
    static_configs: [{targets: ["127.0.0.1:$PORT"]}]
EOF
check "Prometheus takes its configuration" promtool check config "$tmp/prometheus.yml"
prometheus --config.file="$tmp/prometheus.yml" --storage.tsdb.path="$tmp/tsdb" --web.listen-address="127.0.0.1:$PROMETHEUS_PORT" \
	--log.level=warn >"$tmp/prometheus.log" 2>&1 &
pids="$pids $!"
query() { curl -s "http://127.0.0.1:$PROMETHEUS_PORT/api/v1/query" --data-urlencode "query=$1" | jq -r '.data.result[0].value[1] // empty'; }
prometheus_has() { [ "$(query weir_interface_packets_total)" = "$1" ]; }
wait_for 30 prometheus_has 4000
ok $? "Prometheus reads weir"
for to in 30 40; do
	seconds $((to - 10)) $to >>"$steady"
	wait_for 20 prometheus_has $((to * 200))
	ok $? "Prometheus has what came in $to seconds"
done
# Rates in packet time: how far the replay got between two scrapes is in the same scrapes, so that a machine that is busy and
# replays or scrapes late does not matter.
near() { # description wanted expression
	got=$(query "$3")
	check "$1: $2 a second, within 1 % ($got)" awk -v w="$2" -v g="${got:-0}" 'BEGIN { exit !(g > 0.99 * w && g < 1.01 * w) }'
}
near packets 200 'rate(weir_interface_packets_total[10m]) / rate(weir_last_packet_timestamp_seconds[10m])'
near bytes 110000 'rate(weir_interface_bytes_total[10m]) / rate(weir_last_packet_timestamp_seconds[10m])'

# What is added up from flows is all there when they have ended: by a packet of no flow, two minutes later.
perl -e 'print pack("LLLL", 1700000160, 0, 60, 60), pack("H12 H12 n", "020000000001", "020000000002", 0x9000), "x" x 46' >>"$steady"
scrape() { curl -s -H "$auth" "$@"; }
are_counted() {
	scrape $base/metrics >"$tmp/text" && grep -q '^weir_l4_bytes_total{.*} 4400000$' "$tmp/text" &&
		! grep -q '^weir_queue_depth{.*} [1-9]' "$tmp/text"
}
wait_for 20 are_counted
value() { sed -n "s|^$1 ||p" "$tmp/text"; }
same "sent by local hosts" 400000 "$(value 'weir_interface_transmit_bytes_total{interface="steady"}')"
same "sent by others" 4000000 "$(value 'weir_interface_receive_bytes_total{interface="steady"}')"
same "their packets" 4000 "$(value 'weir_interface_receive_packets_total{interface="steady"}')"
same "by protocol" 4400000 "$(value 'weir_l4_bytes_total{interface="steady",proto="udp"}')"
total() { awk -v f="$1" 'index($1, f "{") == 1 { s += $NF } END { print s + 0 }' "$tmp/text"; }
same "by application" 4400000 "$(total weir_app_bytes_total)"
same "by category" 4400000 "$(total weir_category_bytes_total)"
same "flows by application" 1 "$(total weir_app_flows_total)"
same "requests by path" 1 "$(scrape $base/api/v1/me >/dev/null; scrape $base/metrics | grep -c '^weir_http_requests_total{path="/api/v1/me",method="GET",code="200"} 1$')"

# Every family that is promised.
while read -r name; do
	check "$name" grep -q "^$name[{ ]" "$tmp/text"
done <<EOF
weir_build_info
weir_interface_receive_bytes_total
weir_interface_transmit_bytes_total
weir_interface_receive_packets_total
weir_interface_transmit_packets_total
weir_interface_packets_dropped_total
weir_interface_up
weir_flows_active
weir_hosts_active
weir_devices_active
weir_flows_created_total
weir_flows_expired_total
weir_app_bytes_total
weir_app_flows_total
weir_category_bytes_total
weir_l4_bytes_total
weir_tcp_retransmissions_total
weir_tcp_out_of_order_total
weir_tcp_lost_segments_total
weir_alerts_engaged
weir_check_evaluations_total
weir_check_duration_seconds_count
weir_queue_depth
weir_queue_dropped_total
weir_messages_total
weir_last_packet_timestamp_seconds
weir_http_requests_total
weir_http_request_duration_seconds_bucket
weir_http_streams_active
process_cpu_seconds_total
process_resident_memory_bytes
process_open_fds
process_max_fds
process_start_time_seconds
EOF
check "a file has no speed, and nothing of it lags" sh -c "! grep '^weir_interface_speed\|^weir_capture_lag' $tmp/text"
same "versions, of nDPI as classify says" "$(state_of classify | sed 's/.*nDPI //')" \
	"$(sed -n 's/^weir_build_info{version="[0-9.]*",revision="[0-9a-f]*\(-dirty\)\{0,1\}",ndpi="\(.*\)"} 1$/\2/p' "$tmp/text")"
for queue in 'classify",queue="packets/steady' 'checks",queue="flows/steady' 'alertd",queue="alerts' 'alertd",queue="history' \
	'notify",queue="deliveries' 'apid",queue="history' 'apid",queue="alerts'; do
	same "nothing waits or was dropped: ${queue%%\"*}, ${queue##*\"}" "0 0" \
		"$(value "weir_queue_depth{process=\"$queue\"}") $(value "weir_queue_dropped_total{process=\"$queue\"}")"
done
scrape $base/metrics/hosts >"$tmp/hosts"
for name in receive_bytes_total transmit_bytes_total flows_active score; do
	check "weir_host_$name" grep -q "^weir_host_$name{ip=\"10.0.0.1\",vlan=\"0\",name=\"[^\"]*\",interface=\"steady\"} " "$tmp/hosts"
done
same "as many hosts as asked for" 1 "$(scrape "$base/metrics/hosts?limit=1" | grep -c '^weir_host_score{')"
scrape $base/metrics/ntopng >"$tmp/ntopng"
for name in bytes_rcvd bytes_sent packets_rcvd packets_sent drops num_hosts num_local_hosts num_devices speed alerted_flows \
	alerted_error_flows alerted_notice_flows alerted_warning_flows; do
	check "ntopng_interface_$name" grep -q "^ntopng_interface_$name{ifid=\"0\",ifname=\"steady\"} " "$tmp/ntopng"
done
check "ntopng_interface_tcp_packet_stats" sh -c "[ \$(grep -c '^ntopng_interface_tcp_packet_stats{.*,type=' $tmp/ntopng) = 3 ]"
check "ntopng_interface_current_throughput" sh -c "[ \$(grep -c '^ntopng_interface_current_throughput_[bp]ps{.*,direction=' $tmp/ntopng) = 4 ]"
same "what the interface received" 4000000 "$(sed -n 's/^ntopng_interface_bytes_rcvd{.*} //p' "$tmp/ntopng")"
for name in active_client_flows active_server_flows bytes_rcvd bytes_sent packets_rcvd packets_sent num_alerts total_alerts \
	total_client_flows total_server_flows; do
	check "ntopng_host_$name" grep -q "^ntopng_host_$name{ip=\"10.0.0.1\",ifname=\"steady\",mac=\"[^\"]*\",name=\"[^\"]*\",vlan=\"0\"} " "$tmp/ntopng"
done
same "what the host received" 4000000 "$(sed -n 's/^ntopng_host_bytes_rcvd{ip="10.0.0.1".*} //p' "$tmp/ntopng")"
for name in 'total_dns_queries{.*direction="sent"' 'total_dns_replies{.*direction="rcvd",status="ok"' 'dns_queries_by_type{.*record_type="aaaa"'; do
	check "ntopng_host_$name" grep -q "^ntopng_host_$name} " "$tmp/ntopng"
done

# -- the formats --
for path in metrics metrics/hosts; do
	scrape $base/$path >"$tmp/text"
	check "promtool about $path" sh -c "promtool check metrics <$tmp/text >$tmp/out 2>&1 && ! grep . $tmp/out"
done
python=/usr/bin/python3
$python -c 'import prometheus_client' 2>/dev/null || python=python3
for path in metrics metrics/hosts; do
	scrape -D "$tmp/head" -H 'Accept: application/openmetrics-text; version=1.0.0' $base/$path >"$tmp/open"
	check "the type of OpenMetrics" grep -qi '^content-type: application/openmetrics-text; version=1.0.0; charset=utf-8' "$tmp/head"
	if $python -c 'import prometheus_client' 2>/dev/null; then
		check "its parser about $path" $python -c "
import sys
from prometheus_client.openmetrics.parser import text_string_to_metric_families as parse
assert len(list(parse(open(sys.argv[1]).read()))) >= 6" "$tmp/open"
	else
		ok 0 "its parser about $path # SKIP python3-prometheus-client is not installed"
	fi
done
check "compressed for who takes it" sh -c "curl -s -H '$auth' -H 'Accept-Encoding: gzip' $base/metrics | gzip -d | grep -q '^weir_up{'"

# -- bounded: whatever comes in at the door makes no name of its own --
for m in A B C D E; do curl -s -o /dev/null -X "X$m" -H "$auth" "$base/api/v1/nothing-$m"; done
scrape $base/metrics >"$tmp/text"
check "no label says what somebody asked for" sh -c "! grep -q 'nothing-\|method=\"X' $tmp/text && grep -q 'path=\"other\",method=\"other\",code=\"404\"} 5' $tmp/text"
finish
