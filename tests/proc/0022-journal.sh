# The store does nothing while a capture is played: the journal of checks grows to its bound and no further, all wait, also over a
# kill, and go on when the store does. Nothing is lost.
. "$(dirname "$0")/../lib.sh"
. "$(dirname "$0")/../kill.sh"
KILL_JOURNAL_MAX=256K
command -v editcap >/dev/null || skip_all "editcap is not installed"
editcap -F pcap "$captures/office.pcapng" "$tmp/office.pcap"
# More than fills the journal twice over, by a batch: with the last of the input in it checks would be at its end, full or not. And from
# its beginning nothing is stored, however fast the rest is.
python3 "$top/tests/bench/grow.py" "$tmp/big.pcap" 16 "$tmp/office.pcap"
kill_topology "$tmp/big.pcap" max
run_clean
run_begin
is_stopped() { hit STOP alertd && grep -q '^State:.T' "/proc/$(cat "$tmp/alertd.pid")/status"; }
wait_for 20 is_stopped
is_full() { state_of checks | grep -q 'the journal is full'; }
wait_for 120 is_full
ok $? "a journal that is full stops what comes in"
hit KILL checks
wait_for 120 is_full
ok $? "also after checks was killed"
check "the bound is kept, but for one batch" test "$(cat "$tmp"/state/checks/journal.* | wc -c)" -lt $((768 * 1024)) # a batch is 512 KiB at most
hit CONT alertd
run_check "the journal was full"
check "it was counted" test "$(metric checks journal_full)" -ge 1
check "the bound is told at the start" grep 'bounds:.* journal_max=262144 ' "$tmp/checks.log"
run_end
finish
