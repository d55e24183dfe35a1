# Each process dies at places that a kill from outside hits once in a million runs; what is stored in the end, and who was told,
# is as if nothing had been. The rest of the points, and random kills, are in tests/soak.
. "$(dirname "$0")/../lib.sh"
. "$(dirname "$0")/../kill.sh"
kill_topology "$captures/office.pcapng" 25
run_clean
for point in capture.publish.before:200 classify.publish.after:3 checks.journal.write.before:4 checks.journal.write.after:5 \
	checks.snapshot.rename.before checks.ack:6 alertd.tx.commit.after:3 notify.send.after:2; do
	run_fault "$point"
done
run_fault checks.journal.write:5=enospc
# Everything at once, in the middle.
run_begin
wait_for 10 sh -c "grep -q . '$tmp/got'/*.json"
hit KILL $kill_names
run_check "all six killed at once"
run_end
finish
