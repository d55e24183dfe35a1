# What comes to the HTTP port and is no ordinary client: malformed, too long, too slow, too many, guessing.
. "$(dirname "$0")/../lib.sh"
base=http://127.0.0.1:$PORT

limits="rate: 0, heavy_rate: 0, heavy_at_once: 0, max_streams: 32, reply_bytes: 1M"
topology "  office: {file: $captures/office.pcapng}"
start_api
# Sends bytes (printf escapes) and prints the status codes of all answers, in one line. Says that no more comes when something was
# answered: who says it sooner is not answered if apid happens to hear that before it is through with the body.
raw() {
	perl -MIO::Socket::INET -e '
		my $s = IO::Socket::INET->new(PeerAddr => "127.0.0.1:$ARGV[0]") or die;
		my $t = $ARGV[1]; $t =~ s/\\r/\r/g; $t =~ s/\\n/\n/g; $t =~ s/\\0/\0/g;
		print $s $t; $s->flush;
		my $all = "";
		shutdown($s, 1) while sysread $s, $all, 65536, length $all;
		print join(" ", $all =~ m{^HTTP/1\.[01] (\d+)}mg) || "closed", "\n";' "$PORT" "$1"
}
h="Host: localhost\r\n$auth\r\n"

# What takes as long as such a client may take, beside all that follows: a body that drips, and what is no request.
perl -MIO::Socket::INET -e '
	my $s = IO::Socket::INET->new(PeerAddr => "127.0.0.1:$ARGV[0]") or exit 1;
	print $s "POST /lua/rest/v2/get/ntopng/interfaces.lua HTTP/1.1\r\nHost: localhost\r\n$ARGV[1]\r\nContent-Length: 100\r\n\r\n";
	$s->flush; $SIG{PIPE} = "IGNORE";
	my $in = ""; vec($in, fileno($s), 1) = 1;
	for (1 .. 600) { last if select(my $out = $in, undef, undef, 0.1); print $s "a" if $_ % 20 == 0; $s->flush; }
	my $answer = ""; sysread $s, $answer, 100; exit($answer =~ /200/);' "$PORT" "$auth" &
drip=$!
pids="$pids $drip"
raw "\0\0\0\0hello\r\n\r\n" >"$tmp/nonsense" &
nonsense=$!
pids="$pids $nonsense"

same "the token's file is the owner's alone" 600 "$(stat -c %a "$tmp/state/api.token")"
same "two requests in one packet get two answers" "200 200" \
	"$(raw "GET /livez HTTP/1.1\r\nHost: x\r\n\r\nGET /livez HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n" | sed 's/421/200/')"
same "a length and a chunked body" 400 "$(raw "GET /api/v1/flows HTTP/1.1\r\n${h}Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n")"
chunked() { code -H "$auth" -H 'Content-Type: application/json' -H 'Transfer-Encoding: chunked' --data-binary @- "$@"; }
same "a chunked body" 404 "$(echo '{"comment": "x"}' | chunked "$base/api/v1/alerts/$(printf '%026d' 0)/comment")"
same "one that is too long" 413 "$(head -c 80000 /dev/zero | tr '\0' a | chunked $base/api/v1/silences)"
same "one for what takes none" 413 "$(echo | chunked -X GET $base/api/v1/flows)"
same "another encoding" 501 "$(raw "POST /api/v1/silences HTTP/1.1\r\n${h}Transfer-Encoding: gzip\r\n\r\nx" | cut -c1-3)"
same "a body for what takes none" 413 "$(raw "GET /api/v1/flows HTTP/1.1\r\n${h}Content-Length: 5\r\n\r\nhello" | cut -c1-3)"
same "two Hosts" 400 "$(raw "GET /livez HTTP/1.1\r\nHost: a\r\nHost: localhost\r\n\r\n")"
same "two tokens" 400 "$(raw "GET /api/v1/flows HTTP/1.1\r\n${h}Authorization: Bearer x\r\n\r\n")"
same "no Host" 400 "$(raw "GET /livez HTTP/1.1\r\n\r\n" | cut -c1-3)"
same "no Host in HTTP/1.0, which no browser speaks" 200 "$(raw "GET /livez HTTP/1.0\r\n\r\n")"
same "a wrong one in HTTP/1.0" 421 "$(raw "GET /livez HTTP/1.0\r\nHost: evil.example\r\n\r\n")"
same "no token without a Host" 401 "$(raw "GET /api/v1/me HTTP/1.0\r\n\r\n")"
same "an absolute target is above Host" "200 421" \
	"$(raw "GET http://localhost/livez HTTP/1.1\r\nHost: evil.example\r\n\r\nGET http://evil.example/livez HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")"
same "one that names nobody" 400 "$(raw "GET http:///livez HTTP/1.1\r\nHost: localhost\r\n\r\n")"
long=$(perl -e 'print "a" x 17000')
same "headers too long" 431 "$(raw "GET /livez HTTP/1.1\r\nHost: localhost\r\nX-A: $long\r\n\r\n")"
same "a path too long" 414 "$(raw "GET /$(echo "$long" | cut -c1-2000) HTTP/1.1\r\nHost: localhost\r\n\r\n")"
for path in /livez/../livez /%2e%2e/livez /livez%00 /livez%2f /..%2flivez //livez '/livez?x=%' /livez%ff '/livez#a'; do
	same "path $path" 400 "$(raw "GET $path HTTP/1.1\r\n${h}Connection: close\r\n\r\n")"
done
for m in POST PUT DELETE PATCH OPTIONS TRACE NONSENSE; do
	same "$m of a list" 405 "$(code -X $m -H "$auth" $base/api/v1/alerts)"
	same "$m of nothing" 404 "$(code -X $m -H "$auth" $base/api/v1/nothing)"
	same "$m without a token" 401 "$(code -X $m $base/api/v1/alerts)"
done
curl -s -D "$tmp/head" -o /dev/null -X POST -H "$auth" $base/api/v1/alerts
check "405 says what is allowed" grep -qi '^allow: GET, HEAD' "$tmp/head"
same "a method override changes nothing" 200 "$(code -H "$auth" -H 'X-HTTP-Method-Override: DELETE' $base/api/v1/flows)"
curl -s -D "$tmp/head" -o /dev/null -H "$auth" -H 'X-Request-Id: abc-1' -H 'Origin: http://evil.example' $base/api/v1/flows
check "security headers" sh -c "grep -qi '^x-content-type-options: nosniff' $tmp/head && grep -qi '^content-security-policy:' $tmp/head"
check "no word that lets other pages read" sh -c "! grep -qi '^access-control' $tmp/head"
check "the request's id comes back" grep -q '^X-Request-Id: abc-1' "$tmp/head"
curl -s -o "$tmp/body" -H "$auth" -H 'X-Request-Id: bad id<>' "$base/api/v1/flows?limit=0"
check "not if it is odd; a problem names its own" jq -e '.instance | test("^[0-9a-f]+-[0-9]+$")' "$tmp/body"

# Each route, from the outside: what is not open needs the token, what is open tells no state.
for path in me status flows flows/history flows/x hosts hosts/10.0.0.1 alerts alerts/x stream; do
	same "$path wants a token" 401 "$(code $base/api/v1/$path)"
	same "$path wants the right one" 401 "$(code -H 'Authorization: Bearer 00000000000000000000000000000000' $base/api/v1/$path)"
done
# Twenty within a minute: on a slow machine the minute may begin anew in between.
blocked() { [ "$(code -D "$tmp/head" -H "Authorization: Bearer x" $base/api/v1/me)" = 429 ]; }
wait_for 10 blocked
ok $? "many guesses"
check "429 says how long to wait" grep -qi '^retry-after: [0-9]' "$tmp/head"
same "who has the token still comes in" 200 "$(code -H "$auth" $base/api/v1/me)"
check "and learns its rights" jq -e '.scopes | index("read:alerts")' "$tmp/body"

# Slow and silent clients, more than there is room for. They stay until they are killed.
perl -MIO::Socket::INET -MTime::HiRes=sleep -e '
	my @s;
	for (1 .. 300) {
		my $s = IO::Socket::INET->new(PeerAddr => "127.0.0.1:$ARGV[0]", Timeout => 60) or next;
		print $s "GET /livez HTTP/1.1\r\nHost: local" if $_ % 2; $s->flush;
		push @s, $s;
	}
	my $drip = $s[0];
	$SIG{PIPE} = "IGNORE";
	$| = 1;
	print scalar(@s), "\n";
	for (;;) { print $drip "a"; $drip->flush; sleep 0.2; }' $PORT >"$tmp/crowd" &
slow=$!
pids="$pids $slow"
wait_for 20 test -s "$tmp/crowd"
check "all places are taken" test "$(cat "$tmp/crowd")" -gt 256
served() { [ "$(curl -s --max-time 10 $base/livez)" = ok ]; }
wait_for 14 served
ok $? "slow clients are cut in time: others get in"
metric_of_apid() { # name
	curl -s -H "$auth" "$base/api/v1/status?metrics" |
		jq --arg n "$1" '.processes[]|select(.process=="apid").metrics[]|select(.name==$n).value'
}
many_cut() { [ "$(metric_of_apid http_timeouts)" -gt 100 ]; }
wait_for 14 many_cut
ok $? "and counted"
kill $slow

# A stream that nobody reads is not in the way of others.
perl -MIO::Socket::INET -e '
	my @s;
	for (1 .. 20) {
		my $s = IO::Socket::INET->new(PeerAddr => "127.0.0.1:$ARGV[0]", Timeout => 60) or next;
		print $s "GET /api/v1/stream?topics=alerts,flows,hosts&since=0 HTTP/1.1\r\nHost: localhost\r\n$ARGV[1]\r\n\r\n"; $s->flush;
		push @s, $s;
	}
	sleep' $PORT "$auth" &
readers=$!
pids="$pids $readers"
twenty() { [ "$(metric_of_apid http_streams)" = 20 ]; }
wait_for 5 twenty
ok $? "twenty streams that nobody reads"
same "a list beside them" 200 "$(code -H "$auth" "$base/api/v1/flows?limit=10000")"
kill $readers

# What answers depend on.
checks=$(pid_of checks) alertd=$(pid_of alertd)
kill -STOP "$checks"
wait_for 12 sh -c "curl -s $base/readyz | grep -q '^checks: silent'"
ok $? "readyz names checks, which is silent"
same "with 503" 503 "$(code $base/readyz)"
same "livez does not mind" 200 "$(code $base/livez)"
check "status says which process does not answer" sh -c "curl -s -H '$auth' $base/api/v1/status | jq -e '(.up|not) and (.processes[]|select(.process==\"checks\").up|not)'"
kill -CONT "$checks"
kill -STOP "$alertd"
same "a question to a store that is silent" 504 "$(code -H "$auth" $base/api/v1/alerts)"
check "is a problem document" jq -e '.status == 504 and (.detail|test("alertd"))' "$tmp/body"
same "live data does not mind" 200 "$(code -H "$auth" $base/api/v1/flows)"
kill -CONT "$alertd"
wait_for 8 api_ready
ok $? "ready again"
same "the store answers again" 200 "$(code -H "$auth" $base/api/v1/alerts)"
wait $drip
ok $? "the body that drips was cut"
wait $nonsense
same "no HTTP" closed "$(sed 's/^[45]..$/closed/' "$tmp/nonsense")"
replies_are_described
check "no secret in the log" sh -c "! grep -v Authorization: $tmp/run.log | grep -q $(cat "$tmp/state/api.token")"
# -- replies that nobody takes: over a socket whose buffer is small --
perl -MIO::Socket::UNIX -e '
	my @s = map { IO::Socket::UNIX->new(Peer => $ARGV[0]) or die } 1 .. 6;
	for (@s) { print $_ "GET /api/v1/openapi.json HTTP/1.1\r\nHost: localhost\r\n\r\n"; $_->flush }
	sleep 600' "$tmp/run/api.sock" &
idle=$!
pids="$pids $idle"
local_code() { curl -s -D "$tmp/head" -o "$tmp/body" -w '%{http_code}' --max-time 60 --unix-socket "$tmp/run/api.sock" "http://x/api/v1/$1"; } # any name will do there
is_code() { [ "$(local_code "$1")" = "$2" ]; }
wait_for 20 is_code openapi.json 503
ok $? "one that is large is a 503 then"
check "which says when to come back" grep -qi '^retry-after: 1' "$tmp/head"
same "a small one is not" 200 "$(local_code me)"
kill "$idle"
wait_for 20 is_code openapi.json 200
ok $? "when they are gone there is room again"
finish
