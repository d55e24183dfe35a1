# Two network namespaces, $c and $s, with a wire between them on which there is nothing but what send puts there. Sourced after lib.sh.
c=weir-wc$$ s=weir-ws$$
namespaces "$c" "$s"
# No packets but ours: no ARP, no IPv6.
for n in "$c" "$s"; do
	ip netns exec "$n" sh -c 'echo 1 >/proc/sys/net/ipv6/conf/default/disable_ipv6'
done
ip link add eth0 netns "$c" type veth peer name eth0 netns "$s"
for n in "$c" "$s"; do
	ip -n "$n" link set eth0 arp off multicast off
	ip -n "$n" link set eth0 up
done
# send FROM TO [fast|slow]: a UDP packet for each number, which is its source port; "fast" without a pause, "slow" fifty a second,
# of one flow. Ends before when $tmp/enough is there; the next number is in $tmp/next.
cat >"$tmp/send" <<'EOF'
import os, socket, struct, sys, time
here = os.path.dirname(sys.argv[0])
out = socket.socket(socket.AF_PACKET, socket.SOCK_RAW)
out.bind(("eth0", 0))
i, to = int(sys.argv[1]), int(sys.argv[2])
slow = sys.argv[3:] == ["slow"]
while i < to and not (i % 10 == 0 and os.path.exists(here + "/enough")):
    n = 900 if slow else i
    ip = struct.pack(">BBHHHBBH4s4s", 0x45, 0, 33, n % 65536, 0, 64, 17, 0, b"\x0a\0\0\1", struct.pack(">I", 0x0a000002 + n // 65536))
    out.send(b"\2\0\0\0\0\2\2\0\0\0\0\1\x08\0" + ip + struct.pack(">HHHH", n % 65536, 9, 13, 0) + b"hello")
    if slow:
        time.sleep(0.02)
    if i % 10 == 0 and len(sys.argv) < 4:
        time.sleep(0.005)
    i += 1
with open(here + "/next", "w") as f:
    print(i, file=f)
EOF
send() { ip netns exec "$c" python3 "$tmp/send" "$@"; }
