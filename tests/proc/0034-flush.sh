# A capture whose flows all end at once, with more in them than the link has room for: nothing may be lost, and the end is reached.
. "$(dirname "$0")/../lib.sh"

python3 - "$tmp/many.pcap" <<'EOP'
import struct, sys
with open(sys.argv[1], "wb") as f:
    f.write(struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 65535, 101))
    for i in range(60000):
        payload = bytes([i & 255]) * 1200
        ip = struct.pack("!BBHHHBBH4s4s", 0x45, 0, 28 + len(payload), 0, 0, 64, 17, 0, bytes([10, 1, i >> 8, i & 255]), b"\x0a\x02\0\1")
        packet = ip + struct.pack("!HHHH", 20000, 30000, 8 + len(payload), 0) + payload
        f.write(struct.pack("<IIII", 1700000000, i, len(packet), len(packet)) + packet)
EOP
topology "  many: {file: $tmp/many.pcap}"
start
wait_for 60 at_end
ok $? "the end is reached"
same "every packet is in a flow of the history" 60000 "$(for f in "$tmp/state/store"/flows-*.db; do sqlite3 "$f" 'select sum(client_packets) from flows'; done)"
finish
