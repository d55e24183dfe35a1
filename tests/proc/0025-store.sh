# What happens to the store's files: locked by somebody else, damaged and brought back, not to be written, pruned and copied while it
# stores. Nothing is acknowledged that is not stored, weir status says why, and in the end all is there.
. "$(dirname "$0")/../lib.sh"
. "$(dirname "$0")/../kill.sh"
cp "$captures/office.pcapng" "$tmp/office.pcapng"
chmod 755 "$tmp"
store=$tmp/state/store
says() { state_of alertd | grep -q "cannot store.*$1"; }
# The first alerts are stored and told, most are still to come.
begun() { run_begin && wait_for 30 sh -c "grep -q . '$tmp/got'/*.json"; }
user=""
[ "$(id -u)" -ne 0 ] || user="user: nobody"
kill_topology "$tmp/office.pcapng" 10 "$user"
run_clean

# Capture says no more until the file is locked: else all might be stored before.
run_begin
first_stored() { weir alerts -f "$tmp/weir.yaml" -o json | grep -q .; }
wait_for 30 first_stored
hit STOP capture
python3 - "$store/alerts.db" "$tmp/locked" "$tmp/release" <<'END' &
import os, sqlite3, sys, time
db = sqlite3.connect(sys.argv[1], timeout=300, isolation_level=None)
db.execute("BEGIN EXCLUSIVE")
open(sys.argv[2], "w").close()
while not os.path.exists(sys.argv[3]):
    time.sleep(0.05)
db.execute("ROLLBACK")
END
locker=$!
pids="$pids $locker"
wait_for 30 test -e "$tmp/locked"
hit CONT capture
wait_for 30 says locked
ok $? "locked by another program: it says so"
: >"$tmp/release"
wait "$locker"
run_check "locked for a while"
run_end

begun
hit STOP alertd
cp -a "$store" "$tmp/saved"
rm -f "$store"/*-wal "$store"/*-shm
dd if=/dev/urandom of="$store/alerts.db" bs=4096 count=4 conv=notrunc 2>/dev/null
hit KILL alertd
wait_for 30 says "not a database.*or move it away"
ok $? "damaged: it says so, and what to do"
rm -f "$store"/alerts.db*
cp -a "$tmp"/saved/alerts.db* "$store"
run_check "brought back as it was"
run_end

if [ -n "$user" ]; then
	begun
	chown -R root "$store"
	chmod 755 "$store"
	chmod 644 "$store"/*
	hit KILL alertd
	wait_for 30 says "cannot write in"
	ok $? "not to be written: it says so"
	check "but to be read" weir export -f "$tmp/weir.yaml" alerts
	chown -R nobody "$store"
	run_check "to be written again, while it is read all the time"
	run_end
else
	echo "ok $((tests += 1)) - not to be written # SKIP needs root"
fi

# Retention, copies and queries beside it. Of alerts and flows little is left, but whoever was to be told was told.
kill_topology "$tmp/office.pcapng" 10 "store: {period: 1s, max_alerts: 5, max_bytes: 64K}"
run_begin
n=0
until at_end; do
	n=$((n + 1))
	weir store -f "$tmp/weir.yaml" prune >>"$tmp/prune.out" 2>&1
	weir store -f "$tmp/weir.yaml" backup "$tmp/copy$n" >>"$tmp/prune.out" 2>&1
	weir alerts -f "$tmp/weir.yaml" -o json >/dev/null 2>&1
	[ $n -lt 500 ] || break
done
all_arrived() { is_quiet && all_told; }
wait_for 60 all_arrived
ok $? "pruned and copied all the time: it comes to its end"
check "each delivery arrived, repeats are marked" all_told
weir store -f "$tmp/weir.yaml" prune >/dev/null 2>&1
few() { [ "$(weir export -f "$tmp/weir.yaml" alerts | wc -l)" -le 5 ]; }
wait_for 20 few
ok $? "the bound of alerts is kept"
conservation >/dev/null # fills in the metrics: what is stored no longer is what was counted
check "and counted" test "$(metric alertd pruned)" -gt 0
check "no delivery is missing in the balance" deliveries_balance
echo "# longest commit: $(awk -F'\t' '$2 == "commit_time_max" { print $3, $4 }' "$tmp/metrics" | tr '\n' ' ')"
run_end
finish
