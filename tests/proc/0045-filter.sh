# A host's name in the filter of an interface is looked up once, at the start. When the interface has gone and comes back nobody
# may be there to ask; the filter still is.
. "$(dirname "$0")/../lib.sh"
command -v dnsmasq >/dev/null || skip_all "dnsmasq is not installed"
ns=weir-f$$
namespaces "$ns"
plug() {
	ip -n "$ns" link add eth0 type veth peer name eth1
	ip -n "$ns" link set eth1 up
	ip -n "$ns" link set eth0 up
}
plug
ip -n "$ns" link set lo up
ip netns exec "$ns" dnsmasq -k -p 53 --no-resolv --no-hosts --user=root --listen-address=127.0.0.1 --bind-interfaces \
	--address=/filter.test/192.0.2.77 --pid-file="$tmp/dns.pid" >/dev/null 2>&1 &
dns=$!
pids="$pids $dns"
echo nameserver 127.0.0.1 >"$tmp/resolv.conf"
with_names='mount --bind "$0" /etc/resolv.conf && exec "$@"'
wait_for 1 ip netns exec "$ns" sh -c "$with_names" "$tmp/resolv.conf" getent hosts here.filter.test ||
	skip_all "names are not looked up with a resolv.conf here"
topology '  lan: {interface: eth0, filter: "not host here.filter.test"}'
ip netns exec "$ns" sh -c "$with_names" "$tmp/resolv.conf" "$bin/weir-capture" -f "$tmp/weir.yaml" -i lan 2>"$tmp/log" &
capture=$!
pids="$pids $capture"
wait_for 20 grep -q 'bounds:' "$tmp/log"
ok $? "capture is on the interface"
kill "$dns"
wait_for 10 gone "$dns"
ip -n "$ns" link del eth0
wait_for 20 grep -qi 'eth0.*\(down\|went\|disappeared\|gone\)' "$tmp/log"
ok $? "it says that it is gone"
plug
wait_for 20 grep -q 'interface eth0 is back' "$tmp/log"
ok $? "it is opened again when it is back"
check "by the same process" kill -0 "$capture"
finish
