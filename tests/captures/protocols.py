#!/usr/bin/env python3
"""Writes protocols.pcap: protocols.py OUT. Short sessions of many protocols, each with the names that classify looks for.

What is said is made up; TLS is real (Python's ssl on both sides, a certificate by openssl), so another run gives another
capture with the same names in it. Passwords are all "secret": none may be found in anything that weir writes.
"""
import os
import socket
import ssl
import struct
import subprocess
import sys
import tempfile

CLIENT, SERVER = "10.20.0.2", "192.0.2.80"
ETHER = bytes.fromhex("020000000001" "020000000002")


def checksum(data):
    if len(data) % 2:
        data += b"\0"
    s = sum(struct.unpack("!%dH" % (len(data) // 2), data))
    while s >> 16:
        s = (s & 0xFFFF) + (s >> 16)
    return ~s & 0xFFFF


class Capture:
    def __init__(self, path):
        self.f = open(path, "wb")
        self.f.write(struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 262144, 1))
        self.time = 1767225600 * 1000000  # 2026-01-01
        self.port = 40000
        self.id = 0

    def frame(self, proto, src, dst, l4):
        a, b = socket.inet_aton(src), socket.inet_aton(dst)
        pseudo = a + b + struct.pack("!BBH", 0, proto, len(l4))
        at = 16 if proto == 6 else 6
        l4 = l4[:at] + struct.pack("!H", checksum(pseudo + l4)) + l4[at + 2:]
        self.id += 1
        ip = struct.pack("!BBHHHBBH", 0x45, 0, 20 + len(l4), self.id & 0xFFFF, 0, 64, proto, 0) + a + b
        ip = ip[:10] + struct.pack("!H", checksum(ip)) + ip[12:]
        data = ETHER + b"\x08\x00" + ip + l4
        self.f.write(struct.pack("<IIII", self.time // 1000000, self.time % 1000000, len(data), len(data)) + data)
        self.time += 1500

    def udp(self, sport, dport, payload, src=CLIENT, dst=SERVER):
        self.frame(17, src, dst, struct.pack("!HHHH", sport, dport, 8 + len(payload), 0) + payload)

    def dialogue_udp(self, dport, *said, src=CLIENT, dst=SERVER, sport=None):
        """said: bytes in turn from client and server."""
        self.port += 1
        sport = sport or self.port
        for i, payload in enumerate(said):
            if i % 2 == 0:
                self.udp(sport, dport, payload, src, dst)
            else:
                self.udp(dport, sport, payload, dst, src)

    def dialogue_tcp(self, dport, *said):
        """said: ('c' or 's', bytes)."""
        self.port += 1
        seq = {"c": 1000, "s": 5000}
        ports = {"c": (self.port, dport, CLIENT, SERVER), "s": (dport, self.port, SERVER, CLIENT)}

        def send(who, flags, payload=b""):
            other = "s" if who == "c" else "c"
            sport, to, src, dst = ports[who]
            ack = seq[other] if flags & 16 else 0
            self.frame(6, src, dst, struct.pack("!HHIIBBHHH", sport, to, seq[who], ack, 0x50, flags, 64000, 0, 0) + payload)
            seq[who] += len(payload) + (1 if flags & 3 else 0)

        send("c", 2)
        send("s", 18)
        send("c", 16)
        for who, payload in said:
            for at in range(0, len(payload), 1400):
                send(who, 24, payload[at:at + 1400])
                send("s" if who == "c" else "c", 16)
        send("c", 17)
        send("s", 17)
        send("c", 16)


# -- names ----------------------------------------------------------------------------------------------------------------


def dns_name(name):
    return b"".join(bytes([len(p)]) + p.encode() for p in name.split(".")) + b"\0"


def dns(ident, flags, name, qtype, answers=()):
    out = struct.pack("!HHHHHH", ident, flags, 1, len(answers), 0, 0) + dns_name(name) + struct.pack("!HH", qtype, 1)
    for atype, ttl, data in answers:
        out += b"\xc0\x0c" + struct.pack("!HHIH", atype, 1, ttl, len(data)) + data
    return out


def names(c):
    a, b = socket.inet_aton("198.51.100.7"), socket.inet_aton("198.51.100.8")
    c.dialogue_udp(53, dns(1, 0x0100, "www.example.org", 1), dns(1, 0x8180, "www.example.org", 1, [(1, 300, a), (1, 60, b)]))
    c.dialogue_udp(53, dns(2, 0x0100, "nothing.example.org", 28), dns(2, 0x8183, "nothing.example.org", 28), dst="192.0.2.53")
    query, reply = dns(3, 0x0100, "big.example.org", 16), dns(3, 0x8180, "big.example.org", 16, [(16, 5, b"\x04text")])
    c.dialogue_tcp(53, ("c", struct.pack("!H", len(query)) + query), ("s", struct.pack("!H", len(reply)) + reply))
    ptr = dns(0, 0x8400, "_http._tcp.local", 12, [(12, 120, dns_name("printer._http._tcp.local"))])
    c.udp(5353, 5353, dns(0, 0, "_http._tcp.local", 12), dst="224.0.0.251")
    c.udp(5353, 5353, ptr, dst="224.0.0.251")
    half = "".join(chr(65 + (ord(ch) >> 4)) + chr(65 + (ord(ch) & 15)) for ch in "FILESERVER".ljust(15) + "\0")
    question = struct.pack("!HHHHHH", 9, 0x2910, 1, 0, 0, 1) + b"\x20" + half.encode() + b"\0" + struct.pack("!HH", 32, 1)
    record = b"\xc0\x0c" + struct.pack("!HHIHH", 32, 1, 300000, 6, 0) + socket.inet_aton(CLIENT)
    c.udp(137, 137, question + record, dst="10.20.0.255")
    c.udp(1900, 1900, b"NOTIFY * HTTP/1.1\r\nHOST: 239.255.255.250:1900\r\nNT: upnp:rootdevice\r\nNTS: ssdp:alive\r\n"
          b"SERVER: Linux/6.1 UPnP/1.0 ExampleTV/2.0\r\nUSN: uuid:1::upnp:rootdevice\r\n\r\n", dst="239.255.255.250")
    options = (b"\x35\x01\x01" b"\x0c\x06laptop" b"\x3c\x08MSFT 5.0" b"\x37\x05\x01\x03\x06\x0f\x1f" b"\xff")
    bootp = struct.pack("!BBBBIHH", 1, 1, 6, 0, 0x1234, 0, 0) + bytes(16) + ETHER[6:] + bytes(10 + 192) + b"\x63\x82\x53\x63"
    c.udp(68, 67, bootp + options, src="0.0.0.0", dst="255.255.255.255")


# -- web -------------------------------------------------------------------------------------------------------------------


def web(c):
    get = (b"GET /shop?item=1 HTTP/1.1\r\nHost: shop.example.org\r\n"
           b"User-Agent: Mozilla/5.0 (Windows NT 10.0; Win64; x64) Firefox/120.0\r\nAccept: */*\r\n\r\n")
    page = b"<html><body>shop</body></html>"
    reply = (b"HTTP/1.1 200 OK\r\nServer: nginx/1.22.1\r\nContent-Type: text/html\r\nContent-Length: %d\r\n\r\n" % len(page)) + page
    c.dialogue_tcp(80, ("c", get), ("s", reply))
    attack = b"GET /item?id=1%27%20OR%20%271%27=%271 HTTP/1.1\r\nHost: shop.example.org\r\nUser-Agent: curl/7.88\r\n\r\n"
    c.dialogue_tcp(8080, ("c", attack), ("s", b"HTTP/1.1 404 Not Found\r\nServer: nginx\r\nContent-Type: text/html\r\n"
                                            b"Content-Length: 0\r\n\r\n"))


def tls_session():
    """What two ends of Python's ssl say to each other, as [('c' or 's', bytes)]."""
    with tempfile.TemporaryDirectory() as d:
        key, cert = os.path.join(d, "key"), os.path.join(d, "cert")
        subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", key, "-out", cert, "-days", "90",
                        "-subj", "/C=CH/O=Example Shop/CN=shop.example.org", "-addext",
                        "subjectAltName=DNS:shop.example.org,DNS:www.example.org"], check=True, stderr=subprocess.DEVNULL)
        sctx = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        sctx.load_cert_chain(cert, key)
    sctx.maximum_version = ssl.TLSVersion.TLSv1_2
    sctx.set_alpn_protocols(["h2", "http/1.1"])
    cctx = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    cctx.check_hostname = False
    cctx.verify_mode = ssl.CERT_NONE
    cctx.set_alpn_protocols(["h2", "http/1.1"])
    to_c, to_s = ssl.MemoryBIO(), ssl.MemoryBIO()
    client = cctx.wrap_bio(to_c, to_s, server_hostname="shop.example.org")
    server = sctx.wrap_bio(to_s, to_c, server_side=True)
    said, done = [], set()
    while len(done) < 2:
        for who, end, out, into in (("c", client, to_s, to_s), ("s", server, to_c, to_c)):
            try:
                end.do_handshake()
                done.add(who)
            except ssl.SSLWantReadError:
                pass
            data = out.read()
            if data:
                said.append((who, data))
                into.write(data)
    client.write(b"GET / HTTP/1.1\r\n\r\n")
    said.append(("c", to_s.read()))
    return said


def extension(kind, data):
    return struct.pack("!HH", kind, len(data)) + data


def hello(*extensions):
    body = b"\x03\x03" + bytes(range(32)) + b"\0" + b"\0\x04\x13\x01\xc0\x2f" + b"\x01\0"
    ext = b"".join(extensions)
    body += struct.pack("!H", len(ext)) + ext
    hs = b"\x01" + struct.pack("!I", len(body))[1:] + body
    return b"\x16\x03\x01" + struct.pack("!H", len(hs)) + hs


def tls(c):
    c.dialogue_tcp(443, *tls_session())
    name = b"cloudflare-ech.example"
    sni = extension(0, struct.pack("!HBH", len(name) + 3, 0, len(name)) + name)
    versions = extension(43, b"\x04\x03\x04\x03\x03")
    c.dialogue_tcp(4443, ("c", hello(sni, versions, extension(0xfe0d, bytes(64)))))
    share = struct.pack("!HH", 29, 32) + bytes(range(32))
    esni = b"\x13\x01" + share + struct.pack("!H", 32) + bytes(32) + struct.pack("!H", 64) + bytes(range(64))
    c.dialogue_tcp(4444, ("c", hello(versions, extension(0xffce, esni))))


# -- logins ----------------------------------------------------------------------------------------------------------------


def ssh(c):
    def kexinit(first):
        lists = [first, b"ssh-ed25519", b"aes128-ctr,aes256-ctr", b"aes128-ctr", b"hmac-sha2-256", b"hmac-sha2-256", b"none",
                 b"none", b"", b""]
        body = b"\x14" + bytes(16) + b"".join(struct.pack("!I", len(x)) + x for x in lists) + bytes(5)
        pad = 8 - (len(body) + 5) % 8 + 8
        return struct.pack("!IB", len(body) + 1 + pad, pad) + body + bytes(pad)
    c.dialogue_tcp(22, ("s", b"SSH-2.0-OpenSSH_9.2p1 Debian-2\r\n"), ("c", b"SSH-2.0-PuTTY_Release_0.78\r\n"),
                   ("c", kexinit(b"curve25519-sha256")), ("s", kexinit(b"curve25519-sha256,diffie-hellman-group14-sha256")),
                   ("c", struct.pack("!IB", 12, 4) + b"\x1e" + bytes(10)))


def logins(c):
    c.dialogue_tcp(21, ("s", b"220 ftp.example.org FTP server ready\r\n"), ("c", b"USER alice\r\n"), ("s", b"331 Password\r\n"),
                   ("c", b"PASS secret\r\n"), ("s", b"230 Logged in\r\n"))
    c.dialogue_tcp(143, ("s", b"* OK IMAP4rev1 ready\r\n"), ("c", b"a1 LOGIN bob secret\r\n"), ("s", b"a1 OK LOGIN done\r\n"),
                   ("c", b"a2 SELECT INBOX\r\n"), ("s", b"a2 OK\r\n"))
    c.dialogue_tcp(110, ("s", b"+OK POP3 ready\r\n"), ("c", b"USER carol\r\n"), ("s", b"+OK\r\n"), ("c", b"PASS secret\r\n"),
                   ("s", b"-ERR invalid\r\n"), ("c", b"QUIT\r\n"))
    c.dialogue_tcp(25, ("s", b"220 mail.example.org ESMTP\r\n"), ("c", b"EHLO laptop\r\n"), ("s", b"250-mail.example.org\r\n250 AUTH"
                   b" LOGIN\r\n"), ("c", b"AUTH LOGIN\r\n"), ("s", b"334 VXNlcm5hbWU6\r\n"), ("c", b"ZGF2ZQ==\r\n"),
                   ("s", b"334 UGFzc3dvcmQ6\r\n"), ("c", b"c2VjcmV0\r\n"), ("s", b"235 ok\r\n"))
    keys = [x for k in b"erin" for x in (("c", bytes([k])), ("s", bytes([k])))]
    word = [("c", bytes([k])) for k in b"secret"]
    c.dialogue_tcp(23, ("s", b"\xff\xfd\x18\xff\xfd\x20\xff\xfd\x23"), ("c", b"\xff\xfc\x18\xff\xfc\x20\xff\xfc\x23"),
                   ("s", b"\xff\xfb\x03\xff\xfb\x01"), ("c", b"\xff\xfd\x03\xff\xfd\x01"), ("s", b"\r\nExample\r\nlogin: "), *keys,
                   ("c", b"\r\0"), ("s", b"\r\nPassword: "), *word, ("c", b"\r\0"), ("s", b"\r\nLogin incorrect\r\nlogin: "))


# -- the rest ---------------------------------------------------------------------------------------------------------------


def der(tag, *parts):
    body = b"".join(parts)
    length = bytes([len(body)]) if len(body) < 128 else b"\x82" + struct.pack("!H", len(body))
    return bytes([tag]) + length + body


def kerberos(user):
    text = lambda s: der(0x1b, s.encode())
    integer = lambda n: der(2, bytes([n]))
    cname = der(0x30, der(0xa0, integer(1)), der(0xa1, der(0x30, text(user))))
    sname = der(0x30, der(0xa0, integer(2)), der(0xa1, der(0x30, text("krbtgt"), text("EXAMPLE.ORG"))))
    body = der(0x30, der(0xa0, der(3, b"\0\x40\x81\0\x10")), der(0xa1, cname), der(0xa2, text("EXAMPLE.ORG")), der(0xa3, sname),
               der(0xa5, der(0x18, b"20370913024805Z")), der(0xa7, der(2, b"\x12\x34\x56\x78")),
               der(0xa8, der(0x30, integer(18), integer(17))))
    padata = der(0x30, der(0x30, der(0xa1, integer(128)), der(0xa2, der(4, b"\x30\x05\xa0\x03\x01\x01\xff"))))
    return der(0x6a, der(0x30, der(0xa1, integer(5)), der(0xa2, integer(10)), der(0xa3, padata), der(0xa4, body)))


def snmp(version):
    pdu = der(0xa0, der(2, b"\x01"), der(2, b"\0"), der(2, b"\0"), der(0x30, der(0x30, der(6, b"\x2b\x06\x01\x02\x01\x01\x01\0"),
                                                                             der(5))))
    if version < 3:
        return der(0x30, der(2, bytes([version])), der(4, b"public"), pdu)
    usm = der(0x30, der(4), der(2, b"\0"), der(2, b"\0"), der(4), der(4), der(4))
    return der(0x30, der(2, b"\x03"), der(0x30, der(2, b"\x11"), der(2, b"\0\xff\xe3"), der(4, b"\x04"), der(2, b"\x03")),
               der(4, usm), der(0x30, der(4), der(4), pdu))


def stun(kind, *attributes):
    body = b"".join(struct.pack("!HH", t, len(v)) + v + bytes(-len(v) % 4) for t, v in attributes)
    return struct.pack("!HHI", kind, len(body), 0x2112a442) + bytes(range(12)) + body


def rest(c):
    c.dialogue_tcp(6881, ("c", b"\x13BitTorrent protocol" + bytes(8) + bytes(range(20)) + b"-EX0001-123456789012"),
                   ("s", b"\x13BitTorrent protocol" + bytes(8) + bytes(range(20)) + b"-EX0002-123456789012"))
    c.dialogue_udp(88, kerberos("frank"), dst="192.0.2.88")
    c.dialogue_udp(88, kerberos("pc17$"), dst="192.0.2.89")
    for version in (0, 1, 3):
        c.dialogue_udp(161, snmp(version), dst="192.0.2.%d" % (161 + version))
    invite = (b"INVITE sip:henry@example.org SIP/2.0\r\nVia: SIP/2.0/UDP 10.20.0.2:5060;branch=z9hG4bK1\r\n"
              b"From: \"Grace\" <sip:grace@example.org>;tag=1\r\nTo: <sip:henry@example.org>\r\nCall-ID: 4711@10.20.0.2\r\n"
              b"CSeq: 1 INVITE\r\nContent-Length: 0\r\n\r\n")
    ringing = invite.replace(b"INVITE sip:henry@example.org SIP/2.0", b"SIP/2.0 180 Ringing", 1)
    c.dialogue_udp(5060, invite, ringing, sport=5060)
    bind = stun(1, (0x8055, struct.pack("!HH", 2, 0)))
    c.dialogue_udp(3478, *[bind, stun(0x101, (0x20, struct.pack("!BBHI", 0, 1, 0x1234, 0x01020304)))] * 3)
    rtp = lambda n: struct.pack("!BBHII", 0x80, 0, n, n * 160, 0xABCD) + bytes(160)
    c.dialogue_udp(20000, *[rtp(n) for n in range(8)], sport=20002)


def main():
    c = Capture(sys.argv[1])
    for part in (names, web, tls, ssh, logins, rest):
        part(c)
        c.time += 500000


if __name__ == "__main__":
    main()
