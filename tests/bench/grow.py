#!/usr/bin/python3
"""Makes a large capture out of small ones: grow.py OUT ROUNDS CAPTURE...

Packets of all Ethernet pcap files in turn, each round with other IPv4 addresses, so that every round has flows of its own.
Checksums are not mended: nobody here looks at them.
"""
import struct
import sys


def packets(path):
    with open(path, "rb") as f:
        data = f.read()
    if len(data) < 24 or data[:4] not in (b"\xd4\xc3\xb2\xa1", b"\x4d\x3c\xb2\xa1"):
        return []
    if struct.unpack_from("<I", data, 20)[0] & 0xFFFF != 1:
        return []
    out, at = [], 24
    while at + 16 <= len(data):
        caplen, length = struct.unpack_from("<II", data, at + 8)
        if at + 16 + caplen > len(data) or caplen > 65535:
            break
        out.append((length, bytearray(data[at + 16:at + 16 + caplen])))
        at += 16 + caplen
    return out


def main():
    out, rounds, files = sys.argv[1], int(sys.argv[2]), sys.argv[3:]
    base = [p for f in files for p in packets(f)]
    with open(out, "wb") as f:
        f.write(struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 262144, 1))
        time = 1700000000 * 1000000
        for r in range(rounds):
            chunk = []
            for length, p in base:
                if len(p) >= 34 and p[12:14] == b"\x08\x00":
                    p[27] = (p[27] + 1) & 0xFF
                    p[31] = (p[31] + 1) & 0xFF
                    if r % 256 == 255:
                        p[28] = (p[28] + 1) & 0xFF
                time += 5
                chunk.append(struct.pack("<IIII", time // 1000000, time % 1000000, len(p), length))
                chunk.append(bytes(p))
            f.write(b"".join(chunk))


main()
