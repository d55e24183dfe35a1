#!/bin/sh
# Records the captures of this folder: real programs that talk over veth pairs between network namespaces made here, seen from
# the bridge of the gateway.
# record.sh [DIR]   needs root and the packages of 'make test'. Nothing leaves the namespaces.
#
# office.pcapng   a small office for most of a minute: two clients (.10 and .20) that get their address by DHCP, look up names,
#                 surf (HTTP, TLS 1.2 and 1.3, one certificate expired, one address that carries SQL), download, log in by SSH
#                 and by FTP in plain text, send mail, fetch a file by TFTP, ping; then .20 scans the gateway's ports
# scan.pcap       a scan of more ports, alone
set -eu
out=$(cd "$(dirname "${1:-$0}")" && pwd)
[ $# -eq 0 ] || out=$(cd "$1" && pwd)
tmp=$(mktemp -d)
c=weir-rec-c$$ d=weir-rec-d$$ s=weir-rec-s$$
pids=""

cleanup() {
	for p in $pids; do kill "$p" 2>/dev/null || :; done
	for n in "$c" "$d" "$s"; do ip netns del "$n" 2>/dev/null || :; done
	rm -rf "$tmp"
}
trap cleanup EXIT
trap 'exit 1' INT TERM

for n in "$s" "$c" "$d"; do
	ip netns add "$n"
	ip -n "$n" link set lo up
done
ip -n "$s" link add br0 address 02:00:00:00:50:01 type bridge
client() { # namespace last-number
	ip link add eth0 address "02:00:00:00:50:$2" netns "$1" type veth peer name "port$2" netns "$s"
	ip -n "$s" link set "port$2" master br0 up
	ip -n "$1" addr add "192.168.50.$2/24" dev eth0
	ip -n "$1" addr add "fd00:50::$2/64" dev eth0 nodad
	ip -n "$1" link set eth0 up
	ip -n "$1" route add default via 192.168.50.1
	# No packets larger than the wire's: they would be recorded.
	ip netns exec "$1" ethtool -K eth0 tso off gso off gro off >/dev/null
	ip netns exec "$s" ethtool -K "port$2" tso off gso off gro off >/dev/null
}
ip -n "$s" link set br0 up
ip -n "$s" addr add 192.168.50.1/24 dev br0
ip -n "$s" addr add 203.0.113.80/24 dev br0
ip -n "$s" addr add fd00:50::1/64 dev br0 nodad
client "$c" 10
client "$d" 20
ip netns exec "$s" ethtool -K br0 tso off gso off gro off >/dev/null
in_c() { ip netns exec "$c" "$@"; }
in_d() { ip netns exec "$d" "$@"; }
in_s() { ip netns exec "$s" "$@"; }

# -- servers --
cert() { # name
	openssl req -x509 -newkey rsa:2048 -nodes -keyout "$tmp/$1.key" -out "$tmp/$1.crt" -subj "/O=Example Ltd/CN=$1" \
		-addext "subjectAltName=DNS:$1" -days 365 2>/dev/null
}
cert www.example.test
# An expired one: 'openssl ca' takes dates, req -x509 does not.
mkdir "$tmp/ca"
: >"$tmp/ca/index.txt"
echo 01 >"$tmp/ca/serial"
cat >"$tmp/ca.cnf" <<EOC
[ca]
default_ca = c
[c]
database = $tmp/ca/index.txt
serial = $tmp/ca/serial
new_certs_dir = $tmp/ca
default_md = sha256
policy = p
[p]
organizationName = optional
commonName = supplied
EOC
openssl req -newkey rsa:2048 -nodes -keyout "$tmp/old.key" -out "$tmp/old.csr" -subj "/O=Example Ltd/CN=old.example.test" 2>/dev/null
openssl ca -batch -config "$tmp/ca.cnf" -selfsign -keyfile "$tmp/old.key" -in "$tmp/old.csr" -out "$tmp/old.crt" \
	-startdate 20200101000000Z -enddate 20210101000000Z 2>/dev/null
mkdir "$tmp/www"
head -c 300000 /dev/zero | tr '\0' 'x' >"$tmp/www/file.bin"
echo '<html><body>hello</body></html>' >"$tmp/www/index.html"
cat >"$tmp/nginx.conf" <<EOC
daemon off;
pid $tmp/nginx.pid;
error_log $tmp/nginx.err;
events {}
http {
	access_log off;
	types { text/html html; application/octet-stream bin; }
	client_body_temp_path $tmp/b; proxy_temp_path $tmp/p; fastcgi_temp_path $tmp/f; uwsgi_temp_path $tmp/u; scgi_temp_path $tmp/s;
	server { listen 80; listen [::]:80; root $tmp/www; }
	server { listen 443 ssl; server_name www.example.test; ssl_certificate $tmp/www.example.test.crt; ssl_certificate_key $tmp/www.example.test.key; root $tmp/www; }
	server { listen 8443 ssl; server_name old.example.test; ssl_protocols TLSv1.2; ssl_certificate $tmp/old.crt; ssl_certificate_key $tmp/old.key; root $tmp/www; }
}
EOC
chmod -R a+rX "$tmp"
ip netns exec "$s" nginx -c "$tmp/nginx.conf" & pids="$pids $!"
mkdir "$tmp/tftp"
echo 'boot menu' >"$tmp/tftp/boot.cfg"
ip netns exec "$s" dnsmasq -k -p 53 --no-resolv --no-hosts --user=root --address=/example.test/203.0.113.80 \
	--address=/example.test/fd00:50::1 --pid-file="$tmp/dns.pid" --dhcp-range=192.168.50.100,192.168.50.120,1h \
	--dhcp-leasefile="$tmp/leases" --enable-tftp --tftp-root="$tmp/tftp" --log-facility=- 2>"$tmp/dnsmasq.log" & pids="$pids $!"
# Mail: enough of SMTP for a delivery.
cat >"$tmp/smtpd.py" <<'EOP'
import socket
s = socket.create_server(("192.168.50.1", 25))
while True:
    c, _ = s.accept()
    f = c.makefile("rwb", buffering=0)
    f.write(b"220 mail.example.test ESMTP\r\n")
    data = False
    for line in f:
        if data:
            data = line != b".\r\n"
            if not data:
                f.write(b"250 OK queued\r\n")
            continue
        verb = line.split()[0].upper() if line.split() else b""
        data = verb == b"DATA"
        f.write({b"DATA": b"354 go ahead\r\n", b"QUIT": b"221 bye\r\n"}.get(verb, b"250 mail.example.test\r\n"))
        if verb == b"QUIT":
            break
    c.close()
EOP
ip netns exec "$s" python3 "$tmp/smtpd.py" & pids="$pids $!"
ssh-keygen -q -t ed25519 -N '' -f "$tmp/hostkey"
mkdir -p /run/sshd
ip netns exec "$s" /usr/sbin/sshd -D -h "$tmp/hostkey" -p 22 -o PidFile="$tmp/sshd.pid" -o UsePAM=no & pids="$pids $!"
# A login in plain text: a dozen lines of FTP, enough for a dissector.
cat >"$tmp/ftpd.py" <<'EOP'
import socket, sys
s = socket.create_server(("192.168.50.1", 21))
while True:
    c, _ = s.accept()
    f = c.makefile("rwb", buffering=0)
    f.write(b"220 example.test FTP server ready\r\n")
    for line in f:
        verb = line.split()[0].upper() if line.split() else b""
        f.write({b"USER": b"331 Password required\r\n", b"PASS": b"230 Logged in\r\n", b"QUIT": b"221 Bye\r\n"}.get(verb, b"200 OK\r\n"))
        if verb == b"QUIT":
            break
    c.close()
EOP
ip netns exec "$s" python3 "$tmp/ftpd.py" & pids="$pids $!"
for port in 21 22 25 53 80 443 8443; do
	i=0
	until in_s ss -Hltn "sport = :$port" | grep -q .; do
		i=$((i + 1))
		[ $i -lt 100 ] || { echo "nothing listens on port $port" >&2; exit 1; }
		sleep 0.1
	done
done

# -- record --
record() { # file
	: >"$tmp/tcpdump.err"
	ip netns exec "$s" tcpdump -U -i br0 -s 0 -w "$1" 'not port 5353 and not arp and not icmp6' 2>"$tmp/tcpdump.err" & tcpdump=$!
	until grep -q listening "$tmp/tcpdump.err"; do sleep 0.1; done
}
recorded() {
	sleep 1
	kill -TERM "$tcpdump"
	wait "$tcpdump" || :
}
pause() { sleep 1; }

web="curl -s -o /dev/null --max-time 10 -A Mozilla/5.0"
surf() { # client
	"$1" dig +short +tries=1 @192.168.50.1 www.example.test >/dev/null
	"$1" $web "http://www.example.test/" --resolve www.example.test:80:203.0.113.80
	"$1" $web -k "https://www.example.test/" --resolve www.example.test:443:203.0.113.80
	pause
	"$1" $web -g "http://[fd00:50::1]/"
	pause
}
record "$tmp/office.pcap"
in_d nmap --script broadcast-dhcp-discover -e eth0 >/dev/null 2>&1 || :
pause
for i in 1 2 3; do
	surf in_c
	surf in_d
done
in_c dig +tries=1 @192.168.50.1 no-such-name.example.invalid >/dev/null || :
in_c dig +short +tries=1 @192.168.50.1 AAAA www.example.test >/dev/null
in_d $web tftp://192.168.50.1/boot.cfg
in_c $web "http://192.168.50.1/file.bin"
pause
in_c ping -q -c 3 -i 0.5 192.168.50.1 >/dev/null
in_d ping -q -c 2 -i 0.5 fd00:50::1 >/dev/null
in_c $web -k "https://old.example.test:8443/" --resolve old.example.test:8443:203.0.113.80
pause
in_d $web "http://192.168.50.1/?id=1%27%20or%20%271%27=%271"
in_d $web "http://192.168.50.1/missing"
pause
in_c ssh -o BatchMode=yes -o StrictHostKeyChecking=no -o UserKnownHostsFile=/dev/null -o ConnectTimeout=5 \
	nobody@192.168.50.1 true 2>/dev/null || :
pause
printf 'Subject: hello\r\n\r\nhello\r\n' >"$tmp/mail"
in_d $web smtp://192.168.50.1 --mail-from anna@example.test --mail-rcpt berta@example.test -T "$tmp/mail"
pause
printf 'USER anna\r\nPASS not-the-real-one\r\nQUIT\r\n' | in_c timeout 5 python3 -c '
import socket, sys
s = socket.create_connection(("192.168.50.1", 21))
for line in sys.stdin.buffer:
    s.recv(200); s.sendall(line)
s.recv(200)'
for i in 1 2; do
	surf in_c
	surf in_d
done
in_d nmap -n -Pn -sS -T4 --max-retries 1 -p 1-300 192.168.50.1 >/dev/null
pause
surf in_c
recorded
record "$tmp/scan.pcap"
in_c nmap -n -Pn -sS -T4 --max-retries 1 -p 1-600 192.168.50.1 >/dev/null
recorded

# -- keep --
editcap -F pcapng "$tmp/office.pcap" "$out/office.pcapng"
cp "$tmp/scan.pcap" "$out/scan.pcap"
capinfos -Mcu "$out/office.pcapng" "$out/scan.pcap" | grep -E 'name|packets|duration'
