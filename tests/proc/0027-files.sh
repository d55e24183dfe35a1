# Processes that may open few files: more connections than that come to the API and to a socket. Nobody turns in circles, what was
# refused is counted, and when the crowd has gone everything works.
. "$(dirname "$0")/../lib.sh"
. "$(dirname "$0")/../kill.sh"
KILL_FDS=64
kill_topology "$captures/office.pcapng" 10
run_clean
run_begin
wait_for 30 sh -c "grep -q . '$tmp/got'/*.json"
cat >"$tmp/crowd.py" <<'END'
import os, socket, sys, time
port, path, there, over = int(sys.argv[1]), sys.argv[2], sys.argv[3], sys.argv[4]
held = []
# More than a process may have files; not twice as many: nng takes as many as it can and sends them away after ten seconds.
for _ in range(80):
    for family, to in ((socket.AF_INET, ("127.0.0.1", port)), (socket.AF_UNIX, path)):
        s = socket.socket(family, socket.SOCK_STREAM)
        s.settimeout(0.05)
        try:
            s.connect(to)
            held.append(s)
        except OSError:
            s.close()
open(there, "w").close()
while not os.path.exists(over):
    time.sleep(0.05)
END
python3 "$tmp/crowd.py" "$PORT" "$tmp/run/checks.ipc" "$tmp/there" "$tmp/over.crowd" &
crowd=$!
pids="$pids $crowd"
wait_for 60 test -e "$tmp/there"
ok $? "the crowd is there"
used() { awk '{ print $14 + $15 }' "/proc/$(cat "$tmp/$1.pid")/stat"; } # hundredths of a second
# What the capture makes them do is done then, however long it takes them.
wait_for 30 at_end
ok $? "the pipeline comes to its end beside it"
a=$(used apid) c=$(used checks)
sleep 3
check "apid does not turn in circles" test $(($(used apid) - a)) -lt 150
check "nor does checks" test $(($(used checks) - c)) -lt 150
: >"$tmp/over.crowd"
wait "$crowd"
check "apid takes as many connections as it may open files" grep "warning: 4 connections at once, not 256" "$tmp/apid.log"
run_check "few files, many connections"
same "and tells the bound" 4 "$(metric apid http_open_max)"
wait_for 20 api /livez
same "the API answers" 200 "$(curl -s -o /dev/null -w '%{http_code}' --max-time 60 "http://127.0.0.1:$PORT/livez")"
run_end
finish
