# A live interface: two network namespaces, real programs between them, alerts to an exec recipient, and an interface that goes
# away and comes back.
. "$(dirname "$0")/../lib.sh"
c=weir-c$$ s=weir-s$$
namespaces "$c" "$s"
plug() {
	ip link add eth0 netns "$c" type veth peer name eth0 netns "$s"
	ip -n "$c" addr add 192.168.60.10/24 dev eth0
	ip -n "$s" addr add 192.168.60.1/24 dev eth0
	for n in "$c" "$s"; do
		ip -n "$n" link set lo up
		ip -n "$n" link set eth0 up
	done
}
plug
mkdir "$tmp/www"
echo hello >"$tmp/www/index.html"
ip netns exec "$s" python3 -m http.server -d "$tmp/www" -b 192.168.60.1 80 >/dev/null 2>&1 &
pids="$pids $!"
# TLS with a certificate that expired in 2021, names, logins.
mkdir "$tmp/ca"
: >"$tmp/ca/index.txt"
echo 01 >"$tmp/ca/serial"
printf '[ca]\ndefault_ca=c\n[c]\ndatabase=%s/ca/index.txt\nserial=%s/ca/serial\nnew_certs_dir=%s/ca\ndefault_md=sha256\npolicy=p\n[p]\ncommonName=supplied\n' \
	"$tmp" "$tmp" "$tmp" >"$tmp/ca.cnf"
openssl req -newkey rsa:2048 -nodes -keyout "$tmp/old.key" -out "$tmp/old.csr" -subj "/CN=old.example.test" 2>/dev/null
openssl ca -batch -config "$tmp/ca.cnf" -selfsign -keyfile "$tmp/old.key" -in "$tmp/old.csr" -out "$tmp/old.crt" \
	-startdate 20200101000000Z -enddate 20210101000000Z 2>/dev/null
in_s() { ip netns exec "$s" "$@" >/dev/null 2>&1 & pids="$pids $!"; }
in_s openssl s_server -accept 8443 -key "$tmp/old.key" -cert "$tmp/old.crt" -tls1_2 -www
in_s dnsmasq -k -p 53 --no-resolv --no-hosts --user=root --address=/example.test/192.168.60.1 --pid-file="$tmp/dns.pid"
ssh-keygen -q -t ed25519 -N '' -f "$tmp/hostkey"
mkdir -p /run/sshd
in_s /usr/sbin/sshd -D -h "$tmp/hostkey" -p 22 -o PidFile="$tmp/sshd.pid" -o UsePAM=no
mkdir "$tmp/alerts"
cat >"$tmp/recipient" <<EOF
#!/bin/sh
now=\$(date +%s.%N)
jq -c --arg now "\$now" '. + {arrived: (\$now | tonumber)}' >"$tmp/alerts/\$\$.part"
mv "$tmp/alerts/\$\$.part" "$tmp/alerts/\$ALERT_DELIVERY_ID.\$\$.json"
EOF
chmod 755 "$tmp/recipient"
# How long such programs take, all the time.
perl -MTime::HiRes=time,sleep -e '
	$| = 1;
	for (;;) { my $t = time; system("date +%s.%N | jq . >/dev/null"); printf "%.3f\n", time - $t; sleep 0.2 }' >"$tmp/yardstick" &
yardstick=$!
pids="$pids $yardstick"
topology "  lan: {interface: eth0, idle_timeout_udp: 3s}" "recipients: {file: {exec: [$tmp/recipient], on: [store, engage, update, release]}}"
ip netns exec "$c" "$bin/weir" run -f "$tmp/weir.yaml" >"$tmp/run.log" 2>&1 &
run_pid=$!
pids="$pids $run_pid"
capturing() { state_of capture/lan | grep -q capturing; }
wait_for 20 capturing
ok $? "capture is on the interface"
# What a scan is found by is looked at when the minute is over: all that follows is beside that.
ip netns exec "$c" nmap -n -Pn -sS -T4 --max-retries 1 -p 1-500 192.168.60.1 >/dev/null 2>&1
web() { ip netns exec "$c" curl -s -o /dev/null --max-time 60 "$@"; }
wait_for 10 web http://192.168.60.1/
web 'http://192.168.60.1/?id=1%27%20or%20%271%27=%271'
told() { grep -q "$1" "$tmp"/alerts/*.json; }
wait_for 20 told ndpi_url_possible_sql_injection
ok $? "the recipient is told of the injection"
check "its document is JSON with the fields that scripts read" sh -c "grep -h sql_injection $tmp/alerts/*.json | tail -1 | jq -e '.is_flow_alert and .cli_ip == \"192.168.60.10\" and .srv_ip == \"192.168.60.1\" and .entity_id == 4 and (.json|fromjson)'"
listens() { ip netns exec "$s" ss -Hltn "sport = :$1" | grep -q .; }
for port in 22 53 8443; do
	wait_for 10 listens $port
	ok $? "the server on port $port is there"
done
in_c() { ip netns exec "$c" "$@" >/dev/null 2>&1; }
in_c dig +time=60 +tries=1 @192.168.60.1 www.example.test
in_c sh -c "echo | timeout 60 openssl s_client -connect 192.168.60.1:8443 -servername old.example.test"
in_c ssh -o BatchMode=yes -o StrictHostKeyChecking=no -o UserKnownHostsFile=/dev/null -o ConnectTimeout=60 nobody@192.168.60.1 true
in_c ping -q -c 2 -i 0.2 192.168.60.1
wait_for 30 told old.example.test
ok $? "the recipient is told of the certificate"
knows() { # application of a flow that has ended
	weir history -f "$tmp/weir.yaml" -o json -n 1000 | jq -e -s "map(.app.name) | index(\"$1\")"
}
for app in DNS SSH TLS ICMP HTTP; do
	wait_for 40 knows $app
	ok $? "$app is known"
done
wait_for 100 told syn_scan
ok $? "the recipient is told of the scan"
packets() { weir status -f "$tmp/weir.yaml" -m -o json | jq -r 'select(.type=="metric" and .process=="capture/lan" and .name=="packets").value'; }
# From the packet time of the record that decided to the program's first line. A second is what a machine needs that has time for
# it; the programs that ran beside them tell how much longer everything takes on this one.
late='.arrived - ((.weir.alert.decided[0:19] + "Z" | fromdate) + ("0" + .weir.alert.decided[19:-1] | tonumber))'
kill $yardstick
slow=$(sort -n "$tmp/yardstick" | tail -1)
cat "$tmp"/alerts/*.json >"$tmp/alerts.json"
check "each alert is with the recipient within a second of what decided it" jq -e -s "map($late) | max <= 1 + 20 * $slow" \
	"$tmp/alerts.json"
echo "# slowest: $(jq -s "map($late) | max" "$tmp/alerts.json") s of $(grep -c . "$tmp/alerts.json"); of the programs: $slow s"
check "packets were counted" test "$(packets)" -gt 500
here() { ip netns exec "$c" curl -s --unix-socket "$tmp/run/api.sock" "http://localhost$1"; }
here /metrics >"$tmp/metrics"
number() { sed -n "s/^$1{interface=\"lan\"} //p" "$tmp/metrics"; }
speed=$(($(ip netns exec "$c" cat /sys/class/net/eth0/speed) * 125000))
same "the speed of the link" "$speed" "$(number weir_interface_speed_bytes_per_second)"
same "as the resource has it" "$speed" "$(here /api/v1/interfaces/lan | jq .speed_bytes_per_second)"
check "the newest packet is not old" awk -v lag="$(number weir_capture_lag_seconds)" 'BEGIN { exit !(lag != "" && lag > -60 && lag < 600) }'
old=$(pid_of capture/lan)
ip -n "$c" link del eth0
waiting() { state_of capture/lan | grep -q 'waiting for interface'; }
wait_for 10 waiting
ok $? "an interface that disappears is said"
plug
wait_for 20 capturing
ok $? "it is opened again when it is back"
same "by the same process" "$old" "$(pid_of capture/lan)"
for p in checks classify alertd notify; do
	kill -9 "$(pid_of $p)"
done
tries=0
until told 'id=2' || [ $tries -ge 20 ]; do
	tries=$((tries + 1))
	web 'http://192.168.60.1/?id=2%27%20or%20%272%27=%272'
	wait_for 2 told 'id=2'
done
told 'id=2'
ok $? "after kill -9 of four processes alerts still arrive"
printf 'sensors: {x: {interface: no-such-if}}\nruntime: %s/r2\nstate: %s/s2\n' "$tmp" "$tmp" >"$tmp/none.yaml"
timeout 60 "$bin/weir-capture" -f "$tmp/none.yaml" -i x >"$tmp/none.log" 2>&1
same "no such interface: exit status" 1 $?
check "no such interface: those that there are" grep -q 'there are:.*lo' "$tmp/none.log"
finish
